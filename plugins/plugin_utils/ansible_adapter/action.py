# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the core meets Ansible: arguments in, a device behind its connection, outcomes out."""

from __future__ import annotations

import os
import signal
import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, ClassVar

from ansible import constants as C
from ansible import context
from ansible._internal import _task
from ansible.errors import AnsibleError
from ansible.executor import task_result
from ansible.executor.process import worker
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader


def require(*modules: str) -> None:
    """Raise one sentence that names all of `modules` (top-level import names) that this Python lacks."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise AnsibleError(
            f"The Python that runs Ansible ({sys.executable}) lacks {', '.join(missing)}; install what "
            "ioto.serialization needs into it: pip install -r requirements.txt, from the collection's folder."
        )


# Before the core is imported, so that a controller that lacks something is told what, and shown no traceback.
require("pyjson5", "sqlalchemy", "urllib3")

from ..device.device import Answer  # noqa: E402
from ..display_text import printable  # noqa: E402
from ..errors import IotoError  # noqa: E402
from ..ledger.ledger import Ledger  # noqa: E402
from ..ledger.records import Context  # noqa: E402

_RawTaskResult: Any = getattr(task_result, "_RawTaskResult", None)
UnifiedTaskResult: Any = getattr(_task, "UnifiedTaskResult", None)
_config: Any = C.config


class IotoAction(ActionBase):
    """An action of this collection: it names its arguments and makes an outcome of them.

    What the core raises becomes the task's failure: one sentence, never a traceback.
    """

    ARGUMENTS: ClassVar[dict[str, Any]]

    _supports_check_mode = True
    _supports_async = False

    @abstractmethod
    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do the work, and return the task's result. Raises `IotoError`."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        arguments = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]  # type: ignore[no-untyped-call]
        try:
            result.update(self.outcome(plain(arguments)))
        except IotoError as error:
            result.update(failed=True, msg=str(error))
        if self._task.no_log and "results" in result:
            # Ansible hides the results of several hosts only where each of them asks for it.
            result["results"] = [{**one, "_ansible_no_log": True} for one in result["results"]]
        return result

    @property
    def check_mode(self) -> bool:
        """Whether nothing may be changed."""
        return bool(self._task.check_mode)

    @property
    def wants_diff(self) -> bool:
        """Whether somebody wants to see what changes."""
        return bool(self._task.diff)

    @property
    def host(self) -> str:
        """The inventory's name of the host that the task is for."""
        return str.__str__(self.task_vars["inventory_hostname"])

    def device(self) -> AnsibleDevice:
        """Return the device behind the task's connection."""
        return AnsibleDevice(self, self.host)

    def batch(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return, for every host of the play, those of its variables `names` that are set."""
        return self.variables(self.task_vars["ansible_play_hosts_all"], names)

    def variables(self, hosts: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return, for each of `hosts`, those of its variables `names` that are set.

        Raises `UnreadableVariablesError` where the inventory's templates make no value of some.
        """
        names = tuple(names)
        batch: dict[str, dict[str, Any]] = {}
        unreadable: dict[str, list[str]] = {}
        for host in map(plain, hosts):
            variables = self.task_vars["hostvars"][host]
            found = batch[host] = {}
            for name in names:
                try:
                    if name in variables:
                        found[name] = plain(variables[name])
                except AnsibleError as error:
                    unreadable.setdefault(host, []).append(f"{name} has no value: {_reason(error)}.")
        if unreadable:
            raise UnreadableVariablesError(unreadable, batch)
        return batch

    def context(self) -> Context:
        """Return who does this, and where, for the ledger's events."""
        return Context.here(self.host)

    def ledger(self, arguments: Mapping[str, Any]) -> Ledger:
        """Open the ledger that the task names, or the default one; in check mode it is only read."""
        return Ledger(arguments["ledger"], read_only=self.check_mode)


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

    def refuse_delegation(self) -> None:
        """Raise `ArgumentError` where the task is delegated: each host is reached on its own way."""
        if self._task.delegate_to:
            raise ArgumentError("delegate_to: a task for all hosts goes to each of them itself; remove it.")

    def refuse_unseen(self, names: Iterable[str]) -> None:
        """Raise `ArgumentError` where one of `names` is set for the task, the role or the play, and not for hosts.

        Such a value may be a template that means another thing for each host; Ansible gives us that of the first one.
        """
        seen = self.task_vars["hostvars"][self.host]
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
        result.loop_var, result.loop_item, result.loop_item_label = "host", unit["host"], unit["host"]
        process._final_q.send_callback(event, process._host, self._task, result)

    def ssh_options(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of Ansible's ssh connection plugin that hold for a host with these variables.

        `host_key_checking` is None where nobody has said anything of it.
        """
        keys = self._task.dump_attrs()  # type: ignore[no-untyped-call]
        timeout = context.CLIARGS.get("timeout") or _config.get_config_value("DEFAULT_TIMEOUT")
        keys.update(timeout=timeout, password=self._password_of_all())
        del keys["retries"]  # the task's, not the connection's
        try:
            options = _config.get_plugin_options("connection", "ssh", keys=keys, variables=dict(variables))
        except AnsibleError as error:
            raise ArgumentError(f"{_reason(error)}; correct it.") from None
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
        first = self.task_vars["hostvars"][self.host]
        own = any(name in first for name in C.MAGIC_VARIABLE_MAPPING["password"])
        return None if own else self._play_context.password or None

    @staticmethod
    def ssh_variables() -> list[str]:
        """Return the names of the variables that `ssh_options` looks at."""
        connection_loader.get("ssh", class_only=True)  # type: ignore[no-untyped-call]  # has its options known
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


def complete(arguments: Mapping[str, Any], specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arguments` checked, with their defaults, as a task's are. Raises `IotoError`."""
    validator: Any = ArgumentSpecValidator
    result = validator(dict(specification)).validate(dict(arguments))
    if result.error_messages:
        raise ArgumentError(f"{printable('; '.join(result.error_messages))}.")
    found: dict[str, Any] = plain(result.validated_parameters)
    return found


class ArgumentError(IotoError):
    """Arguments that are of another kind than they have to be."""


class UnreadableVariablesError(IotoError):
    """Variables of hosts that Ansible could not make a value of; what could be read of all hosts is there as well.

    `sentences` are by host, `hosts` are the variables of the hosts that have no such trouble.
    """

    def __init__(self, sentences: Mapping[str, Sequence[str]], batch: Mapping[str, dict[str, Any]]) -> None:
        self.sentences = sentences
        self.hosts = {host: variables for host, variables in batch.items() if host not in sentences}
        lines = (f"{host}: {sentence}" for host, found in sentences.items() for sentence in found)
        super().__init__("\n".join(["These variables have no value; correct their templates:", *lines]))


class AnsibleDevice:
    """A device behind an Ansible connection. `become` works, since everything goes through the action's own way."""

    def __init__(self, action: IotoAction, name: str) -> None:
        self._action = action
        self._name = name

    @property
    def name(self) -> str:
        """The inventory's name of the device."""
        return self._name

    def run(self, script: str) -> Answer:
        """Run `script`: one ssh process, one channel, nothing left on the device. A lost connection is Ansible's."""
        execute: Any = self._action._low_level_execute_command
        done = execute("/bin/sh -s", in_data=script.encode("utf-8", "surrogateescape"))
        return Answer(done["rc"], _bytes(done["stdout"]), _bytes(done["stderr"]))


def plain(value: Any) -> Any:
    """Return `value` in Python's own types: since ansible-core 2.19, arguments are tagged subclasses of them."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return +value
    return value


def _reason(error: AnsibleError) -> str:
    """What was wrong with a template, without the text around it, which may hold a secret."""
    return printable(str(error).splitlines()[0].rstrip(".")) if str(error) else type(error).__name__


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
