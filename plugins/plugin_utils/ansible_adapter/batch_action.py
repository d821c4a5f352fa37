# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that do for all hosts of a play what others do host by host."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible import constants as C
from ansible import context
from ansible._internal import _task
from ansible.errors import AnsibleError
from ansible.executor import task_result
from ansible.executor.process import worker
from ansible.inventory.manager import split_host_pattern
from ansible.plugins.loader import connection_loader

from .action import ArgumentError, IotoAction, plain, reason_of

_RawTaskResult: Any = getattr(task_result, "_RawTaskResult", None)
UnifiedTaskResult: Any = getattr(_task, "UnifiedTaskResult", None)
_config: Any = C.config
_PATTERN = re.compile(r"^[!&~]|[*?\[\s]|\{\{")


class BatchAction(IotoAction):
    """An action that does for every host of the play's batch what others do host by host."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False

    @property
    def forks(self) -> int:
        """How many hosts Ansible would have under way at a time."""
        return int(self.task_vars.get("ansible_forks") or _config.get_config_value("DEFAULT_FORKS"))

    def hosts(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return, for every host that is still in the play's batch, those of its variables `names` that are set."""
        return self.variables(self.task_vars["ansible_play_batch"], names)

    def names(self, hosts: Iterable[str]) -> dict[str, list[str]]:
        """Return, for each of `hosts`, the names of all variables that it has."""
        return {host: [plain(name) for name in self.variables_of(host)] for host in map(plain, hosts)}

    def selection(self) -> tuple[list[str], list[str], set[str]]:
        """Return the inventory's sources, the patterns of `--limit`, and all that a pattern may name."""
        groups: Mapping[str, Sequence[str]] = self.task_vars["groups"]
        known = {"localhost", "all", "ungrouped", *map(plain, groups), *map(plain, groups["all"])}
        sources = self.task_vars.get("ansible_inventory_sources") or []
        patterns = split_host_pattern(self.task_vars.get("ansible_limit") or [])
        return [str(plain(source)) for source in sources], [str(plain(pattern)) for pattern in patterns], known

    @staticmethod
    def taken_for_patterns(hosts: Iterable[str]) -> list[str]:
        """Return those of `hosts` whose names Ansible takes for patterns, so that no play and no limit finds them."""
        return [host for host in map(plain, hosts) if split_host_pattern(host) != [host] or _PATTERN.search(host)]

    def refuse_delegation(self) -> None:
        """Raise `ArgumentError` where the task is delegated: each host is reached on its own way."""
        if self._task.delegate_to:
            raise ArgumentError("delegate_to: a task for all hosts goes to each of them itself; remove it.")

    def refuse_unseen(self, names: Iterable[str]) -> None:
        """Raise `ArgumentError` where one of `names` is set for the task, the role or the play, and not for hosts.

        Such a value may be a template that means another thing for each host; Ansible gives us that of the first one.
        """
        seen = self.variables_of(self.host)
        if unseen := [name for name in names if name in self.task_vars and name not in seen]:
            raise ArgumentError(
                f"{', '.join(unseen)}: set for the play, a role or the task, where a task for all hosts does not see "
                "it; set it for hosts or groups in the inventory, or with -e."
            )

    def tell(self, unit: Mapping[str, Any]) -> None:
        """Show what became of one host while the task goes on, as Ansible shows the items of a loop."""
        if unit.get("diff"):
            self._send("v2_on_file_diff", unit)
        if unit.get("skipped"):
            self._send("v2_runner_item_on_skipped", unit)
        elif unit.get("failed") or unit.get("unreachable"):
            self._send("v2_runner_item_on_failed", unit)
        else:
            self._send("v2_runner_item_on_ok", unit)

    def log(self, text: str) -> None:
        """Show `text` to who asks for it with `-vvv` or more; Ansible's own log takes it by the same measure."""
        with _uninterrupted():
            self._display.vvv(text)

    def _send(self, event: str, unit: Mapping[str, Any]) -> None:
        with _uninterrupted():
            self._send_callback(event, unit)

    def _send_callback(self, event: str, unit: Mapping[str, Any]) -> None:
        # No public way leads from a running action to the callbacks. Both of these are the executor's own for a loop.
        process: Any = worker.current_worker
        if _RawTaskResult is not None:  # ansible-core 2.19 and 2.20
            label = {"ansible_loop_var": "host", "_ansible_item_label": unit["host"], "_ansible_item_result": True}
            process._final_q.send_callback(event, _RawTaskResult(process._host, self._task, {**unit, **label}, {}))
            return
        result = UnifiedTaskResult.from_action_result_dict(dict(unit))
        result.exception = None  # it would be an error of its own on the screen, beside this one
        result.loop_var, result.loop_item, result.loop_item_label = "host", unit["host"], unit["host"]
        process._final_q.send_callback(event, process._host, self._task, result)

    def ssh_options(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of Ansible's ssh connection plugin that hold for a host with these variables.

        `host_key_checking` is None where nobody has said anything of it.
        """
        keys = self._task.dump_attrs()
        timeout = context.CLIARGS.get("timeout") or _config.get_config_value("DEFAULT_TIMEOUT")
        keys.update(timeout=timeout, password=self._password_of_all())
        del keys["retries"]  # the task's, not the connection's
        try:
            options = _config.get_plugin_options("connection", "ssh", keys=keys, variables=dict(variables))
        except AnsibleError as error:
            raise ArgumentError(f"{reason_of(error)}; correct it.") from None
        found: dict[str, Any] = plain(options)
        checking = _config.get_config_value_and_origin(
            "host_key_checking", plugin_type="connection", plugin_name="ssh", variables=dict(variables)
        )
        found["host_key_checking"] = None if checking[1] == "default" else plain(checking[0])
        found["connection"] = variables.get("ansible_connection", self._task.connection or "ssh")
        found["become"] = variables.get("ansible_become", self._task.become)
        return found

    def _password_of_all(self) -> str | None:
        """The password that was asked for at the start; that of the first host's variables is for nobody else."""
        first = self.variables_of(self.host)
        own = any(name in first for name in C.MAGIC_VARIABLE_MAPPING["password"])
        return None if own else self._play_context.password or None

    @staticmethod
    def ssh_variables() -> list[str]:
        """Return the names of the variables that `ssh_options` looks at."""
        connection_loader.get("ssh", class_only=True)  # has its options known
        return [*_config.get_plugin_vars("connection", "ssh"), "ansible_connection", "ansible_become"]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put signals off to the end of the block.

    Who is killed while he holds the lock of Ansible's queue leaves it locked, and `ansible-playbook` waits for ever.
    """
    come: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: come.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for signal_number in come:
            os.kill(os.getpid(), signal_number)
