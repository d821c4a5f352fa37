# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from a ledger what a report says: the units that something happened to in a period, or that a run handled."""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from ..batch.run_hosts import done_hosts, hosts_of_run
from ..claim_ids import parse_product
from ..display_text import printable
from ..errors import IotoError
from ..flows.recording import account_of
from ..ledger.event_kinds import EventKind
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Event, LedgerError, State, parse_recorded_unit
from ..ledger.rework.chain import ACTS, ChainLink, chain_of
from .records import Failure, ReportedUnit, Row, UnitVerdict

_FAILURES: Mapping[str, UnitVerdict] = {
    EventKind.FAILED: UnitVerdict.FAILED,
    EventKind.CONFLICT: UnitVerdict.FAILED,
    EventKind.UNREACHABLE: UnitVerdict.UNREACHABLE,
    EventKind.MISMATCH: UnitVerdict.MISMATCH,
    EventKind.NOT_LABELLED: UnitVerdict.NOT_LABELLED,
    EventKind.PRINT_FAILED: UnitVerdict.NOT_LABELLED,
    EventKind.PRINT_UNSURE: UnitVerdict.NOT_LABELLED,
}
"""Events of what went wrong, and what they make of a unit until something makes up for them."""
_MAKES_UP: Mapping[UnitVerdict, Collection[str]] = {
    UnitVerdict.FAILED: {State.VERIFIED, State.LABELLED, EventKind.SETTLED, EventKind.CHECKED},
    UnitVerdict.UNREACHABLE: {State.VERIFIED, State.LABELLED, EventKind.SETTLED, EventKind.CHECKED},
    UnitVerdict.MISMATCH: {EventKind.CHECKED},
    UnitVerdict.NOT_LABELLED: {State.LABELLED},
}
_OF_THE_DEVICE = (UnitVerdict.FAILED, UnitVerdict.UNREACHABLE)
_OF_A_RUN = (
    EventKind.RUN_HOSTS,
    *(EventKind.ALLOCATED, EventKind.BOUND, EventKind.WRITTEN, EventKind.VERIFIED, EventKind.LABELLED),
    *(EventKind.CONFLICT, EventKind.FAILED, EventKind.UNREACHABLE),
)
"""What tells of a run, whether or not it came to its end."""
_OF_THE_RUN_ITSELF = {EventKind.RUN, EventKind.RUN_HOSTS}
_STATES = {state.value: state for state in State}
_MOVES = frozenset({*_STATES, EventKind.BOUND, EventKind.IMPORTED})
_AT_ONCE = 500
"""Claims that the ledger is asked for in one question."""
_FLOWS = {"service": "factory", "agent": "auto"}
"""The flow of which a claim's source tells."""

_Key = tuple[str | None, str]
"""A unit by product and serial, or, where nobody knows its serial, no product and a host."""


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when; of a run, by its number, or, where it is too old to have one, by whom (`user@station`)."""

    since: datetime
    until: datetime
    actor: str | None = None
    run: str | None = None
    is_cut_off: bool = False
    """Whether it is that of a run that did not come to its end."""

    def holds(self, event: Event) -> bool:
        """Say whether `event` belongs to the period; of a run with a number, whatever its clock said."""
        if self.run is not None:
            return event.run == self.run
        if self.actor is not None and account_of(self.actor) != account_of(event.actor):
            return False
        return self.since <= event.at <= self.until


def last_run(ledger: Ledger, number: str | None = None) -> Period | None:
    """Return when and by whom the last run was, or the one with that `number`; None where the ledger has none.

    One that was cut off, or is still going on, goes from its first event to its last.
    """
    ended = next(ledger.events(kinds=[EventKind.RUN], newest_first=True, limit=1, run=number), None)
    if number is None or ended is None:
        begun = ledger.events(kinds=_OF_A_RUN, newest_first=True, after=ended and ended.id, run=number)
        # What has no host is a service's; what has the run of its end came after it, such as a label that was late.
        last = next((event for event in begun if _is_of_a_batch(event) and not _is_of(event, ended)), None)
        if last is not None:
            first = next(ledger.events(run=last.run, limit=1))
            return Period(min(first.at, last.at), max(first.at, last.at), last.actor, last.run, is_cut_off=True)
    for event in () if ended is None else (ended,):
        try:
            started = datetime.fromisoformat(json.loads(event.detail or "")["started"])
            if started.tzinfo is None:  # nobody knows which clock that was
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError):
            raise LedgerError(
                f"The ledger is damaged: row {event.id} of its table ioto_events does not say when its run began; give "
                "since, or restore the ledger from its backup."
            ) from None
        return Period(started, event.at, event.actor, event.run)
    return None


def _is_of_a_batch(event: Event) -> bool:
    return event.run is not None and (event.host is not None or event.kind == EventKind.RUN_HOSTS)


def units_of_run(ledger: Ledger, run: str) -> list[ReportedUnit]:
    """Return the hosts of a run as it recorded them, as the units that they are where it knew that."""
    return [
        ReportedUnit(
            entry["host"], entry.get("product"), entry.get("serial"), entry.get("flow"), is_open="result" not in entry
        )
        for entry in hosts_of_run(ledger, run)
    ]


def _is_of(event: Event, ended: Event | None) -> bool:
    return ended is not None and event.run == ended.run


def collect(ledger: Ledger, period: Period, units: Sequence[ReportedUnit] = (), *, only: bool = False) -> list[Row]:
    """Return a row for each of `units`, in their order, and, unless `only`, for every other that something happened to.

    A host that several units had in the period is of the last one.
    """
    cases: dict[_Key, _Case] = {}
    by_host: dict[str, _Key] = {}
    for unit in units:
        key = (unit.product, unit.serial) if unit.product and unit.serial else (None, unit.host)
        cases[key] = _Case(unit, [])
        by_host[unit.host] = key
    events = ledger.events(since=period.since) if period.run is None else ledger.events(run=period.run)
    held = [event for event in events if period.holds(event)]
    happened = [event for event in held if event.kind not in _OF_THE_RUN_ITSELF]
    known = {unit.host for unit in units}
    # Nothing but the end of its run tells of a device that was found done.
    found_done: dict[_Key, int] = {}
    for event in held:
        for host, product, serial in done_hosts(event):
            found_done[product, serial] = event.id
            by_host.setdefault(host, (product, serial))
    cases = _by_what_happened(cases, by_host, happened)
    for event in happened:
        if only and event.host not in known and (event.product, event.unit) not in cases:
            continue
        if event.product and event.unit:
            case = cases.setdefault((event.product, event.unit), _Case(ReportedUnit(event.host or ""), []))
        elif event.host and event.kind in _FAILURES:
            case = cases.setdefault(by_host.get(event.host, (None, event.host)), _Case(ReportedUnit(event.host), []))
        else:
            continue
        case.events.append(event)
    dealt_with = _dealt_with(ledger, period, cases)
    cases = {_key_of(dealt_with.get(case.unit.host), key): case for key, case in cases.items()}
    claims = _claims(ledger, cases)
    moved = {key: [event for event in case.events if event.kind in _MOVES] for key, case in cases.items()}
    earlier = _earlier(
        ledger, [claims[key] for key in cases if key in claims and _lacks_times(claims[key], moved[key])]
    )
    reworked = {event.claim_id for event in ledger.events(kinds=(*ACTS, EventKind.REBOUND))}
    return [
        _row(
            *(key, case, claims.get(key)),
            moved=moved[key],
            earlier=earlier,
            chain=_chain(ledger, claims.get(key), reworked),
            is_reached=case.unit.host in dealt_with,
            found_done=found_done.get(key, 0),
        )
        for key, case in cases.items()
    ]


@dataclass(slots=True)
class _Case:
    """A unit, and what happened to it in the period."""

    unit: ReportedUnit
    events: list[Event]


def _by_what_happened(
    cases: dict[_Key, _Case], by_host: dict[str, _Key], happened: Iterable[Event]
) -> dict[_Key, _Case]:
    """Return `cases`, in their order, under what the events know of their units; note in `by_host` what they know.

    A run knows a host whose device failed by its name alone; an event may know its serial.
    """
    called = {key: key for key in cases}
    taken = set(cases)
    for event in happened:
        if event.product and event.unit and event.host:
            key = (event.product, event.unit)
            before = by_host.get(event.host)
            if before is not None and before[0] is None and before in taken and key not in taken:
                called[before] = key
                taken ^= {before, key}
            by_host[event.host] = key
    return {called[key]: case for key, case in cases.items()}


def _dealt_with(ledger: Ledger, period: Period, cases: Mapping[_Key, _Case]) -> dict[str, Claim]:
    """Return, by host, the claims that nothing but their `run` tells of: of devices that the run had found done.

    A later run that deals with the device takes that away.
    """
    silent = {case.unit.host for case in cases.values() if case.unit.is_open and not case.events}
    if not silent or period.run is None:
        return {}
    return {claim.host: claim for claim in ledger.claims(run=period.run) if claim.host in silent and claim.is_live}


def _key_of(claim: Claim | None, key: _Key) -> _Key:
    return (claim.product, claim.unit) if claim is not None and claim.unit is not None else key


def _claims(ledger: Ledger, cases: dict[_Key, _Case]) -> dict[_Key, Claim]:
    """Return the claim of each unit: the live one, else the last that it had in the period."""
    claims: dict[_Key, Claim] = {}
    claims.update(ledger.live_claims(filter(_names_a_unit, cases)).items())
    lost = {
        event.claim_id: key
        for key, case in cases.items()
        if key not in claims
        for event in case.events
        if event.claim_id and event.kind in _STATES
    }
    for claim_id, claim in ledger.holders(lost).items() if lost else ():
        claims.setdefault(lost[claim_id], claim)
    return claims


def _names_a_unit(key: _Key) -> TypeGuard[tuple[str, str]]:
    """Say whether a unit can have a claim: what an event names may be what somebody scanned, or damaged."""
    product, serial = key
    try:
        return product is not None and (parse_product(product), parse_recorded_unit(serial)) == key
    except IotoError:
        return False


def _chain(ledger: Ledger, claim: Claim | None, reworked: Container[str | None]) -> Sequence[ChainLink]:
    """Return the chain of a unit that was reworked, or whose claim replaces another; others have no chain."""
    if claim is None or (claim.replaces is None and claim.claim_id not in reworked):
        return ()
    return chain_of(ledger, claim)


def _row(
    key: _Key,
    case: _Case,
    claim: Claim | None,
    *,
    moved: Sequence[Event],
    earlier: Mapping[str | None, Sequence[Event]],
    chain: Sequence[ChainLink],
    is_reached: bool,
    found_done: int,
) -> Row:
    product, name = key
    failures = _failures(case.events)
    return Row(
        host=case.unit.host or (claim.host if claim else None),
        product=product or case.unit.product,
        serial=name if product else case.unit.serial,
        flow=case.unit.flow or (_FLOWS.get(claim.source) if claim else None),
        claim=claim,
        verdict=UnitVerdict.NOT_REACHED
        if case.unit.is_open and not case.events and not is_reached
        else _verdict(claim, moved, case.events, found_done),
        times={} if claim is None else _times(claim, [*moved, *earlier.get(claim.claim_id, ())]),
        failures=failures,
        actor=case.events[-1].actor if case.events else None,
        operator=case.events[-1].operator if case.events else None,
        chain=chain,
    )


def _verdict(claim: Claim | None, moved: Sequence[Event], events: Sequence[Event], found_done: int) -> UnitVerdict:
    """Return what became of a unit: the last word counts. `found_done` is the last event of a run that had it done."""
    if claim is not None and not claim.is_live:
        return UnitVerdict.RETIRED
    open_failures = {
        verdict
        for event in events
        if (verdict := _FAILURES.get(event.kind))
        and not any(later.id > event.id and later.kind in _MAKES_UP[verdict] for later in events)
        and not (verdict in _OF_THE_DEVICE and found_done > event.id)
    }
    for verdict in _OF_THE_DEVICE:
        if verdict in open_failures:
            return verdict
    if claim is not None and claim.doubt is not None:
        return UnitVerdict.IN_DOUBT
    if claim is None or claim.state not in {State.VERIFIED, State.LABELLED}:
        return UnitVerdict.UNFINISHED
    for verdict in (UnitVerdict.MISMATCH, UnitVerdict.NOT_LABELLED):
        if verdict in open_failures:
            return verdict
    return UnitVerdict.DONE if moved else UnitVerdict.ALREADY_DONE


def _failures(events: Iterable[Event]) -> tuple[Failure, ...]:
    found: list[Failure] = []
    for event in events:
        if event.kind not in _FAILURES:
            continue
        reason = printable(event.detail or "no reason is recorded")
        # What a task failed with is recorded by the task's own hand too, mostly in the same words.
        found = [failure for failure in found if failure.reason not in reason]
        found.append(Failure(event.at, str(event.kind), reason))
    return tuple(found)


def _earlier(ledger: Ledger, claims: Sequence[Claim]) -> dict[str | None, list[Event]]:
    """Return, by claim ID, when each of `claims` came to its states, whether or not that was in the period."""
    found: dict[str | None, list[Event]] = {}
    for start in range(0, len(claims), _AT_ONCE):
        ids = [claim.claim_id for claim in claims[start : start + _AT_ONCE]]
        for event in ledger.events(later_of=ids, kinds=map(EventKind, _STATES)):
            found.setdefault(event.claim_id, []).append(event)
    return found


def _lacks_times(claim: Claim, moved: Iterable[Event]) -> bool:
    """Say whether the claim came to one of its states before the period that `moved` is of."""
    times = _times(claim, moved)
    return any(state not in times for state in State if state is not State.RETIRED and not state.is_past(claim.state))


def _times(claim: Claim, moved: Iterable[Event]) -> dict[State, datetime]:
    """Return when the claim came to each of its states, as far as `moved` tells it."""
    times = {State.ALLOCATED: claim.created_at}
    for event in moved:
        if event.claim_id == claim.claim_id and event.unit == claim.unit and event.kind in _STATES:
            times[_STATES[event.kind]] = event.at
    return {state: times[state] for state in State if state in times}
