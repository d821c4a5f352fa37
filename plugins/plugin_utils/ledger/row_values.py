# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records become the values of rows, and rows become records, as the columns are declared.

What has to be done with the values of a column is looked up once for each kind of database. New rows are made by the
column and not one by one, since mostly all have the same there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from types import NoneType
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Dialect, FromClause, Select, type_coerce
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from .columns import LedgerColumn, ValueKind, columns_of
from .records import LedgerError
from .schema import UtcDateTime, table_of

MAX_TEXT = 2000
"""Characters that a text in the ledger may have; a longer one is cut."""

Row = TypeVar("Row", bound=Sequence[Any])
Record = TypeVar("Record", bound="tuple[Any, ...]")
Encoder = Callable[[Any], object]

_encode_object = json.JSONEncoder(default=str, sort_keys=True).encode


def tidy(details: Mapping[str, object]) -> dict[str, object]:
    """Return `details` as they will be read back: what JSON does not know, such as a date, becomes text."""
    if not details:
        return {}
    tidied: dict[str, object] = json.loads(_encode_object(details))
    return tidied


def clean(text: str | None) -> str | None:
    """Return `text` as both databases take it: no NUL, no half characters, not endless. Empty is None."""
    if not text:
        return None
    if len(text) <= MAX_TEXT and text.isprintable():
        return str(text)
    return str(text)[:MAX_TEXT].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def packed(entries: Iterable[object], most: int = MAX_TEXT) -> Iterator[str]:
    """Yield JSON lists that hold all `entries`, each of at most so many characters: the ledger would cut a longer one.

    One entry that is longer by itself is a list of its own.
    """
    some: list[str] = []
    length = 0
    for text in map(json.dumps, entries):
        if some and length + len(text) + 2 > most:
            yield f"[{', '.join(some)}]"
            some, length = [], 0
        some.append(text)
        length += len(text) + 2  # with the comma and the space, or the brackets
    if some:
        yield f"[{', '.join(some)}]"


def encode(record: type, values: Iterable[Sequence[Any]], dialect: Dialect) -> list[Sequence[object]]:
    """Return what the driver takes of `values`, which has for each column that rows of `record` bring those of all."""
    columns = list(values)
    number = len(columns[0])
    for place, encode_value in _encoders(record, dialect):
        column = columns[place]
        if number == 1 or column.count(column[0]) == number:
            columns[place] = (encode_value(column[0]),) * number
        else:
            columns[place] = list(map(encode_value, column))
    return columns


@cache
def brought_columns(record: type) -> tuple[LedgerColumn, ...]:
    """Return the columns that new rows of `record` bring: all but the row's number."""
    return tuple(column for column in columns_of(record) if not column.is_row_number)


def unread(record: type, table: FromClause) -> list[ColumnElement[Any]]:
    """Return the columns of `record` in `table` for a query whose rows `read` will read, as they stand there."""
    found = [table.c[column.name] for column in columns_of(record)]
    return [type_coerce(column, NullType()) if isinstance(column.type, UtcDateTime) else column for column in found]


def fetch(connection: Connection, rows: Callable[[], Sequence[Row]]) -> Sequence[Row]:
    """Return the `rows` that are fetched by `connection`, for `read`.

    SQLite hands out nothing of a row with a text that is not UTF-8, and its complaint quotes that text. Such rows are
    fetched again, with the text as bytes, so that `read` can tell where it is.
    """
    try:
        return rows()
    except (sqlite3.OperationalError, DBAPIError) as error:
        if not is_of_bad_text(error):
            raise
    driver: Any = connection.connection.driver_connection
    before, driver.text_factory = driver.text_factory, _text_or_bytes
    try:
        return rows()
    finally:
        driver.text_factory = before


def is_of_bad_text(error: Exception) -> bool:
    """Say whether SQLite's `error` is that a text is not UTF-8."""
    return "UTF-8" in str(error.orig if isinstance(error, DBAPIError) else error)


def select_rows(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    """Return the rows of `query`, as `fetch` does."""
    return fetch(connection, lambda: connection.execute(query).all())


def read(record: type[Record], rows: Iterable[Sequence[Any]], dialect: Dialect) -> Iterator[Record]:
    """Yield the records that `rows` hold: the values as the driver gave them, in the order of the columns.

    Where the row's number is not one of the columns, it follows them. Raises `LedgerError` at a bad value.
    """
    columns = columns_of(record)
    size, decoders, seen = len(columns), _decoders(record, dialect), _shapes(record, dialect)
    make = cast("Callable[[Iterable[Any]], Record]", record._make)  # type: ignore[attr-defined]
    for row in rows:
        values = list(row[:size])
        shape = tuple(map(type, values))
        if shape not in seen:
            _check_shape(record, row, shape, dialect)
            seen.add(shape)
        for place, decode in decoders:
            try:
                values[place] = decode(values[place])
            except (ValueError, TypeError, OverflowError, RecursionError):
                raise _unreadable(record, row, columns[place]) from None
        yield make(values)


def _encode_some(value: Any) -> str:
    return _encode_object(value) if value else "{}"


@cache
def _encoders(record: type, dialect: Dialect) -> list[tuple[int, Encoder]]:
    found = ((place, _encoder(column, dialect)) for place, column in enumerate(brought_columns(record)))
    return [(place, encode_value) for place, encode_value in found if encode_value is not None]


def _encoder(column: LedgerColumn, dialect: Dialect) -> Encoder | None:
    encode_value: Encoder | None = None
    if column.kind is ValueKind.MOMENT:
        encode_value = _moment_encoder(dialect)
    elif column.kind is ValueKind.WORD:
        encode_value = attrgetter("value")
    elif column.kind is ValueKind.OBJECT:
        encode_value = _encode_some
    elif column.kind is ValueKind.TEXT and column.parse is None:  # a name was parsed before it came here
        return clean
    return _optional(encode_value) if encode_value and column.is_optional else encode_value


@cache
def _decoders(record: type, dialect: Dialect) -> list[tuple[int, Encoder]]:
    found = ((place, _decoder(column, dialect)) for place, column in enumerate(columns_of(record)))
    return [(place, decode) for place, decode in found if decode is not None]


def _decoder(column: LedgerColumn, dialect: Dialect) -> Encoder | None:
    decode: Encoder | None = None
    if column.kind is ValueKind.MOMENT:
        decode = UtcDateTime().dialect_impl(dialect).result_processor(dialect, None)
    elif column.words is not None:
        known = {word.value: word for word in column.words}
        decode = (lambda text: known.get(text, text)) if column.takes_unknown_words else column.words
    elif column.kind is ValueKind.OBJECT:
        decode = _decode_object
    return _optional(decode) if decode and column.is_optional else decode


@cache
def _moment_encoder(dialect: Dialect) -> Encoder | None:
    encode_value = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    # What a change set writes has mostly the same time, in all columns.
    return encode_value and lru_cache(maxsize=16)(encode_value)


def _text_or_bytes(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text


def _optional(convert: Encoder) -> Encoder:
    return lambda value: None if value is None else convert(value)


def _decode_object(text: str) -> dict[str, object]:
    if text == "{}":
        return {}
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError
    return value


@cache
def _shapes(record: type, dialect: Dialect) -> set[tuple[type, ...]]:
    """Return the types of values in the rows that were read yet, which therefore are right."""
    return set()


def _check_shape(record: type, row: Sequence[Any], shape: Sequence[type], dialect: Dialect) -> None:
    for column, found in zip(columns_of(record), shape, strict=True):
        if not issubclass(found, _right_types(column, dialect)):
            raise _unreadable(record, row, column)


def _right_types(column: LedgerColumn, dialect: Dialect) -> tuple[type, ...]:
    right: type = str
    if column.kind is ValueKind.NUMBER:
        right = int
    elif column.kind is ValueKind.MOMENT and dialect.name != "sqlite":
        right = datetime
    return (right, NoneType) if column.is_optional else (right,)


def _unreadable(record: type, row: Sequence[Any], column: LedgerColumn) -> LedgerError:
    """Say where a value is that cannot be read, and not which, for it may be most of a claim ID."""
    columns = columns_of(record)
    number = row[next((place for place, each in enumerate(columns) if each.is_row_number), len(columns))]
    return LedgerError(
        f"The ledger is damaged: in row {number} of its table {table_of(record).name}, {column.name} holds "
        f"{_WANTED[column.kind]} that cannot be read; restore the ledger from its backup."
    )


_WANTED = {
    ValueKind.TEXT: "a text",
    ValueKind.NUMBER: "a number",
    ValueKind.MOMENT: "a time",
    ValueKind.WORD: "a word",
    ValueKind.OBJECT: "a JSON object",
}
