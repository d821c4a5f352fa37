# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps in their order, and how they are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from ..records import LedgerError
from . import step_2, step_3, step_4, step_5, step_6

STEPS: Mapping[int, Callable[[Connection], None]] = {
    2: step_2.migrate,
    3: step_3.migrate,
    4: step_4.migrate,
    5: step_5.migrate,
    6: step_6.migrate,
}
"""What brings a ledger to a version from the one before."""

SCHEMA_VERSION = max(STEPS)
"""Today's."""
_FIRST = min(STEPS) - 1
_MADE_BY: Mapping[int, tuple[str, str]] = {
    2: ("ioto_seals", "hash"),
    3: ("ioto_claims", "unsettled_at"),
    4: ("ioto_boards", "name"),
    5: ("ioto_claims", "replaces"),
    6: ("ioto_origins", "identity"),
}
"""A table and a column of it that a step makes, by which one sees that it was taken."""
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


def version_of(connection: Connection, location: str) -> int:
    """Return the version of the ledger, today's or an older one. Raises `LedgerError`."""
    version = _said_version(connection, location)
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"The ledger {location} was made by a newer ioto.serialization (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); update the collection on this controller."
        )
    # A version that was changed by a bit or a hand: the steps would fail in the midst, or do something twice.
    if version < SCHEMA_VERSION and _has_taken(connection, version + 1):
        if _said_version(connection, location) != version:  # migrated between the two questions
            return version_of(connection, location)
        raise LedgerError(
            f"The ledger {location} is damaged: its version is {version}, but it has what schema {version + 1} "
            "brought; restore its backup."
        )
    return version


def _said_version(connection: Connection, location: str) -> int:
    found = connection.exec_driver_sql(VERSION_QUERY).scalars().all()
    return known_version(found[0] if len(found) == 1 else None, location)


def _has_taken(connection: Connection, version: int) -> bool:
    table, column = _MADE_BY[version]
    inspector = inspect(connection)
    return inspector.has_table(table) and column in {found["name"] for found in inspector.get_columns(table)}


def known_version(version: object, location: str) -> int:
    """Return `version`, one that some release made, or raise that the ledger is damaged."""
    if isinstance(version, int) and version >= _FIRST:
        return version
    is_what = "missing" if version is None else version if isinstance(version, int) else "not a number"
    raise LedgerError(f"The ledger {location} is damaged: its version is {is_what}; restore its backup.")


def take_steps(connection: Connection, location: str) -> Migration | None:
    """Bring the ledger to today's schema in the caller's transaction; None: it is there."""
    before = version_of(connection, location)
    if before == SCHEMA_VERSION:
        return None
    for version in range(before + 1, SCHEMA_VERSION + 1):
        STEPS[version](connection)
        connection.exec_driver_sql(f"UPDATE ioto_ledger SET version = {version}")  # noqa: S608
    return Migration(before, SCHEMA_VERSION)
