# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asked for an ID that could not be had; and which of these conflicts are open, so that nobody looks through all.

A conflict is settled when its unit is given an ID, is read back, or somebody recorded `resolved` for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, insert, select, text
from sqlalchemy.engine import Connection

from .bulk_rows import Statement, array, insert_events, last_number, read_by_claim_id
from .event_kinds import EventKind
from .migrations.version import conflicts_are_open
from .pipeline import leave_pipeline
from .records import Conflict, Event, NewEvent
from .row_values import clean, read, select_rows, unread
from .schema import events, open_conflicts

SETTLING = frozenset(
    {
        *(EventKind.ALLOCATED, EventKind.BOUND, EventKind.REBOUND, EventKind.IMPORTED),
        *(EventKind.VERIFIED, EventKind.RESOLVED),
    }
)
"""What happens to a unit after a conflict and settles it."""

_asked = events.alias("asked")
_later = events.alias("later")
_SETTLED = exists(
    select(1).where(
        _later.c.id > _asked.c.id,
        _later.c.unit == _asked.c.unit,
        _later.c.product == _asked.c.product,
        _later.c.action.in_(sorted(SETTLING)),
    )
)


def read_conflicts(connection: Connection, *, include_settled: bool) -> list[Conflict]:
    """Return the conflicts, oldest first, each with the claim that holds the contested ID now."""
    query: Select[Any] = select(*unread(Event, _asked), _SETTLED.label("settled")).order_by(_asked.c.id)
    # Written out, not bound, so that the index over conflicts serves.
    query = query.where(text("asked.action = 'conflict'")) if include_settled else _open_ones(query)
    rows = select_rows(connection, query)
    found = list(zip(read(Event, rows, connection.dialect), (bool(row.settled) for row in rows), strict=True))
    contested = {event.claim_id for event, _settled in found if event.claim_id}
    holders = {claim.claim_id: claim for claim in read_by_claim_id(connection, contested)}
    return [Conflict(event, holders.get(event.claim_id or ""), settled) for event, settled in found]


def insert_conflicts(connection: Connection, new: Sequence[NewEvent], at: datetime) -> None:
    """Insert conflicts, and have them open; one that is open already is not repeated.

    The reason of one between devices says which device it was: another one is another conflict.
    """
    if new:
        leave_pipeline(connection)
    for event in {(event.claim_id, event.product, event.unit, event.reason): event for event in new}.values():
        about = {"claim_id": event.claim_id, "product": event.product, "unit": event.unit}
        same: list[ColumnElement[bool]] = [open_conflicts.c[name].is_not_distinct_from(about[name]) for name in about]
        of_same_device = _asked.c.reason.is_not_distinct_from(clean(event.reason))
        if connection.execute(_open_ones(select(1), *same).where(of_same_device).limit(1)).first() is None:
            insert_events(connection, [event], at)
            connection.execute(insert(open_conflicts).values(event=last_number(connection), **about))


def settle_statements(connection: Connection, new: Sequence[NewEvent]) -> list[Statement]:
    """Return what has the conflicts open no longer that the `new` events settle."""
    settling = [event for event in new if event.kind in SETTLING and event.product and event.unit]
    if not settling or not conflicts_are_open(connection):
        return []
    units = {(event.product, event.unit) for event in settling}
    if connection.dialect.name == "postgresql":
        return [(_SETTLE_ARRAYS, tuple(map(array, zip(*units, strict=True))))]
    return [(_SETTLE_VALUES, about) for about in units]


def _open_ones(query: Select[Any], *conditions: ColumnElement[bool]) -> Select[Any]:
    """Restrict a query of `_asked` to what is open.

    Two who change the ledger at the same time do not see each other's events, so one that is settled may stand among
    the open ones for a while.
    """
    noted = select(open_conflicts.c.event).where(*conditions)
    return query.where(_asked.c.id.in_(noted), ~_SETTLED)


_SETTLE_VALUES = f"DELETE FROM {open_conflicts.name} WHERE product = ? AND unit = ?"  # noqa: S608
_SETTLE_ARRAYS = (
    f"DELETE FROM {open_conflicts.name} AS open USING unnest(%s::text[], %s::text[]) AS happened (product, unit) "  # noqa: S608
    "WHERE open.product = happened.product AND open.unit = happened.unit"
)
