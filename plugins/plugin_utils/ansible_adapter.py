# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the core meets Ansible: arguments in, a device behind its connection, outcomes out."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


def require(*modules: str) -> None:
    """Raise one sentence that names all of `modules` (top-level import names) that this Python lacks."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise AnsibleError(
            f"The Python that runs Ansible ({sys.executable}) lacks {', '.join(missing)}; install what "
            "ioto.serialization needs into it: pip install -r requirements.txt, from the collection's folder."
        )


# Before the core is imported, so that a controller that lacks something is told what, and shown no traceback.
require("json5", "sqlalchemy", "urllib3")

from .device_files import Answer  # noqa: E402
from .errors import IotoError  # noqa: E402
from .ledger import Context, Ledger  # noqa: E402

CONFIG_DIR_ARGUMENT: dict[str, Any] = {"config_dir": {"type": "path", "default": "/etc/ioto"}}
LEDGER_ARGUMENT: dict[str, Any] = {"ledger": {"type": "str"}}
REVEAL_ARGUMENT: dict[str, Any] = {"reveal": {"type": "bool", "default": False}}
IDENTITY_ARGUMENTS: dict[str, Any] = {
    "source": {"type": "str", "choices": ["given", "generated", "service", "agent"]},
    "claim_id": {"type": "str"},
    "product": {"type": "str"},
    "serial": {"type": "str"},
    "properties": {"type": "dict"},
    "length": {"type": "int", "default": 10},
    "service_url": {"type": "str"},
    "service_token": {"type": "str", "no_log": True},
    "service_timeout": {"type": "float", "default": 30.0},
    "service_retries": {"type": "int", "default": 5},
    "service_ca_file": {"type": "path"},
    "force": {"type": "bool", "default": False},
    "replace_provisioned": {"type": "bool", "default": False},
}


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
        names = tuple(names)
        batch = {}
        for host in self.task_vars["ansible_play_hosts_all"]:
            variables = self.task_vars["hostvars"][host]
            batch[plain(host)] = {name: plain(variables[name]) for name in names if name in variables}
        return batch

    def context(self) -> Context:
        """Return who does this, and where, for the ledger's events."""
        return Context.here(self.host)

    def ledger(self, arguments: Mapping[str, Any]) -> Ledger:
        """Open the ledger that the task names, or the default one; in check mode it is only read."""
        return Ledger(arguments["ledger"], read_only=self.check_mode)


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


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
