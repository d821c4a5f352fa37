# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the core meets Ansible: arguments in, a device behind its connection, outcomes out."""

from __future__ import annotations

import gc
import logging
import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from ansible.errors import AnsibleAction, AnsibleError, AnsibleValueOmittedError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ..device.connection import UnreachableError
from ..display_text import printable
from ..errors import IotoError
from ..ledger.ledger import Ledger
from ..option import Option, specs
from ..processes.parent_process import ParentProcess
from .ansible_device import AnsibleDevice
from .host_variables import HostVariables

_TEXTS = ("str", "path")


class IotoAction(ActionBase):
    """An action of this collection: it names its options and makes an outcome of them.

    What the core raises becomes the task's failure: one sentence, never a traceback.
    """

    OPTIONS: ClassVar[Mapping[str, Option]]
    """What its tasks take, by name: the rows of the table of options."""

    asks_again = False
    """Whether it is no failure where another scan may help."""

    _supports_check_mode = True
    _supports_async = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # Ansible's main process loads an action before it forks workers. What is there by then is left alone by their
        # garbage collectors, which would otherwise write to every page and so copy it: a fifth of what a device costs.
        gc.freeze()

    @abstractmethod
    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do the work, and return the task's result. Raises `IotoError`."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point."""
        if self.BYPASS_HOST_LOOP:  # the results of many hosts may be more than Ansible's pipe holds
            ParentProcess().end_with_it()
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        self._variables_of: dict[str, Mapping[str, Any]] = {}
        with _notices() as notices:
            try:
                result.update(self.outcome(self._arguments()))
            except UnreachableError as error:
                result.update(error.told, unreachable=True)
            except IotoError as error:
                asks_again = self.asks_again and bool(error.facts.get("scan_refused"))
                result.update(error.told, failed=not asks_again)
        # A task may look into a ledger more than once, and what it failed of needs no warning.
        notices = [notice for notice in dict.fromkeys(notices) if notice not in str(result.get("msg", ""))]
        if result.get("failed") and "results" not in result and not self._is_judged_by_task:
            for notice in notices:
                self._display.warning(notice)
            raise ToldError(str(result.get("msg", "")), result=result)  # type: ignore[no-untyped-call]
        if notices:
            result["warnings"] = [*result.get("warnings", ()), *notices]
        if self._task.no_log and "results" in result:
            # Ansible hides the results of several hosts only where each of them asks for it.
            result["results"] = [{**one, "_ansible_no_log": True} for one in result["results"]]
        return result

    @property
    def _is_judged_by_task(self) -> bool:
        """Whether the task says what is a failure, or tries again: Ansible asks that of a returned result alone."""
        return bool(self._task.failed_when or self._task.until or self._task.retries)

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments of the task, complete; what it leaves out, a variable may say. Raises `IotoError`."""
        # Not by `validate_argument_spec`, whose failure shows all arguments, a claim ID among them.
        arguments = complete({**self._said_by_variables(), **self._task.args}, specs(self.OPTIONS))
        for name, option in self.OPTIONS.items():
            if not option.is_in_range(arguments[name]):
                variable = f" ({option.variable})" if option.variable else ""
                raise ArgumentError(f"{name} is {arguments[name]}; give {option.wanted()}{variable}.")
        return arguments

    def _said_by_variables(self) -> dict[str, Any]:
        """Return the options that the task leaves out and its variables say, each checked by its variable's name."""
        module = self._task.action.rpartition(".")[2]
        may_replace = "may_replace" in self.OPTIONS and boolean(self._task.args.get("may_replace", False), strict=False)
        wanted = {}
        for option in self.OPTIONS.values():
            name = option.variable
            if name is None or option.name in self._task.args or name not in self.task_vars:
                continue
            if option.is_deliberate or (option.falls_back(module) and option.counts_beside(self._task.args)):
                wanted[name] = option
        found = self._values(wanted)
        for name, option in wanted.items():
            if option.is_deliberate and not may_replace and found.pop(name, None) is not None:
                raise ArgumentError(
                    f"{name} counts in the roles alone: give this task {option.name}, or remove the variable."
                )
        said = complete(found, {name: wanted[name].spec for name in found})
        return {
            option.name: option.convert(said[name]) if option.convert else said[name]
            for name, option in wanted.items()
            if name in said
        }

    def _values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what the variables `names` say, without those that are `omit`. Raises `ArgumentError`."""
        with suppress(AnsibleError):
            found: dict[str, Any] = self._templar.template({name: self.task_vars[name] for name in names})
            return found
        found = {}
        for name in names:  # one has no value: which
            try:
                found |= self._templar.template({name: self.task_vars[name]})
            except AnsibleError as error:
                raise ArgumentError(f"{name} has no value: {reason_of(error)}.") from None
        return found

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

    def device(self, seconds: float) -> AnsibleDevice:
        """Return the device behind the task's connection, which may take so many seconds in all."""
        return AnsibleDevice(self, self.host, seconds)

    def batch(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return, for every host of the play, those of its variables `names` that are set."""
        return self.variables(self.task_vars["ansible_play_hosts_all"], names)

    def variables(self, hosts: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return, for each of `hosts`, those of its variables `names` that are set.

        Raises `UnreadableVariablesError` where the inventory's templates make no value of some.
        """
        batch, unreadable = self.readable(hosts, names)
        if unreadable:
            raise UnreadableVariablesError(unreadable)
        return batch

    def readable(
        self, hosts: Iterable[str], names: Iterable[str]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
        """Return the variables `names` of those `hosts` where all that are set have a value, and of the others why not.

        Both are by host; the reasons are sentences that name the variable.
        """
        names = tuple(names)
        batch: dict[str, dict[str, Any]] = {}
        unreadable: dict[str, list[str]] = {}
        for host in map(plain, hosts):
            variables = self.variables_of(host)
            found = batch[host] = {}
            for name in names:
                try:
                    if name in variables:
                        found[name] = plain(variables[name])
                except AnsibleValueOmittedError:
                    continue  # `omit` leaves it unset, as it does an option
                except AnsibleError as error:
                    unreadable.setdefault(host, []).append(f"{name} has no value: {reason_of(error)}.")
        return {host: found for host, found in batch.items() if host not in unreadable}, unreadable

    def variables_of(self, host: str) -> Mapping[str, Any]:
        """Return all variables of `host`, each of which is made from its template when it is asked for.

        Ansible puts them together anew for whoever asks: half of what a check costs for a host.
        """
        if host not in self._variables_of:
            self._variables_of[host] = HostVariables(self.task_vars["hostvars"], host, self._loader)
        return self._variables_of[host]

    def ledger(self, arguments: Mapping[str, Any]) -> Ledger:
        """Open the ledger that the task names, or the default one; in check mode it is only read."""
        return Ledger.of_run(arguments["ledger"], read_only=self.check_mode)


def complete(arguments: Mapping[str, Any], specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arguments` checked, with their defaults, as a task's are. Raises `IotoError`."""
    # Before the check, too, which copies all it is given: a tagged text takes it fifty times as long as a plain one.
    arguments = plain(arguments)
    for name, value in arguments.items():
        # Ansible would make a text of a list, brackets and quotes with it: the name of a file, or of a unit.
        if isinstance(value, dict | list) and specification.get(name, {}).get("type") in _TEXTS:
            kind = "a list" if isinstance(value, list) else "a dictionary"
            raise ArgumentError(f"{name} is {kind}, and one text is wanted; give it as a string.")
    validator: Any = ArgumentSpecValidator
    try:
        result = validator(dict(specification)).validate(arguments)
    except OverflowError:  # of `.inf`, which YAML knows, for a whole number
        endless = [name for name, value in arguments.items() if isinstance(value, float) and math.isinf(value)]
        raise ArgumentError(f"{' and '.join(endless) or 'A number'} is Infinity; give a whole number.") from None
    if result.error_messages:
        raise ArgumentError(f"{printable('; '.join(result.error_messages))}.")
    found: dict[str, Any] = plain(result.validated_parameters)
    return found


class ToldError(AnsibleAction):
    """The end of a task that has failed, its `result` complete.

    Returned, Ansible would make an error of its message, and have it twice on the screen, with the place in our role.
    """

    @property
    def result_contribution(self) -> Mapping[str, Any]:
        """What the task's result says."""
        return self._result

    @property
    def omit_exception_key(self) -> bool:
        """Yes: the result says all."""
        return True


class ArgumentError(IotoError):
    """Arguments that are of another kind than they have to be."""


class UnreadableVariablesError(IotoError):
    """Variables of hosts that Ansible could not make a value of: sentences by host."""

    def __init__(self, sentences: Mapping[str, Sequence[str]]) -> None:
        lines = (f"{printable(host)}: {sentence}" for host, found in sentences.items() for sentence in found)
        super().__init__("\n".join(["These variables have no value; correct their templates:", *lines]))


@contextmanager
def _notices() -> Iterator[list[str]]:
    """Gather what the ledger has to tell though all went well, such as that it was migrated."""
    handler = _NoticeHandler()
    log = logging.getLogger("ioto.ledger")
    log.addHandler(handler)
    try:
        yield handler.notices
    finally:
        log.removeHandler(handler)


class _NoticeHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.notices: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.notices.append(record.getMessage())


def plain(value: Any) -> Any:
    """Return `value` in Python's own types: since ansible-core 2.19, arguments are tagged subclasses of them."""
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return +value
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    return value


def reason_of(error: AnsibleError) -> str:
    """What was wrong with a template, without the text around it, which may hold a secret."""
    return printable(str(error).splitlines()[0].rstrip(".")) if str(error) else type(error).__name__
