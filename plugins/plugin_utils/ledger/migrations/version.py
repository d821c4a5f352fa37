# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a ledger: looked at when it is opened, and again in each transaction that writes.

A process may hold a ledger open while another one, of a newer release, migrates it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ...display_text import printable
from ..pipeline import DriverErrors, wait_for
from ..records import LedgerError
from .steps import SCHEMA_VERSION, VERSION_QUERY, known_version

_BEGUN = "ledger_begun"
"""Where the `info` of a connection has what it was told when it began to write."""

# One question to the server for all that a transaction begins with, and one statement, so that the driver comes to
# prepare it.
#
# PostgreSQL keeps the plan of a statement that is used often. One that was made while the tables were almost empty
# reads them from end to end for ever, or until somebody has them analyzed: each unit would take longer than the last.
#
# That conflicts are open is asked along, for it is rare, and having none of them open any longer takes longer than the
# rest that a usual transaction does.
_BEGIN = "SELECT version, EXISTS (SELECT 1 FROM ioto_open_conflicts), moved_to{} FROM ioto_ledger"
_BEGIN_ON_SQLITE = _BEGIN.format("")
_BEGIN_ON_POSTGRESQL = _BEGIN.format(", set_config('enable_seqscan', 'off', true)")


class Beginning:
    """What a transaction asks before it writes. In a pipeline it is asked along with what follows, and then looked at.

    Nobody migrates or moves the ledger until the end of the transaction.
    """

    def __init__(self, connection: Connection, location: str, *, though_moved: bool = False) -> None:
        """Ask by `connection`, whose transaction has begun. Raises `DBAPIError`."""
        is_server = connection.dialect.name == "postgresql"
        self._connection = connection
        self._location = location
        self._though_moved = though_moved
        self._row: Sequence[Any] | None = None
        self._is_answered = False
        # By the driver: SQLAlchemy's own way takes longer than the question does.
        driver: Any = connection.connection.driver_connection
        with DriverErrors(connection):
            self._cursor = driver.execute(_BEGIN_ON_POSTGRESQL if is_server else _BEGIN_ON_SQLITE)
        connection.info[_BEGUN] = self

    @property
    def conflicts_are_open(self) -> bool:
        """Whether there were open conflicts."""
        return self._row is None or bool(self._row[1])

    def check(self) -> None:
        """Raise `LedgerError` where the ledger has another version than when it was opened, or was moved.

        Raises `DBAPIError` as well.
        """
        if not self._is_answered:
            with DriverErrors(self._connection):
                wait_for(self._connection, self._cursor)
                self._row = self._cursor.fetchone()
            self._is_answered = True
        version, _unused, moved_to = (self._row or (None, True, None))[:3]
        if version != SCHEMA_VERSION:
            raise _other_version_error(version, self._location)
        if moved_to is not None and not self._though_moved:
            raise LedgerError(moved_sentence(self._location, moved_to))


def begin_to_write(connection: Connection, location: str, *, though_moved: bool = False) -> None:
    """Begin to write in the transaction of `connection`: nobody migrates or moves the ledger until its end.

    Raises `LedgerError` where it has another version than it had when it was opened, and, unless `though_moved`, where
    it was moved.
    """
    if not connection.in_transaction():
        connection.begin()  # or SQLAlchemy would find nothing to commit
    driver: Any = connection.connection.driver_connection
    try:
        if connection.dialect.name != "postgresql":
            # A transaction that reads first and then writes could not wait for its turn.
            with DriverErrors(connection):
                driver.execute("BEGIN IMMEDIATE")
        Beginning(connection, location, though_moved=though_moved).check()
    except DBAPIError:
        if other := _other_version(connection, driver):
            raise _other_version_error(other[0], location) from None
        raise


def conflicts_are_open(connection: Connection) -> bool:
    """Return whether there were open conflicts when `connection` began to write."""
    begun: Beginning = connection.info[_BEGUN]
    begun.check()
    return begun.conflicts_are_open


def _other_version_error(found: object, location: str) -> LedgerError:
    version = known_version(found, location)
    if version > SCHEMA_VERSION:
        return LedgerError(
            f"The ledger {location} was migrated by a newer ioto.serialization (schema {version}, this process knows "
            f"{SCHEMA_VERSION}) while this process had it open; nothing was recorded; update the collection, and start "
            "this again."
        )
    return LedgerError(
        f"The ledger {location} was replaced by an older one (schema {version}) while this process had it open; "
        "nothing was recorded; start this again."
    )


def moved_sentence(location: str, moved_to: object) -> str:
    """Say that nobody may write to a ledger any more, and where it is now."""
    return (
        f"The ledger {location} was moved to {printable(str(moved_to))}, and nothing is recorded here any more; give "
        "that place as ioto_ledger."
    )


def _other_version(connection: Connection, driver: Any) -> tuple[object, ...] | None:
    """Return the version of a ledger that lacks what the question asks for; None where that is not why it failed."""
    try:
        with DriverErrors(connection):
            driver.rollback()
            found = driver.execute(VERSION_QUERY).fetchone()
    except DBAPIError:
        return None
    return tuple(found) if found and found[0] != SCHEMA_VERSION else None
