# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slice of a job: it takes its hosts before it touches a device, and says at its end what became of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...display_text import printable, shortened
from ...errors import IotoError
from ...flows.recording import Recording
from ...ledger.ledger import Ledger
from ...ledger.row_values import MAX_TEXT
from ...ledger.slices import NewSlice, Slice, describe_slice, open_slice, packed_results
from ...modes import Mode
from ..problem import Problem
from ..run_hosts import events_of_hosts
from ..run_record import Members, NewRecords, done, failures, record_each, twins_of
from ..summary import BatchSummary
from .check import CheckedJob, Hosts, finish_of
from .process import is_alive, name_of_parent
from .record import JobRecord

REPLACES = "ioto_replaces_slice"
_KEPT = (
    *("changed", "failed", "unreachable", "failure", "twin", "product", "serial", "hardware"),
    *("adopted", "rewritten", "not_confirmed", "replaced", "notices", "readable_by_others", "path", "msg"),
)
"""What the finish, on another machine, has to know of a result, the longest last."""
_MOST_OF_A_RESULT = MAX_TEXT - 200
_MOST_OF_A_SENTENCE = 900


def slices_to_replace(hosts: Hosts, job: CheckedJob) -> tuple[set[str], list[Problem]]:
    """Return the numbers of the slices whose place somebody says that this one takes, and what is wrong with them."""
    said: dict[str, list[str]] = {}
    for host, facts in hosts.items():
        value = facts.get(REPLACES) or []
        for number in value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]:
            if name := str(number).strip().upper():  # a comma at the end names none
                said.setdefault(name, []).append(host)
    known = {number for record in job.records.values() for number in record.slices}
    problems = [
        Problem(
            tuple(members),
            f"{REPLACES} is {printable(number)}, and the job {job.number} has no such slice; give the number that the "
            "refusal said, or leave it out.",
        )
        for number, members in said.items()
        if number not in known
    ]
    return set(said) & known, problems


def begin_slice(
    hosts: Hosts,
    number: str,
    open_ledger: Callable[[str | None], Ledger],
    *,
    may_replace: set[str],
    check: bool,
) -> list[Problem]:
    """Record, in the ledger of each of `hosts`, that this slice has it; return a problem where another one has.

    In each ledger that is one step, in which nobody else takes a host. With `check` nothing is recorded.
    """
    new: dict[str | None, tuple[list[str], Recording]] = {}
    for host, facts in hosts.items():
        if facts.get("ioto_mode") != Mode.NONE:
            place = Recording.of_host(facts)
            new.setdefault(place.ledger, ([], place))[0].append(host)
    problems: list[Problem] = []
    # First a look at all of them, so that no ledger has it begun where another one refuses it.
    for is_look in (True,) if check else (True, False):
        for members, place in () if problems else new.values():
            wanted = NewSlice(number, members, place.context(), may_replace, name_of_parent(), is_alive)
            try:
                with open_ledger(place.ledger) as ledger:
                    open_slice(ledger.database, wanted, check=is_look)
            except IotoError as error:
                problems.append(Problem((), str(error)))
    return problems


def record_slice(
    summary: BatchSummary,
    open_ledger: Callable[[str | None], Ledger],
    *,
    number: str,
) -> list[str]:
    """Record what the slice with that number made of its hosts, which gives them back; return lines to say.

    Raises `IotoError` where a ledger cannot have it, since the finish would not know.
    """

    def of_slice(ledger: Ledger, place: Recording, members: Members) -> NewRecords:
        context = place.context()
        new_events = [
            *failures(members, summary, place),
            *events_of_hosts(done(members, summary), context),
            *packed_results(number, results_of(members, summary), context),
        ]
        return NewRecords(new_events, twins_of(members), _told(JobRecord.read(ledger, context.run or ""), number))

    return record_each(summary, open_ledger, of_slice, is_part=True, may_fail=False)


def results_of(members: Members, summary: BatchSummary) -> Iterator[dict[str, Any]]:
    """Yield what the finish has to know of each of `members`, short enough for the ledger."""
    for host, facts in members.items():
        outcome = facts.get("ioto_outcome")
        found = {name: value for name, value in outcome.items() if value} if isinstance(outcome, Mapping) else {}
        if facts.get("ioto_mode") != Mode.FIRMWARE:
            found.pop("path", None)
        reason = summary.not_done.get(host)
        found.pop("msg", None)
        if reason is not None:
            found["msg"] = shortened(reason, _MOST_OF_A_SENTENCE)
            if not found.get("unreachable"):
                found["failed"] = True
        entry: dict[str, Any] = {"host": host, "result": summary.fates[host].value}
        for name in _KEPT:
            if name in found and len(json.dumps({**entry, name: found[name]})) <= _MOST_OF_A_RESULT:
                entry[name] = found[name]
        yield entry


def _told(record: JobRecord | None, number: str) -> Sequence[str]:
    own = None if record is None else record.slices.get(number)
    if record is None or own is None:
        return []
    replaced: list[Slice] = [other for other in record.slices.values() if other.number in own.replaces]
    told = [f"It took the place of {describe_slice(other)}, which had not ended." for other in replaced]
    if successor := record.slices.get(own.replaced_by or ""):
        told.append(f"Meanwhile its place was taken by {describe_slice(successor)}.")
    return [*told, f"When all slices of the job have ended: {finish_of(record.number)}."]
