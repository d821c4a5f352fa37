# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device behind an SSH connection of our own: one transport, and one shell on it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from threading import Event
from types import TracebackType

import paramiko

from ..device.connection import MAX_ANSWER, REFUSED, Deadline, lost, no_command, not_in_time, too_much
from ..device.device import NO_STATUS, Answer
from .alarm_clock import AlarmClock
from .host_keys import fingerprint
from .ssh_transport import LOST, SshTransport, end_of, reason_of

MAX_ERRORS = 64 * 1024
"""Bytes of a device's complaints that are kept."""
_ROOM = 2
"""Times the largest answer that may come in for a script: packets are more than what is in them."""
_MEBIBYTE = 1024 * 1024
_PIECE = 64 * 1024
_DONE = re.compile(rb"\r?\nioto-done-([0-9a-f]{16}) (\d{1,3})(?=\r?\n)")
"""The line that ends an answer. Its word is another one for each script, and a device may say the wrong one before."""
_LONGEST_END = 64
"""Bytes of that line, and room."""
_PATIENCE = 2.0
"""Seconds of silence after which a shell is told that there is no other script, or is taken to tell no status."""
_STATUS_BITS = 0xFF
_NONE = 0xFFFFFFFF
"""What of a status OpenSSH's client passes on, and the one that it takes for none."""


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
        self._said: _Said | None = None
        self.host_key = fingerprint(transport.host_key_seen) if transport.host_key_seen else None

    @property
    def name(self) -> str:
        """What people call the device."""
        return self._name

    def run(self, script: str) -> Answer:
        """Run `script`. Raises `UnreachableError`, or `DeviceError` for an endless answer."""
        self._transport.peer.allow(_ROOM * MAX_ANSWER)
        self._said = None
        try:
            with self._alarms.limit(self._deadline, self._transport.peer.end):
                return self._answer(self._open_shell(), script.encode("utf-8", "surrogateescape"))
        except LOST as error:
            if self._transport.peer.has_sent_too_much:  # and an answer it is not, which would have been too much before
                raise lost(self._name, f"it sent more than {_ROOM * MAX_ANSWER // _MEBIBYTE} MiB") from None
            if self._deadline.has_passed:
                raise not_in_time(self._name, self._deadline, self._said.errors if self._said else b"") from None
            raise lost(self._name, end_of(self._transport, error)) from None

    def close(self) -> None:
        """End the connection."""
        self._transport.end()

    def __enter__(self) -> SshDevice:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _answer(self, shell: paramiko.Channel, script: bytes) -> Answer:
        word = secrets.token_hex(8).encode()
        end = b"\nprintf '\\n%%s %%s\\n' ioto-done-%b $?\n" % word
        try:
            shell.sendall(script + end)
        except OSError:
            # A shell that has ended takes nothing more, and why it has ended is still to be read.
            if not shell.closed and not shell.exit_status_ready():
                raise
        said = self._said = _Said(self._name, shell)
        while (before := said.take(self._last_word)) is not None:
            for found in _DONE.finditer(said.output, max(0, before - _LONGEST_END)):
                if found[1] == word:
                    return Answer(int(found[2]), bytes(said.output[: found.start()]), said.errors)
        # The shell ended, or was none.
        self._shell = None
        # Its status may come behind the end of its answer. OpenSSH's client closes the channel then, and has none.
        shell.status_event.wait(min(_PATIENCE, self._deadline.left))
        if shell.exit_status < 0 and (self._deadline.has_passed or not self._transport.is_active()):
            raise EOFError
        told = NO_STATUS if shell.exit_status in {NO_STATUS, _NONE} else shell.exit_status & _STATUS_BITS
        # What only repeats what it is told has our end as well.
        return Answer(told, bytes(said.output).removesuffix(end), said.errors)

    def _last_word(self) -> None:
        """Tell the shell that there will be no other script: who is not a shell, and waits for that, ends then."""
        if self._shell is not None:
            self._shell.shutdown_write()
            self._shell = None

    def _open_shell(self) -> paramiko.Channel:
        if self._shell is None:
            try:
                shell = self._transport.open_session(timeout=self._deadline.left)
            except Exception as error:  # whatever paramiko's thread stumbled over
                raise self._no_command(reason_of(error)) from None
            shell.in_buffer.set_event(ended := _EndOfOutput(shell))
            try:
                shell.exec_command("exec /bin/sh -s")
            except Exception:
                if not ended.by_peer or not self._transport.is_active():
                    raise self._no_command(REFUSED) from None
            self._shell = shell
        return self._shell

    def _no_command(self, reason: str) -> Exception:
        if self._deadline.has_passed or not self._transport.is_active():
            return EOFError()
        return no_command(self._name, reason)


class _EndOfOutput(Event):
    """Is set at the end of a channel's output, and tells who made it.

    A peer that takes a command ends its output before it closes the channel. Where it refuses one, paramiko closes.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        super().__init__()
        self.by_peer = False
        self._channel = channel

    def set(self) -> None:
        """Note the end, called by paramiko's thread."""
        self.by_peer = self.by_peer or bool(self._channel.eof_received and not self._channel.closed)
        super().set()


class _Said:
    """What a shell says in answer to one script: `output`, and the end of its complaints, `errors`."""

    def __init__(self, name: str, shell: paramiko.Channel) -> None:
        self.output = bytearray()
        self.errors = b""
        self._name, self._shell = name, shell
        self._complained = 0
        self._more = Event()
        for buffer in (shell.in_buffer, shell.in_stderr_buffer):
            buffer.set_event(self._more)

    def take(self, when_silent: Callable[[], None]) -> int | None:
        """Wait for more, and return how much output there was before; None at the end. Raises `DeviceError`.

        `when_silent` is called where none comes for a while.
        """
        # Nothing is read between this look and the wait, so nothing that comes there is missed.
        if not self._is_ready() and not self._more.wait(_PATIENCE):
            when_silent()
            while not self._is_ready():
                self._more.wait()
        before = len(self.output)
        piece = self._shell.recv(_PIECE) if self._shell.recv_ready() or self._has_ended() else None
        self.output += piece or b""
        while self._shell.recv_stderr_ready():
            complaint = self._shell.recv_stderr(_PIECE)
            self.errors = (self.errors + complaint)[-MAX_ERRORS:]
            self._complained += len(complaint)
            if self._complained > MAX_ANSWER:
                raise too_much(self._name)
        if len(self.output) > MAX_ANSWER:
            raise too_much(self._name)
        return None if piece == b"" else before

    def _is_ready(self) -> bool:
        return self._shell.recv_ready() or self._shell.recv_stderr_ready() or self._has_ended()

    def _has_ended(self) -> bool:
        return bool(self._shell.eof_received or self._shell.closed)
