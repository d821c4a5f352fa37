# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
version_added: 0.1.0
short_description: Shows the progress of serialization, and failures at once
author:
  - The ioto.serialization maintainers (@ioto)
description:
  - For a play that serializes devices, shows how many of them have ended, how many per second, the time that is left,
    and how many failed or could not be reached. A device has ended when the play's transaction has ended for it.
  - On a terminal this is one live line at the bottom. Where the output is no terminal, where E(TERM) is V(dumb), where
    E(CI) is set, or where the Python package rich is missing, it is a plain line every few seconds.
  - Each failure and each unreachable host is told at once in one line with its reason, also when a C(rescue) or
    C(ignore_errors) takes care of it, and once only.
  - For any other play, one line tells for each task that is over how its hosts ended.
  - At the end come the counts of each host that failed or was unreachable, one line of totals, and the lines of
    C(ioto.serialization.summary).
  - With C(-v), each ended host has a line with the task's message. The dictionary of a result is never shown.
    With C(--diff), differences are.
  - Texts from devices and inventories are shown without control characters and escape sequences.
  - Colours follow the settings of Ansible, such as C(NO_COLOR).
requirements:
  - set as stdout in configuration
  - rich, for the live line
notes:
  - An C(ssh) that asks for something on the terminal itself, such as whether to trust a host key, is overdrawn by the
    live line. Settle host keys beforehand, or set O(mode=plain).
options:
  mode:
    description:
      - V(auto) shows the live line where that is possible.
      - V(plain) prints lines only.
    type: str
    choices: [auto, plain]
    default: auto
    env:
      - name: IOTO_PROGRESS_MODE
    ini:
      - section: ioto_progress
        key: mode
  interval:
    description: How many seconds lie between two plain progress lines, at least.
    type: float
    default: 5.0
    env:
      - name: IOTO_PROGRESS_INTERVAL
    ini:
      - section: ioto_progress
        key: interval
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# stdout_callback = ioto.serialization.progress
#
# or for one run:
# ANSIBLE_STDOUT_CALLBACK=ioto.serialization.progress ansible-playbook provision.yml
"""

import atexit
import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible import constants as C
from ansible import context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase
from ansible.utils.color import ANSIBLE_COLOR

from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.model import (
    Figures,
    Interval,
    Outcome,
    Reported,
    Tally,
    clean,
    failure_message,
    one_line,
    progress_line,
    task_line,
    total_line,
)

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook.handler import Handler
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

_COLLECTION = "ioto.serialization."
_BATCHES = frozenset({f"{_COLLECTION}serialize_fleet", f"{_COLLECTION}firmware_batch"})
TRANSACTIONS = frozenset({f"{_COLLECTION}serialize", f"{_COLLECTION}firmware_image", *_BATCHES})
_PREFLIGHT = f"{_COLLECTION}preflight"
_SUMMARY = f"{_COLLECTION}summary"
_FLOW_ROLES = ("manual", "auto", "factory", "firmware")
_PAUSES = ("pause", "ansible.builtin.pause", "ansible.legacy.pause")
_FREE = ("free", "host_pinned", "ansible.builtin.free", "ansible.builtin.host_pinned")
_BAD = (Outcome.FAILED, Outcome.UNREACHABLE)
_COLOURS = {Outcome.FAILED: C.COLOR_ERROR, Outcome.UNREACHABLE: C.COLOR_UNREACHABLE}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "ioto.serialization.progress"

    def __init__(self) -> None:
        super().__init__()
        self._started = time.monotonic()
        self._interval: Interval | None = None
        self._reported = Reported()
        self._devices: dict[str, Outcome] = {}
        self._summary: list[str] = []
        self._worked: set[str] = set()
        self._speakers: set[str] = set()
        self._item_reasons: dict[tuple[str, str], list[str]] = {}
        self._play: Play | None = None
        self._hosts = 0
        self._batch = 0
        self._flow: Tally | None = None
        self._flow_told = False
        self._tasks: dict[str, Tally] = {}
        self._current: Tally | None = None
        self._in_transaction = False
        self._bar: Any = None
        self._separator = " · " if str(sys.stdout.encoding).lower().startswith("utf") else ", "

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        # Ctrl-C and fatal errors end a run without another event.
        atexit.register(self._end_run)
        if self.get_option("mode") == "auto" and _is_terminal():
            self._bar = self._live_bar()

    def _live_bar(self) -> Any:
        """Return the live line, or None without rich, which is an extra: the lines are plain then."""
        try:
            # Here, since only a terminal needs it.
            from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.live_bar import LiveBar  # noqa: PLC0415
        except ImportError:
            return None
        return LiveBar(self._shown, colour=ANSIBLE_COLOR)

    # --- plays --------------------------------------------------------------------------------------------------

    def v2_playbook_on_play_start(self, play: Play) -> None:
        inventory = play.get_variable_manager()._inventory
        if self._play is None or play._uuid != self._play._uuid:
            self._end_play()
            self._play = play
            self._hosts = len(inventory.get_hosts(play.hosts, ignore_restrictions=True))
            self._flow_told = False
            if _is_flow(play):
                self._begin_flow()
        else:
            self._end_tasks()
        self._batch = len(inventory.get_hosts(play.hosts))

    def v2_playbook_on_no_hosts_matched(self) -> None:
        if self._display.verbosity:
            self._print(f"{self._play_name()}: no host is meant by this play")
        self._flow = None

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        self._print(f"{self._play_name()}: no host is left to go on with", C.COLOR_ERROR)

    def v2_playbook_on_vars_prompt(self, *args: Any, **kwargs: Any) -> None:
        self._end_play()

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        self._end_play()
        counts: Counter[Outcome] = Counter()
        for host in sorted({*stats.processed, *self._devices}):
            summary = stats.summarize(host)
            if host not in self._worked and not summary["failures"]:
                continue
            outcome = self._final_outcome(host, summary)
            counts[outcome] += 1
            if outcome in _BAD:
                self._print(_recap_line(host, summary), _COLOURS[outcome])
        bad = any(counts[outcome] for outcome in _BAD)
        line = total_line(counts, time.monotonic() - self._started, separator=self._separator)
        self._print(line, C.COLOR_ERROR if bad else C.COLOR_OK)
        self._end_run()

    def _final_outcome(self, host: str, summary: Mapping[str, int]) -> Outcome:
        """A device that failed has failed, although a rescue hides it from Ansible's own counts."""
        device, own = self._devices.get(host, Outcome.SKIPPED), _host_outcome(summary)
        if device in _BAD:
            return device
        if own in _BAD and host in self._speakers:
            return device
        return device if own in (Outcome.SKIPPED, Outcome.OK) and device is not Outcome.SKIPPED else own

    # --- tasks --------------------------------------------------------------------------------------------------

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        self._start_task(task, one_line(task.get_name()))

    def v2_playbook_on_handler_task_start(self, task: Handler) -> None:
        self._start_task(task, f"handler {one_line(task.get_name())}")

    def _start_task(self, task: Task, name: str) -> None:
        now = time.monotonic()
        if task._uuid not in self._tasks:
            if self._play is not None and self._play.strategy not in _FREE:
                self._end_tasks()
            # `run_once` may still be a template here; only a literal yes is known.
            hosts = 1 if task.run_once is True else self._batch
            self._tasks[task._uuid] = Tally(name, hosts, now)
        self._current = self._tasks[task._uuid]
        self._in_transaction = _action(task) in TRANSACTIONS
        if self._in_transaction:
            if self._flow is None:
                self._begin_flow()
            self._flow.start(now)
        if self._bar:
            if task.action in _PAUSES:
                self._bar.stop()
            else:
                self._bar.start()

    # --- results ------------------------------------------------------------------------------------------------

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        if isinstance(result.task, TaskInclude):
            return
        self._warn(result)
        action = _action(result.task)
        outcome = Outcome.CHANGED if result.is_changed() else Outcome.OK
        if action == _SUMMARY:
            lines = result.result.get("lines")
            self._summary += [clean(str(line)).replace("\n", " ") for line in lines] if isinstance(lines, list) else []
        elif action in C._ACTION_DEBUG:
            self._show_debug(result)
        elif self._display.verbosity:
            self._show_host(result, outcome)
        self._note(result, outcome, action)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        self._warn(result)
        self._note(result, Outcome.SKIPPED, _action(result.task))

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._warn(result)
        action = _action(result.task)
        units = _units(result, action)
        if not units:
            self._show_failure(result, Outcome.FAILED, ignore_errors, action)
        self._note(result, Outcome.FAILED, action, is_final=not ignore_errors, units=units)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._warn(result)
        action = _action(result.task)
        self._show_failure(result, Outcome.UNREACHABLE, bool(result.task.ignore_unreachable), action)
        self._note(result, Outcome.UNREACHABLE, action)

    def v2_runner_item_on_ok(self, result: CallbackTaskResult) -> None:
        self._note_item(result, Outcome.CHANGED if result.is_changed() else Outcome.OK)

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        # Kept for the result of the whole loop, which in ansible-core 2.21 no longer says which items failed.
        key = (result.host.get_name(), result.task._uuid)
        self._item_reasons.setdefault(key, []).append(one_line(failure_message(result.result)))
        self._note_item(result, Outcome.UNREACHABLE if result.result.get("unreachable") else Outcome.FAILED)

    def v2_on_file_diff(self, result: CallbackTaskResult) -> None:
        results = result.result.get("results", []) if result.task.loop else [result.result]
        for one in results:
            if isinstance(one, dict) and one.get("diff") and one.get("changed"):
                # Cleaned before the differences are coloured: afterwards the colours would be lost.
                self._print(self._get_diff(_cleaned(one["diff"])).rstrip("\n"))

    def _note(
        self,
        result: CallbackTaskResult,
        outcome: Outcome,
        action: str,
        is_final: bool = True,
        units: list[Mapping[str, Any]] | None = None,
    ) -> None:
        now = time.monotonic()
        host = result.host.get_name()
        if action != _SUMMARY and (task := self._tasks.get(result.task._uuid)):
            task.finish(host, outcome, now)
        if action not in (_SUMMARY, _PREFLIGHT):
            # The host that checks the batch or sums it up is often the controller, and none of the devices.
            self._worked.add(host)
        if self._flow is not None:
            units = _units(result, action) if units is None else units
            if units:
                # One host's task spoke for all of them; that it failed says nothing of that host.
                self._speakers.add(host)
                # The units of a loop have been noted one by one.
                for unit in units if not result.task.loop else ():
                    self._note_unit(unit, _unit_outcome(unit), now)
            elif action in TRANSACTIONS or (outcome in _BAD and is_final):
                self._flow.finish(host, outcome, now)
        self._tick(now)

    def _note_item(self, result: CallbackTaskResult, outcome: Outcome) -> None:
        """The task of a batch tells of each unit when it ends, long before the task itself does."""
        if self._flow is not None and _action(result.task) in _BATCHES and "host" in result.result:
            now = time.monotonic()
            self._note_unit(result.result, outcome, now)
            self._tick(now)

    def _note_unit(self, unit: Mapping[str, Any], outcome: Outcome, now: float) -> None:
        host = one_line(str(unit["host"]))
        if outcome in _BAD:
            self._tell_failure(host, outcome, one_line(failure_message(unit)))
        self._flow.finish(host, outcome, now)
        self._worked.add(host)

    def _tick(self, now: float) -> None:
        if self._bar or self._flow is None:
            return
        if self._flow.is_complete:
            self._tell_flow()
        elif self._interval.is_due(now):
            self._print(progress_line(self._flow.figures(now), separator=self._separator))

    # --- the state of the play ----------------------------------------------------------------------------------

    def _begin_flow(self) -> None:
        now = time.monotonic()
        self._flow = Tally(self._play_name(), self._hosts, now)
        self._interval = Interval(self.get_option("interval"), now)

    def _end_play(self) -> None:
        # A terminal that is gone, as after a hang-up, needs no line erased.
        with contextlib.suppress(OSError):
            if self._bar:
                self._bar.stop()
            self._end_tasks()
            if self._flow is not None:
                self._tell_flow()
                self._devices.update(self._flow.outcomes())
        self._flow = None
        self._play = None

    def _end_run(self) -> None:
        self._end_play()
        with contextlib.suppress(OSError):
            for text in self._summary:
                self._print(text)
        self._summary = []

    def _end_tasks(self) -> None:
        """Tell of the tasks that are over; within a flow its own line says what matters."""
        for task in self._tasks.values():
            skipped = task.count(Outcome.SKIPPED)
            if self._flow is None and (task.finished > skipped or (skipped and self._display.verbosity)):
                bad = any(task.count(outcome) for outcome in _BAD)
                self._print(task_line(task, separator=self._separator), C.COLOR_ERROR if bad else None)
        self._tasks.clear()
        self._current = None

    def _tell_flow(self) -> None:
        if self._flow_told or not self._flow.total:
            return
        self._flow_told = True
        figures = self._flow.figures(time.monotonic())
        bad = figures.failed or figures.unreachable or figures.finished < figures.total
        line = progress_line(figures, ended=True, separator=self._separator)
        self._print(line, C.COLOR_ERROR if bad else C.COLOR_OK)

    def _shown(self) -> tuple[Figures, str]:
        """What the live line shows; called from its thread."""
        now = time.monotonic()
        flow, task = self._flow, self._current
        if flow is not None:
            return flow.figures(now), "" if self._in_transaction or task is None else task.name
        if task is not None:
            return task.figures(now), ""
        return Tally(self._play_name(), self._hosts, now).figures(now), ""

    def _play_name(self) -> str:
        if self._play is None:
            return ""
        name = one_line(self._play.get_name())
        return f"{name} (check mode)" if self._play.check_mode else name

    # --- lines --------------------------------------------------------------------------------------------------

    def _print(self, text: str, colour: str | None = None) -> None:
        self._display.display(text, color=colour)

    def _show_failure(self, result: CallbackTaskResult, outcome: Outcome, ignored: bool, action: str) -> None:
        host = one_line(self.host_label(result))
        reasons = self._item_reasons.pop((result.host.get_name(), result.task._uuid), [])
        message = "\n".join(dict.fromkeys(reasons)) or failure_message(result.result)
        if action == _PREFLIGHT:
            first, *problems = [one_line(line) for line in message.splitlines()]
            if self._reported.is_new(host, message):
                self._print("\n".join([f"FAILED {first}", *(f"  {problem}" for problem in problems)]), C.COLOR_ERROR)
            return
        where = host if action in TRANSACTIONS else f"{host} [{one_line(result.task_name)}]"
        self._tell_failure(host, outcome, one_line(message), where=where, ignored=ignored)
        if self._display.verbosity >= 2:
            self._handle_exception(result.result)

    def _tell_failure(
        self, host: str, outcome: Outcome, message: str, where: str | None = None, ignored: bool = False
    ) -> None:
        if self._reported.is_new(host, message):
            line = f"{outcome.name} {where or host}: {message}"
            self._print(f"{line} (ignored)" if ignored else line, C.COLOR_WARN if ignored else _COLOURS[outcome])

    def _show_host(self, result: CallbackTaskResult, outcome: Outcome) -> None:
        message = result.result.get("msg")
        text = f": {one_line(message)}" if isinstance(message, str) and message else ""
        self._print(f"{outcome.value} {one_line(self.host_label(result))} [{one_line(result.task_name)}]{text}")

    def _show_debug(self, result: CallbackTaskResult) -> None:
        """What a playbook prints on purpose is shown, a host's name before each line."""
        self._clean_results(result.result, result.task.action)
        host = one_line(result.host.get_name())
        for name, value in result.result.items():
            if not name.startswith("_") and name not in ("results", "changed"):
                for line in value if isinstance(value, list) else [value]:
                    text = line if isinstance(line, str) else json.dumps(line, default=str, ensure_ascii=False)
                    label = "" if name == "msg" else f"{name} = "
                    self._print("\n".join(f"{host}: {label}{part}" for part in clean(text).split("\n")))

    def _warn(self, result: CallbackTaskResult) -> None:
        if result.warnings:
            for warning in result.result.pop("warnings", None) or ():
                self._display.warning(clean(str(warning)))
        if result.deprecations:
            self._handle_warnings(result.result)


def _is_terminal() -> bool:
    interactive = context.CLIARGS.get("step") or C.ENABLE_TASK_DEBUGGER
    dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return sys.stdout.isatty() and not (interactive or dumb or in_ci)


def _action(task: Task) -> str:
    return task.resolved_action or task.action


def _is_flow(play: Play) -> bool:
    """Say whether the play is known to serialize before it runs: a flow's role, or a transaction among its tasks."""
    return any(_is_flow_role(role.get_name()) for role in play.roles) or _holds_flow(play.get_tasks())


def _holds_flow(tasks: Iterable[Any]) -> bool:
    for task in tasks:
        if isinstance(task, list):
            found = _holds_flow(task)
        elif hasattr(task, "block"):
            found = _holds_flow([*task.block, *task.rescue, *task.always])
        else:
            found = _action(task) in TRANSACTIONS or _is_flow_role(str(getattr(task, "_role_name", "")))
        if found:
            return True
    return False


def _is_flow_role(name: str) -> bool:
    role = name.removeprefix(_COLLECTION)
    return role != name and (role in _FLOW_ROLES or "{{" in role)


def _units(result: CallbackTaskResult, action: str) -> list[Mapping[str, Any]]:
    """The outcome of each unit, where one task served many; empty for any other result."""
    if action not in _BATCHES:
        return []
    results = result.result.get("results")
    return [unit for unit in results if isinstance(unit, dict) and "host" in unit] if isinstance(results, list) else []


def _unit_outcome(unit: Mapping[str, Any]) -> Outcome:
    for outcome in (Outcome.UNREACHABLE, Outcome.FAILED, Outcome.SKIPPED, Outcome.CHANGED):
        if unit.get(outcome.value):
            return outcome
    return Outcome.OK


def _host_outcome(summary: Mapping[str, int]) -> Outcome:
    for outcome, key in (
        (Outcome.FAILED, "failures"),
        (Outcome.UNREACHABLE, "unreachable"),
        (Outcome.CHANGED, "changed"),
        (Outcome.OK, "ok"),
    ):
        if summary[key]:
            return outcome
    return Outcome.SKIPPED


def _recap_line(host: str, summary: Mapping[str, int]) -> str:
    keys = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
    counts = " ".join(f"{key}={summary['failures' if key == 'failed' else key]}" for key in keys)
    return f"{one_line(host)} : {counts}"


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return {key: _cleaned(item) for key, item in value.items()} if isinstance(value, dict) else value
