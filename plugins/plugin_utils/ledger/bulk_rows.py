# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows to and from the database by the crowd: one statement each, through the driver.

A factory service takes a crowd of units through one transaction, so here counts what a single row costs. A statement
for each row, and SQLAlchemy's work on each value, would cost more than all else. Therefore what all rows have in
common is bound once, and a statement's text is the same for many sizes of a crowd, so that it is prepared once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Dialect, Table
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from .records import Claim, State
from .schema import IS_LIVE, UtcDateTime, claims

_CHUNK = 1024
"""Rows or keys of one statement. SQLite binds 32,766 values in one."""

CLAIM_NAMES = tuple(column.name for column in claims.c if column.name != "seq")
_KEY = CLAIM_NAMES.index("claim_id")


def read_live(connection: Connection, units: Iterable[str], *, lock: bool = False) -> Iterator[Claim]:
    """Yield the live claims of those units, in whatever product; with `lock` nobody else changes them meanwhile."""
    return _read(connection, "unit", units, lock=lock)


def read_live_units(connection: Connection, units: Collection[tuple[str, str]]) -> dict[tuple[str, str], Claim]:
    """Return what those units, each a product and a unit, have now; units without a claim are left out."""
    found = read_live(connection, (unit for _product, unit in units))
    return {unit: claim for claim in found if (unit := (claim.product, claim.unit or "")) in units}


def read_by_claim_id(connection: Connection, claim_ids: Iterable[str], *, lock: bool = False) -> Iterator[Claim]:
    """Yield the claims with those IDs, in any state."""
    return _read(connection, "claim_id", claim_ids, lock=lock)


def insert(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert `rows`: a value for every column of `table` but its number, in their order, times from `time_encoder`."""
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        columns = list(zip(*part, strict=True))
        arrays = _binds_arrays(connection.dialect)
        differs = tuple(column.count(column[0]) < len(part) for column in columns)
        if not arrays or not any(differs):
            # The first column is never NULL, by which rows that only fill up are told from the others.
            differs = (True, *differs[1:])
        common = [column[0] for column, differing in zip(columns, differs, strict=True) if not differing]
        varying = [column for column, differing in zip(columns, differs, strict=True) if differing]
        if arrays:
            values = (*common, *map(_array, varying))
            _execute(connection, _insert_arrays(table, differs), values)
        else:
            size = _size(len(part))
            filling = (None,) * (len(varying) * (size - len(part)))
            values = (*(value for row in zip(*varying, strict=True) for value in row), *filling, *common)
            _execute(connection, _insert_values(table, differs, size), values)


def update(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Write over claims, one after the other: `rows` as for `insert`, each found by its claim ID."""
    for row in rows:
        _execute(connection, _update_statement(connection.dialect), (*row, row[_KEY]))


@lru_cache(maxsize=8)
def time_encoder(dialect: Dialect) -> Callable[[datetime], object]:
    """Return what makes of an aware moment the value that the driver takes for a column of times."""
    encode = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    # Most rows of a change set have the same times.
    return lru_cache(maxsize=16)(encode) if encode is not None else _as_it_is


@lru_cache(maxsize=8)
def _time_decoder(dialect: Dialect) -> Callable[[Any], datetime]:
    decode = cast(
        "Callable[[Any], datetime] | None", UtcDateTime().dialect_impl(dialect).result_processor(dialect, None)
    )
    return decode or _as_it_is


def _as_it_is(value: datetime) -> datetime:
    return value


def to_claim(row: Any) -> Claim:
    """Return the claim that a row of the columns `CLAIM_NAMES` holds."""
    claim_id, product, unit, state, source, created_at, updated_at, host, reason, details, *_rest = row
    return Claim(
        claim_id, product, unit, State(state), source, created_at, updated_at, host, reason, json.loads(details)
    )


def _read(connection: Connection, column: str, keys: Iterable[str], *, lock: bool) -> Iterator[Claim]:
    wanted = sorted(set(keys))
    decode = _time_decoder(connection.dialect)
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        values: tuple[object, ...]
        if _binds_arrays(connection.dialect):
            statement, values = _select_by_array(column, lock=lock), (_array(part),)
        else:
            size = _size(len(part))
            statement, values = _select_by_values(column, size), (*part, *part[-1:] * (size - len(part)))
        for row in _execute(connection, statement, values).fetchall():
            claim_id, product, unit, state, source, created_at, updated_at, *rest = row
            yield to_claim((claim_id, product, unit, state, source, decode(created_at), decode(updated_at), *rest))


def _execute(connection: Connection, statement: str, values: Sequence[object]) -> DBAPICursor:
    """Execute `statement` by the driver's own cursor; what goes wrong is raised as SQLAlchemy raises it."""
    cursor = connection.connection.cursor()
    error_type = cast("Any", connection.dialect.loaded_dbapi).Error
    try:
        cursor.execute(statement, values)
    except error_type as error:
        raise DBAPIError.instance(None, None, error, error_type, dialect=connection.dialect) from None
    return cursor


def _size(number: int) -> int:
    """Return how many rows the statement for `number` has: one of few, so that it is there already."""
    return 1 << (number - 1).bit_length()


def _binds_arrays(dialect: Dialect) -> bool:
    return dialect.name == "postgresql"


def _array(values: Iterable[object]) -> str:
    """Return `values` as PostgreSQL writes an array: its driver takes four times as long.

    https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    return "{" + ",".join(["NULL" if value is None else _element(value) for value in values]) + "}"


def _element(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# The statements. What stands in them are names of our own tables, no values.


def _names(table: Table) -> list[str]:
    return [column.name for column in table.c if not column.primary_key]


@lru_cache(maxsize=128)
def _insert_values(table: Table, differs: Sequence[bool], size: int) -> str:
    names = _names(table)
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
def _insert_arrays(table: Table, differs: Sequence[bool]) -> str:
    names, types = _names(table), [_type(table, name) for name in _names(table)]
    chosen = [name if differing else f"%s::{kind}" for name, kind, differing in zip(names, types, differs, strict=True)]
    varying = [name for name, differing in zip(names, differs, strict=True) if differing]
    arrays = [f"%s::{kind}[]" for kind, differing in zip(types, differs, strict=True) if differing]
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(chosen)} "  # noqa: S608
        f"FROM unnest({', '.join(arrays)}) AS many ({', '.join(varying)})"
    )


def _type(table: Table, name: str) -> str:
    return "timestamptz" if isinstance(table.c[name].type, UtcDateTime) else "text"


@lru_cache(maxsize=8)
def _update_statement(dialect: Dialect) -> str:
    mark = "%s" if _binds_arrays(dialect) else "?"
    settings = ", ".join(f"{name} = {mark}" for name in CLAIM_NAMES)
    return f"UPDATE {claims.name} SET {settings} WHERE {CLAIM_NAMES[_KEY]} = {mark}"  # noqa: S608


@lru_cache(maxsize=32)
def _select_by_values(column: str, size: int) -> str:
    return f"{_select(column)} AND {column} IN ({', '.join('?' * size)})"


@lru_cache(maxsize=8)
def _select_by_array(column: str, *, lock: bool) -> str:
    # Locked always in the same order, so that two processes wait for each other and not in a ring.
    locking = " ORDER BY claim_id FOR UPDATE" if lock else ""
    return f"{_select(column)} AND {column} = ANY (%s::text[]){locking}"


def _select(column: str) -> str:
    condition = IS_LIVE if column == "unit" else "true"
    return f"SELECT {', '.join(CLAIM_NAMES)} FROM {claims.name} WHERE {condition}"  # noqa: S608
