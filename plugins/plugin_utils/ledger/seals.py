# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals: what the ledger's history was, so that a changed, removed or inserted event is seen later.

A seal is a row with a hash over the events that came since the seal before, and over that seal. It is written when a
run ends, and every few seconds by the service; never inside an allocation, which it would slow down. Whoever can write
to the database can also write seals anew: they find damage, not a forger.

What is hashed of an event are its columns that hold something, by name. So a column that comes with a later migration,
empty in all old events, leaves their seals as they are; a column must not be renamed, though. Behind the hash stands a
short mark of each event, by which the one that changed is told from its neighbours.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice, pairwise
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from .database import Database
from .raw_rows import RawRow, few_raw_rows, few_rows_as_stored, raw_columns, raw_time
from .records import LedgerError, LockedLedgerError, LocksFreedError, UnreadableRowsError
from .schema import events, seals

MOST_EVENTS = 256
"""Events under one seal: where its hash is wrong, so many have to be looked at."""

_SEALS_AT_ONCE = 32
"""Seals in one transaction."""

# Writers that come while it waits for those under way wait behind it: not for a way to the server and back as well.
_WAIT_FOR_WRITERS = f"BEGIN; SET LOCAL lock_timeout = '200ms'; LOCK TABLE {events.name} IN SHARE MODE; ROLLBACK"

_DIGEST_LENGTH = 64
_MARK_LENGTH = 4
_MARK = 0xFFFF

EVENT_NAMES = tuple(column.name for column in events.c)
"""The columns of the rows that are hashed, the number first."""

_encode = json.JSONEncoder(separators=(",", ":"), default=lambda value: {"blob": bytes(value).hex()}).encode


class Seal(NamedTuple):
    """A seal as it is in its table. `first_event` is None for what stands before the first seal."""

    seq: int
    first_event: int | None
    last_event: int
    events: int
    at: str
    hash: str

    @property
    def is_sound(self) -> bool:
        """Whether each value is of its kind: in a file, a flipped bit makes one of another kind."""
        return all(isinstance(number, int) for number in self[:4]) and all(isinstance(text, str) for text in self[4:])

    @property
    def digest(self) -> str:
        """The hash itself, which the next seal covers."""
        return self.hash[:_DIGEST_LENGTH]

    @property
    def marks(self) -> list[str]:
        """The mark of each event, in their order."""
        marks = self.hash[_DIGEST_LENGTH + 1 :]
        return [marks[start : start + _MARK_LENGTH] for start in range(0, len(marks), _MARK_LENGTH)]


class DamagedSealError(UnreadableRowsError):
    """A seal in which a value is of another kind."""

    def __init__(self, table: str) -> None:
        super().__init__(f"the last row of its table {table} is not a seal")


START = Seal(0, None, -(2**63), 0, "", "")
"""What the first seal follows."""


class Sealed(NamedTuple):
    """How many events were sealed, and whether all are that were there."""

    events: int
    is_all: bool


def seal_events(database: Database, *, seconds: float = math.inf) -> Sealed:
    """Seal the events that are not sealed yet, for so many `seconds`.

    It does nothing where another process seals at the same time, or where writers leave no moment to see which events
    have come to stay: the next call will.
    """
    last = last_seal(database)
    newest = _newest_settled(database, last)
    if newest is None:
        return Sealed(0, is_all=False)
    sealed = 0
    deadline = time.monotonic() + seconds
    while last.last_event < newest and time.monotonic() < deadline:
        with database.ask() as connection:
            rows = _unsealed(connection, last, newest)
        new = list(_chain(last, rows, raw_time(datetime.now(UTC))))
        if not new or not database.write(partial(_append, new, last)):
            break
        last = new[-1]
        sealed += len(rows)
    return Sealed(sealed, is_all=last.last_event >= newest)


def seal_within(connection: Connection) -> None:
    """Seal all events in the caller's transaction, within which nobody else writes any."""
    last = _last(connection)
    newest = int(connection.execute(select(func.max(events.c.id))).scalar() or 0)
    while last.last_event < newest:
        rows = _unsealed(connection, last, newest)
        new = list(_chain(last, rows, raw_time(datetime.now(UTC))))
        if not new or not _append(new, last, connection):
            return
        last = new[-1]


def last_seal(database: Database) -> Seal:
    """Return the newest seal, or `START`. Raises `DamagedSealError`."""
    with database.ask() as connection:
        return _last(connection)


def seal_hash(seal: Seal, before: str, rows: Sequence[RawRow]) -> str:
    """Return the `hash` that `seal` has to have over `rows`, raw events, where the seal before has the digest `before`.

    Each event is a line of JSON, in which a line break is escaped; so two lists of events are never the same text.
    """
    lines = _lines(rows)
    marks = "".join([f"{zlib.crc32(line) & _MARK:04x}" for line in lines])
    head = _encode([before, seal.seq, seal.first_event, seal.last_event, seal.events, seal.at, marks]).encode()
    digest = hashlib.sha256(b"\n".join((head, *lines))).hexdigest()
    return f"{digest}.{marks}"


def _lines(rows: Sequence[RawRow]) -> list[bytes]:
    """Return each of some events as an object in JSON: its columns that hold something.

    By the column, since most of them say the same of all: the service seals each event that it makes.
    """
    if not rows:
        return []
    columns = zip(EVENT_NAMES, zip(*rows, strict=True), strict=True)
    members = [_members(name, values) for name, values in columns]
    return [f"{{{','.join(filter(None, parts))}}}".encode() for parts in zip(*members, strict=True)]


def _members(name: str, values: Sequence[object]) -> Sequence[str | None]:
    """Return what the column `name` is in each object; None where it holds nothing."""
    key, first = _encode(name), values[0]
    if isinstance(first, str | None) and values.count(first) == len(values):
        return (None if first is None else f"{key}:{_encode(first)}",) * len(values)
    if {*map(type, values)} == {int}:
        return [f"{key}:{value}" for value in values]
    return [None if value is None else f"{key}:{_encode(value)}" for value in values]


def _last(connection: Connection) -> Seal:
    query = f"SELECT {raw_columns(seals, connection.dialect)} FROM {seals.name} ORDER BY seq DESC LIMIT 1"  # noqa: S608
    found = next((Seal(*row) for row in few_raw_rows(connection, query)), None)
    if found is not None and not found.is_sound:
        raise DamagedSealError(seals.name)
    return found or START


def _newest_settled(database: Database, last: Seal) -> int | None:
    """Return the number up to which no event can come any more; None where nobody can tell at the moment.

    PostgreSQL draws an event's number before it is committed. Whoever drew a lower one than the newest that can be
    seen writes to the table still; so it is waited for, a moment, until nobody does.
    """
    with database.ask() as connection:
        newest = connection.execute(select(func.max(events.c.id))).scalar()
    if newest is None or newest <= last.last_event:
        return last.last_event
    for _attempt in range(2):
        try:
            with database.ask() as connection:
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(_WAIT_FOR_WRITERS)
                return int(newest)
        except LocksFreedError:
            continue  # of a writer who is gone, and is ended now
        except LockedLedgerError:
            break
    return None


def _unsealed(connection: Connection, last: Seal, newest: int) -> list[RawRow]:
    query = (
        f"SELECT {raw_columns(events, connection.dialect)} FROM {events.name} "  # noqa: S608
        "WHERE id > :last AND id <= :newest ORDER BY id LIMIT :most"
    )
    most = _SEALS_AT_ONCE * MOST_EVENTS
    rows = list(few_rows_as_stored(connection, query, last=last.last_event, newest=newest, most=most))
    numbers = [last.last_event, *(row[0] for row in rows)]
    if any(number >= following for number, following in pairwise(numbers)):
        raise LedgerError(
            "The events of the ledger are out of order, so they are not sealed; have the ledger checked by "
            "ledger_info with check_integrity."
        )
    return rows


def _chain(last: Seal, rows: Sequence[RawRow], at: str) -> Iterator[Seal]:
    remaining = iter(rows)
    while part := list(islice(remaining, MOST_EVENTS)):
        seal = Seal(last.seq + 1, part[0][0], part[-1][0], len(part), at, "")
        last = seal._replace(hash=seal_hash(seal, last.digest, part))
        yield last


def _append(new: Sequence[Seal], last: Seal, connection: Connection) -> bool:
    """Write the `new` seals where `last` is still the last. Two at once have the same numbers, so one wins."""
    if _last(connection) != last:
        return False
    moment = datetime.fromisoformat(new[0].at).replace(tzinfo=UTC)
    connection.execute(seals.insert(), [{**seal._asdict(), "at": moment} for seal in new])
    return True
