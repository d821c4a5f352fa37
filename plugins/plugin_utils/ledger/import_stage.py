# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The claims of a file on their way into the ledger, on the disk and not in memory, however many they are.

All or none are imported, and every bad line is named, so all have to be read before the first is imported. They wait in
a temporary SQLite database that nobody else can open: SQLite makes one without a name, and it is gone with its process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    create_engine,
    func,
    select,
    true,
)
from sqlalchemy.pool import StaticPool

from ..identity.mac_addresses import normal_serial
from .bulk_rows import CLAIM_NAMES, insert
from .records import Claim, State
from .row_values import encode, read, unread
from .schema import declared_by

_PART = 1000
"""Claims that are held in memory at a time."""

_metadata = MetaData()
_staged = Table(
    "staged",
    _metadata,
    *declared_by(Claim),
    Column("line", Integer, primary_key=True),
    Column("is_live", Integer),
    Column("name", Text),
)
# The lines that are taken out, and the earlier one that each repeats.
_repeated = Table(
    "repeated", _metadata, Column("line", Integer, primary_key=True), Column("first", Integer, nullable=False)
)
_NAMES = (*CLAIM_NAMES, "line", "is_live", "name")


class ImportStage:
    """Claims, each with the line of the file that says it. Iterating yields them in parts, the retired ones first.

    Those make room for their unit's live one.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(""), poolclass=StaticPool)
        self._connection = self._engine.connect()
        _metadata.create_all(self._connection)
        self._waiting: list[tuple[int, Claim]] = []

    def __enter__(self) -> ImportStage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        self._engine.dispose()

    def add(self, line: int, claim: Claim) -> None:
        """Take a claim in."""
        self._waiting.append((line, claim))
        if len(self._waiting) >= _PART:
            self._put()

    def take_out_repeated(self) -> Iterator[tuple[int, str]]:
        """Take out each claim whose ID, or live unit, an earlier line has; yield its line and what is wrong with it."""
        self._put()
        is_bound = and_(_staged.c.is_live == 1, _staged.c.unit.is_not(None))
        for line, first, claim in self._take_out((_staged.c.claim_id,), true()):
            yield line, f"The claim ID {claim.masked} stands in line {first} already; keep one."
        for line, first, claim in self._take_out((_staged.c.product, _staged.c.name), is_bound):
            yield line, f"The unit {claim.unit} stands in line {first} already, with another claim ID; keep one."

    def _take_out(
        self, what: Sequence[ColumnElement[Any]], where: ColumnElement[bool]
    ) -> Iterator[tuple[int, int, Claim]]:
        # They are written down first: of as many as there are, a part at a time is read again.
        first = func.min(_staged.c.line).over(partition_by=what).label("first")
        ranked = select(_staged.c.line, first).where(where).subquery()
        later = select(ranked.c.line, ranked.c.first).where(ranked.c.line > ranked.c.first)
        self._connection.execute(_repeated.insert().from_select(["line", "first"], later))
        query = select(*unread(Claim, _staged), _staged.c.line, _repeated.c.first).join_from(
            _repeated, _staged, _repeated.c.line == _staged.c.line
        )
        for rows in self._connection.execute(query.order_by(_staged.c.line)).partitions(_PART):
            for row, claim in zip(rows, read(Claim, rows, self._connection.dialect), strict=True):
                yield row.line, row.first, claim
        self._connection.execute(_staged.delete().where(_staged.c.line.in_(select(_repeated.c.line))))
        self._connection.execute(_repeated.delete())

    def __iter__(self) -> Iterator[Sequence[Claim]]:
        query = select(*unread(Claim, _staged), _staged.c.line)
        for rows in self._parts(query):
            yield list(read(Claim, rows, self._connection.dialect))

    def lines(self) -> Iterator[int]:
        """Yield the lines of the claims in the order in which iterating yields these."""
        for rows in self._parts(select(_staged.c.line)):
            yield from (row.line for row in rows)

    def _parts(self, query: Select[Any]) -> Iterator[Sequence[Any]]:
        self._put()
        ordered = self._connection.execute(query.order_by(_staged.c.is_live, _staged.c.line))
        yield from ordered.partitions(_PART)

    def _put(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            lines, claims = zip(*waiting, strict=True)
            are_live = [int(claim.state is not State.RETIRED) for claim in claims]
            columns = encode(Claim, zip(*claims, strict=True), self._connection.dialect)
            # One unit may stand in two lines by two notations of its MAC address.
            names = [claim.unit and normal_serial(claim.unit) for claim in claims]
            insert(self._connection, _staged, _NAMES, [*columns, lines, are_live, names])
