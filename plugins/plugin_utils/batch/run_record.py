# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves in the ledger beside its claims: that it was, what failed, with the reason, and a seal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .. import claim_ids
from ..display_text import counted, printable
from ..errors import IotoError
from ..flows import recording
from ..flows.recording import Recording
from ..ledger.event_kinds import EventKind
from ..ledger.ledger import Ledger
from ..ledger.location import Location
from ..ledger.records import NewEvent, State, parse_unit
from ..ledger.seals import seal_events
from ..ledger.twin_units import Unit, hold_back_twins
from ..modes import Mode
from .results import some_of
from .run_hosts import describe_host, events_of_hosts
from .summary import BatchSummary, Fate, outcome_of

_FAILED = {Fate.UNREACHABLE: EventKind.UNREACHABLE, Fate.FAILED: EventKind.FAILED}
VARIABLES = ("ioto_product", "ioto_serial", *recording.VARIABLES)
"""What has to be known of each host, beside those of `summary`."""


Members = Mapping[str, Mapping[str, Any]]
"""What is known of those hosts of a run that are recorded alike: in one ledger, by the same operator."""


@dataclass(frozen=True, slots=True)
class NewRecords:
    """What is to be recorded of some hosts: events, units with the host that is their twin, and lines to say."""

    events: Sequence[NewEvent]
    twins: Mapping[Unit, str] = field(default_factory=dict)
    told: Sequence[str] = ()


def record_run(
    summary: BatchSummary,
    open_ledger: Callable[[str | None], Ledger],
    *,
    started: str | None,
    run: str | None = None,
) -> list[str]:
    """Record the run in the ledger of each of its hosts, and seal it; return lines: where the records are, or why not.

    `started` is when it began, in ISO 8601; without it, what failed is recorded, and no run. `run` is its number;
    None is that of this process.
    """

    def of_run(_ledger: Ledger, place: Recording, members: Members) -> NewRecords:
        new_events = list(failures(members, summary, place))
        if started is not None:
            new_events += events_of_hosts(done(members, summary), place.context())
            new_events.append(NewEvent(EventKind.RUN, place.context(), detail=end_of_run(started, members, summary)))
        return NewRecords(new_events, twins_of(members))

    return record_each(summary, open_ledger, of_run, run=run)


def record_each(
    summary: BatchSummary,
    open_ledger: Callable[[str | None], Ledger],
    new_records: Callable[[Ledger, Recording, Members], NewRecords],
    *,
    run: str | None = None,
    is_part: bool = False,
    may_fail: bool = True,
) -> list[str]:
    """Record, in the ledger of each host, the `new_records` of those that are recorded alike; return lines.

    A ledger that cannot have them is one of the lines, or raises `IotoError` where it may not fail. One that is new is
    told, but not by each slice of a job and by its finish (`is_part`), of which one at a time looks and records.
    """
    lines: dict[str, None] = {}  # each once, in their order
    for place, members in _by_place(summary, run).items():
        try:
            with _opened(open_ledger, place, is_part=is_part) as ledger:
                new = new_records(ledger, place, members)
                ledger.record_many(new.events)
                hold_back_twins(ledger.database, new.twins, place.context())
                where = _where(ledger, place.context().run, is_part=is_part)
                told = [*_half_done(ledger, members, summary), *where, *new.told, *_seal(ledger)]
        except IotoError as error:
            if not may_fail:
                raise
            told = [f"The run is not in the ledger: {error}"]
        lines |= dict.fromkeys(told)
    return list(lines)


@contextmanager
def _opened(open_ledger: Callable[[str | None], Ledger], place: Recording, *, is_part: bool) -> Iterator[Ledger]:
    """Open the ledger of a place; with `is_part`, no other part of the same job has it meanwhile."""
    with open_ledger(place.ledger) as ledger:
        if not is_part:
            yield ledger
            return
        with ledger.alone_with([str(place.context().run)]):
            yield ledger


def end_of_run(started: str, members: Members, summary: BatchSummary, **more: str) -> str:
    """Return the detail of the event of a run's end."""
    counts = Counter(summary.fates[host].value for host in members)
    return json.dumps({"started": started, "devices": len(members), **counts, **more})


def begin_run(
    hosts: Mapping[str, Mapping[str, Any]],
    open_ledger: Callable[[str | None], Ledger],
    *,
    run: str | None = None,
    job_started: datetime | None = None,
) -> None:
    """Record, in the ledger of each of `hosts`, that a run of them begins. Raises `IotoError`.

    With `job_started`, the run is a job, whose check began then.
    """
    places: dict[Recording, list[dict[str, object]]] = {}
    for number, (host, facts) in enumerate(hosts.items()):
        flow = facts.get("ioto_mode")
        if flow != Mode.NONE:
            place = Recording.of_host(facts).under(run)
            entry = describe_host(host, flow, unit_of(facts))
            places.setdefault(place, []).append(entry if job_started is None else {**entry, "place": number})
    for place, members in places.items():
        new_events = list(events_of_hosts(members, place.context()))
        if job_started is not None:
            detail = json.dumps({"started": job_started.isoformat()})
            new_events.append(NewEvent(EventKind.JOB, place.context(), detail=detail))
        with open_ledger(place.ledger) as ledger:
            ledger.record_many(new_events)


def foretell_records(summary: BatchSummary, open_ledger: Callable[[str | None], Ledger]) -> list[str]:
    """Return lines that say where a run that is more than a check would record; `open_ledger` only reads."""
    lines: dict[str, None] = {}
    for place in _by_place(summary, None):
        try:
            with open_ledger(place.ledger) as ledger:
                where = printable(str(Location.parse(place.ledger)))
                is_new = f"There is no ledger in {where} yet; a run makes a new one there."
                told = is_new if ledger.is_absent else f"The records are in {where}."
        except IotoError as error:
            told = f"The ledger cannot be read: {error}"
        lines[told] = None
    return list(lines)


def _by_place(summary: BatchSummary, run: str | None) -> dict[Recording, dict[str, Mapping[str, Any]]]:
    recorded: dict[Recording, dict[str, Mapping[str, Any]]] = {}
    for host, facts in summary.hosts.items():
        if host in summary.fates:
            recorded.setdefault(Recording.of_host(facts).under(run), {})[host] = facts
    return recorded


def _where(ledger: Ledger, run: str | None, *, is_part: bool) -> list[str]:
    """Return where the ledger is; one whose first event is of this run is new, and told, since it may be mistyped."""
    where = printable(ledger.location)
    oldest = next(ledger.events(limit=1), None)
    is_new = oldest is not None and oldest.run is not None and oldest.run == run and not is_part
    return [
        *([f"A new ledger was made in {where}."] if is_new else []),
        f"The records are in {where}, under the run {run}.",
    ]


def _half_done(ledger: Ledger, members: Collection[str], summary: BatchSummary) -> list[str]:
    """Return a line for the hosts that are not done and hold an ID that nobody has read back since it was written."""
    failed = {host for host in members if host in summary.not_done}
    if not failed:
        return []
    half = sorted({claim.host for claim in ledger.claims(states=[State.WRITTEN]) if claim.host in failed})
    if not half:
        return []
    return [f"Written and not verified: the claim ID of {counted(len(half), 'device')}: {some_of(half)}."]


def unit_of(facts: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return product and serial of a host, as its flow found them, else as its variables say, as far as they do."""
    outcome = outcome_of(facts)
    if outcome is not None:
        return outcome["product"], outcome["serial"]
    return _parsed(claim_ids.parse_product, facts.get("ioto_product")), _parsed(parse_unit, facts.get("ioto_serial"))


def _seal(ledger: Ledger) -> list[str]:
    """Seal what the run left; return a sentence where it could not be. The next run seals it then."""
    try:
        seal_events(ledger.database)
    except IotoError as error:
        return [f"The run is in the ledger, and not sealed: {error}"]
    return []


def done(members: Members, summary: BatchSummary) -> Iterator[dict[str, object]]:
    """Yield what is recorded of those of `members` that are done."""
    for host, facts in members.items():
        if host not in summary.not_done:
            yield describe_host(host, facts.get("ioto_mode"), unit_of(facts), summary.fates[host].value)


def twins_of(members: Members) -> dict[Unit, str]:
    """Return the units of hosts that are twins of others, each with the host of another one."""
    outcomes = [facts["ioto_outcome"] for facts in members.values() if isinstance(facts.get("ioto_outcome"), Mapping)]
    return {
        (str(outcome["product"]), str(outcome["serial"])): str(outcome["twin"])
        for outcome in outcomes
        if outcome.get("twin") and outcome.get("product") and outcome.get("serial")
    }


def failures(members: Members, summary: BatchSummary, place: Recording) -> Iterator[NewEvent]:
    """Yield an event for each of `members` that is not done."""
    for host, facts in members.items():
        reason = summary.not_done.get(host)
        if reason is not None:
            product, serial = unit_of(facts)
            fate = summary.fates[host]
            kind = _FAILED.get(fate, EventKind.NOT_LABELLED)
            yield NewEvent(kind, place.context(host), product=product, unit=serial, detail=reason)


def _parsed(parse: Callable[[str], str], value: object) -> str | None:
    try:
        return parse(value) if isinstance(value, str) else None
    except IotoError:
        return None
