# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slices of a job: which of its hosts each has, and that no two have one at a time.

A job is a run whose hosts are done in slices, perhaps on several machines. A slice says here whom it has before it
touches a device, and what became of each when it ends; one that was killed never does, and is replaced.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ..display_text import counted, local_time, printable
from . import advisory_locks
from .change_set import ChangeSet
from .database import Database
from .event_kinds import EventKind
from .operations import note_all
from .records import Context, Event, LedgerError, NewEvent
from .row_values import MAX_TEXT, packed, read, select_rows, unread
from .schema import events

_SHOWN = 3


class SliceOverlapError(LedgerError):
    """A host that another slice of the job has."""


@dataclass(slots=True)
class Slice:
    """A slice as the ledger has it; `begun` is the number of its first event, and `results` are by host."""

    number: str
    begun: int
    at: datetime
    by: str
    hosts: dict[str, None] = field(default_factory=dict)
    replaces: set[str] = field(default_factory=set)
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    replaced_by: str | None = None
    process: str = ""
    """The process that does it, as who recorded it names processes."""

    @property
    def is_open(self) -> bool:
        """Whether it may still be at work: it has not said of each host what became of it, and nobody replaced it."""
        return self.replaced_by is None and any(host not in self.results for host in self.hosts)


@dataclass(frozen=True, slots=True)
class NewSlice:
    """A slice of the job `context.run` that wants to begin with `hosts`; it may replace those of these numbers."""

    number: str
    hosts: Sequence[str]
    context: Context
    may_replace: Collection[str] = ()
    process: str = ""
    is_alive: Callable[[str], bool | None] = lambda _process: None
    """Says whether a process lives; None where that cannot be told from here."""


def slices_of(happened: Iterable[Event]) -> dict[str, Slice]:
    """Return the slices that `happened` tells of, in the order in which they began, by number."""
    found: dict[str, Slice] = {}
    for event in happened:
        told = _told(event)
        number = str(told.get("slice"))
        if event.kind == EventKind.SLICE:
            one = found.setdefault(number, Slice(number, event.id, event.at, event.by))
            one.process = str(told.get("process", ""))
            one.hosts |= dict.fromkeys(map(str, _listed(told, "hosts")))
            for other in map(str, _listed(told, "replaces")):
                one.replaces.add(other)
                if other in found:
                    found[other].replaced_by = number
        elif event.kind == EventKind.SLICE_ENDED and number in found:
            results = [result for result in _listed(told, "results") if isinstance(result, dict) and "host" in result]
            found[number].results |= {str(result["host"]): result for result in results}
    return found


def open_slice(database: Database, new: NewSlice, *, check: bool = False) -> list[Slice]:
    """Record that a slice begins, and return those that it takes the place of; with `check` nothing is recorded.

    That are those which its owner names, those whose process has died, and one with the very same hosts: that is a
    worker that was lost and is replaced, and the locks of units and devices keep them apart where it lives. Raises
    `SliceOverlapError` where another open slice has one of the hosts, also the very same where it is known to live.
    """
    if check:
        with database.read() as connection:
            return _replaced(connection, new)

    def begin(connection: Connection) -> list[Slice]:
        _be_alone(connection, new.context.run or "")
        replaced = _replaced(connection, new)
        changes = ChangeSet(connection)
        note_all(changes, list(_events_of(new, replaced)))
        changes.save()
        return replaced

    return database.write(begin)


def packed_results(number: str, results: Iterable[Mapping[str, Any]], context: Context) -> Iterator[NewEvent]:
    """Yield the events that say what became of hosts of the slice with that number."""
    for some in _packed("results", results, {"slice": number}):
        yield NewEvent(EventKind.SLICE_ENDED, context, detail=some)


def describe_slice(one: Slice) -> str:
    """Return which slice it is, for people: its number, on which machine, since when."""
    return f"the slice {one.number} ({printable(one.by)}, since {local_time(one.at)})"


def _events_of(new: NewSlice, replaced: Sequence[Slice]) -> Iterator[NewEvent]:
    facts: dict[str, Any] = {"slice": new.number, "process": new.process}
    numbers = [one.number for one in replaced]
    for some in (*_packed("replaces", numbers, facts), *_packed("hosts", new.hosts, facts)):
        yield NewEvent(EventKind.SLICE, new.context, detail=some)


def _packed(name: str, members: Iterable[object], facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield JSON objects of `facts` with a list that hold all `members`, each as long as the ledger keeps a text."""
    room = MAX_TEXT - len(json.dumps({**facts, name: []})) + len("[]")
    for some in packed(members, room):
        yield json.dumps({**facts, name: json.loads(some)})


def _be_alone(connection: Connection, job: str) -> None:
    """Have no other slice of the job begin until the end of the transaction. Of SQLite's writers, one is at a time."""
    if connection.dialect.name == "postgresql":
        number = zlib.crc32(job.encode()) - 2**31
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, %s)", (advisory_locks.JOBS, number))


def _replaced(connection: Connection, new: NewSlice) -> list[Slice]:
    known = slices_of(_of_job(connection, new.context.run, EventKind.SLICE, EventKind.SLICE_ENDED))
    mine = set(new.hosts)
    replaced = []
    for other in known.values():
        shared = [host for host in other.hosts if host in mine and host not in other.results]
        if not other.is_open or not shared:
            continue
        is_alive = new.is_alive(other.process)
        if other.number not in new.may_replace and (is_alive or (is_alive is None and other.hosts.keys() != mine)):
            raise SliceOverlapError(_overlap(connection, new, other, shared, is_alive=bool(is_alive)))
        replaced.append(other)
    return replaced


def _overlap(connection: Connection, new: NewSlice, other: Slice, shared: Sequence[str], *, is_alive: bool) -> str:
    more = f" and {len(shared) - _SHOWN} more" if len(shared) > _SHOWN else ""
    hosts = f"{printable(', '.join(shared[:_SHOWN]))}{more}"
    heard = _last_heard(connection, new.context.run, other)
    place = f"take its place with -e ioto_replaces_slice={other.number}"
    remedy = f"wait for its end; if it is dead, {place}"
    if is_alive:
        remedy = f"it runs on this machine; wait for its end, or end it and {place}"
    return (
        f"{counted(len(shared), 'host')} of this slice ({hosts}) {'is' if len(shared) == 1 else 'are'} in another one "
        f"that has not ended, {describe_slice(other)}, last heard of {local_time(heard)}: {remedy}."
    )


def _last_heard(connection: Connection, job: str | None, other: Slice) -> datetime:
    """Return when something was last done with a host of a slice."""
    happened = _of_job(connection, job, after=other.begun)
    return max([other.at, *(event.at for event in happened if event.host in other.hosts)])


def _of_job(connection: Connection, job: str | None, *kinds: EventKind, after: int = -1) -> list[Event]:
    query = select(*unread(Event, events)).where(events.c.run == job, events.c.id > after).order_by(events.c.id)
    if kinds:
        query = query.where(events.c.action.in_([kind.value for kind in kinds]))
    return list(read(Event, select_rows(connection, query), connection.dialect))


def _listed(told: Mapping[str, Any], name: str) -> list[Any]:
    found = told.get(name)
    return found if isinstance(found, list) else []


def _told(event: Event) -> dict[str, Any]:
    try:
        told = json.loads(event.detail or "{}")
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
