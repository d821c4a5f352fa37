# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the settings of a host to a device that is logged in, behind jump hosts where these lead to it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Lock

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from ..device.connection import (
    MORE_PROOFS,
    NO_SSH,
    SSH_1,
    TOO_MANY_LOGINS,
    Deadline,
    UnreachableError,
    connect,
    not_in_time,
    not_let_in,
    not_reached,
    not_trusted,
    place,
)
from ..errors import IotoError
from .alarm_clock import AlarmClock
from .host_keys import objection
from .ssh_device import SshDevice
from .ssh_keys import certified, default_keys, load_key, open_agent
from .ssh_settings import SshSettings
from .ssh_socket import GREETING
from .ssh_transport import SshTransport, end_of, prepare, reason_of

OLD_ALGORITHMS = (
    "-o KexAlgorithms=+diffie-hellman-group14-sha1 -o HostKeyAlgorithms=+ssh-rsa -o PubkeyAcceptedAlgorithms=+ssh-rsa"
)
"""What ssh has to be told for servers of before 2016 or so, of which this engine knows none."""
_SSH_2 = ("SSH-2.0-", "SSH-1.99-")
_NO_SIGNATURE = "Unable to agree on a pubkey algorithm"
"""What paramiko says of a key of RSA and a server that takes no other hash than SHA-1 for its signatures."""


class Connector:
    """Makes connections, and holds those to the jump hosts that they share. Threads may share one."""

    def __init__(self) -> None:
        self._jumps: dict[object, SshTransport] = {}
        self._lock = Lock()
        self._alarms = AlarmClock()

    def connect(self, name: str, settings: SshSettings, deadline: Deadline) -> SshDevice:
        """Return the device `name`, logged in. Raises `UnreachableError`, at the latest when `deadline` passes."""
        for _unused in range(settings.attempts - 1):
            if deadline.has_passed:
                break
            with suppress(UnreachableError):
                return self._device(name, settings, deadline)
        return self._device(name, settings, deadline)

    def close(self) -> None:
        """End the connections to the jump hosts."""
        for transport in self._jumps.values():
            transport.end()

    def _device(self, name: str, settings: SshSettings, deadline: Deadline) -> SshDevice:
        with deadline.running():
            transport = self._transport(name, settings, deadline)
        return SshDevice(name, transport, deadline=deadline, alarms=self._alarms)

    def _transport(self, name: str, settings: SshSettings, deadline: Deadline) -> SshTransport:
        sentences = _Sentences(name, settings, deadline)
        with sentences.of(None):
            transport = SshTransport(self._connection(name, settings, deadline))
        try:
            with self._alarms.alarm(deadline.left, transport.peer.end):
                with sentences.of(transport):
                    prepare(transport, settings)
                    _shake_hands(transport, min(settings.timeout, deadline.left), deadline.left)
                    key = transport.host_key_seen = transport.get_remote_server_key()
                if reason := objection(settings, key):
                    raise not_trusted(name, sentences.where, reason)
                with sentences.of(transport):
                    _log_in(name, transport, settings, deadline)
        except BaseException:
            transport.end()
            raise
        return transport

    def _connection(self, name: str, settings: SshSettings, deadline: Deadline) -> socket.socket | paramiko.Channel:
        there = settings.host, settings.port
        if settings.jump is None:
            connection = connect(*there, min(settings.timeout, deadline.left))
            # Small questions that wait for an answer: Nagle's algorithm would only hold them back.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        way = self._jump(name, settings.jump, deadline)
        return way.open_channel(
            "direct-tcpip", there, ("127.0.0.1", 0), timeout=min(settings.timeout, max(deadline.left, 0.1))
        )

    def _jump(self, name: str, settings: SshSettings, deadline: Deadline) -> SshTransport:
        # All that `settings` say: another key, or a stricter look at host keys, is another connection.
        key = repr(settings), settings.private_key, settings.passphrase
        with self._lock:
            way = self._jumps.get(key)
        if way is not None and way.is_active():
            return way
        # Nobody waits for somebody else's attempt: at a jump host that does not answer, that would be all, in turn.
        way = self._transport(f"{name} (jump host)", settings, deadline)
        way.peer.allow(None)  # what comes over it is counted for each device
        with self._lock:
            known = self._jumps.get(key)
            if known is None or not known.is_active():
                self._jumps[key] = way
                return way
        way.end()
        return known


class _Sentences:
    """What is said when a device cannot be reached."""

    def __init__(self, name: str, settings: SshSettings, deadline: Deadline) -> None:
        self._name, self._settings, self._deadline = name, settings, deadline
        self.where = place(settings.host, settings.port)

    @contextmanager
    def of(self, transport: SshTransport | None) -> Iterator[None]:
        """Turn what fails in the block into an `UnreachableError`."""
        try:
            yield
        except IotoError:
            raise
        except Exception as error:  # paramiko passes on whatever its parser stumbles over, of any type
            raise self._error(transport, error) from None

    def _error(self, transport: SshTransport | None, error: Exception) -> UnreachableError:
        strange = ""
        if transport is not None and transport.peer.has_sent_too_much:
            strange = f"it sent more than {GREETING // 1024} KiB before it let us in"
        elif transport is not None and not transport.remote_version.isprintable():
            strange = NO_SSH
        if strange:
            return not_reached(self._name, self.where, strange)
        if self._deadline.has_passed:
            return not_in_time(self._name, self._deadline)
        if isinstance(error, IncompatiblePeer):
            if transport is not None and not transport.remote_version.startswith(_SSH_2):
                return not_reached(self._name, self.where, SSH_1)
            if self._settings.algorithms.keys() <= {"pubkeys"}:
                return _too_old(self._name, self.where, error)
            return not_reached(self._name, self.where, f"{reason_of(error)} of those that the settings name")
        return self._gone(transport, error)

    def _gone(self, transport: SshTransport | None, error: Exception) -> UnreachableError:
        if transport is not None and (transport.farewell or b"").startswith(TOO_MANY_LOGINS.encode()):
            return not_let_in(self._name, self.where, self._settings.user, "")
        reason = reason_of(error) if transport is None else end_of(transport, error)
        return not_reached(self._name, self.where, reason)


def _too_old(name: str, where: str, error: Exception) -> UnreachableError:
    return UnreachableError(
        f"The device {name} at {where}: its SSH server is too old for the fleet engine ({reason_of(error)}); use "
        f"ioto_engine: ansible, with ansible_ssh_common_args: {OLD_ALGORITHMS}"
    )


def _shake_hands(transport: SshTransport, until_banner: float, seconds: float) -> None:
    """Agree with the server on how to talk. Raises `TimeoutError` after `seconds`.

    It has `until_banner` of these to say that it is an SSH server, as `ConnectTimeout` means it.
    """
    transport.banner_timeout = until_banner
    # Without an event of ours, it would look ten times a second whether it is done.
    transport.start_client(event=(done := Event()))
    is_done = done.wait(seconds)
    if not transport.is_active():
        raise transport.saved_exception or EOFError()
    if not (is_done and transport.initial_kex_done):
        raise TimeoutError


def _log_in(name: str, transport: SshTransport, settings: SshSettings, deadline: Deadline) -> None:
    refused: paramiko.SSHException | None = None
    with closing(_logins(transport, settings, deadline)) as logins:
        for log_in in logins:
            transport.auth_timeout = min(settings.timeout, deadline.left)
            try:
                if not log_in():
                    return
                refused = paramiko.AuthenticationException(MORE_PROOFS)
            except paramiko.AuthenticationException as error:
                refused = error
            if not transport.is_active():
                raise EOFError
    # A new device may let its user in without any proof.
    with suppress(Exception):
        if not transport.auth_none(settings.user):
            return
    if not transport.is_active() and (deadline.has_passed or transport.peer.has_sent_too_much):
        raise EOFError
    where = place(settings.host, settings.port)
    if refused is not None and _NO_SIGNATURE in str(refused):
        raise _too_old(name, where, refused)
    reason = reason_of(refused) if refused else "there is neither a key nor a password"
    raise not_let_in(name, where, settings.user, reason)


def _logins(
    transport: paramiko.Transport, settings: SshSettings, deadline: Deadline
) -> Generator[Callable[[], list[str]]]:
    """Ways to prove who we are, in the order in which ssh tries them; each returns what is still missing."""
    user, password = settings.user, settings.password
    if settings.public_key_login:
        with closing(_keys(settings, deadline)) as keys:
            for key in keys:
                if not _is_accepted(key, settings):
                    continue
                yield lambda key=key: transport.auth_publickey(user, key)  # type: ignore[misc]
    if password is not None:
        yield lambda: transport.auth_password(user, password)


def _keys(settings: SshSettings, deadline: Deadline) -> Generator[paramiko.PKey]:
    own = [load_key(file, settings.passphrase) for file in settings.keys_to_try()]
    if settings.private_key:
        own.append(load_key(None, settings.passphrase, settings.private_key))
    for key in own:
        if key is not None:
            yield from (*certified(key, settings.certificates), key)
    if settings.use_agent:
        # A connection to the agent for each device, as ssh has it: two threads on one would get each other's answers.
        with closing(open_agent(min(settings.timeout, deadline.left))) as agent:
            yield from agent.get_keys()
    for key in default_keys(settings.default_keys):
        yield from (*certified(key, settings.certificates), key)


def _is_accepted(key: paramiko.PKey, settings: SshSettings) -> bool:
    """Whether `PubkeyAcceptedAlgorithms` has an algorithm with which `key` signs."""
    accepted = settings.algorithms.get("pubkeys")
    name = key.public_blob.key_type if key.public_blob else key.get_name()
    signs = {name.replace("ssh-rsa", new) for new in ("rsa-sha2-512", "rsa-sha2-256")}
    return accepted is None or not signs.isdisjoint(accepted)
