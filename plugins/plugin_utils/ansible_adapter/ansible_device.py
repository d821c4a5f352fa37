# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device behind a connection of Ansible's."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ..device.connection import (
    MAX_ANSWER,
    Deadline,
    last_words,
    lost,
    not_in_time,
    not_reached,
    place,
    too_much,
)
from ..device.device import Answer
from ..device.ssh_complaints import understand, without_noise
from .connection_guard import ConnectionGuard, Verdict

_COMMAND = "/bin/sh -s"
_FAILED = 255
"""The status of ssh for all that goes wrong, and that of a device that chooses it."""
_BEFORE_COMPLAINT = ("over ssh: ", "via ssh: ")
"""What Ansible's ssh plugin writes before what ssh has said."""


class AnsibleDevice:
    """A device behind an Ansible connection. `become` works, since everything goes through the action's own way.

    It may take `seconds` in all.
    """

    def __init__(self, action: ActionBase, name: str, seconds: float) -> None:
        self._action = action
        self._name = name
        self._deadline = Deadline(seconds)

    @property
    def name(self) -> str:
        """The inventory's name of the device."""
        return self._name

    @property
    def host_key(self) -> None:
        """None: Ansible's connections do not tell it."""

    def run(self, script: str) -> Answer:
        """Run `script`: one ssh process, one channel, nothing left on the device.

        Raises `UnreachableError`, or `DeviceError` for an endless answer.
        """
        data = script.encode("utf-8", "surrogateescape")
        failure: AnsibleError | None = None
        answer = Answer(_FAILED, b"")
        with ConnectionGuard(self._deadline, _COMMAND) as guard:
            try:
                answer = self._execute(data)
            except AnsibleError as error:
                failure = error
        if guard.verdict is Verdict.TOO_MUCH or len(answer.stdout) > MAX_ANSWER or len(answer.stderr) > MAX_ANSWER:
            raise too_much(self._name) from None
        if guard.verdict is Verdict.TOO_LONG:
            raise not_in_time(self._name, self._deadline, answer.stderr) from None
        return answer if failure is None else self._explain(failure)

    def _execute(self, data: bytes) -> Answer:
        execute: Any = self._action._low_level_execute_command
        context: Any = self._action._connection._play_context
        before = context.no_log
        # The one switch that keeps the ssh plugin from showing what a device answers, which holds its claim ID.
        context.no_log = True
        try:
            done = execute(_COMMAND, in_data=data)
        finally:
            context.no_log = before
        return Answer(done["rc"], _bytes(done["stdout"]), without_noise(_bytes(done["stderr"])))

    def _explain(self, failure: AnsibleError) -> Answer:
        """Return what a device answered where that is what Ansible takes for a lost connection. Raises what it is."""
        said = str(failure)
        for before in _BEFORE_COMPLAINT:
            said = said.partition(before)[2] or said
        options = self._options()
        where = place(options["host"], options["port"])
        if error := understand(said, name=self._name, where=where, user=options["remote_user"] or "the user"):
            raise error from None
        if not isinstance(failure, AnsibleConnectionFailure):
            raise failure
        if said != str(failure):
            words = without_noise(_bytes(said))
            if not words.strip():
                raise lost(self._name, "it hung up, runs no command, or its shell ended with status 255") from None
            # ssh itself says what is wrong, so it was the device that ended so, with its own words.
            return Answer(_FAILED, b"", words)
        raise not_reached(self._name, where, last_words(_bytes(said))) from None

    def _options(self) -> dict[str, str]:
        """Return where the connection leads; what it has no option for is empty."""
        connection: Any = self._action._connection
        found = {
            name: connection.get_option(name) for name in ("host", "port", "remote_user") if connection.has_option(name)
        }
        return {name: str(found.get(name) or "") for name in ("host", "port", "remote_user")}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
