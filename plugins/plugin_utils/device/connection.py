# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every connection to a device has in common: one deadline, one limit of size, and the words for what goes wrong.

The device never decides how long we wait, nor how much we keep.
"""

from __future__ import annotations

import math
import re
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from ..claim_ids import mask_folded
from ..display_text import bracketed, printable, shortened
from ..errors import FailureKind, IotoError
from .device import DeviceError
from .name_resolution import AddressTries, addresses

DEVICE_SECONDS = 60
"""What a device may take in all, beside the time for which a flow waits on it for the agent."""
MOST_SECONDS = 86_400

_ENDING = 0.25
_SHARE_OF_ENDING = 0.02
"""Seconds, and part of a device's time at the most, for killing what waits for it: others wait for that as well."""

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes that a script may answer with: a file that is too large, in hexadecimal, so that it can be named, and room."""
_MEBIBYTE = 1024 * 1024
_SHOWN = 200
"""Characters of a complaint that are shown."""
_LOOKED_AT = 4096
"""Bytes of a complaint that may be of use."""
_AT_ONCE = 0.001
NO_ANSWER = "no answer in time"
_HUNG_UP = "it hung up"
_REASONS = {
    **dict.fromkeys(("Connection timed out", "Operation timed out"), NO_ANSWER),
    **dict.fromkeys(("Connection reset by peer", "Broken pipe"), _HUNG_UP),
}
"""What systems call the same."""

_COLOURED = re.compile(r"(?<=[0-9A-Za-z-])(?:\x1b\[[0-?]*[ -/]*[@-~])+(?=[0-9A-Za-z-])")
"""What tells a terminal a colour and such inside of a word, which a reader sees whole."""

_SSH_PORT = "22"

REFUSED = "it refuses the request"
"""What a server has done that opens a session and takes no command."""
TOO_MANY_LOGINS = "Too many authentication failures"
"""What servers say when they hang up on somebody who has no key for them."""
MORE_PROOFS = "it wants more than one proof"
"""What a server does that takes a key, and asks for something else."""
NO_SSH = "it does not speak SSH"
SSH_1 = "it speaks SSH 1 alone, and SSH 2 is needed"


class TimeLimitError(IotoError):
    """Seconds for which nobody can wait."""


class UnreachableError(IotoError):
    """A device that cannot be talked to: no connection, no login, or a connection that was lost."""

    kind = FailureKind.UNREACHABLE


def parse_seconds(value: object) -> float | None:
    """Return the seconds that `ioto_device_timeout` says, None for none. Raises `TimeLimitError`."""
    if value is None:
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        seconds = math.nan
    if 0 < seconds <= MOST_SECONDS:
        return seconds
    raise TimeLimitError(
        f"ioto_device_timeout is {printable(str(value)[:20])!r}; give seconds above 0 and up to {MOST_SECONDS}, "
        f"such as {DEVICE_SECONDS}."
    )


def seconds_for(timeout: object, waiting: int = 0) -> float:
    """Return the seconds that a device may take, where `timeout` says none and a flow waits on it for `waiting`."""
    seconds = parse_seconds(timeout)
    return float(DEVICE_SECONDS + waiting) if seconds is None else seconds


class Deadline:
    """The seconds that a device may take in all: connecting, logging in, every answer, and the end of its connection.

    What others take meanwhile, such as the ledger or a service, is not the device's.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._taken = 0.0
        self._since: float | None = None

    @property
    def left(self) -> float:
        """The seconds that are left until its connection is to be ended, 0 when the time is up."""
        under_way = 0.0 if self._since is None else monotonic() - self._since
        ending = min(_ENDING, self.seconds * _SHARE_OF_ENDING)
        return max(0.0, self.seconds - ending - self._taken - under_way)

    @property
    def has_passed(self) -> bool:
        """Whether the device has had its time."""
        return self.left <= 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of the block."""
        self._since = monotonic()
        try:
            yield
        finally:
            self._taken += monotonic() - self._since
            self._since = None


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to the first address of `host` that takes one within `seconds` in all. Raises `OSError`.

    The time in which the name becomes an address is part of it.
    """
    until = monotonic() + seconds
    tries = AddressTries(addresses(host, port, seconds))
    for connection, address in tries:
        with tries.using(connection):
            connection.settimeout(max(until - monotonic(), _AT_ONCE))
            connection.connect(address)
            return connection
    raise tries.failure


def place(host: str, port: int | str | None) -> str:
    """Return host and port as they are shown."""
    shown = bracketed(host)
    return printable(f"{shown}:{port}" if port else shown)


def _shown(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return mask_folded(printable(_COLOURED.sub("", text)))


def first_words(said: bytes | str) -> str:
    """Return the beginning of what a device said, so that it can be shown: it may be hostile, and hold a claim ID."""
    return shortened(_shown(said[:_LOOKED_AT]), _SHOWN).rstrip(".")


def last_words(said: bytes | str) -> str:
    """Return the end of it."""
    words = _shown(said[-_LOOKED_AT:]).rstrip(".")
    return words if len(words) <= _SHOWN else "…" + words[1 - _SHOWN :].lstrip()


def hung_up(said: bytes | str = "") -> str:
    """Return what a peer has done that ended the connection, with its words where it gave some."""
    words = first_words(said)
    return f"{_HUNG_UP}, and said: {words}" if words else _HUNG_UP


def not_in_time(name: str, deadline: Deadline, said: bytes = b"") -> UnreachableError:
    """Return the error for a device that has had its time."""
    words = last_words(said)
    return UnreachableError(
        f"The device {name} was not done within {deadline.seconds:g} s (ioto_device_timeout)"
        f"{f'; it said: {words}' if words else ''}. See whether it still runs, and its network, then run again."
    )


def too_much(name: str) -> DeviceError:
    """Return the error for an answer without end."""
    return DeviceError(
        f"The device {name} answers without end (more than {MAX_ANSWER // _MEBIBYTE} MiB); see what it runs as its "
        "shell, then run again."
    )


def not_reached(name: str, where: str, reason: str) -> UnreachableError:
    """Return the error for a device to which there is no connection, or none that speaks SSH."""
    return UnreachableError(
        f"The device {name} cannot be reached at {where} ({_REASONS.get(reason, reason)}); check its address, power "
        "and network, then run again."
    )


def not_let_in(name: str, where: str, user: str, reason: str) -> UnreachableError:
    """Return the error for a device that refuses every proof."""
    return UnreachableError(
        f"The device {name} at {where} does not let {printable(user)} in{f' ({reason})' if reason else ''}; see "
        "ansible_user, ansible_ssh_private_key_file and ansible_password."
    )


def not_trusted(name: str, where: str, reason: str) -> UnreachableError:
    """Return the error for a host whose key may not be taken."""
    return UnreachableError(
        f"The host at {where} for {name} is not trusted: {reason}; see that it is the right one, then have keys of new "
        "hosts taken (ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new), or remove one that has changed "
        f"(ssh-keygen -R {shlex.quote(_in_known_hosts(where))})."
    )


def _in_known_hosts(where: str) -> str:
    """Return how a place is called in a file of known hosts."""
    host, _colon, port = where.rpartition(":")
    if not host or not port.isdecimal():
        return where.strip("[]")
    host = host.strip("[]")
    return host if port == _SSH_PORT else f"[{host}]:{port}"


def no_command(name: str, reason: str) -> UnreachableError:
    """Return the error for a device that lets us in and runs no command for us."""
    return UnreachableError(
        f"The device {name} lets us in and runs no command ({reason}); see what its SSH server permits, then run again."
    )


def lost(name: str, reason: str) -> UnreachableError:
    """Return the error for a connection that ended in the middle of our script."""
    reason = _REASONS.get(reason, reason)
    return UnreachableError(
        f"The connection to {name} was lost ({reason}); check its power and network, then run again."
    )
