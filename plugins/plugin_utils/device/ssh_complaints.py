# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenSSH's client says when it cannot do what it was asked for, in the words of `connection`."""

from __future__ import annotations

import re
from collections.abc import Callable

from .connection import UnreachableError, first_words, lost, no_command, not_let_in, not_reached, not_trusted

_NOISE = re.compile(
    r"^(?:Warning: Permanently added |Warning: Identity file |\*\* |debug[123]: |Pseudo-terminal will not be allocated"
    r"|Authenticated to |Transferred: |Bytes per second: |OpenSSH_)[^\n]*\n?",
    re.MULTILINE,
)
"""What ssh tells while all is well, and who asks it to tell more."""

Sentence = Callable[[str, str, str, str], UnreachableError]
"""Makes an error of the device's name, its place, the user, and the reason."""

_BY_COMPLAINT: tuple[tuple[re.Pattern[str], Sentence], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), sentence)
    for pattern, sentence in (
        (
            r"REMOTE HOST IDENTIFICATION HAS CHANGED",
            lambda name, where, _user, _reason: not_trusted(name, where, "its host key is another one than is known"),
        ),
        (
            r"^(?:Host key verification failed|No \S+ host key is known for)|Host Key checking is enabled",
            lambda name, where, _user, _reason: not_trusted(name, where, "its host key is not known"),
        ),
        (
            r"Permission denied \((?P<reason>[^)\r\n]*)\)|Too many authentication failures",
            lambda name, where, user, reason: not_let_in(name, where, user, f"it wants {reason}" if reason else ""),
        ),
        (
            r"^(?P<reason>exec request failed on channel \d+)",
            lambda name, _where, _user, reason: no_command(name, reason),
        ),
        (
            r"^(?:channel \d+: open failed: |mux_client_request_session: session request failed: )(?P<reason>[^\r\n]*)",
            lambda name, _where, _user, reason: no_command(name, reason),
        ),
        (
            r"^ssh: connect to host .* port \d+: (?P<reason>[^\r\n]*)",
            lambda name, where, _user, reason: not_reached(name, where, reason),
        ),
        (
            r"^ssh: Could not resolve hostname .*: (?P<reason>[^\r\n]*)",
            lambda name, where, _user, reason: not_reached(name, where, reason),
        ),
        (
            r"^(?P<reason>(?:Unable to negotiate with|Bad packet length|Protocol major versions differ"
            r"|ssh_dispatch_run_fatal|banner exchange|Connection timed out during banner|kex_exchange_identification"
            r"|ssh_exchange_identification|Bad remote protocol|(?:Bad|Invalid) key length|Received disconnect from"
            r"|Disconnected from|Corrupted MAC|padding error)[^\r\n]*)",
            lambda name, where, _user, reason: not_reached(name, where, reason),
        ),
        (
            r"^Connection (?:closed|reset) by ",
            lambda name, where, _user, _reason: not_reached(name, where, "it hung up"),
        ),
        (
            r"^(?:Connection to |Timeout, server|client_loop: |Write failed|Read from remote"
            r"|mux_client_request_session: (?:read from|write to) master)",
            lambda name, _where, _user, _reason: lost(name, "it hung up"),
        ),
    )
)


def without_noise(said: bytes) -> bytes:
    """Return what a device said on stderr, where ssh has written as well."""
    return _NOISE.sub("", said.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def understand(complaint: str, *, name: str, where: str, user: str) -> UnreachableError | None:
    """Return the error for what ssh says in `complaint`; None where nothing in it is ssh's own.

    A device may put lines of its own there; what it can reach is that it counts as unreachable.
    """
    for pattern, sentence in _BY_COMPLAINT:
        if found := pattern.search(complaint):
            reason = first_words(found.groupdict().get("reason") or "")
            return sentence(name, where, user, reason)
    return None
