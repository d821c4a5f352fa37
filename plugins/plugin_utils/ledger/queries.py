# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask of a ledger: lists of claims and events, conflicts, counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, Select, bindparam, select, text, union_all

from ..identity.mac_addresses import notations
from .database import Database
from .event_kinds import EventKind
from .records import Claim, Event, State
from .row_values import Record, clean, read, select_rows, unread
from .schema import IS_LIVE, IS_RETIRED, claims, events, table_of

_CHUNK = 1024
"""Rows in one answer."""

_later = events.alias("later")
# Each half by an index of its own; see `schema`.
_birth = events.alias("birth")
_OF_CLAIM = union_all(
    select(_later.c.id).where(_later.c.claim_id == bindparam("of_claim"), text("later.action <> 'allocated'")),
    select(_birth.c.id).where(
        _birth.c.claim_id == bindparam("of_claim"),
        _birth.c.action == EventKind.ALLOCATED.value,
        _birth.c.at == select(claims.c.created_at).where(claims.c.claim_id == bindparam("of_claim")).scalar_subquery(),
    ),
)
_OF_UNIT = union_all(
    *(
        select(claims.c.seq).where(claims.c.unit.in_(bindparam("of_unit", expanding=True)), half)
        for half in (IS_LIVE, IS_RETIRED)
    )
)


class ClaimFilter(TypedDict, total=False):
    """What claims may be asked for by; all that is given has to apply.

    `reserved`: only those that belong to no unit yet, or only the others. `since`: changed last then or later, and
    `until`: before. `run`: with an event of the run with that number, or asked for in it. `replaces`: instead of
    that claim ID.
    """

    states: Iterable[State] | None
    product: str | None
    unit: str | None
    host: str | None
    reserved: bool | None
    since: datetime | None
    until: datetime | None
    source: str | None
    run: str | None
    replaces: str | None


class EventFilter(TypedDict, total=False):
    """What events may be asked for by; all that is given has to apply.

    `run`: by the number of their run. `after`: with a higher number of their own. `later_of`: of one of those claim
    IDs, a few hundred at most, after its allocation.
    """

    claim_id: str | None
    later_of: Iterable[str] | None
    product: str | None
    unit: str | None
    kinds: Iterable[EventKind] | None
    run: str | None
    since: datetime | None
    after: int | None


def select_claims(given: ClaimFilter, *, newest_first: bool) -> Select[Any]:
    """Return the query for the claims to which all that is given applies; see `each`."""
    query = select(*unread(Claim, claims), claims.c.seq)
    wanted: list[ColumnElement[bool]] = []
    if (states := given.get("states")) is not None:
        wanted.append(claims.c.state.in_([state.value for state in states]))
    if (product := given.get("product")) is not None:
        wanted.append(claims.c.product == _as_recorded(product))
    if (unit := given.get("unit")) is not None:
        wanted.append(claims.c.seq.in_(_OF_UNIT.params(of_unit=notations(_as_recorded(unit.strip())))))
    if (host := given.get("host")) is not None:
        wanted.append(claims.c.host == _as_recorded(host))
    if (reserved := given.get("reserved")) is not None:
        wanted.append(claims.c.unit.is_(None) if reserved else claims.c.unit.is_not(None))
    if (since := given.get("since")) is not None:
        wanted.append(claims.c.updated_at >= since)
    if (until := given.get("until")) is not None:
        wanted.append(claims.c.updated_at < until)
    if (source := given.get("source")) is not None:
        wanted.append(claims.c.source == _as_recorded(source))
    if (replaces := given.get("replaces")) is not None:
        wanted.append(claims.c.replaces == _as_recorded(replaces))
    if (run := given.get("run")) is not None:
        # It looks at every claim: 48 ms for 100,000 on SQLite, and somebody asks a few times a day. An index on `run`
        # answers in 2 ms there, but 200 allocations at once take 8 % more (CPU time, in sum), and PostgreSQL does not
        # use it beside the other half.
        run = _as_recorded(run)
        happened = select(events.c.claim_id).where(events.c.run == run, events.c.claim_id.is_not(None))
        wanted.append((claims.c.run == run) | claims.c.claim_id.in_(happened))
    return query.where(*wanted).order_by(claims.c.seq.desc() if newest_first else claims.c.seq)


def select_events(given: EventFilter, *, newest_first: bool) -> Select[Any]:
    """Return the query for the events to which all that is given applies; see `each`."""
    wanted: list[ColumnElement[bool]] = []
    if (claim_id := given.get("claim_id")) is not None:
        wanted.append(events.c.id.in_(_OF_CLAIM.params(of_claim=_as_recorded(claim_id))))
    if (later_of := given.get("later_of")) is not None:
        # Found by the index first, and then put in order: not the other way round.
        of_claims = _later.c.claim_id.in_(list(map(_as_recorded, later_of)))
        wanted.append(events.c.id.in_(select(_later.c.id).where(of_claims, text("later.action <> 'allocated'"))))
    if (product := given.get("product")) is not None:
        wanted.append(events.c.product == _as_recorded(product))
    if (unit := given.get("unit")) is not None:
        wanted.append(events.c.unit.in_(notations(_as_recorded(unit.strip()))))
    if (kinds := given.get("kinds")) is not None:
        wanted.append(events.c.action.in_([kind.value for kind in kinds]))
    if (run := given.get("run")) is not None:
        wanted.append(events.c.run == _as_recorded(run))
    if (since := given.get("since")) is not None:
        wanted.append(events.c.at >= since)
    if (after := given.get("after")) is not None:
        wanted.append(events.c.id > after)
    return select(*unread(Event, events)).where(*wanted).order_by(events.c.id.desc() if newest_first else events.c.id)


def _as_recorded(text: str) -> str:
    """Return a text as the ledger would hold it: what no text of it can hold is found nowhere, and no error."""
    return clean(text) or ""


def each(
    database: Database, record: type[Record], query: Select[Any], *, newest_first: bool, limit: int | None
) -> Iterator[Record]:
    """Yield what the rows of a query for `record`s hold, which is ordered by their number, at most `limit`.

    It reads a part at a time and holds nothing between them, so the caller may change claims on the way.
    """
    (number,) = table_of(record).primary_key
    while limit is None or limit > 0:
        size = _CHUNK if limit is None else min(_CHUNK, limit)
        with database.ask() as connection:
            rows = select_rows(connection, query.limit(size))
            dialect = connection.dialect
        yield from read(record, rows, dialect)
        if len(rows) < size:
            return
        last = rows[-1]._mapping[number]
        query = query.where(number < last if newest_first else number > last)
        limit = None if limit is None else limit - size
