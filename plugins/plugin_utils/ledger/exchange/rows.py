# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows from one database into another, as they are: no value is parsed, so none can come out otherwise.

A raw row (`raw_rows`) is the same on SQLite and PostgreSQL. All that a ledger holds moves by its tables' declarations,
so that a new column, or a new table in `KEPT`, comes along by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Column, Table, Text
from sqlalchemy.engine import Connection, Dialect

from ...display_text import printable
from ..bulk_rows import execute, insert
from ..deadlines import PATIENCE
from ..raw_rows import RawRow, few_raw_rows, raw_columns, raw_select
from ..records import UnreadableRowsError
from ..schema import UtcDateTime, claims, events, origin_events, origin_seals, origins, seals

KEPT = (claims, events, seals, origins, origin_events, origin_seals)
"""What a ledger is; everything else in its database follows from it."""

AT_ONCE = 1000
"""Rows that are held in memory at a time."""
_NUMBERED = (claims, events, seals)


def key_of(table: Table) -> tuple[int, ...]:
    """Return the places in a row of what tells it from the others of its table."""
    return tuple(place for place, column in enumerate(table.c) if column.primary_key)


def stream(connection: Connection, table: Table, after: int | None = None) -> Iterator[RawRow]:
    """Yield the raw rows of `table` in the order of their key; with `after`, those with a higher number.

    Raises `UnreadableRowsError` at a value of another kind, which a flipped bit makes of one in a file.
    """
    where = "" if after is None else f"WHERE {_number(table)} > {after:d} "
    query = f"{_select(table, connection.dialect)} {where}ORDER BY {_order(table, connection)}"
    sound: set[tuple[type, ...]] = set()
    for row in raw_select(connection, query):
        if (types := tuple(map(type, row))) not in sound:
            _check_types(table, row)
            sound.add(types)
        yield row


def between(connection: Connection, table: Table, first: int, last: int) -> Sequence[RawRow]:
    """Return the raw rows of a numbered table from number `first` to `last`, which are few."""
    number = _number(table)
    query = f"{_select(table, connection.dialect)} WHERE {number} BETWEEN :first AND :last ORDER BY {number}"
    return few_raw_rows(connection, query, first=first, last=last)


def parts(rows: Iterable[RawRow]) -> Iterator[list[RawRow]]:
    """Yield `rows` some at a time."""
    remaining = iter(rows)
    while part := list(islice(remaining, AT_ONCE)):
        yield part


def put(connection: Connection, table: Table, rows: Iterable[RawRow]) -> int:
    """Insert raw rows, and return how many they were."""
    names = tuple(column.name for column in table.c)
    count = 0
    for part in parts(rows):
        count += len(part)
        insert(connection, table, names, _bound(table, part, connection.dialect))
    return count


def change(connection: Connection, table: Table, rows: Sequence[RawRow], *, key: str) -> None:
    """Write over rows, each found by its `key`, a column that is never empty."""
    names = [column.name for column in table.c if not column.primary_key]
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    settings = ", ".join(f"{name} = {mark}" for name in names)
    statement = f"UPDATE {table.name} SET {settings} WHERE {key} = {mark}"  # noqa: S608
    columns = dict(zip(table.c.keys(), _bound(table, rows, connection.dialect), strict=True)) if rows else {}
    for values in zip(*(columns[name] for name in names), columns[key], strict=True) if rows else ():
        execute(connection, statement, values)


def draw_after(connection: Connection) -> None:
    """Have PostgreSQL number new rows after those that are there; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in _NUMBERED:
        number = _number(table)
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{number}'), "  # noqa: S608
            f"coalesce(max({number}), 0) + 1, false) FROM {table.name}",
            execution_options={PATIENCE: 600.0},
        )


def differing_columns(table: Table, one: RawRow, other: RawRow) -> str:
    """Return the names of the columns in which two rows differ."""
    names = (column.name for column in table.c)
    return ", ".join(name for name, a, b in zip(names, one, other, strict=True) if a != b)


def not_utf_8() -> UnreadableRowsError:
    """Return what is wrong with a ledger whose text cannot be written anywhere else."""
    return UnreadableRowsError("it holds text that is not UTF-8")


def _check_types(table: Table, row: RawRow) -> None:
    for column, value in zip(table.c, row, strict=True):
        kind = int if column.type.python_type is int else str
        if not (isinstance(value, kind) or (value is None and column.nullable)):
            key = printable(" ".join(str(row[place]) for place in key_of(table)))
            raise UnreadableRowsError(f"in row {key} of its table {table.name}, {column.name} cannot be read")


def _number(table: Table) -> str:
    (column,) = table.primary_key.columns
    return column.name


def _select(table: Table, dialect: Dialect) -> str:
    return f"SELECT {raw_columns(table, dialect)} FROM {table.name}"  # noqa: S608


def _order(table: Table, connection: Connection) -> str:
    def by(column: Column[Any]) -> str:
        # As bytes, on both: a server may sort texts by the letters of a language.
        is_text = isinstance(column.type, Text)
        name = f"{table.name}.{column.name}"
        return f'{name} COLLATE "C"' if is_text and connection.dialect.name == "postgresql" else name

    return ", ".join(map(by, table.primary_key.columns))


def _bound(table: Table, rows: Sequence[RawRow], dialect: Dialect) -> list[Sequence[Any]]:
    """Return the values of `rows` by the column, as the driver takes them."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    if dialect.name == "postgresql":
        for place, column in enumerate(table.c):
            if isinstance(column.type, UtcDateTime):
                columns[place] = [None if value is None else f"{value}+00" for value in columns[place]]
    return columns
