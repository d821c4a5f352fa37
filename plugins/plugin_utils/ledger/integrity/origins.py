# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came from elsewhere: by a move, with its numbers; by a merge, with the seals of the ledgers that it came from.

The seals of an origin are over its events as they were numbered there. They are computed anew from the events as they
are here, with those numbers, so a merged ledger proves what each of its origins was.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator

from sqlalchemy.engine import Connection

from ...display_text import printable
from ..raw_rows import RawRow, raw_columns, raw_select
from ..schema import events, origin_events, origin_seals, origins, version_table
from ..seals import START, Seal, seal_hash
from .findings import Findings

_MOST_HELD = 1024
"""Events that are held at once, whatever a damaged seal says of its last one."""


def foreign_until(connection: Connection) -> int:
    """Return the last event that was numbered elsewhere; 0 where all were numbered here."""
    ((number,),) = raw_select(connection, f"SELECT max(foreign_until) FROM {version_table.name}")  # noqa: S608
    return number if isinstance(number, int) else 0


class MergedEvents:
    """Which events came by a merge."""

    def __init__(self, connection: Connection) -> None:
        """Read where they begin and how many they are."""
        self._firsts, self._lasts = array("q"), array("q")
        query = f"SELECT event, event + max(events) - 1 FROM {origin_events.name} GROUP BY event ORDER BY event"  # noqa: S608
        for first, last in raw_select(connection, query):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]


def check_origins(connection: Connection, findings: Findings) -> None:
    """Compute the seals of each origin anew, and say what does not agree."""
    known = {str(row[0]) for row in raw_select(connection, f"SELECT identity FROM {origins.name}")}  # noqa: S608
    named = f"SELECT DISTINCT origin FROM {origin_events.name} UNION SELECT DISTINCT origin FROM {origin_seals.name}"  # noqa: S608
    for origin in sorted({*known, *(str(row[0]) for row in raw_select(connection, named))}):
        if origin not in known:
            findings.add(f"The table {origins.name} lacks the ledger {printable(origin)}, of which there are events.")
        _check_seals(connection, origin, findings)


def _check_seals(connection: Connection, origin: str, findings: Findings) -> None:
    rows = events_of(connection, origin)
    row = next(rows, None)
    before = START
    for seal in seals_of(connection, origin):
        held: list[RawRow] = []
        while row is not None and row[0] <= seal.last_event and len(held) < _MOST_HELD:
            held.append(row)
            row = next(rows, None)
        where = f"Seal {seal.seq} of the ledger {printable(origin)}, which was merged"
        if seal.seq != before.seq + 1:
            findings.add(f"{where}: the seal before it is missing.")
        elif seal_hash(seal, before.digest, held) != seal.hash:
            ours = f" (rows of {events.name} that came with it)" if held else ""
            findings.add(f"{where}: its events{ours} are not what they were, or the seal was changed.")
        before = seal


def events_of(connection: Connection, origin: str) -> Iterator[RawRow]:
    """Yield the raw events of an origin, with the numbers that they had there, in their order."""
    mapped = f"{origin_events.name}.number + {events.name}.id - {origin_events.name}.event"
    names = [column.name for column in events.c if not column.primary_key]
    columns = raw_columns(events, connection.dialect, names)
    query = (
        f"SELECT {mapped} AS there, {columns} FROM {origin_events.name} JOIN {events.name} "  # noqa: S608
        f"ON {events.name}.id BETWEEN {origin_events.name}.event AND {origin_events.name}.event "
        f"+ {origin_events.name}.events - 1 WHERE {origin_events.name}.origin = :origin ORDER BY there"
    )
    return raw_select(connection, query, origin=origin)


def seals_of(connection: Connection, origin: str) -> Iterator[Seal]:
    """Yield the seals of an origin, in their order."""
    columns = raw_columns(origin_seals, connection.dialect, Seal._fields)
    query = f"SELECT {columns} FROM {origin_seals.name} WHERE origin = :origin ORDER BY seq"  # noqa: S608
    return (Seal(*row) for row in raw_select(connection, query, origin=origin))
