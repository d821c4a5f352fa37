# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrate a ledger because somebody says so: the only way on PostgreSQL, and possible for a file."""

from __future__ import annotations

from typing import NamedTuple

from ..database import Database
from ..location import Location
from ..records import LedgerError
from .steps import Migration


class MigrationOutcome(NamedTuple):
    """Which ledger it was, and what was done; None: it has today's schema."""

    location: str
    migration: Migration | None

    @property
    def sentence(self) -> str:
        """What was done, to be shown."""
        if self.migration is None:
            return f"The ledger {self.location} has today's schema; there was nothing to migrate."
        return self.migration.sentence(self.location)


def migrate_ledger(location: str | None, *, check: bool = False) -> MigrationOutcome:
    """Bring the ledger to today's schema; with `check` say what would be done. Raises `LedgerError`."""
    place = Location.parse(location)
    # First only looked at: what is opened to be written would be made where it is not.
    outcome = _open(place, read_only=True)
    return outcome if check or outcome.migration is None else _open(place, read_only=False)


def _open(place: Location, *, read_only: bool) -> MigrationOutcome:
    database = Database(place, read_only=read_only, migrate=True)
    database.close()
    if database.is_absent:
        raise LedgerError(f"There is no ledger in {place} to migrate; correct its path or URL.")
    return MigrationOutcome(str(place), database.migration)
