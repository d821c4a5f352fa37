# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of playbooks as the progress display sees it: events go in, lines and figures come out.

It knows neither Ansible nor a terminal, and reads the time from the clock that it is given. Names and texts of events
may hold anything that a device or an inventory says; what comes out is safe to print.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..flows import action_names
from ..flows.action_names import COLLECTION, full_name
from .model import (
    Figures,
    HostOutcome,
    Interval,
    Reported,
    Tally,
    all_lines,
    clean,
    failure_message,
    one_line,
    progress_line,
    recap_line,
    task_line,
    total_line,
)
from .verdicts import BAD, NO_COUNTS, Verdicts

BATCHES = frozenset(map(full_name, (action_names.SERIALIZE_FLEET, action_names.FIRMWARE_BATCH)))
TRANSACTIONS = BATCHES | set(map(full_name, (action_names.SERIALIZE, action_names.FIRMWARE_IMAGE)))
PREFLIGHT, SUMMARY = full_name(action_names.PREFLIGHT), full_name(action_names.SUMMARY)
FAIL, REPORT = full_name(action_names.FAIL), full_name(action_names.REPORT)
_OF_RUN = {SUMMARY, REPORT, full_name(action_names.LABEL_HOSTS), full_name(action_names.CHECKPOINT)}
"""Tasks that one host has for all of them: that it failed itself for the same reason does not say that they did."""
_SEE_SUMMARY = "It is not done; the summary says why."
"""What our playbooks fail a host with that is not done, which adds nothing to a summary."""
_SHOWN = frozenset({SUMMARY, "ansible.builtin.debug"})
"""Tasks that only say something: that is shown, and that they ran is not."""
_FLOW_ROLES = ("manual", "auto", "factory", "firmware")


class Tone(enum.Enum):
    """What a line says of the run, for whoever has colours."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNREACHABLE = "unreachable"


_TONES = {HostOutcome.FAILED: Tone.BAD, HostOutcome.UNREACHABLE: Tone.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line to print, without its newline; the problems of a batch are one such line, with newlines within."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class PlayStart:
    """A play begins. `hosts` counts those of all its batches."""

    id: str
    name: str
    hosts: int
    # Serializes, as is known before its first task.
    is_flow: bool
    # Its hosts do not wait for each other, so a task that starts ends no other.
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class TaskStart:
    """A task begins; in a free strategy, each host may begin it anew."""

    id: str
    name: str
    # Its full name, as in `ioto.serialization.serialize`.
    action: str
    run_once: bool = False


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """A task, or an item of its loop, has ended for a host."""

    task_id: str
    action: str
    host: str
    outcome: HostOutcome
    # Nothing of the play comes to the host's rescue.
    is_final: bool = True
    is_loop: bool = False
    # The results of the units for which one task spoke; each names its `host`.
    units: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class _FlowProgress:
    """A play that serializes: who has ended, when a line is due, and whether the last line is written."""

    tally: Tally
    interval: Interval
    is_told: bool = False


class RunModel:
    """A run from its first play to its totals; each method takes an event and returns the lines that it is worth.

    One thread tells the events; another may ask what the live line shows.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        interval: float,
        live: bool = False,
        verbose: bool = False,
        separator: str = " · ",
    ) -> None:
        """Begin a run now, by `clock`, in seconds.

        `interval` are the seconds between two progress lines, of which a `live` line shows the
        same. `verbose` has also those tasks and plays told that did nothing.
        """
        self._clock = clock
        self._seconds = interval
        self._live = live
        self._verbose = verbose
        self._separator = separator
        self._started = clock()
        self._play: PlayStart | None = None
        self._batch = 0
        self._flow: _FlowProgress | None = None
        self._tasks: dict[str, Tally] = {}
        self._current: Tally | None = None
        self._in_transaction = False
        self._reported = Reported()
        self._item_reasons: dict[tuple[str, str], list[str]] = {}
        self._summary: list[str] = []
        self._verdicts = Verdicts()

    # --- plays --------------------------------------------------------------------------------------------------

    def is_playing(self, play_id: str) -> bool:
        """Say whether this play is the one that goes on, so that only another batch of its hosts begins."""
        return self._play is not None and self._play.id == play_id

    def start_play(self, play: PlayStart) -> None:
        """Begin a play; the one before has been ended."""
        self._play = play
        if play.is_flow:
            self._begin_flow(self._clock())

    def start_batch(self, hosts: int) -> list[OutputLine]:
        """Begin a play's first or next batch, of so many hosts."""
        self._batch = hosts
        return self._end_tasks()

    def find_no_host(self) -> list[OutputLine]:
        """Note that the play's pattern matches no host."""
        self._flow = None
        return [OutputLine(f"{self._play_name()}: no host is meant by this play")] if self._verbose else []

    def lose_all_hosts(self) -> list[OutputLine]:
        """Note that all hosts of the batch have failed."""
        return [OutputLine(f"{self._play_name()}: no host is left to go on with", Tone.BAD)]

    def end_play(self) -> list[OutputLine]:
        """End the play, if there is one: how its flow ended, or its last tasks."""
        lines = self._end_tasks()
        if self._flow is not None:
            lines += self._tell_flow(self._flow)
            self._verdicts.end_devices(self._flow.tally.outcomes())
        self._flow = None
        self._play = None
        return lines

    def recap(self, summaries: Mapping[str, Mapping[str, int]]) -> list[OutputLine]:
        """Return a line for each host that is not well, and the totals; `summaries` are Ansible's counts by host."""
        outcomes = self._verdicts.outcomes(summaries)
        lines = [
            OutputLine(recap_line(host, summaries.get(host, NO_COUNTS)), _TONES[outcome])
            for host, outcome in outcomes.items()
            if outcome in BAD
        ]
        counts = Counter(outcomes.values())
        text = total_line(counts, self._clock() - self._started, separator=self._separator)
        return [*lines, OutputLine(text, Tone.BAD if lines else Tone.GOOD)]

    def _play_name(self) -> str:
        return self._tally_of_play(0.0).name

    def _tally_of_play(self, now: float) -> Tally:
        play = self._play  # read once: another thread shows it, and it may end meanwhile
        return Tally("", 0, now) if play is None else Tally(one_line(play.name), play.hosts, now)

    # --- tasks --------------------------------------------------------------------------------------------------

    def start_task(self, task: TaskStart) -> list[OutputLine]:
        """Begin a task: those before it are over, unless the hosts do not wait for each other."""
        now = self._clock()
        lines = []
        if task.id not in self._tasks:
            if self._play is not None and not self._play.is_free:
                lines = self._end_tasks()
            self._tasks[task.id] = Tally(one_line(task.name), 1 if task.run_once else self._batch, now)
        self._current = self._tasks[task.id]
        self._in_transaction = task.action in TRANSACTIONS
        if self._in_transaction:
            flow = self._flow or self._begin_flow(now)
            flow.tally.start(now)
        return lines

    def end_task(self, end: TaskEnd) -> list[OutputLine]:
        """Note that a task ended for a host; a failure has been told before."""
        now = self._clock()
        if end.action not in _SHOWN and (task := self._tasks.get(end.task_id)):
            task.finish(end.host, end.outcome, now)
        if end.action not in (SUMMARY, PREFLIGHT):
            # The host that checks the batch or sums it up is often the controller, and none of the devices.
            self._verdicts.work(end.host)
        lines = []
        if self._flow is not None:
            if end.units:
                self._verdicts.speak(end.host)
                # The units of a loop have been noted one by one.
                for unit in () if end.is_loop else end.units:
                    lines += self._end_unit(self._flow, unit, _unit_outcome(unit), now)
            elif end.action in TRANSACTIONS or (end.outcome in BAD and end.is_final):
                self._flow.tally.finish(end.host, end.outcome, now)
        return lines + self._tell_progress(now)

    def end_item(self, end: TaskEnd, result: Mapping[str, Any]) -> list[OutputLine]:
        """Note that an item of a loop ended: the task of a batch tells of each unit long before it ends itself."""
        if end.outcome in BAD:
            # Kept for the result of the whole loop, which in ansible-core 2.21 no longer says which items failed.
            reasons = self._item_reasons.setdefault((end.host, end.task_id), [])
            reasons.append(one_line(failure_message(result)))
        if self._flow is None or end.action not in BATCHES or "host" not in result:
            return []
        now = self._clock()
        return self._end_unit(self._flow, result, end.outcome, now) + self._tell_progress(now)

    def fail(self, end: TaskEnd, message: str, *, label: str, task: str, is_ignored: bool) -> list[OutputLine]:
        """Tell why a task failed, once: `label` is the host as people know it, `task` the name of the task."""
        if end.action == FAIL and self._summary and message == _SEE_SUMMARY:
            return []
        label = one_line(label)
        reasons = self._item_reasons.pop((end.host, end.task_id), [])
        message = "\n".join(dict.fromkeys(reasons)) or message
        if end.action == PREFLIGHT:
            return self._tell_problems(label, message)
        where = label if end.action in TRANSACTIONS else f"{label} [{one_line(task)}]"
        # Our own task that lists what is wrong lists it to be read; what a device says may be of any length.
        lists = end.action.startswith(COLLECTION) and end.action not in TRANSACTIONS
        message = all_lines(message) if lists else one_line(message)
        new = self._reported.new_in(label, message)
        return _failure(end.outcome, where, message if end.action in _OF_RUN else new, is_ignored=is_ignored)

    def _end_unit(
        self, flow: _FlowProgress, unit: Mapping[str, Any], outcome: HostOutcome, now: float
    ) -> list[OutputLine]:
        host = one_line(str(unit["host"]))
        lines = []
        if outcome in BAD:
            lines = _failure(outcome, host, self._reported.new_in(host, one_line(failure_message(unit))))
        flow.tally.finish(host, outcome, now)
        self._verdicts.work(host)
        return lines

    def _end_tasks(self) -> list[OutputLine]:
        """Tell of the tasks that are over; within a flow its own line says what matters."""
        lines = []
        for task in self._tasks.values():
            skipped = task.count(HostOutcome.SKIPPED)
            if self._flow is None and (task.finished > skipped or (skipped and self._verbose)):
                bad = any(task.count(outcome) for outcome in BAD)
                lines.append(OutputLine(task_line(task, separator=self._separator), Tone.BAD if bad else Tone.PLAIN))
        self._tasks.clear()
        self._current = None
        return lines

    # --- what is told -------------------------------------------------------------------------------------------

    def shown(self) -> tuple[Figures, str]:
        """Return what the live line shows: the figures, and the name of the task where the figures are not its own."""
        now = self._clock()
        flow, task = self._flow, self._current
        if flow is not None:
            return flow.tally.figures(now), "" if self._in_transaction or task is None else task.name
        if task is not None:
            return task.figures(now), ""
        return self._tally_of_play(now).figures(now), ""

    def remember_summary(self, lines: object) -> None:
        """Keep what the action `summary` says for the end of the run."""
        if isinstance(lines, list):
            self._summary += map(_as_summary, lines)

    def is_in_summary(self, lines: object) -> bool:
        """Say whether a task only says what the end of the run will say."""
        kept = set(self._summary)
        return isinstance(lines, list) and bool(lines) and kept.issuperset(map(_as_summary, lines))

    def take_summary(self) -> list[OutputLine]:
        """Return the lines of the summary, once."""
        lines, self._summary = self._summary, []
        return [OutputLine(line) for line in lines]

    def _begin_flow(self, now: float) -> _FlowProgress:
        self._flow = _FlowProgress(self._tally_of_play(now), Interval(self._seconds, now))
        return self._flow

    def _tell_progress(self, now: float) -> list[OutputLine]:
        flow = self._flow
        if self._live or flow is None:
            return []
        if flow.tally.is_complete:
            return self._tell_flow(flow)
        if flow.interval.is_due(now):
            return [OutputLine(progress_line(flow.tally.figures(now), separator=self._separator))]
        return []

    def _tell_flow(self, flow: _FlowProgress) -> list[OutputLine]:
        if flow.is_told or not flow.tally.total:
            return []
        flow.is_told = True
        figures = flow.tally.figures(self._clock())
        bad = figures.failed or figures.unreachable or figures.finished < figures.total
        text = progress_line(figures, ended=True, separator=self._separator)
        return [OutputLine(text, Tone.BAD if bad else Tone.GOOD)]

    def _tell_problems(self, host: str, message: str) -> list[OutputLine]:
        """Tell what the batch check found, a line for each problem."""
        new = self._reported.new_in(host, message)
        return [OutputLine(f"FAILED {all_lines(new)}", Tone.BAD)] if new else []


def _failure(outcome: HostOutcome, where: str, message: str, *, is_ignored: bool = False) -> list[OutputLine]:
    """Return what tells a failure; nothing where its `message` is empty, since all of it was told."""
    if not message:
        return []
    text = f"{outcome.name} {where}: {message}"
    return [OutputLine(f"{text} (ignored)", Tone.WARNING) if is_ignored else OutputLine(text, _TONES[outcome])]


def is_flow_role(name: str) -> bool:
    """Say whether the role `name` serializes, or may: its name is a template until the play runs."""
    role = name.removeprefix(COLLECTION)
    return role != name and (role in _FLOW_ROLES or "{{" in role)


def _as_summary(line: object) -> str:
    return clean(str(line)).replace("\n", " ")


def units_of(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the outcome of each unit in the `result` of a batch's task; empty where it names none."""
    results = result.get("results")
    return [unit for unit in results if isinstance(unit, dict) and "host" in unit] if isinstance(results, list) else []


def _unit_outcome(unit: Mapping[str, Any]) -> HostOutcome:
    for outcome in (HostOutcome.UNREACHABLE, HostOutcome.FAILED, HostOutcome.SKIPPED, HostOutcome.CHANGED):
        if unit.get(outcome.value):
            return outcome
    return HostOutcome.OK
