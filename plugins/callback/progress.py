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
  - On a terminal this is one live line at the bottom. Where the output is not a terminal, where E(TERM) is V(dumb),
    where E(CI) is set, or where the Python package rich is missing, it is a plain line every few seconds. C(-v) says
    how to install rich.
  - Each failure and each unreachable host is told at once in one line with its reason, also when a C(rescue) or
    C(ignore_errors) takes care of it, and once only. A later message that quotes it and says more is told.
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
import os
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ansible import constants as C
from ansible import context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase
from ansible.utils.color import ANSIBLE_COLOR
from ansible.utils.display import Display

from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.model import (
    HostOutcome,
    clean,
    clean_texts,
    debug_lines,
    failure_message,
    host_line,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.run_model import (
    BATCHES,
    PREFLIGHT,
    REPORT,
    SUMMARY,
    TRANSACTIONS,
    OutputLine,
    PlayStart,
    RunModel,
    TaskEnd,
    TaskStart,
    Tone,
    is_flow_role,
    units_of,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.requirements import missing

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook.handler import Handler
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

    from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.live_bar import LiveBar

_PAUSES = ("pause", "ansible.builtin.pause", "ansible.legacy.pause")
_FREE = ("free", "host_pinned", "ansible.builtin.free", "ansible.builtin.host_pinned")
_COLOURS = {
    Tone.GOOD: C.config.get_config_value("COLOR_OK"),
    Tone.WARNING: C.config.get_config_value("COLOR_WARN"),
    Tone.BAD: C.config.get_config_value("COLOR_ERROR"),
    Tone.UNREACHABLE: C.config.get_config_value("COLOR_UNREACHABLE"),
}


class CallbackModule(CallbackBase):
    """Translates the events of Ansible for the model of the run, and prints the lines that come out of it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "ioto.serialization.progress"

    _run: RunModel  # from set_options on, which comes before any event
    _bar: LiveBar | None = None

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        # Behind super(), mypy sees no name that it could leave out.
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)  # type: ignore[no-untyped-call]
        live_bar = _live_bar() if self.get_option("mode") == "auto" and _is_terminal() else None
        self._run = RunModel(
            time.monotonic,
            interval=self.get_option("interval"),
            live=live_bar is not None,
            verbose=self._display.verbosity > 0,
            separator=" · " if str(sys.stdout.encoding).lower().startswith("utf") else ", ",
        )
        if live_bar is not None:
            self._bar = live_bar(self._run.shown, colour=ANSIBLE_COLOR)
        # Ctrl-C and fatal errors end a run without another event.
        atexit.register(self._end_run)

    # --- plays --------------------------------------------------------------------------------------------------

    def v2_playbook_on_play_start(self, play: Play) -> None:
        inventory = play.get_variable_manager()._inventory
        if not self._run.is_playing(play._uuid):
            self._end_play()
            name = play.get_name()
            self._run.start_play(
                PlayStart(
                    id=play._uuid,
                    name=f"{name} (check mode)" if play.check_mode else name,
                    hosts=len(inventory.get_hosts(play.hosts, ignore_restrictions=True)),
                    is_flow=_is_flow(play),
                    is_free=play.strategy in _FREE,
                )
            )
        self._print(self._run.start_batch(len(inventory.get_hosts(play.hosts))))

    def v2_playbook_on_no_hosts_matched(self) -> None:
        self._print(self._run.find_no_host())

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        self._print(self._run.lose_all_hosts())

    def v2_playbook_on_vars_prompt(self, *args: Any, **kwargs: Any) -> None:
        self._end_play()

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        self._end_play()
        self._print(self._run.recap({host: stats.summarize(host) for host in stats.processed}))
        self._end_run()

    def _end_play(self) -> None:
        # A terminal that is gone, as after a hang-up, needs no line erased.
        with contextlib.suppress(OSError):
            if self._bar is not None:
                self._bar.stop()
        lines = self._run.end_play()
        with contextlib.suppress(OSError):
            self._print(lines)

    def _end_run(self) -> None:
        self._end_play()
        with contextlib.suppress(OSError):
            self._print(self._run.take_summary())

    # --- tasks --------------------------------------------------------------------------------------------------

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        self._start_task(task, task.get_name())

    def v2_playbook_on_handler_task_start(self, task: Handler) -> None:
        self._start_task(task, f"handler {task.get_name()}")

    def _start_task(self, task: Task, name: str) -> None:
        # `run_once` may still be a template here; only a literal yes is known.
        self._print(self._run.start_task(TaskStart(task._uuid, name, _action(task), task.run_once is True)))
        if self._bar is not None:
            if task.action in _PAUSES:
                self._bar.stop()
            else:
                self._bar.start()

    # --- results ------------------------------------------------------------------------------------------------

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        if isinstance(result.task, TaskInclude):
            return
        self._warn(result)
        end = _end(result, HostOutcome.CHANGED if result.is_changed() else HostOutcome.OK)
        if end.action in {SUMMARY, REPORT}:
            self._run.remember_summary(result.result.get("lines"))
        elif end.action in C._ACTION_DEBUG:
            if not self._run.is_in_summary(result.result.get("msg")):
                self._show_debug(result)
        elif self._display.verbosity:
            message = result.result.get("msg")
            self._display.display(host_line(self.host_label(result), result.task_name, end.outcome, message))
        self._print(self._run.end_task(end))

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        self._warn(result)
        self._print(self._run.end_task(_end(result, HostOutcome.SKIPPED)))

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._warn(result)
        end = _end(result, HostOutcome.FAILED, is_final=not ignore_errors)
        if not end.units:
            self._show_failure(result, end, is_ignored=ignore_errors)
        self._print(self._run.end_task(end))

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._warn(result)
        end = _end(result, HostOutcome.UNREACHABLE)
        self._show_failure(result, end, is_ignored=bool(result.task.ignore_unreachable))
        self._print(self._run.end_task(end))

    def v2_runner_item_on_ok(self, result: CallbackTaskResult) -> None:
        # Items of any other task tell nothing, and to look into a result costs time.
        if _action(result.task) in BATCHES:
            outcome = HostOutcome.CHANGED if result.is_changed() else HostOutcome.OK
            self._print(self._run.end_item(_end(result, outcome), result.result))

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        outcome = HostOutcome.UNREACHABLE if result.result.get("unreachable") else HostOutcome.FAILED
        self._print(self._run.end_item(_end(result, outcome), result.result))

    def v2_on_file_diff(self, result: CallbackTaskResult) -> None:
        results = result.result.get("results", []) if result.task.loop else [result.result]
        for one in results:
            if isinstance(one, dict) and one.get("diff") and one.get("changed"):
                # Cleaned before the differences are coloured: afterwards the colours would be lost.
                self._display.display(self._get_diff(clean_texts(one["diff"])).rstrip("\n"))

    # --- lines --------------------------------------------------------------------------------------------------

    def _print(self, lines: Iterable[OutputLine]) -> None:
        for line in lines:
            self._display.display(line.text, color=_COLOURS.get(line.tone))

    def _show_failure(self, result: CallbackTaskResult, end: TaskEnd, *, is_ignored: bool) -> None:
        message = failure_message(result.result)
        label = self.host_label(result)
        self._print(self._run.fail(end, message, label=label, task=result.task_name, is_ignored=is_ignored))
        if self._display.verbosity >= 2 and end.action != PREFLIGHT:
            self._handle_exception(result.result)

    def _show_debug(self, result: CallbackTaskResult) -> None:
        self._clean_results(result.result, result.task.action)
        # What is said once for all hosts is not about the one that Ansible took for it.
        host = None if result.task.run_once is True else result.host.get_name()
        for text in debug_lines(host, result.result):
            self._display.display(text)

    def _warn(self, result: CallbackTaskResult) -> None:
        if result.warnings:
            for warning in result.result.pop("warnings", None) or ():
                self._display.warning(clean(str(warning)))
        if result.deprecations:
            self._handle_warnings(result.result)


def _live_bar() -> type[LiveBar] | None:
    """Return the live line, or None without rich, which is an extra: the lines are plain then."""
    try:
        # Here, since only a terminal needs it.
        from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.live_bar import (  # noqa: PLC0415
            LiveBar,
        )
    except ImportError as error:
        Display().v(missing("progress", error))
        return None
    return LiveBar


def _end(result: CallbackTaskResult, outcome: HostOutcome, *, is_final: bool = True) -> TaskEnd:
    action = _action(result.task)
    return TaskEnd(
        task_id=result.task._uuid,
        action=action,
        host=result.host.get_name(),
        outcome=outcome,
        is_final=is_final,
        is_loop=bool(result.task.loop),
        # To look into a result costs time, and no other action speaks for many units.
        units=units_of(result.result) if action in BATCHES else (),
    )


def _is_terminal() -> bool:
    interactive = context.CLIARGS.get("step") or C.config.get_config_value("ENABLE_TASK_DEBUGGER")
    dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return sys.stdout.isatty() and not (interactive or dumb or in_ci)


def _action(task: Task) -> str:
    return task.resolved_action or task.action


def _is_flow(play: Play) -> bool:
    """Say whether the play is known to serialize before it runs: a flow's role, or a transaction among its tasks."""
    return any(is_flow_role(role.get_name()) for role in play.roles) or _holds_flow(play.get_tasks())


def _holds_flow(tasks: Iterable[Any]) -> bool:
    for task in tasks:
        if isinstance(task, list):
            found = _holds_flow(task)
        elif hasattr(task, "block"):
            found = _holds_flow([*task.block, *task.rescue, *task.always])
        else:
            found = _action(task) in TRANSACTIONS or is_flow_role(str(getattr(task, "_role_name", "")))
        if found:
            return True
    return False
