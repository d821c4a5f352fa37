# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the variables of all hosts to jobs, and from their results to the one result that the task has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..batch.check_options import Complete, check_options
from ..batch.problem import Problem, by_sentence
from ..batch.results import some_of
from ..errors import IotoError
from ..flows.flow import flow_options, plan_flow
from ..flows.options import FLEET_ARGUMENTS
from ..option import Option, given_by, specs, stays
from .engine import DeviceJob
from .host_keys import known_types
from .look import Look
from .ssh_arguments import SettingsError
from .ssh_keys import load_key
from .ssh_program import SshProgram
from .ssh_settings import DEFAULT_PORT, SharedSettings, SshSettings
from .ssh_transport import check_algorithms

# What is another one for each host; all the rest mostly comes from a group, and is worked out once.
_OF_ONE_HOST = {
    "ansible_host": "host",
    "ansible_ssh_host": "host",
    "inventory_hostname": "host",
    "ansible_port": "port",
    "ansible_ssh_port": "port",
}

Variables = Mapping[str, Any]
Problems = dict[str, list[str]]


class FleetBatchError(IotoError):
    """A batch that cannot be begun; the message lists every problem, each with its hosts."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs, and the results of hosts that are left alone."""

    jobs: Sequence[DeviceJob]
    left_alone: Sequence[dict[str, Any]]

    @classmethod
    def prepare(
        cls,
        hosts: Mapping[str, Variables],
        *,
        ssh_options: Callable[[Variables], Mapping[str, Any]],
        complete: Complete,
        check: bool,
    ) -> Batch:
        """Make a job for each of `hosts`. Raises `FleetBatchError`, before any device is touched.

        `ssh_options` gives the options of Ansible's ssh plugin for a host's variables, `complete` checks
        the options of the flow and adds their defaults.
        """
        jobs, left_alone = [], []
        problems: Problems = defaultdict(list)
        ways = _Ways(ssh_options)
        checked = _Checked(complete)
        for host, variables in hosts.items():
            try:
                options = flow_options(variables)
                if options is None:
                    left_alone.append({"host": host, "changed": False, "skipped": True})
                    continue
                flow = plan_flow(checked.options(options), check=check)
                jobs.append(DeviceJob(host, ways.to(host, variables), flow))
            except IotoError as error:
                # Only now, for it takes its time: each value by the name that it has in the inventory.
                found = [problem.sentence for problem in check_options({host: variables}, complete)]
                for sentence in found or [str(error)]:
                    problems[sentence].append(host)
        _refuse(problems)
        return cls(jobs, left_alone)


def look_jobs(
    hosts: Mapping[str, Variables],
    taken: Mapping[str, Option],
    *,
    ssh_options: Callable[[Variables], Mapping[str, Any]],
    complete: Complete,
) -> list[DeviceJob]:
    """Return a job for each of `hosts` that looks at the device; `taken` are the options that say how, by variable.

    Raises `FleetBatchError`, before any device is asked.
    """
    jobs = []
    problems: Problems = defaultdict(list)
    ways = _Ways(ssh_options)
    for host, variables in hosts.items():
        try:
            said = complete({name: variables[name] for name in taken if name in variables}, specs(taken))
            jobs.append(DeviceJob(host, ways.to(host, variables), Look.of(given_by(taken, said))))
        except IotoError as error:
            problems[str(error)].append(host)
    _refuse(problems)
    return jobs


def check_ways(
    hosts: Mapping[str, Variables], *, ssh_options: Callable[[Variables], Mapping[str, Any]]
) -> list[Problem]:
    """Return why hosts cannot be reached as their variables say. Touches no device."""
    problems: Problems = defaultdict(list)
    ways = _Ways(ssh_options)
    for host, variables in hosts.items():
        try:
            ways.to(host, variables)
        except IotoError as error:
            problems[str(error)].append(host)
    return by_sentence(problems)


class _Checked:
    """The options of hosts, complete; hosts that differ in texts alone, such as serials, share the work."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self._shared: dict[str, Mapping[str, Any]] = {}

    def options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `options` complete. Raises `IotoError`."""
        texts = {
            name: value for name, value in options.items() if value and stays(FLEET_ARGUMENTS.get(name, {}), value)
        }
        key = repr((sorted(texts), sorted((name, value) for name, value in options.items() if name not in texts)))
        if key in self._shared:
            return {**self._shared[key], **texts}
        found = self._complete(options, FLEET_ARGUMENTS)
        if all(found.get(name) == value for name, value in texts.items()):
            self._shared[key] = {name: value for name, value in found.items() if name not in texts}
        return found


class _Ways:
    """The settings of connections; hosts that differ in address and port alone share the work."""

    def __init__(self, ssh_options: Callable[[Variables], Mapping[str, Any]]) -> None:
        self._ssh_options = ssh_options
        self._ssh = SshProgram()
        self._options: dict[str, Mapping[str, Any]] = {}
        self._shared: dict[str, SharedSettings] = {}
        self._checked: set[object] = set()

    def to(self, host: str, variables: Variables) -> SshSettings:
        """Return the settings for `host`, its key already read. Raises `IotoError`."""
        ssh = {name: value for name, value in variables.items() if not name.startswith("ioto_")}
        own = {"host": host}
        own |= {_OF_ONE_HOST[name]: ssh.pop(name) for name in reversed(_OF_ONE_HOST) if name in ssh}
        own = {name: value for name, value in own.items() if value is not None}
        key = repr(sorted(ssh.items()))
        if key not in self._options:
            self._options[key] = self._ssh_options(ssh)
        if key not in self._shared:
            self._shared[key] = SharedSettings(self._options[key], self._ssh, partial(self._check, key))
        return self._shared[key].of(own["host"], own.get("port", self._options[key].get("port")))

    def _check(self, key: str, settings: SshSettings) -> None:
        # All that `settings` say, but where the host is.
        kind = repr(replace(settings, host="", port=DEFAULT_PORT)), key
        if kind not in self._checked:
            check_algorithms(settings)
            _check_keys(settings)
            known_types(settings)
            self._checked.add(kind)


def _refuse(problems: Problems) -> None:
    if problems:
        lines = [f"- {some_of(names)}: {sentence}" for sentence, names in problems.items()]
        raise FleetBatchError("\n".join(["The fleet engine cannot begin, and no device was touched:", *lines]))


def _check_keys(settings: SshSettings) -> None:
    """Read the keys; raise `IotoError` where one cannot be used and nothing else could open a device."""
    keys = settings.keys_to_try()
    locked = [file for file in keys if load_key(file, settings.passphrase) is None]
    usable = len(locked) < len(keys) or settings.private_key or settings.password is not None
    if locked and not usable and not settings.use_agent:
        raise SettingsError(
            f"The private key {locked[0]} is locked; give its passphrase (ansible_ssh_private_key_passphrase), or have "
            "an ssh agent hold it."
        )
