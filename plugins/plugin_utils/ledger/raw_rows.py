# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as the database keeps them, the same on SQLite and PostgreSQL, also where they are no longer what they were.

A time is text in UTC, `2026-11-27 14:25:26.000000`. Bytes that are not UTF-8 stay in the text as half characters
(`surrogateescape`), so that a damaged row can be looked at as any other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Column, Table, text
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from .deadlines import PATIENCE
from .row_values import is_of_bad_text
from .schema import UtcDateTime

RawRow = Sequence[Any]

TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"

_AT_ONCE = 2048
"""Rows that the driver fetches at a time."""
_PATIENCE = 600.0
"""Seconds that the check waits for some of them: before the first, the database may sort all that it has."""


def raw_time(moment: datetime) -> str:
    """Return `moment` as it is in a raw row."""
    return moment.astimezone(UTC).strftime(TIME_FORMAT)


def raw_columns(table: Table, dialect: Dialect, names: Sequence[str] = ()) -> str:
    """Return what to select for raw values of the columns `names`, or of all."""
    chosen = [table.c[name] for name in names] or list(table.c)
    return ", ".join(_raw_column(column, dialect) for column in chosen)


def _raw_column(column: Column[Any], dialect: Dialect) -> str:
    name = dialect.identifier_preparer.quote(column.name)
    if dialect.name == "sqlite" or not isinstance(column.type, UtcDateTime):
        return name
    return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS {name}"


def raw_select(connection: Connection, statement: str, **values: object) -> Iterator[RawRow]:
    """Yield the rows of a statement, a few at a time; see `as_stored` for what SQLite returns.

    It is for the check, which reads all that there is: an answer of the server may take ten minutes.
    """
    result = connection.execute(text(statement), values, execution_options={"yield_per": _AT_ONCE, PATIENCE: _PATIENCE})
    for rows in result.partitions(_AT_ONCE):
        yield from rows


def few_raw_rows(connection: Connection, statement: str, **values: object) -> Sequence[RawRow]:
    """Return the rows of a statement that finds some by their number, with the deadline that any other has."""
    return connection.execute(text(statement), values).all()


def few_rows_as_stored(connection: Connection, statement: str, **values: object) -> Sequence[RawRow]:
    """Return such rows also where text is not UTF-8: they are fetched again then, for `as_stored` is slow."""
    try:
        return few_raw_rows(connection, statement, **values)
    except (sqlite3.OperationalError, DBAPIError) as error:
        if not is_of_bad_text(error):
            raise
    with as_stored(connection):
        return few_raw_rows(connection, statement, **values)


@contextmanager
def as_stored(connection: Connection) -> Iterator[None]:
    """Have SQLite return text that is not UTF-8, too; PostgreSQL keeps none."""
    driver: Any = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    before = driver.text_factory
    driver.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before
