# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows to and from the database by the crowd: one statement each, through the driver.

A factory service takes a crowd of units through one transaction, so here counts what a single row costs. A statement
for each row, and SQLAlchemy's work on each value, would cost more than everything else. Therefore what all rows have in
common is bound once, and a statement's text is the same for many sizes of a crowd, so that it is prepared once.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlalchemy import Dialect, Integer, Table
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from ..identity.mac_addresses import normal_serial, notations
from .columns import columns_of
from .pipeline import DriverErrors, wait_for
from .records import Claim, Context, Event, NewEvent
from .row_values import brought_columns, encode, fetch, read
from .schema import IS_LIVE, IS_RETIRED, UtcDateTime, boards, claims, events

_CHUNK = 1024
"""Rows or keys of one statement. SQLite binds 32,766 values in one."""
_NONE_DIFFERS = (False,) * 64
_TOKEN_BYTES = 12
"""At random in the keys of events that are written together."""

CLAIM_NAMES = tuple(column.name for column in columns_of(Claim))
_EVENT_FIELDS = tuple(
    (column.field, attrgetter(column.field) if column.field in Context.__dataclass_fields__ else None)
    for column in brought_columns(Event)
)
_EVENT_NAMES = tuple(column.name for column in brought_columns(Event))
_KEY = CLAIM_NAMES.index("claim_id")
_GIVEN_UP = "given up"


def read_live(connection: Connection, units: Iterable[str], *, lock: bool = False) -> Iterator[Claim]:
    """Yield the live claims of those units, of any product; with `lock` nobody else changes them meanwhile.

    A unit whose name is a MAC address is found in any notation that an older version recorded.
    """
    return _read(connection, "unit", [text for unit in units for text in notations(unit)], lock=lock)


def read_live_units(connection: Connection, units: Collection[tuple[str, str]]) -> dict[tuple[str, str], Claim]:
    """Return what those units, each a product and a unit, have now; units without a claim are left out."""
    found = read_live(connection, (unit for _product, unit in units))
    live = {(claim.product, normal_serial(claim.unit or "")): claim for claim in found}
    named = ((about, (about[0], normal_serial(about[1]))) for about in units)
    return {about: live[name] for about, name in named if name in live}


def read_by_claim_id(connection: Connection, claim_ids: Iterable[str], *, lock: bool = False) -> Iterator[Claim]:
    """Yield the claims with those IDs, in any state."""
    return _read(connection, "claim_id", claim_ids, lock=lock)


def read_on_boards(connection: Connection, names: Iterable[str]) -> Iterator[Claim]:
    """Yield the live claims that are on boards with those names."""
    return _read(connection, "board", names, lock=False)


def read_given_up(connection: Connection, units: Iterable[str]) -> Iterator[Claim]:
    """Yield the retired claims of those units, of any product, in whose place no other has come; the newest last."""
    return _read(connection, _GIVEN_UP, [text for unit in units for text in notations(unit)], lock=False)


Statement = tuple[str, tuple[object, ...]]
"""A statement in the driver's own words, and the values in it."""


def insert(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    columns: Sequence[Sequence[object]],
    also: Sequence[Statement] = (),
) -> None:
    """Insert rows whose values stand in `columns`, which are called `names`; the first is never NULL.

    What `also` changes, in other tables, goes to a server in the same statement: each is a way there and back.
    """
    if also and not _binds_arrays(connection.dialect):
        for statement, bound in also:
            execute(connection, statement, bound)
        also = ()
    rows = len(columns[0])
    for start in range(0, rows, _CHUNK):
        parts = columns if rows <= _CHUNK else [column[start : start + _CHUNK] for column in columns]
        number = len(parts[0])
        arrays = _binds_arrays(connection.dialect)
        differs = _NONE_DIFFERS[: len(parts)] if number == 1 else tuple(part.count(part[0]) < number for part in parts)
        if not arrays or not any(differs):
            # By the first column rows that only fill up are told from the others.
            differs = (True, *differs[1:])
        common = [part[0] for part, differing in zip(parts, differs, strict=True) if not differing]
        varying = [part for part, differing in zip(parts, differs, strict=True) if differing]
        if arrays:
            texts = tuple(statement for statement, _values in also)
            before = [value for _statement, bound in also for value in bound]
            statement = _insert_arrays(table, names, differs, texts)
            execute(connection, statement, (*before, *common, *map(array, varying)))
            also = ()
        else:
            size = _size(number)
            filling = (None,) * (len(varying) * (size - number))
            values = (*chain.from_iterable(zip(*varying, strict=True)), *filling, *common)
            execute(connection, _insert_values(table, names, differs, size), values)


def insert_claims(connection: Connection, new: Sequence[Claim]) -> None:
    """Insert `new` claims."""
    if new:
        insert(connection, claims, CLAIM_NAMES, encode(Claim, zip(*new, strict=True), connection.dialect))


def insert_events(
    connection: Connection, new: Sequence[NewEvent], at: datetime, also: Sequence[Statement] = ()
) -> None:
    """Insert `new` events, which happened in this order `at` a moment; `also` as for `insert`."""
    if not new:
        return
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    values: dict[str, Sequence[Any]] = dict(zip(NewEvent._fields, zip(*new, strict=True), strict=True))
    values["at"] = [at] * len(new)
    values["key"] = [f"{token}.{number}" for number in range(len(new))]
    columns = [
        # What the event does not say of itself, its context does.
        values[name] if get is None else list(map(get, values["context"]))
        for name, get in _EVENT_FIELDS
    ]
    insert(connection, events, _EVENT_NAMES, encode(Event, columns, connection.dialect), also)


def last_number(connection: Connection) -> int:
    """Return the number of the row that this connection has inserted last."""
    last = "SELECT lastval()" if _binds_arrays(connection.dialect) else "SELECT last_insert_rowid()"
    return int(execute(connection, last, ()).fetchall()[0][0])


def update_claims(connection: Connection, changed: Sequence[Claim]) -> None:
    """Write over claims, each found by its claim ID; the retired ones first, for they make room for another claim."""
    retired = [claim for claim in changed if not claim.is_live]
    for some in (retired, [claim for claim in changed if claim.is_live] if retired else changed):
        if not some:
            continue
        columns = encode(Claim, zip(*some, strict=True), connection.dialect)
        arrays = _binds_arrays(connection.dialect)
        if arrays and len(some) > 1:
            execute(connection, _UPDATE_ARRAYS, tuple(map(array, columns)))
            continue
        statement = _UPDATE_ONE if arrays else _UPDATE_ONE.replace("%s", "?")
        for row in zip(*columns, strict=True):
            execute(connection, statement, (*row, row[_KEY]))


def _read(connection: Connection, column: str, keys: Iterable[str], *, lock: bool) -> Iterator[Claim]:
    """Return the claims. A server is asked now, and its answer taken with the first of them: see `pipeline`."""
    wanted = sorted(set(keys))
    parts = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]
    if _binds_arrays(connection.dialect):
        statement = _select_by_array(column, lock=lock)
        cursors = [execute(connection, statement, (array(part),)) for part in parts]
        return (claim for cursor in cursors for claim in read(Claim, _rows(connection, cursor), connection.dialect))
    return (claim for part in parts for claim in _read_values(connection, column, part))


def _read_values(connection: Connection, column: str, keys: Sequence[str]) -> Iterator[Claim]:
    size = _size(len(keys))
    statement, values = _select_by_values(column, size), (*keys, *[keys[-1]] * (size - len(keys)))
    rows = fetch(connection, lambda: _rows(connection, execute(connection, statement, values)))
    return read(Claim, rows, connection.dialect)


def _rows(connection: Connection, cursor: DBAPICursor) -> Sequence[Sequence[Any]]:
    with DriverErrors(connection):
        wait_for(connection, cursor)
        return cursor.fetchall()


def execute(connection: Connection, statement: str, values: Sequence[object]) -> DBAPICursor:
    """Execute `statement` by the driver's own cursor; what goes wrong is raised as SQLAlchemy raises it."""
    with DriverErrors(connection):
        cursor = connection.connection.cursor()
        cursor.execute(statement, values)
    return cursor


def _size(number: int) -> int:
    """Return how many rows the statement for `number` has: one of few, so that it is there already."""
    return 1 << (number - 1).bit_length()


def _binds_arrays(dialect: Dialect) -> bool:
    return dialect.name == "postgresql"


def array(values: Iterable[object]) -> str:
    """Return `values` as PostgreSQL writes an array: its driver takes four times as long.

    https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    return "{" + ",".join(["NULL" if value is None else _element(value) for value in values]) + "}"


def _element(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# The statements. What stands in them are names of our own tables, no values.


@lru_cache(maxsize=128)
def _insert_values(table: Table, names: Sequence[str], differs: Sequence[bool], size: int) -> str:
    chosen = [name if differing else "?" for name, differing in zip(names, differs, strict=True)]
    varying = [name for name, differing in zip(names, differs, strict=True) if differing]
    rows = ", ".join([f"({', '.join('?' * len(varying))})"] * size)
    # The whole transaction is undone where a row cannot be, so nothing is put aside for undoing this statement alone.
    return (
        f"WITH many ({', '.join(varying)}) AS (VALUES {rows}) "  # noqa: S608
        f"INSERT OR ROLLBACK INTO {table.name} ({', '.join(names)}) SELECT {', '.join(chosen)} FROM many "
        f"WHERE {names[0]} IS NOT NULL"
    )


@lru_cache(maxsize=128)
def _insert_arrays(table: Table, names: Sequence[str], differs: Sequence[bool], also: Sequence[str]) -> str:
    types = [_type(table, name) for name in names]
    chosen = [name if differing else f"%s::{kind}" for name, kind, differing in zip(names, types, differs, strict=True)]
    varying = [name for name, differing in zip(names, differs, strict=True) if differing]
    arrays = [f"%s::{kind}[]" for kind, differing in zip(types, differs, strict=True) if differing]
    others = ", ".join(f"also_{number} AS ({statement})" for number, statement in enumerate(also))
    return (
        f"{f'WITH {others} ' if others else ''}"  # noqa: S608
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(chosen)} "
        f"FROM unnest({', '.join(arrays)}) AS many ({', '.join(varying)})"
    )


def _type(table: Table, name: str) -> str:
    kind = table.c[name].type
    return "timestamptz" if isinstance(kind, UtcDateTime) else "bigint" if isinstance(kind, Integer) else "text"


_SETTINGS = ", ".join(f"{name} = %s" for name in CLAIM_NAMES)
_UPDATE_ONE = f"UPDATE {claims.name} SET {_SETTINGS} WHERE {CLAIM_NAMES[_KEY]} = %s"  # noqa: S608
_UPDATE_ARRAYS = (
    f"UPDATE {claims.name} AS old SET {', '.join(f'{name} = many.{name}' for name in CLAIM_NAMES)} "  # noqa: S608
    f"FROM unnest({', '.join(f'%s::{_type(claims, name)}[]' for name in CLAIM_NAMES)}) "
    f"AS many ({', '.join(CLAIM_NAMES)}) WHERE old.{CLAIM_NAMES[_KEY]} = many.{CLAIM_NAMES[_KEY]}"
)


@lru_cache(maxsize=32)
def _select_by_values(column: str, size: int) -> str:
    marks = ", ".join("?" * size)
    return f"{_select(column)} AND {_matches(column, f'IN ({marks})')}{_order(column)}"


@lru_cache(maxsize=8)
def _select_by_array(column: str, *, lock: bool) -> str:
    # Locked always in the same order, so that two processes wait for each other and not in a ring.
    locking = " ORDER BY claim_id FOR UPDATE" if lock else ""
    return f"{_select(column)} AND {_matches(column, '= ANY (%s::text[])')}{locking or _order(column)}"


def _matches(column: str, condition: str) -> str:
    if column == "board":
        return f"claim_id IN (SELECT claim_id FROM {boards.name} WHERE name {condition})"  # noqa: S608
    return f"{'unit' if column == _GIVEN_UP else column} {condition}"


def _order(column: str) -> str:
    return " ORDER BY seq" if column == _GIVEN_UP else ""


def _select(column: str) -> str:
    condition = "true" if column == "claim_id" else IS_LIVE
    if column == _GIVEN_UP:
        condition = (
            f"{IS_RETIRED} AND NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {claims.name} AS later WHERE later.replaces = {claims.name}.claim_id)"
        )
    return f"SELECT {', '.join(CLAIM_NAMES)}, seq FROM {claims.name} WHERE {condition}"  # noqa: S608
