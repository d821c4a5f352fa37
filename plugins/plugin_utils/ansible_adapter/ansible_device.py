# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device behind a connection of Ansible's."""

from __future__ import annotations

import re
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ..device.connection import (
    MAX_ANSWER,
    MORE_PROOFS,
    Deadline,
    UnreachableError,
    last_words,
    not_in_time,
    not_let_in,
    not_reached,
    place,
    too_much,
)
from ..device.device import NO_STATUS, Answer, DeviceError
from ..display_text import printable
from .connection_guard import ConnectionGuard, Verdict
from .kept_connection import end_kept, is_kept
from .ssh_log import SshLog

_COMMAND = "/bin/sh -s"
_BEFORE_WORDS = ("over ssh: ", "via ssh: ")
"""What Ansible's ssh plugin writes before what was said on stderr."""
_BECOME = re.compile(
    r"(?P<what>Incorrect|Missing) \S+ password$"
    r"|Timeout \(\d+s\) waiting for privilege escalation prompt: (?P<words>.*)",
    re.DOTALL,
)
"""What it says where nobody becomes another user."""


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

        Raises `UnreachableError`, or `DeviceError` for an endless answer and for a user who may not become another.
        """
        data = script.encode("utf-8", "surrogateescape")
        failure: AnsibleError | None = None
        answer = Answer(NO_STATUS, b"")
        with SshLog(self._action._connection) as log, ConnectionGuard(self._deadline, _COMMAND, log) as guard:
            try:
                answer = self._execute(data)
            except AnsibleError as error:
                failure = error
        if guard.verdict is Verdict.TOO_MUCH or len(answer.stdout) > MAX_ANSWER or len(answer.stderr) > MAX_ANSWER:
            raise too_much(self._name) from None
        if guard.verdict is Verdict.TOO_LONG:
            raise self._late(answer, log) from None
        if failure is not None:
            return self._explain(failure, log)
        return answer

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
        return Answer(done["rc"], _bytes(done["stdout"]), _bytes(done["stderr"]))

    def _explain(self, failure: AnsibleError, log: SshLog) -> Answer:
        """Return what a device answered where that is what Ansible takes for a lost connection. Raises what it is."""
        # Not at the top, as in `_late`: where all goes well, ssh complains of nothing.
        from ..device.ssh_complaints import end_of_command, is_unsaid, understand  # noqa: PLC0415

        words = next((str(failure).partition(before)[2] for before in _BEFORE_WORDS if before in str(failure)), "")
        if (status := end_of_command(log.text)) is not None:
            return Answer(status, b"", _bytes(words))
        connection: Any = self._action._connection
        if is_unsaid(log.text) and is_kept(connection):
            return Answer(NO_STATUS, b"", _bytes(words))
        if log.text:
            end_kept(connection)  # so that nobody comes to it
        options = self._options()
        where = place(options["host"], options["port"])
        user = options["remote_user"] or "the user"
        if refused := _BECOME.match(str(failure)):
            raise self._not_become(user, refused) from None
        # Where ssh has no log, its words are among those of the device.
        if error := understand(log.text or words, name=self._name, where=where, user=user):
            raise error from None
        if not isinstance(failure, AnsibleConnectionFailure):
            raise failure
        raise not_reached(self._name, where, last_words(_bytes(words or str(failure)))) from None

    def _late(self, answer: Answer, log: SshLog) -> UnreachableError:
        """Return the error for a device that has had its time. What a server says before it lets us in is not shown."""
        from ..device.ssh_complaints import is_let_in, wants_more_proofs  # noqa: PLC0415

        if wants_more_proofs(log.text):  # ssh gives the same one again and again
            options = self._options()
            where = place(options["host"], options["port"])
            return not_let_in(self._name, where, options["remote_user"] or "the user", MORE_PROOFS)
        said = answer.stderr if is_let_in(log.text) or not log.text else b""
        return not_in_time(self._name, self._deadline, said)

    def _not_become(self, user: str, refused: re.Match[str]) -> DeviceError:
        """Return the error for a device whose `su` or `sudo` lets nobody through."""
        words = last_words(refused["words"] or "")
        reason = {"Incorrect": "the password is wrong", "Missing": "it wants a password"}.get(
            refused["what"] or "", f"it does not answer{f', it said: {words}' if words else ''}"
        )
        return DeviceError(
            f"The device {self._name} does not let {printable(user)} become another user ({reason}); see "
            "ansible_become_user, ansible_become_method and ansible_become_password."
        )

    def _options(self) -> dict[str, str]:
        """Return where the connection leads; what it has no option for is empty."""
        connection: Any = self._action._connection
        found = {
            name: connection.get_option(name) for name in ("host", "port", "remote_user") if connection.has_option(name)
        }
        return {name: str(found.get(name) or "") for name in ("host", "port", "remote_user")}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
