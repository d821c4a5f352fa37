# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole ledger as JSON Lines: the full exchange, which another database, another site or another tool reads.

The first line says which ledger it is and how much there is of it, the last how many lines there are and their SHA-256,
so that a file that was cut or changed is refused. Between them stands a row of the ledger in each line, by the name of
its table. Times are ISO 8601 in UTC; what a column holds as JSON stays a text, to the byte. Counts and whatever else
follows from these rows is not in the file.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any, TypeGuard

from sqlalchemy import Column, Table, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ...claim_ids import quoted_masked
from ...csv_reader import LineProblem
from ...private_files import open_regular
from ..database import Database
from ..integrity.check import snapshot
from ..integrity.row_parsers import claim_problems
from ..location import Location
from ..migrations.steps import SCHEMA_VERSION
from ..raw_rows import RawRow
from ..records import LedgerError
from ..schema import UtcDateTime, claims, events, origin_events, origin_seals, origins, seals
from ..transfer import MAX_LISTED, ImportRowsError
from .derived import derive
from .ledger_row import LedgerRow, last_event, read_row, write_row
from .rows import AT_ONCE, not_utf_8, put, stream

_HEAD, _END = "ledger", "end"
_BEGIN = b'{"ledger"'
_FORMAT = 1
_TABLES: Mapping[str, Table] = {
    "event": events,
    "seal": seals,
    "claim": claims,
    "origin": origins,
    "origin_events": origin_events,
    "origin_seal": origin_seals,
}
_MOST_BYTES = 16 * 1024 * 1024
"""Of a line: what is longer is of no ledger, and not kept."""
_CLAIM = "claim"
_CONTRADICTS = (
    "contradicts one before it, as by a claim ID that stands there already, or by a second one in use for a unit; "
    "export the ledger again."
)
_ORDER = {name: order for order, name in enumerate(_TABLES)}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")

_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

Line = tuple[int, str, dict[str, Any]]


def is_exchange(path: Path) -> bool:
    """Whether the file at `path` is a whole ledger, and no list of claims. Raises `OSError`."""
    with open_regular(path) as stream_:
        return stream_.read(len(codecs.BOM_UTF8 + _BEGIN)).removeprefix(codecs.BOM_UTF8).startswith(_BEGIN)


def dump(database: Database, file: IO[bytes]) -> int:
    """Write the whole ledger to `file`, as it is at one moment, and return how many claims it has.

    Claim IDs are whole in it: make the file 0600. Raises `OSError` where that cannot be written, and `LedgerError`.
    """
    digest, count, failure = hashlib.sha256(), 0, None
    with snapshot(database) as connection:
        for text in _lines(connection):
            line = _encoded(text)
            digest.update(line)
            try:
                file.write(line)
            except OSError as error:  # not raised here, where it would be taken for one of the ledger's own disk
                failure = error
                break
            count += 1
        number = connection.execute(select(func.count()).select_from(claims)).scalar()
    if failure is not None:
        raise failure
    file.write(f"{_encode({_END: {'lines': count, 'sha256': digest.hexdigest()}})}\n".encode())
    return int(number or 0)


@contextmanager
def loaded(path: Path) -> Iterator[Database]:
    """Lend the ledger of a file, as a database that nobody else sees. Raises `LedgerError` or `ImportRowsError`."""
    with closing(Database(Location())) as database:
        _read(path, database)
        yield database


def _lines(connection: Connection) -> Iterator[str]:
    row = read_row(connection)
    numbers = {
        name: connection.execute(select(func.count()).select_from(table)).scalar() for name, table in _TABLES.items()
    }
    is_foreign = connection.dialect.name == "postgresql"
    until = last_event(connection) if is_foreign else row.foreign_until
    about = {"format": _FORMAT, "schema": SCHEMA_VERSION, "identity": row.identity, "foreign_until": until}
    yield _encode({_HEAD: {**about, "rows": numbers}})
    for name, table in _TABLES.items():
        for raw in stream(connection, table):
            yield _encode({name: _told(table, raw)})


def _encoded(text: str) -> bytes:
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:
        raise not_utf_8() from None


def _told(table: Table, row: RawRow) -> dict[str, Any]:
    return {
        column.name: f"{value.replace(' ', 'T')}+00:00" if isinstance(column.type, UtcDateTime) else value
        for column, value in zip(table.c, row, strict=True)
        if value is not None
    }


def _read(path: Path, database: Database) -> None:
    problems: list[LineProblem] = []
    with open_regular(path) as file:
        reader = _ExchangeReader(file)
        head = reader.head()
        database.write(lambda connection: _put(connection, reader, head, problems, path))
    if problems:
        raise ImportRowsError(problems, reader.bad, path)


def _put(
    connection: Connection, reader: _ExchangeReader, head: Mapping[str, Any], problems: list[LineProblem], path: Path
) -> None:
    for name, lines in groupby(reader.rows(problems), lambda line: line[1]):
        table = _TABLES[name]
        while part := list(islice(lines, AT_ONCE)):
            rows = [[values.get(column.name) for column in table.c] for _line, _name, values in part]
            try:
                put(connection, table, rows)
            except DBAPIError:  # with which SQLite has undone all of it
                more = f", or one of the {len(part) - 1} after it," if len(part) > 1 else ""
                problem = LineProblem(part[0][0], f"The row{more} {_CONTRADICTS}")
                raise ImportRowsError([*problems, problem], reader.bad + 1, path) from None
    derive(connection)
    write_row(connection, LedgerRow(head["identity"], None, head.get("foreign_until")))


class _ExchangeReader:
    """The lines of a file, each looked at; `bad` is how many of them are wrong."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._number = 0
        self.bad = 0

    def head(self) -> Mapping[str, Any]:
        """Return what the first line says. Raises `LedgerError`."""
        found = self._parsed(self._file.readline(_MOST_BYTES).removeprefix(codecs.BOM_UTF8))
        head = found.get(_HEAD) if isinstance(found, dict) else None
        if not isinstance(head, dict) or not head.get("identity") or not _is_text(head["identity"]):
            raise LedgerError("The file does not begin as a whole ledger does; give one that the job export wrote.")
        version = head.get("schema")
        if head.get("format") != _FORMAT or not _is_number(version) or version > SCHEMA_VERSION:
            raise LedgerError(
                "The file was written by a newer ioto.serialization; update the collection on this controller."
            )
        if head.get("foreign_until") is not None and not _is_number(head["foreign_until"]):
            raise LedgerError("The first line of the file was changed; export the ledger again.")
        return head

    def rows(self, problems: list[LineProblem]) -> Iterator[Line]:
        """Yield the rows, and put down what is wrong with others."""
        before: tuple[int, tuple[Any, ...]] = (-1, ())
        while data := self._file.readline(_MOST_BYTES):
            digest, number = self._digest.hexdigest(), self._number
            found = self._parsed(data)
            values: Any
            name, values = found.popitem() if isinstance(found, dict) and len(found) == 1 else ("", None)
            if name == _END:
                if values != {"lines": number, "sha256": digest} or self._file.read(1):
                    self.note(problems, "The file is not what was exported: lines were changed, removed or added.")
                return
            if sentence := _problem(name, values):
                self.note(problems, sentence)
                continue
            row = {column.name: values[column.name] for column in _TABLES[name].c if column.name in values}
            at = _ORDER[name], tuple(row[column.name] for column in _TABLES[name].primary_key.columns)
            if at <= before:
                self.note(problems, "The row is out of order; export the ledger again.")
            before = max(at, before)
            stored = {column: _stored(_TABLES[name], column, row[column]) for column in row}
            if name == _CLAIM and (wrong := list(claim_problems([stored.get(column.name) for column in claims.c]))):
                self.note(problems, f"The row is of no ledger, since {' and '.join(wrong)}; export the ledger again.")
            if not self.bad:
                yield self._number, name, stored
        self._number += 1
        self.note(problems, "The end of the file is missing; copy or export it again.")

    def _parsed(self, data: bytes) -> Any:
        self._number += 1
        self._digest.update(data)
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None

    def note(self, problems: list[LineProblem], sentence: str, line: int | None = None) -> None:
        """Put down what is wrong with a line; without a number, with the last one that was read."""
        self.bad += 1
        if len(problems) < MAX_LISTED:
            problems.append(LineProblem(self._number if line is None else line, sentence))


def _problem(name: str, values: Any) -> str | None:
    """Return what is wrong with a line."""
    table = _TABLES.get(name)
    if table is None or not isinstance(values, dict):
        return "This line is not a row of a ledger; export the ledger again."
    if unknown := [column for column in values if column not in table.c]:
        listed = quoted_masked(", ".join(unknown))
        return f"The key {listed} is unknown; update the collection, or export the ledger again."
    if bad := [column.name for column in table.c if not _fits(column, values.get(column.name))]:
        return f"The value of {', '.join(bad)} is missing or of another kind; export the ledger again."
    return None


def _fits(column: Column[Any], value: object) -> bool:
    """Whether a value may stand in that column of a row."""
    if value is None:
        return bool(column.nullable)
    if column.type.python_type is int:
        return _is_number(value)
    return _is_text(value) and (not isinstance(column.type, UtcDateTime) or _TIME.fullmatch(value) is not None)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_text(value: object) -> TypeGuard[str]:
    """Whether both databases take a value as a text: without a NUL, and without half characters."""
    if not isinstance(value, str) or "\0" in value:
        return False
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _stored(table: Table, name: str, value: Any) -> Any:
    if value is not None and isinstance(table.c[name].type, UtcDateTime):
        return value.removesuffix("+00:00").replace("T", " ")
    return value


def _encode(line: Mapping[str, Any]) -> str:
    return _encoder(line)
