# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rows of a table, in the order of their numbers, and as many of a damaged table as can be read."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Table
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ..raw_rows import RawRow, raw_columns, raw_select
from .findings import Findings

_LOWEST = -(2**63)
_HIGHEST = 2**63 - 1
_FIRST = 1
"""The number of the first row of each table."""
_MOST_GAPS = 100


def scan(connection: Connection, table: Table, findings: Findings) -> Iterator[RawRow]:
    """Yield the raw rows, each with its number first. Where SQLite cannot read some, it goes on behind them."""
    number = table.primary_key.columns[0].name
    columns = raw_columns(table, connection.dialect)
    query = f"SELECT {columns} FROM {table.name} WHERE {number} >= :floor ORDER BY {number}"  # noqa: S608
    last, floor, gaps, step = _LOWEST - 1, _LOWEST, 0, 1
    while True:
        try:
            for row in raw_select(connection, query, floor=floor):
                if row[0] <= last:
                    findings.add_row(table.name, row[0], f"it is out of order, it stands after row {last}")
                    continue
                last, step = row[0], 1
                if last < _FIRST:
                    findings.add_row(table.name, last, f"its number is below {_FIRST}, which is given to no row")
                yield row
        except DBAPIError as error:
            if step == 1:
                gaps += 1
                after = "some rows cannot be read" if last < _LOWEST else f"rows after {last} cannot be read"
                findings.add_unread(f"In the table {table.name}, {after}", error)
            floor, step = max(last, 0) + step + 1, step * 2
            if connection.dialect.name == "sqlite" and gaps <= _MOST_GAPS and floor < _HIGHEST:
                continue
        return
