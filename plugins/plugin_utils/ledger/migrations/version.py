# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a ledger: looked at when it is opened, and again in each transaction that writes.

A process may hold a ledger open while another one, of a newer release, migrates it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ...display_text import printable
from ..records import LedgerError
from .steps import SCHEMA_VERSION, VERSION_QUERY, known_version

CONFLICTS_ARE_OPEN = "ledger_conflicts_are_open"
"""Where the `info` of a connection says whether there were open conflicts when it began to write."""

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


def begin_to_write(connection: Connection, location: str, *, though_moved: bool = False) -> None:
    """Begin to write in the transaction of `connection`: nobody migrates or moves the ledger until its end.

    Raises `LedgerError` where it has another version than it had when it was opened, and, unless `though_moved`, where
    it was moved.
    """
    found, moved_to = _begin(connection)
    if found == SCHEMA_VERSION:
        if moved_to is not None and not though_moved:
            raise LedgerError(moved_sentence(location, moved_to))
        return
    version = known_version(found, location)
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"The ledger {location} was migrated by a newer ioto.serialization (schema {version}, this process knows "
            f"{SCHEMA_VERSION}) while this process had it open; nothing was recorded; update the collection, and start "
            "this again."
        )
    raise LedgerError(
        f"The ledger {location} was replaced by an older one (schema {version}) while this process had it open; "
        "nothing was recorded; start this again."
    )


def moved_sentence(location: str, moved_to: object) -> str:
    """Say that nobody may write to a ledger any more, and where it is now."""
    return (
        f"The ledger {location} was moved to {printable(str(moved_to))}, and nothing is recorded here any more; give "
        "that place as ioto_ledger."
    )


def _begin(connection: Connection) -> tuple[object, object]:
    if not connection.in_transaction():
        connection.begin()  # or SQLAlchemy would find nothing to commit
    # By the driver: SQLAlchemy's own way takes longer than the question does.
    driver: Any = connection.connection.driver_connection
    is_server = connection.dialect.name == "postgresql"
    loaded: Any = connection.dialect.loaded_dbapi
    error_type = loaded.Error
    try:
        if not is_server:
            # A transaction that reads first and then writes could not wait for its turn.
            driver.execute("BEGIN IMMEDIATE")
        row = driver.execute(_BEGIN_ON_POSTGRESQL if is_server else _BEGIN_ON_SQLITE).fetchone()
    except error_type as error:
        if other := _other_version(driver, error_type):
            return other[0], None
        raise DBAPIError.instance(None, None, error, error_type, dialect=connection.dialect) from None
    connection.info[CONFLICTS_ARE_OPEN] = row is None or bool(row[1])
    return (row[0], row[2]) if row else (None, None)


def _other_version(driver: Any, error_type: type[Exception]) -> tuple[object, ...] | None:
    """Return the version of a ledger that lacks what the question asks for; None where that is not why it failed."""
    try:
        driver.rollback()
        found = driver.execute(VERSION_QUERY).fetchone()
    except error_type:
        return None
    return tuple(found) if found and found[0] != SCHEMA_VERSION else None
