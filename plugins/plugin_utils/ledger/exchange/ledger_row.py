# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger says of itself: who it is, where it was moved to, which events were numbered elsewhere."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from ..deadlines import PATIENCE
from ..records import LedgerError
from ..schema import claims, events, version_table

_LONG = 1800.0
"""Seconds that an answer may take while a whole ledger is written."""


class LedgerRow(NamedTuple):
    """The row of `ioto_ledger`, but for the version."""

    identity: str
    moved_to: str | None
    foreign_until: int | None


def read_row(connection: Connection) -> LedgerRow:
    """Return what the ledger says of itself. Raises `LedgerError`."""
    table = version_table.c
    found = connection.execute(select(table.identity, table.moved_to, table.foreign_until)).all()
    row = LedgerRow(*found[0]) if len(found) == 1 else None
    if (
        row is None
        or not isinstance(row.identity, str)
        or not isinstance(row.moved_to, str | None)
        or not isinstance(row.foreign_until, int | None)
    ):
        raise LedgerError("The ledger does not say who it is; restore it from its backup.")
    return row


def write_row(connection: Connection, row: LedgerRow) -> None:
    """Have the ledger say that of itself."""
    connection.execute(update(version_table).values(**row._asdict()))


def last_event(connection: Connection) -> int:
    """Return the number of the last event; 0 without one."""
    return int(connection.execute(select(func.max(events.c.id))).scalar() or 0)


def is_empty(connection: Connection) -> bool:
    """Whether the ledger holds nothing yet."""
    return not last_event(connection) and connection.execute(select(claims.c.seq).limit(1)).first() is None


def hold_writers(connection: Connection) -> None:
    """Let nobody else write until the end of the transaction, and no statement of it be cut off for its length."""
    _take_long(connection)
    if connection.dialect.name == "postgresql":
        # Who reads goes on. Who is about to write waits for us, or is told after its own deadline.
        connection.exec_driver_sql("LOCK TABLE ioto_claims, ioto_events IN EXCLUSIVE MODE")


def hold_everybody(connection: Connection) -> None:
    """Wait until nobody is within a transaction that writes, and let none begin until the end of this one."""
    _take_long(connection)
    if connection.dialect.name == "postgresql":
        # Whoever writes looks at this table first, and holds its lock until the end.
        connection.exec_driver_sql("LOCK TABLE ioto_ledger IN ACCESS EXCLUSIVE MODE")


def _take_long(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execution_options(**{PATIENCE: _LONG})
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
