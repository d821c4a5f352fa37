# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps in their order, and how they are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import Connection

from . import step_2

STEPS: Mapping[int, Callable[[Connection], None]] = {2: step_2.migrate}
"""What brings a ledger to a version from the one before."""

SCHEMA_VERSION = max(STEPS)
"""Today's."""
VERSION_QUERY = "SELECT version FROM ioto_ledger"
"""Asks a ledger of any version."""


class Migration(NamedTuple):
    """From which schema to which, and where the ledger is kept as it was, if somewhere."""

    before: int
    after: int
    copy: Path | None = None

    def sentence(self, location: str) -> str:
        """Say what was done, and where the ledger is kept as it was."""
        kept = f"; as it was, it is kept in {self.copy}" if self.copy is not None else ""
        return f"The ledger {location} was brought from schema {self.before} to schema {self.after}{kept}."


def take_steps(connection: Connection) -> Migration | None:
    """Bring the ledger to today's schema in the caller's transaction; None: it is there."""
    before = connection.exec_driver_sql(VERSION_QUERY).scalar_one()
    if before >= SCHEMA_VERSION:
        return None
    for version in range(before + 1, SCHEMA_VERSION + 1):
        STEPS[version](connection)
        connection.exec_driver_sql(f"UPDATE ioto_ledger SET version = {version}")  # noqa: S608
    return Migration(before, SCHEMA_VERSION)
