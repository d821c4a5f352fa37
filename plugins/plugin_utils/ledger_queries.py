# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read from a ledger: rows become values here, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Dialect, Select, Table, bindparam, exists, func, select, text, union_all
from sqlalchemy.engine import Connection

from .ledger_database import Database
from .ledger_records import Claim, Conflict, Event, State, Summary
from .ledger_schema import IS_LIVE, UtcDateTime, claims, events

_CHUNK = 1024
"""Rows in one answer and bound parameters in one statement; SQLite takes 32,766 of them, PostgreSQL 65,535."""

CLAIM_COLUMNS = [column for column in claims.c if column.name != "seq"]

LIVE_BY_UNIT = select(*CLAIM_COLUMNS).where(claims.c.unit.in_(bindparam("units", expanding=True)), IS_LIVE)
BY_CLAIM_ID = select(*CLAIM_COLUMNS).where(claims.c.claim_id.in_(bindparam("ids", expanding=True)))

_asked = events.alias("asked")
_later = events.alias("later")
_SETTLED = exists(
    select(1).where(
        _later.c.id > _asked.c.id,
        _later.c.unit == _asked.c.unit,
        _later.c.product == _asked.c.product,
        _later.c.action.in_(("allocated", "bound", "rebound", "imported", "verified", "resolved")),
    )
)
# Each half by an index of its own; see `ledger_schema`.
_birth = events.alias("birth")
_OF_CLAIM = union_all(
    select(_later.c.id).where(_later.c.claim_id == bindparam("of_claim"), text("later.action <> 'allocated'")),
    select(_birth.c.id).where(
        _birth.c.claim_id == bindparam("of_claim"),
        _birth.c.action == "allocated",
        _birth.c.at == select(claims.c.created_at).where(claims.c.claim_id == bindparam("of_claim")).scalar_subquery(),
    ),
)
# Written out, not bound, so that the index over conflicts serves.
_CONFLICTS = select(*_asked.c, _SETTLED.label("settled")).where(text("asked.action = 'conflict'")).order_by(_asked.c.id)


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut `values` into parts that fit one statement, of few different sizes; the last value may stand there again."""
    for start in range(0, len(values), _CHUNK):
        part = list(values[start : start + _CHUNK])
        yield part + part[-1:] * ((1 << (len(part) - 1).bit_length()) - len(part))


def select_claims(
    *,
    states: Iterable[State] | None,
    product: str | None,
    unit: str | None,
    host: str | None,
    reserved: bool | None,
    since: datetime | None,
    newest_first: bool,
) -> Select[Any]:
    """Return the query for the claims to which all that is given applies; see `each`."""
    query = select(*CLAIM_COLUMNS, claims.c.seq)
    wanted: list[ColumnElement[bool]] = []
    if states is not None:
        wanted.append(claims.c.state.in_([state.value for state in states]))
    if product is not None:
        wanted.append(claims.c.product == product)
    if unit is not None:
        wanted.append(claims.c.unit == unit)
    if host is not None:
        wanted.append(claims.c.host == host)
    if reserved is not None:
        wanted.append(claims.c.unit.is_(None) if reserved else claims.c.unit.is_not(None))
    if since is not None:
        wanted.append(claims.c.updated_at >= since)
    return query.where(*wanted).order_by(claims.c.seq.desc() if newest_first else claims.c.seq)


def select_events(
    *,
    claim_id: str | None,
    product: str | None,
    unit: str | None,
    actions: Iterable[str] | None,
    since: datetime | None,
    after: int | None,
    newest_first: bool,
) -> Select[Any]:
    """Return the query for the events to which all that is given applies; see `each`."""
    wanted: list[ColumnElement[bool]] = []
    if claim_id is not None:
        wanted.append(events.c.id.in_(_OF_CLAIM.params(of_claim=claim_id)))
    if product is not None:
        wanted.append(events.c.product == product)
    if unit is not None:
        wanted.append(events.c.unit == unit)
    if actions is not None:
        wanted.append(events.c.action.in_(list(actions)))
    if since is not None:
        wanted.append(events.c.at >= since)
    if after is not None:
        wanted.append(events.c.id > after)
    return select(events).where(*wanted).order_by(events.c.id.desc() if newest_first else events.c.id)


def insert(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert `rows`: a value for every column of `table` but its number, in their order, times from `time_encoder`.

    Through the driver, because SQLAlchemy's work on each value would cost more than the database's.
    """
    if rows:
        connection.exec_driver_sql(_insert_statement(table, connection.dialect), list(rows))


@lru_cache(maxsize=8)
def _insert_statement(table: Table, dialect: Dialect) -> str:
    names = [column.name for column in table.c if not column.primary_key]
    marks = ["?" if dialect.paramstyle == "qmark" else "%s"] * len(names)
    # Names of our own tables, no values.
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(marks)})"  # noqa: S608


@lru_cache(maxsize=8)
def time_encoder(dialect: Dialect) -> Callable[[datetime], object]:
    """Return what makes of an aware moment the value that the driver takes for a column of times."""
    encode = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    # Most rows of a page have the same times.
    return lru_cache(maxsize=16)(encode) if encode is not None else _as_it_is


def _as_it_is(value: datetime) -> object:
    return value


def each(
    database: Database, query: Select[Any], number: Column[int], *, newest_first: bool, limit: int | None
) -> Iterator[Any]:
    """Yield the rows of a query that is ordered by its column `number`, at most `limit`.

    It reads a part at a time and holds nothing between them, so the caller may change claims on the way.
    """
    while limit is None or limit > 0:
        size = _CHUNK if limit is None else min(_CHUNK, limit)
        with database.read() as connection:
            rows = connection.execute(query.limit(size)).all()
        yield from rows
        if len(rows) < size:
            return
        last = rows[-1]._mapping[number]
        query = query.where(number < last if newest_first else number > last)
        limit = None if limit is None else limit - size


def read_conflicts(connection: Connection, *, include_settled: bool) -> list[Conflict]:
    """Return the conflicts, oldest first, each with the claim that holds the contested ID now."""
    query = _CONFLICTS if include_settled else _CONFLICTS.where(~_SETTLED)
    found = [(to_event(row), bool(row.settled)) for row in connection.execute(query)]
    holders = read_by_claim_id(connection, {event.claim_id for event, _settled in found if event.claim_id})
    return [Conflict(event, holders.get(event.claim_id or ""), settled) for event, settled in found]


def read_by_claim_id(connection: Connection, claim_ids: Iterable[str]) -> dict[str, Claim]:
    """Return the claims with those IDs, in any state, by ID."""
    return {
        row.claim_id: to_claim(row)
        for part in chunks(sorted(set(claim_ids)))
        for row in connection.execute(BY_CLAIM_ID, {"ids": part})
    }


def read_live(connection: Connection, units: Iterable[str]) -> dict[tuple[str, str], Claim]:
    """Return the live claims of those units, by product and unit, in whatever product."""
    return {
        (row.product, row.unit): to_claim(row)
        for part in chunks(sorted(set(units)))
        for row in connection.execute(LIVE_BY_UNIT, {"units": part})
    }


def read_summary(connection: Connection) -> Summary:
    """Count the claims."""
    states = dict.fromkeys(State, 0)
    products: dict[str, dict[State, int]] = {}
    reserved = 0
    rows = connection.execute(
        select(claims.c.product, claims.c.state, claims.c.unit.is_(None).label("unbound"), func.count().label("number"))
        .group_by(claims.c.product, claims.c.state, claims.c.unit.is_(None))
        .order_by(claims.c.product)
    )
    for row in rows:
        state = State(row.state)
        states[state] += row.number
        products.setdefault(row.product, dict.fromkeys(State, 0))[state] += row.number
        if row.unbound and state is not State.RETIRED:
            reserved += row.number
    return Summary(total=sum(states.values()), reserved=reserved, states=states, products=products)


def to_claim(row: Any) -> Claim:
    """Return the claim that a row of `CLAIM_COLUMNS` holds."""
    claim_id, product, unit, state, source, created_at, updated_at, host, reason, details, *_rest = row
    return Claim(
        claim_id=claim_id,
        product=product,
        unit=unit,
        state=State(state),
        source=source,
        created_at=created_at,
        updated_at=updated_at,
        host=host,
        reason=reason,
        details=json.loads(details),
    )


def to_event(row: Any) -> Event:
    """Return the event that a row holds."""
    return Event(
        id=row.id,
        at=row.at,
        action=row.action,
        claim_id=row.claim_id,
        product=row.product,
        unit=row.unit,
        actor=row.actor,
        host=row.host,
        detail=row.detail,
    )
