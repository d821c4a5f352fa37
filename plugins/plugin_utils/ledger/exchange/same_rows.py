# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ledgers row for row: whether a copy is what it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Connection

from ..raw_rows import RawRow
from ..records import LedgerError
from .rows import KEPT, differing_columns, key_of, stream

_MOST = 20
"""Differences that a sentence names."""


def differences(source: Connection, copy: Connection) -> Iterator[str]:
    """Yield where `copy` is not `source`, to the row: table, row and columns, and never a value."""
    for table in KEPT:
        yield from _table_differences(table, stream(source, table), stream(copy, table))


def require_same(source: Connection, copy: Connection) -> None:
    """Raise `LedgerError` where the two differ."""
    found = list(islice(differences(source, copy), _MOST))
    if found:
        raise LedgerError(
            f"The place to move to has rows that are not those of this ledger: {' '.join(found)} Nothing was moved; "
            "run again, and if it says the same, two ledgers with one beginning went two ways: give an empty place."
        )


def _table_differences(table: Table, ones: Iterator[RawRow], others: Iterator[RawRow]) -> Iterator[str]:
    places = key_of(table)

    def key(row: RawRow) -> tuple[Any, ...]:
        return tuple([row[place] for place in places])

    one, other = next(ones, None), next(others, None)
    while one is not None or other is not None:
        # None comes after every key.
        first, second = (None if row is None else key(row) for row in (one, other))
        if first is not None and (second is None or first < second):
            yield f"Row {_named(first)} of {table.name} is missing."
            one = next(ones, None)
        elif second is not None and (first is None or second < first):
            yield f"Row {_named(second)} of {table.name} is one too many."
            other = next(others, None)
        elif one is not None and other is not None and first is not None:
            if tuple(one) != tuple(other):
                yield f"Row {_named(first)} of {table.name} differs in {differing_columns(table, one, other)}."
            one, other = next(ones, None), next(others, None)


def _named(key: tuple[Any, ...]) -> str:
    return " ".join(map(str, key))
