# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device behind an SSH connection of our own: one transport, and one shell on it."""

from __future__ import annotations

import logging
import re
import secrets
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Any

import paramiko

from ..device.device import Answer, DeviceError
from ..display_text import printable
from ..errors import IotoError
from .host_keys import fingerprint, known_types, objection
from .ssh_arguments import SettingsError
from .ssh_keys import certified, default_keys, load_key
from .ssh_settings import SshSettings
from .ssh_socket import BufferedSocket

MAX_OUTPUT = 16 * 1024 * 1024
"""Bytes of stdout that a script may answer with: six files of 1 MiB in base64, and room."""
MAX_ERRORS = 64 * 1024
_PATIENCE = 5
"""Times the seconds without a sign: how long an answer may take from its first byte to its last."""
_SHOWN = 200
"""Bytes of a complaint that are shown."""
_PIECE = 64 * 1024
_DONE = re.compile(rb"\r?\nioto-done-([0-9a-f]{16}) (\d{1,3})(?=\r?\n)")
"""The line that ends an answer. Its word is another one for each script, and a device may say the wrong one before."""
_LONGEST_END = 64
"""Bytes of that line, and room."""

_LOST = (paramiko.SSHException, EOFError, OSError, UnicodeError)
"""What a connection that is not or no longer there raises; UnicodeError is that of a host's name that can be none."""

# What goes wrong is told in our own sentences.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class UnreachableError(IotoError):
    """A device that cannot be talked to: no connection, no login, or a connection that was lost."""


class _Transport(paramiko.Transport):
    """A connection that words nothing for a log which nobody keeps; it would be a twentieth of our work."""

    def _log(self, level: int, msg: object, *args: object) -> None:
        """Keep nothing."""

    def _parse_debug(self, m: paramiko.Message) -> None:
        """Leave unread what a server says of its own doings: paramiko takes it apart byte by byte."""


class SshDevice:
    """A `Device`; leaving the `with` block ends the connection.

    All scripts go to one shell, each when the one before has answered: a second session would cost the device as much
    as a script does. A script has to leave nothing behind in its shell.
    """

    def __init__(self, name: str, transport: paramiko.Transport, *, silence: float) -> None:
        """Hold `transport`, which is logged in. `silence`: seconds without a sign from a script until we give up."""
        self._name = name
        self._transport = transport
        self._silence = silence
        self._shell: paramiko.Channel | None = None
        self.host_key = fingerprint(transport.get_remote_server_key())

    @property
    def name(self) -> str:
        """What people call the device."""
        return self._name

    def run(self, script: str) -> Answer:
        """Run `script`. Raises `UnreachableError`, or `DeviceError` for an endless answer."""
        try:
            return self._answer(script.encode("utf-8", "surrogateescape"))
        except TimeoutError:
            complaint = printable(_errors(self._shell)[-_SHOWN:]) if self._shell else ""
            raise UnreachableError(
                f"The device {self._name} said nothing for {self._silence:.0f} s in the middle of our script"
                f"{f' but {complaint}' if complaint else ''}; see whether it still runs, then run again."
            ) from None
        except _LOST as error:
            raise UnreachableError(
                f"The connection to {self._name} was lost ({_reason(error)}); see its power and network, "
                "then run again."
            ) from None

    def close(self) -> None:
        """End the connection."""
        _close(self._transport)

    def __enter__(self) -> SshDevice:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _answer(self, script: bytes) -> Answer:
        shell = self._open_shell()
        word = secrets.token_hex(8).encode()
        try:
            shell.sendall(script + b"\nprintf '\\n%%s %%s\\n' ioto-done-%b $?\n" % word)
        except OSError:
            # A shell that has ended takes nothing more, and why it has ended is still to be read.
            if not shell.closed and not shell.exit_status_ready():
                raise
        output, until = bytearray(), monotonic() + _PATIENCE * self._silence
        while piece := shell.recv(_PIECE):
            output += piece
            if len(output) > MAX_OUTPUT or monotonic() > until:
                raise DeviceError(f"The device {self._name} answers without end; see what it runs as its shell.")
            for found in _DONE.finditer(output, max(0, len(output) - len(piece) - _LONGEST_END)):
                if found[1] == word:
                    return Answer(int(found[2]), bytes(output[: found.start()]), _errors(shell))
        # The shell ended, or was none.
        self._shell = None
        if not shell.status_event.wait(self._silence):
            raise TimeoutError
        if shell.exit_status < 0 and not self._transport.is_active():
            raise EOFError("no exit status")
        return Answer(shell.exit_status, bytes(output), _errors(shell))

    def _open_shell(self) -> paramiko.Channel:
        if self._shell is None:
            shell = self._transport.open_session(timeout=self._silence)
            shell.settimeout(self._silence)
            shell.exec_command("exec /bin/sh -s")
            self._shell = shell
        return self._shell


def _errors(shell: paramiko.Channel) -> bytes:
    said = b""
    while shell.recv_stderr_ready() and len(said) < MAX_ERRORS:
        said += shell.recv_stderr(_PIECE)
    return said


class Connector:
    """Makes connections, and holds those to the jump hosts that they share. Threads may share one."""

    def __init__(self) -> None:
        self._jumps: dict[object, paramiko.Transport] = {}
        self._lock = Lock()

    def connect(self, name: str, settings: SshSettings, *, silence: float) -> SshDevice:
        """Return the device `name`, logged in. Raises `UnreachableError`."""
        for _unused in range(settings.attempts - 1):
            with suppress(UnreachableError):
                return SshDevice(name, self._transport(name, settings), silence=silence)
        return SshDevice(name, self._transport(name, settings), silence=silence)

    def close(self) -> None:
        """End the connections to the jump hosts."""
        for transport in self._jumps.values():
            _close(transport)

    def _transport(self, name: str, settings: SshSettings) -> paramiko.Transport:
        with _sentences(name, settings):
            transport = _Transport(self._socket(name, settings))
        try:
            with _sentences(name, settings):
                _prepare(transport, settings)
                transport.start_client(timeout=settings.timeout)
            if reason := objection(settings, transport.get_remote_server_key()):
                raise UnreachableError(
                    f"The host at {_place(settings)} for {name} is not trusted: {reason}; see that it is the right "
                    "one, then correct known_hosts, or leave host keys to the ledger (StrictHostKeyChecking=no)."
                )
            with _sentences(name, settings):
                _log_in(name, transport, settings)
        except BaseException:
            _close(transport)
            raise
        return transport

    def _socket(self, name: str, settings: SshSettings) -> Any:
        if settings.jump is None:
            connection = socket.create_connection((settings.host, settings.port), timeout=settings.timeout)
            # Small questions that wait for an answer: Nagle's algorithm would only hold them back.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return BufferedSocket(connection)
        way, there = self._jump(name, settings.jump), (settings.host, settings.port)
        return way.open_channel("direct-tcpip", there, ("127.0.0.1", 0), timeout=settings.timeout)

    def _jump(self, name: str, settings: SshSettings) -> paramiko.Transport:
        # All that `settings` say: another key, or a stricter look at host keys, is another connection.
        key = repr(settings), settings.private_key, settings.passphrase
        with self._lock:
            way = self._jumps.get(key)
        if way is not None and way.is_active():
            return way
        # Nobody waits for somebody else's attempt: at a jump host that does not answer, that would be all, in turn.
        way = self._transport(f"{name} (jump host)", settings)
        with self._lock:
            known = self._jumps.get(key)
            if known is None or not known.is_active():
                self._jumps[key] = way
                return way
        _close(way)
        return known


def check_algorithms(settings: SshSettings) -> None:
    """Raise `SettingsError` where `settings` ask for algorithms of which none is known here."""
    ours, theirs = socket.socketpair()
    with ours, theirs, paramiko.Transport(ours) as transport:
        _choose_algorithms(transport, settings)


def _prepare(transport: paramiko.Transport, settings: SshSettings) -> None:
    transport.banner_timeout = transport.auth_timeout = settings.timeout
    transport.use_compression(settings.compression)
    transport.set_keepalive(settings.keepalive)
    _choose_algorithms(transport, settings)
    if first := known_types(settings):
        known = transport.get_security_options()
        known.key_types = tuple(sorted(known.key_types, key=lambda kind: kind not in first))


def _choose_algorithms(transport: paramiko.Transport, settings: SshSettings) -> None:
    known = transport.get_security_options()
    # These authenticate by themselves; paramiko compares the codes of the others byte by byte, in Python.
    known.ciphers = tuple(sorted(known.ciphers, key=lambda name: "-gcm" not in name))
    for kind, wanted in settings.algorithms.items():
        # paramiko has this one under its older name alone.
        names = ["curve25519-sha256@libssh.org" if name == "curve25519-sha256" else name for name in wanted]
        understood = tuple(dict.fromkeys(name for name in names if name in getattr(known, kind)))
        if not understood:
            raise SettingsError(f"The fleet engine knows none of {', '.join(wanted)} ({kind}); name others, or none.")
        setattr(known, kind, understood)


def _log_in(name: str, transport: paramiko.Transport, settings: SshSettings) -> None:
    refused: paramiko.SSHException | None = None
    with closing(_logins(transport, settings)) as logins:
        for log_in in logins:
            try:
                if not log_in():
                    return
                refused = paramiko.AuthenticationException("it wants more than one proof")
            except paramiko.AuthenticationException as error:
                refused = error
    # A new device may let its user in without any proof.
    with suppress(*_LOST):
        if not transport.auth_none(settings.user):
            return
    raise UnreachableError(
        f"The device {name} at {_place(settings)} does not let {printable(settings.user)} in"
        f"{f' ({_reason(refused)})' if refused else ', for there is neither a key nor a password'}; see "
        "ansible_user, ansible_ssh_private_key_file and ansible_password."
    )


def _logins(transport: paramiko.Transport, settings: SshSettings) -> Generator[Callable[[], list[str]]]:
    """Ways to prove who we are, in the order in which ssh tries them; each returns what is still missing."""
    user, password = settings.user, settings.password
    if settings.public_key_login:
        with closing(_keys(settings)) as keys:
            for key in keys:
                yield lambda key=key: transport.auth_publickey(user, key)  # type: ignore[misc]
    if password is not None:
        yield lambda: transport.auth_password(user, password)


def _keys(settings: SshSettings) -> Generator[paramiko.PKey]:
    own = [load_key(file, settings.passphrase) for file in settings.keys_to_try()]
    if settings.private_key:
        own.append(load_key(None, settings.passphrase, settings.private_key))
    for key in own:
        if key is not None:
            yield from (*certified(key, settings.certificates), key)
    if settings.use_agent:
        # A connection to the agent for each device, as ssh has it: two threads on one would get each other's answers.
        with closing(paramiko.Agent()) as agent:
            yield from agent.get_keys()
    for key in default_keys(settings.default_keys):
        yield from (*certified(key, settings.certificates), key)


@contextmanager
def _sentences(name: str, settings: SshSettings) -> Iterator[None]:
    try:
        yield
    except _LOST as error:
        raise UnreachableError(
            f"The device {name} cannot be reached at {_place(settings)} ({_reason(error)}); see its address, power "
            "and network, then run again."
        ) from None


def _place(settings: SshSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return printable(f"{host}:{settings.port}")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, UnicodeError):
        return "that is no name of a host"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text).rstrip(".") or "it hung up"


def _close(transport: paramiko.Transport) -> None:
    # The transport's thread looks only now and then whether it is over; this wakes it at once.
    sock = transport.sock
    if isinstance(sock, socket.socket):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
    transport.close()
