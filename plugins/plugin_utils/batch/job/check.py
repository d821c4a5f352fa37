# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the hosts of a step belong to the job whose number it was given, as they were checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ...display_text import quoted
from ...errors import IotoError
from ...ledger.ledger import Ledger
from ...ledger.run_number import parse_job_number
from ...modes import Mode
from ..problem import Problem, by_sentence
from ..run_hosts import describe_host
from ..run_record import unit_of

if TYPE_CHECKING:
    from .record import JobRecord

VARIABLE = "ioto_job"
_COMPARED = {"flow": "ioto_mode", "product": "ioto_product", "serial": "ioto_serial"}
"""What has to be as it was in the check, and the variable that says it."""
_CHECK, _FINISH = (f"ansible-playbook ioto.serialization.job_{step}" for step in ("check", "finish"))
PROVISION = "ansible-playbook ioto.serialization.job_provision"

Hosts = Mapping[str, Mapping[str, Any]]
"""The variables of each host, those that are set."""


class Step(StrEnum):
    """A step of a job."""

    CHECK = "check"
    PROVISION = "provision"
    FINISH = "finish"


@dataclass(slots=True)
class CheckedJob:
    """The job of a step's hosts: its records by the ledger that each is in, and what is wrong with the hosts."""

    number: str = ""
    records: dict[str | None, JobRecord] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def started(self) -> datetime:
        """When the check began."""
        return min(record.started for record in self.records.values())

    @property
    def order(self) -> list[str]:
        """The hosts in the order in which they were checked."""
        entries = [entry for record in self.records.values() for entry in record.hosts.values()]
        return [str(entry["host"]) for entry in sorted(entries, key=_place)]


def check_job(hosts: Hosts, open_ledger: Callable[[str | None], Ledger], step: Step | None) -> CheckedJob:
    """Look up the job of `hosts`, whose `step` this is, and say what is wrong with them.

    None is a playbook that does all by itself, and knows of no job. `open_ledger` only reads.
    """
    hosts = {host: facts for host, facts in hosts.items() if facts.get("ioto_mode") != Mode.NONE}
    job = CheckedJob()
    if step in {None, Step.CHECK}:
        if given := [host for host, facts in hosts.items() if facts.get(VARIABLE) not in (None, "")]:
            job.problems.append(Problem(tuple(given), _not_here(step)))
        return job
    numbers = _numbers(hosts, job)
    if job.problems or not numbers:
        return job
    job.number, *others = numbers
    if others:
        job.problems = [
            Problem(tuple(of), f"{VARIABLE} is not that of the others; give one.") for of in numbers.values()
        ]
        return job
    from .record import JobRecord  # noqa: PLC0415  # most runs are no step of a job

    for location, members in _by_ledger(hosts).items():
        try:
            with open_ledger(location) as ledger:
                record = JobRecord.read(ledger, job.number)
                where = ledger.location
        except IotoError as error:
            job.problems.append(Problem(tuple(members), str(error)))
            continue
        if record is None:
            sentence = (
                f"the ledger {where} knows no job {job.number}; give the number that the check said, and its ledger "
                f"(ioto_ledger), or begin a job: {_CHECK}."
            )
            job.problems.append(Problem(tuple(members), sentence))
        else:
            job.records[location] = record
            job.problems += by_sentence(_gathered(_differences(members, record)))
    if step is Step.FINISH and job.records:
        job.problems += _missing(hosts, job)
    return job


def next_steps(number: str) -> str:
    """Return what to type after the check of the job with that number."""
    return f"next: {PROVISION} -e {VARIABLE}={number}, in as many slices as you like, then {finish_of(number)}"


def finish_of(number: str) -> str:
    """Return what to type when all slices of the job with that number have ended."""
    return f"{_FINISH} -e {VARIABLE}={number}"


def _not_here(step: Step | None) -> str:
    if step is Step.CHECK:
        return f"{VARIABLE} is given, and the check begins a new job; leave it out."
    return (
        f"{VARIABLE} is given, and this playbook does all three steps by itself; leave it out, or run the step that is "
        f"meant: {PROVISION} or {_FINISH}."
    )


def _numbers(hosts: Hosts, job: CheckedJob) -> dict[str, list[str]]:
    """Return the hosts of each job that is named; what is named wrongly or not at all is a problem."""
    numbers: dict[str, list[str]] = {}
    without: list[str] = []
    wrong: dict[str, list[str]] = {}
    for host, facts in hosts.items():
        try:
            number = parse_job_number(facts.get(VARIABLE))
        except IotoError as error:
            wrong.setdefault(str(error), []).append(host)
            continue
        (without if number is None else numbers.setdefault(number, [])).append(host)
    if without:
        sentence = (
            f"nothing says which job this step is of; give -e {VARIABLE}=NUMBER with the number that {_CHECK} said."
        )
        wrong[sentence] = without
    job.problems += by_sentence(wrong)
    return numbers


def _by_ledger(hosts: Hosts) -> dict[str | None, dict[str, Mapping[str, Any]]]:
    found: dict[str | None, dict[str, Mapping[str, Any]]] = {}
    for host, facts in hosts.items():
        location = facts.get("ioto_ledger")
        found.setdefault(None if location is None else str(location), {})[host] = facts
    return found


def _differences(hosts: Hosts, record: JobRecord) -> Iterator[tuple[str, str]]:
    """Yield each of `hosts` that is not as it was checked, with a sentence."""
    for host, facts in hosts.items():
        checked = record.hosts.get(host)
        if checked is None:
            yield (
                host,
                f"it was not in the check of the job {record.number}; leave it out of this step, or begin a job that "
                f"has it: {_CHECK}.",
            )
            continue
        now = describe_host(host, facts.get("ioto_mode"), unit_of(facts))
        for name, variable in _COMPARED.items():
            if now.get(name) != checked.get(name):
                yield (
                    host,
                    f"its {variable} {_said(now.get(name))} and {_said(checked.get(name), was=True)} when the job "
                    f"{record.number} was checked; give what it was, or begin a new job: {_CHECK}.",
                )


def _said(value: object, *, was: bool = False) -> str:
    verb = "was" if was else "is"
    return f"{verb} not set" if value is None else f"{verb} {quoted(value)}"


def _gathered(found: Iterator[tuple[str, str]]) -> dict[str, Sequence[str]]:
    gathered: dict[str, list[str]] = {}
    for host, sentence in found:
        gathered.setdefault(sentence, []).append(host)
    return dict(gathered)


def _missing(hosts: Hosts, job: CheckedJob) -> list[Problem]:
    """A problem for the hosts of the job that the finish does not have: they would have no place in its summary."""
    missing = [host for host in job.order if host not in hosts]
    if not missing:
        return []
    sentence = (
        f"the job {job.number} has it, and this step does not; give the finish the whole inventory of the check, "
        "without --limit."
    )
    return [Problem(tuple(missing), sentence)]


def _place(entry: Mapping[str, Any]) -> int:
    place = entry.get("place")
    return place if isinstance(place, int) else 0
