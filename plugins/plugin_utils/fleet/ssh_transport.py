# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""paramiko's transport as we use it: over a socket that can be ended, with our algorithms, and without a log."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from functools import cached_property

import paramiko
from paramiko.packet import Packetizer

from ..device.connection import NO_ANSWER, NO_SSH, first_words, hung_up
from .host_keys import known_types
from .ssh_arguments import SettingsError
from .ssh_settings import SshSettings
from .ssh_socket import PeerSocket

LOST = (paramiko.SSHException, EOFError, OSError)
"""What a connection raises that is not there any more."""

_NO_BANNER = "Error reading SSH protocol banner"
"""What paramiko says of a server that hangs up before it has said who it is."""
_NO_SESSION = "No existing session"
"""What it says of a server that has hung up since."""
_GARBLED = ("Indecipherable protocol version", "Invalid SSH banner", "Invalid packet blocking", "Mismatched MAC")
"""What it says of something that is not SSH."""
_PATIENCE = 1.0
_OLDER_NAMES = {"curve25519-sha256": "curve25519-sha256@libssh.org"}
"""What paramiko has under its older name alone."""

# What goes wrong is told in our own sentences.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class _Packetizer(Packetizer):
    """Packets without a timer of their own: who waits for a device has an alarm that ends the connection.

    paramiko starts a thread for each connection that does nothing but count the time until it is encrypted.
    """

    def __init__(self, peer: PeerSocket) -> None:
        super().__init__(peer)  # type: ignore[arg-type]  # it has what is asked for
        self._peer = peer
        self._is_watched = False

    def set_keepalive(self, interval: float, callback: Callable[[], object]) -> None:
        """Have `callback` called after `interval` seconds of silence; 0: never."""
        self._is_watched = bool(interval)
        super().set_keepalive(interval, callback)

    def start_handshake(self, timeout: float) -> None:
        """Note that the server has said that it is one."""
        if not self._is_watched:
            self._peer.be_patient()


class SshTransport(paramiko.Transport):
    """A connection that words nothing for a log which nobody keeps; it would be a twentieth of our work."""

    def __init__(self, connection: socket.socket | paramiko.Channel) -> None:
        """Talk over `connection`, which is of no use to others any more."""
        self.peer = PeerSocket(connection)
        self.host_key_seen: paramiko.PKey | None = None
        """The key with which the server has answered; paramiko tells it for as long as the connection lasts."""
        self.farewell: bytes | None = None
        """The first line of what the server has said when it ended the connection, if it did."""
        # The socket has what is asked for.
        super().__init__(self.peer, packetizer_class=_Packetizer)  # type: ignore[arg-type]

    # What is offered is asked for sixteen times, and made anew each time; it is settled before the first.

    @cached_property
    def preferred_kex(self) -> Sequence[str]:
        """What we offer for the exchange of keys."""
        return super().preferred_kex

    @cached_property
    def preferred_keys(self) -> Sequence[str]:
        """Which keys a server may have."""
        return super().preferred_keys

    @cached_property
    def preferred_ciphers(self) -> Sequence[str]:
        """How we encrypt."""
        return super().preferred_ciphers

    @cached_property
    def preferred_macs(self) -> Sequence[str]:
        """How we authenticate where a cipher does not."""
        return super().preferred_macs

    def end(self) -> None:
        """End the connection. Its thread looks only now and then whether it is over; this wakes it at once."""
        self.peer.end()
        self.close()
        if self.is_alive():
            self.join(_PATIENCE)  # while it may read, the descriptor has to stay its own
        self.peer.release()

    def _log(self, level: int, msg: object, *args: object) -> None:
        """Keep nothing."""

    def _parse_disconnect(self, m: paramiko.Message) -> None:
        """Keep the words of a server that ends the connection: paramiko logs them, and stumbles over some."""
        m.get_int()
        self.farewell = m.get_string().partition(b"\n")[0]

    def _parse_debug(self, m: paramiko.Message) -> None:
        """Leave unread what a server says of its own doings: paramiko takes it apart byte by byte."""


def prepare(transport: paramiko.Transport, settings: SshSettings) -> None:
    """Have `transport` talk as `settings` say. Raises `SettingsError`."""
    transport.set_keepalive(settings.keepalive)
    _choose_algorithms(transport, settings)
    if first := known_types(settings):
        known = transport.get_security_options()
        known.key_types = tuple(sorted(known.key_types, key=lambda kind: kind not in first))


def check_algorithms(settings: SshSettings) -> None:
    """Raise `SettingsError` where `settings` ask for algorithms of which none is known here."""
    ours, theirs = socket.socketpair()
    with ours, theirs, paramiko.Transport(ours) as transport:
        _choose_algorithms(transport, settings)


def _choose_algorithms(transport: paramiko.Transport, settings: SshSettings) -> None:
    known = transport.get_security_options()
    # These authenticate by themselves; paramiko compares the codes of the others byte by byte, in Python.
    known.ciphers = tuple(sorted(known.ciphers, key=lambda name: "-gcm" not in name))
    for kind, wanted in settings.algorithms.items():
        names = [_OLDER_NAMES.get(name, name) for name in wanted]
        choice = transport.preferred_pubkeys if kind == "pubkeys" else getattr(known, kind)
        understood = tuple(dict.fromkeys(name for name in names if name in choice))
        if not understood:
            raise SettingsError(f"The fleet engine knows none of {', '.join(wanted)} ({kind}); name others, or none.")
        if kind == "pubkeys":
            transport.disabled_algorithms = {"pubkeys": [name for name in choice if name not in understood]}
        else:
            setattr(known, kind, understood)


def end_of(transport: SshTransport, error: BaseException) -> str:
    """Return why a connection has ended, with the words of a server that has ended it."""
    if transport.farewell is not None:
        return hung_up(transport.farewell)
    is_silent = isinstance(error, TimeoutError) or str(error).startswith(_NO_BANNER)
    if is_silent and not transport.peer.has_hung_up:
        if not transport.peer.has_spoken:
            return NO_ANSWER
        if not transport.remote_version:
            return NO_SSH
    return reason_of(error)


def reason_of(error: BaseException) -> str:
    """Return what went wrong with a connection, in a few words that can be shown."""
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    if isinstance(error, UnicodeError):
        return "that is not the name of a host"
    if isinstance(error, paramiko.ChannelException):
        return first_words(error.text).lower() or "it opens no session"
    if not isinstance(error, OSError | EOFError | paramiko.SSHException):
        return NO_SSH
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if text.startswith((_NO_BANNER, _NO_SESSION)):
        return hung_up()
    return NO_SSH if text.startswith(_GARBLED) else first_words(text) or hung_up()
