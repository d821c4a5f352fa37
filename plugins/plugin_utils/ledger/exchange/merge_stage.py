# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several ledgers hold, side by side on the disk, to see what they have in common.

Place 0 is the ledger into which the others are merged. It is a database of SQLite that nobody else can open, as
`import_stage` has one, and is gone with its process.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from types import TracebackType
from typing import Any

from sqlalchemy.engine import Connection

from ..integrity.row_parsers import CHANGES, DOUBTS
from ..raw_rows import RawRow
from ..schema import claims, events, origin_events, origin_seals, origins, seals
from .ledger_row import read_row
from .rows import not_utf_8, stream
from .temporary_file import temporary_file_sentences

TARGET = 0
_DIGEST = 16
_AT_ONCE = 1000
_ID, _KEY, _CLAIM, _ACTION = map([column.name for column in events.c].index, ("id", "key", "claim_id", "action"))
_CLAIM_ID = [column.name for column in claims.c].index("claim_id")
_TELLING = frozenset(kind.value for kind in (*CHANGES, *DOUBTS))
"""The events by which one sees who knows more of a claim."""

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE;
CREATE TABLE event (place INTEGER, number INTEGER, key TEXT, claim_id TEXT, digest BLOB, row TEXT, event INTEGER);
CREATE TABLE claim (place INTEGER, seq INTEGER, claim_id TEXT, row TEXT);
CREATE TABLE origin (place INTEGER, identity TEXT, row TEXT);
CREATE TABLE line (origin TEXT, number INTEGER, key TEXT, place INTEGER);
CREATE TABLE origin_seal (origin TEXT, seq INTEGER, row TEXT, place INTEGER);
CREATE TABLE final (claim_id TEXT PRIMARY KEY, product TEXT, unit TEXT, is_live INTEGER, row TEXT, is_new INTEGER,
    is_changed INTEGER);
CREATE TABLE board (name TEXT, claim_id TEXT);
"""
_INDEXES = """
CREATE INDEX event_key ON event (key, place);
CREATE INDEX event_number ON event (place, number);
CREATE INDEX event_claim ON event (claim_id, place) WHERE claim_id IS NOT NULL;
CREATE INDEX claim_id ON claim (claim_id, place);
CREATE INDEX line_number ON line (origin, number);
CREATE INDEX seal_seq ON origin_seal (origin, seq);
"""


_encode = json.JSONEncoder(separators=(",", ":")).encode


def encoded(row: Sequence[Any]) -> str:
    """Return a raw row as it is staged."""
    return _encode(list(row))


@contextmanager
def _sentences() -> Iterator[None]:
    with temporary_file_sentences():
        try:
            yield
        except UnicodeEncodeError:
            raise not_utf_8() from None


class MergeStage:
    """What several ledgers hold. Add them, then `index` it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(_TABLES)
        self.names: list[str] = []
        """How the ledgers are called, by their places."""
        self.identities: list[str] = []

    def __enter__(self) -> MergeStage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def ask(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query."""
        return self.cursor(query, *values)

    def cursor(self, query: str, *values: object) -> sqlite3.Cursor:
        """Return a cursor over the rows of a query, which may be many."""
        with _sentences():
            return self._connection.cursor().execute(query, values)

    def fill(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Do `statement` with each of `rows`."""
        with _sentences():
            self._connection.execute("BEGIN")
            self._connection.executemany(statement, rows)
            self._connection.execute("COMMIT")

    def drop(self, place: int) -> None:
        """Forget what the ledger at `place` holds."""
        for table in ("event", "claim", "origin", "line", "origin_seal"):
            self.ask(f"DELETE FROM {table} WHERE place = ?", place)  # noqa: S608

    def add(self, place: int, name: str, connection: Connection) -> None:
        """Take in all that the ledger has to which `connection` leads."""
        identity = read_row(connection).identity
        self.names[place : place + 1] = [name]
        self.identities[place : place + 1] = [identity]
        keep = place != TARGET
        self.fill(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (_staged_event(place, row, keep=keep) for row in stream(connection, events)),
        )
        self.fill(
            "INSERT INTO claim VALUES (?, ?, ?, ?)",
            ((place, row[0], row[_CLAIM_ID], encoded(row)) for row in stream(connection, claims)),
        )
        self.ask("INSERT INTO line SELECT ?, number, key, place FROM event WHERE place = ?", identity, place)
        if self.has_events(place):
            self.fill("INSERT INTO origin VALUES (?, ?, NULL)", [(place, identity)])
        self.fill(
            "INSERT INTO origin_seal VALUES (?, ?, ?, ?)",
            ((identity, row[0], encoded(row[1:]), place) for row in stream(connection, seals)),
        )
        self._add_origins(place, connection)

    def _add_origins(self, place: int, connection: Connection) -> None:
        self.fill(
            "INSERT INTO origin VALUES (?, ?, ?)",
            ((place, row[0], encoded(row)) for row in stream(connection, origins)),
        )
        self.ask("CREATE INDEX IF NOT EXISTS event_number ON event (place, number)")
        self.fill(
            "INSERT INTO line SELECT ?, number - ? + ?, key, place FROM event "
            "WHERE place = ? AND number BETWEEN ? AND ?",
            (
                (origin, event, number, place, event, event + count - 1)
                for origin, number, event, count in stream(connection, origin_events)
            ),
        )
        self.fill(
            "INSERT INTO origin_seal VALUES (?, ?, ?, ?)",
            ((row[0], row[1], encoded(row[2:]), place) for row in stream(connection, origin_seals)),
        )

    def has_events(self, place: int) -> bool:
        """Whether the ledger at `place` has a history."""
        return next(self.ask("SELECT 1 FROM event WHERE place = ? LIMIT 1", place), None) is not None

    def index(self) -> None:
        """Have it answer quickly."""
        with temporary_file_sentences():
            self._connection.executescript(_INDEXES.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS"))
            self._connection.execute("ANALYZE")


def _staged_event(place: int, row: RawRow, *, keep: bool) -> tuple[object, ...]:
    telling = row[_CLAIM] if row[_ACTION] in _TELLING else None
    rest = encoded(row[1:])
    digest = blake2b(rest.encode(), digest_size=_DIGEST).digest()
    return place, row[_ID], row[_KEY], telling, digest, f"[{row[_ID]},{rest[1:]}" if keep else None


def event_digest(row: RawRow) -> bytes:
    """Return what is the same for two events that are one, whatever their numbers."""
    return blake2b(encoded(row[1:]).encode(), digest_size=_DIGEST).digest()
