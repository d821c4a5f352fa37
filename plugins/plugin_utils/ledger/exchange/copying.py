# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ledger's rows into a database that holds nothing, or an older state of the same ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from ..raw_rows import RawRow
from ..records import LedgerError
from ..schema import claims, events, origin_events, origin_seals, origins, seals
from .derived import derive
from .ledger_row import LedgerRow, is_empty, last_event, read_row, write_row
from .rows import between, change, draw_after, key_of, parts, put, stream
from .same_rows import require_same

_UNIT = [column.name for column in claims.c].index("unit")
_STATE = [column.name for column in claims.c].index("state")
_SEQ = 0


def continue_copy(source: Connection, copy: Connection) -> None:
    """Have `copy`, whose transaction is the caller's, hold what `source` holds, and be that ledger.

    Nobody else may write to either meanwhile. Raises `LedgerError` where it cannot be.
    """
    is_new = is_empty(copy)
    for table in (events, seals):
        put(copy, table, stream(source, table, None if is_new else _last_number(copy, table.name)))
    if is_new:
        put(copy, claims, stream(source, claims))
    else:
        _bring_claims_up(source, copy)
    for table in (origins, origin_events, origin_seals):
        key = key_of(table)
        there = {tuple(row[place] for place in key) for row in stream(copy, table)}
        put(copy, table, (row for row in stream(source, table) if tuple(row[place] for place in key) not in there))
    derive(copy)
    draw_after(copy)
    write_row(copy, _continued(source))
    require_same(source, copy)


def _continued(source: Connection) -> LedgerRow:
    row = read_row(source)
    # PostgreSQL gives numbers that are then not used, and to two at once as it comes.
    until = last_event(source) if source.dialect.name == "postgresql" else row.foreign_until
    return LedgerRow(row.identity, None, until)


def _last_number(connection: Connection, table: str) -> int:
    number = "id" if table == events.name else "seq"
    return int(connection.exec_driver_sql(f"SELECT max({number}) FROM {table}").scalar() or 0)  # noqa: S608


def _bring_claims_up(source: Connection, copy: Connection) -> None:
    """Have the claims be what they have become since.

    A unit that has another claim now gives its old one up first: for a moment it has none, as the index of live claims
    wants it.
    """
    for part in parts(stream(source, claims)):
        for _now, before in _changed(part, copy):
            if before is not None:
                freed = [None if place == _UNIT else value for place, value in enumerate(before)]
                change(copy, claims, [freed], key="claim_id")
    for part in parts(stream(source, claims)):
        found = _changed(part, copy)
        change(copy, claims, [now for now, before in found if before is not None], key="claim_id")
        put(copy, claims, (now for now, before in found if before is None))


def _changed(part: Sequence[RawRow], copy: Connection) -> list[tuple[RawRow, RawRow | None]]:
    """Return the claims of `part` that are new or have changed, each with what `copy` has."""
    before = {row[_SEQ]: row for row in between(copy, claims, part[0][_SEQ], part[-1][_SEQ])}
    found = [(row, before.get(row[_SEQ])) for row in part]
    changed = [(row, old) for row, old in found if old is None or tuple(old) != tuple(row)]
    for row, old in changed:
        if old is not None and (old[1] != row[1] or old[_STATE] == "retired"):
            raise LedgerError(
                f"Row {row[_SEQ]} of {claims.name} is another one there; the two ledgers went different ways."
            )
    return changed
