# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device behind an SSH connection of our own: one transport, and one shell on it."""

from __future__ import annotations

import re
import secrets
from types import TracebackType

import paramiko

from ..device.connection import MAX_ANSWER, Deadline, lost, no_command, not_in_time, too_much
from ..device.device import Answer
from .alarm_clock import AlarmClock
from .host_keys import fingerprint
from .ssh_transport import LOST, SshTransport, reason_of

MAX_ERRORS = 64 * 1024
"""Bytes of a device's complaints that are kept."""
_ROOM = 2
"""Times the largest answer that may come in for a script: packets are more than what is in them."""
_PIECE = 64 * 1024
_DONE = re.compile(rb"\r?\nioto-done-([0-9a-f]{16}) (\d{1,3})(?=\r?\n)")
"""The line that ends an answer. Its word is another one for each script, and a device may say the wrong one before."""
_LONGEST_END = 64
"""Bytes of that line, and room."""


class SshDevice:
    """A `Device`; leaving the `with` block ends the connection.

    All scripts go to one shell, each when the one before has answered: a second session would cost the device as much
    as a script does. A script has to leave nothing behind in its shell.
    """

    def __init__(self, name: str, transport: SshTransport, *, deadline: Deadline, alarms: AlarmClock) -> None:
        """Hold `transport`, which is logged in. `alarms` end it when `deadline` has passed."""
        self._name = name
        self._transport = transport
        self._deadline = deadline
        self._alarms = alarms
        self._shell: paramiko.Channel | None = None
        self.host_key = fingerprint(transport.get_remote_server_key())

    @property
    def name(self) -> str:
        """What people call the device."""
        return self._name

    def run(self, script: str) -> Answer:
        """Run `script`. Raises `UnreachableError`, or `DeviceError` for an endless answer."""
        self._transport.peer.allow(_ROOM * MAX_ANSWER)
        shell = None
        try:
            with self._alarms.limit(self._deadline, self._transport.peer.end):
                shell = self._open_shell()
                return self._answer(shell, script.encode("utf-8", "surrogateescape"))
        except LOST as error:
            if self._transport.peer.has_sent_too_much:
                raise too_much(self._name) from None
            if self._deadline.has_passed:
                raise not_in_time(self._name, self._deadline, _errors(shell) if shell else b"") from None
            raise lost(self._name, reason_of(error)) from None

    def close(self) -> None:
        """End the connection."""
        self._transport.end()

    def __enter__(self) -> SshDevice:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _answer(self, shell: paramiko.Channel, script: bytes) -> Answer:
        word = secrets.token_hex(8).encode()
        try:
            shell.sendall(script + b"\nprintf '\\n%%s %%s\\n' ioto-done-%b $?\n" % word)
        except OSError:
            # A shell that has ended takes nothing more, and why it has ended is still to be read.
            if not shell.closed and not shell.exit_status_ready():
                raise
        output = bytearray()
        while piece := shell.recv(_PIECE):
            output += piece
            if len(output) > MAX_ANSWER:
                raise too_much(self._name)
            for found in _DONE.finditer(output, max(0, len(output) - len(piece) - _LONGEST_END)):
                if found[1] == word:
                    return Answer(int(found[2]), bytes(output[: found.start()]), _errors(shell))
        # The shell ended, or was none.
        self._shell = None
        shell.status_event.wait(self._deadline.left)
        if shell.exit_status < 0 and (self._deadline.has_passed or not self._transport.is_active()):
            raise EOFError
        return Answer(shell.exit_status, bytes(output), _errors(shell))

    def _open_shell(self) -> paramiko.Channel:
        if self._shell is None:
            try:
                shell = self._transport.open_session(timeout=self._deadline.left)
                shell.exec_command("exec /bin/sh -s")
            except Exception as error:  # whatever paramiko's thread stumbled over
                if self._deadline.has_passed or not self._transport.is_active():
                    raise EOFError(reason_of(error)) from None
                raise no_command(self._name, reason_of(error)) from None
            self._shell = shell
        return self._shell


def _errors(shell: paramiko.Channel) -> bytes:
    said = b""
    while shell.recv_stderr_ready() and len(said) < MAX_ERRORS:
        said += shell.recv_stderr(_PIECE)
    return said
