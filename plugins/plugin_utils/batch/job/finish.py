# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a job: what its slices said of each host, and the record of the whole, once for each thing that is new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from shlex import quote
from typing import Any

from ...display_text import local_time, printable
from ...flows.recording import Recording
from ...ledger.event_kinds import EventKind
from ...ledger.ledger import Ledger
from ...ledger.records import Event, NewEvent
from ...ledger.slices import describe_slice
from ..results import some_of
from ..run_hosts import events_of_hosts
from ..run_record import Members, NewRecords, done, end_of_run, failures, record_each, twins_of
from ..summary import FLEET_RESULTS, BatchSummary
from .check import PROVISION, CheckedJob
from .record import JobRecord

_LASTING = ("adopted", "rewritten", "replaced")
"""What was unusual about a device stays so, though a later slice found it done."""
_RECORDED = "recorded"
"""Set in what a slice has said: its failure is in the ledger."""


def job_results(job: CheckedJob, inventories: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return what became of each host of a job, in the order of its check, as a task for many hosts has it.

    `inventories` are those of the finish, for commands that may be typed as they stand.
    """
    given = "".join(f" -i {quote(printable(inventory))}" for inventory in inventories)
    found = {host: _result(host, record, given) for record in job.records.values() for host in record.hosts}
    return [found[host] for host in job.order]


def still_to_come(job: CheckedJob) -> str | None:
    """Return which slice may still be at work, or which hosts had none that came to an end with them, for people."""
    for record in job.records.values():
        for one in record.slices.values():
            if one.is_open:
                return f"still at work, or dead: {describe_slice(one)}"
    left = [
        host
        for record in job.records.values()
        for host in record.hosts
        if (last := record.slice_of(host)) is None or host not in last.results
    ]
    return f"still to come: {some_of(left)}" if left else None


def _result(host: str, record: JobRecord, inventories: str) -> dict[str, Any]:
    last = record.slice_of(host)
    if last is not None and (told := last.results.get(host)) is not None:
        # Whoever came after the slice that has done it found it done; the job has done it.
        changed = bool(told.get("changed")) or (host in record.verified and not _is_bad(told))
        return {**_lasting(host, record), **told, "changed": changed, _RECORDED: True}
    again = f"{PROVISION}{inventories} -e ioto_job={record.number} --limit {quote(printable(host))}"
    if last is None:
        sentence = f"no slice came to it: run the provision step again: {again}"
    elif last.replaced_by is not None:
        sentence = (
            f"{describe_slice(last)} did not come to an end with it, and another one took its place: run the provision "
            f"step again: {again}"
        )
    else:
        sentence = (
            f"{describe_slice(last)} has not ended: wait for it and finish again; if it is dead, run the provision "
            f"step again: {again} -e ioto_replaces_slice={last.number}"
        )
    return {"host": host, "changed": False, "failed": True, "msg": sentence}


def _lasting(host: str, record: JobRecord) -> dict[str, Any]:
    """Return what slices before the last one did with a host, and the summary of the job has to tell."""
    return {
        name: told[name]
        for one in record.slices.values()
        if (told := one.results.get(host)) is not None
        for name in _LASTING
        if name in told
    }


def _is_bad(result: Mapping[str, Any]) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def record_finish(
    summary: BatchSummary,
    open_ledger: Callable[[str | None], Ledger],
    *,
    started: str,
) -> list[str]:
    """Record the end of a job that began at `started`, in ISO 8601, unless it is there as it is now; return lines.

    Raises `IotoError` where a ledger cannot have it.
    """
    told_by_slices = {
        str(result["host"]): result
        for facts in summary.hosts.values()
        for name in FLEET_RESULTS
        for result in (facts.get(name) or {}).get("results", ())
        if result.get(_RECORDED)
    }
    known_twins = {
        name for host, result in told_by_slices.items() if result.get("twin") for name in (host, str(result["twin"]))
    }

    def of_job(ledger: Ledger, place: Recording, members: Members) -> NewRecords:
        context = place.context()
        all_failures = list(failures(members, summary, place))
        done_ones = list(done(members, summary))
        detail = end_of_run(started, members, summary, state=_state(all_failures, done_ones))
        before = [
            event
            for event in ledger.events(run=context.run, kinds=[EventKind.RUN])
            if event.operator == context.operator
        ]
        if before and before[-1].detail == detail:
            return NewRecords([], told=[f"{_finished(before)}, and nothing has changed since."])
        new_events = [event for event in all_failures if not _is_known(event, told_by_slices)]
        new_events += events_of_hosts(done_ones, context)
        new_events.append(NewEvent(EventKind.RUN, context, detail=detail))
        twins = twins_of({host: facts for host, facts in members.items() if host not in known_twins})
        told = [f"{_finished(before)}; what has changed since is recorded now."] if before else []
        return NewRecords(new_events, twins, told)

    return record_each(summary, open_ledger, of_job, is_part=True, may_fail=False)


def _finished(before: list[Event]) -> str:
    return f"The job was finished before, at {local_time(before[0].at)}"


def _is_known(event: NewEvent, told_by_slices: Mapping[str, Mapping[str, Any]]) -> bool:
    return told_by_slices.get(event.context.host or "", {}).get("msg") == event.detail


def _state(all_failures: list[NewEvent], done_ones: list[dict[str, object]]) -> str:
    """Return a short mark of what became of each host, by which one finish is told from the next."""
    told = [[event.kind.value, event.context.host, event.product, event.unit, event.detail] for event in all_failures]
    return hashlib.sha256(json.dumps([told, done_ones]).encode()).hexdigest()[:16]
