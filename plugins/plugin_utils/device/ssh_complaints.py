# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenSSH's client says when it cannot do what it was asked for, in the words of `connection`."""

from __future__ import annotations

import re
from collections.abc import Callable

from .connection import (
    NO_ANSWER,
    NO_SSH,
    REFUSED,
    SSH_1,
    TOO_MANY_LOGINS,
    UnreachableError,
    first_words,
    hung_up,
    lost,
    no_command,
    not_let_in,
    not_reached,
    not_trusted,
)
from .device import NO_STATUS

_NOISE = re.compile(
    r"^(?:Warning: Permanently added |Warning: Identity file |\*\* |debug[123]: |Pseudo-terminal will not be allocated"
    r"|Authenticated to |Transferred: |Bytes per second: |OpenSSH_)[^\n]*\n?",
    re.MULTILINE,
)
"""What ssh tells while all is well, and who asks it to tell more."""
_END = re.compile(
    r"^debug[12]: (?P<told>Received exit status from master|Exit status) (?P<status>-?\d+)$",
    re.MULTILINE,
)
"""How the log of an ssh ends that was asked for it (`LogLevel=DEBUG2`)."""
_MASTER_ENDED = re.compile(
    r"^debug2: Control master terminated|^mux_client_request_session: exitval sent twice", re.MULTILINE
)
_CLOSED = re.compile(
    r"^debug2: channel (?P<number>\d+): garbage collecting$\n^debug1: channel (?P=number): free: client-session",
    re.MULTILINE,
)
"""Both sides have closed the channel of the command, and the connection was there still."""
_MORE_PROOFS = re.compile(r'^(?:debug1: )?Authenticated using "[^"\n]*" with partial success', re.MULTILINE)
_LET_IN = re.compile(r"^Authenticated to |^debug1: mux_client_request_session: master session id", re.MULTILINE)
_REFUSED = re.compile(r"^debug2: channel_input_status_confirm: type 100 id ", re.MULTILINE)
"""The answer of a server that does not take a request: SSH_MSG_CHANNEL_FAILURE."""

_NOT_OPENED = re.compile(r"^channel \d+: open failed: ", re.MULTILINE)
_STATUS_BITS = 0xFF
"""What of a status a program can say, and ssh passes on."""
_BROKEN = re.compile(
    r"^(?P<what>ssh_dispatch_run_fatal|Connection (?:closed|reset) by |Bad packet length|Corrupted MAC|padding error)",
    re.MULTILINE,
)
"""How a connection ends that the peer breaks, or on which something came that is not SSH, or no known part of it."""

FAILED = 255
"""The status of ssh for all that goes wrong, and that of a device that chooses it."""

_FAREWELL = re.compile(r"^Received disconnect from (?:\S+ port \d+:\d+|[^:\n]+): ?(?P<words>[^\r\n]*)", re.MULTILINE)
"""The words of a peer that ends the connection. They may have more lines, which look like any of ssh's."""
_ESCAPED = re.compile(r"\\(?:(?P<octal>[0-7]{3})|\\)")
"""What ssh writes in its log for characters that could disturb a terminal."""

_OWN_NUMBER = re.compile(r"Bad packet length [0-9]{1,10}")
"""A number of ssh's own, which looks like a claim ID; the full stop behind it goes."""

_UNUSABLE_KEY = re.compile(
    r'^(?:no such identity: |Load key ")(?P<file>[^"\r\n]*?)"?: (?P<why>[^:\r\n]*)\r?$', re.MULTILINE
)
"""A file of a key that is not there, or that ssh does not take, such as one that others may read."""

Sentence = Callable[[str, str, str, str], UnreachableError]
"""Makes an error of the device's name, its place, the user, and the reason."""

_BY_COMPLAINT: tuple[tuple[re.Pattern[str], Sentence], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), sentence)
    for pattern, sentence in (
        (
            r"REMOTE HOST IDENTIFICATION HAS CHANGED",
            lambda name, where, _user, _reason: not_trusted(name, where, "its host key differs from the known one"),
        ),
        (
            r"^(?:Host key verification failed|No \S+ host key is known for)|Host Key checking is enabled",
            lambda name, where, _user, _reason: not_trusted(name, where, "its host key is not known"),
        ),
        (
            r"^(?P<login>\S+@\S+): Permission denied \((?P<reason>[^)\r\n]*)\)"
            rf"|^Received disconnect from [^\n]*: {TOO_MANY_LOGINS}",
            lambda name, where, user, reason: not_let_in(name, where, user, f"it wants {reason}" if reason else ""),
        ),
        (r"^exec request failed on channel ", lambda name, _where, _user, _reason: no_command(name, REFUSED)),
        (
            r"^(?:channel \d+: open failed: |mux_client_request_session: session request failed: )(?P<reason>[^\r\n]*)",
            lambda name, _where, _user, reason: no_command(name, reason.rstrip(": ")),
        ),
        (
            r"^ssh: connect to host .* port \d+: (?P<reason>[^\r\n]*)",
            lambda name, where, _user, reason: not_reached(name, where, reason),
        ),
        (
            r"^ssh: Could not resolve hostname .*: (?P<reason>[^\r\n]*)",
            lambda name, where, _user, reason: not_reached(name, where, reason),
        ),
        (r"^Protocol major versions differ", lambda name, where, _user, _reason: not_reached(name, where, SSH_1)),
        (
            r"^(?:kex|ssh)_exchange_identification: (?:read: )?Connection (?:closed|reset) by ",
            lambda name, where, _user, _reason: not_reached(name, where, hung_up()),
        ),
        (
            r"^(?:Bad packet length|Bad remote protocol|(?:Bad|Invalid) key length|Corrupted MAC|padding error"
            r"|(?:kex|ssh)_exchange_identification: (?:No SSH version|banner line ))",
            lambda name, where, _user, _reason: not_reached(name, where, NO_SSH),
        ),
        (
            r"^Connection (?:to \S+ port \d+ )?timed out during banner",
            lambda name, where, _user, _reason: not_reached(name, where, NO_ANSWER),
        ),
        (
            r"^(?P<reason>(?:Unable to negotiate with|ssh_dispatch_run_fatal|banner exchange"
            r"|kex_exchange_identification|ssh_exchange_identification)[^\r\n]*)",
            lambda name, where, _user, reason: not_reached(name, where, reason),
        ),
        (
            r"^(?:Connection (?:closed|reset) by |Disconnected from )",
            lambda name, where, _user, _reason: not_reached(name, where, hung_up()),
        ),
        (
            r"^(?:Connection to |Timeout, server|client_loop: |Write failed|Read from remote"
            r"|mux_client_request_session: (?:read from|write to) master)",
            lambda name, _where, _user, _reason: lost(name, hung_up()),
        ),
    )
)


def end_of_command(log: str) -> int | None:
    """Return the status with which the device's command has ended, by the log of ssh, or `NO_STATUS`.

    None where the connection did not last so long, or the command was refused.
    """
    if _REFUSED.search(log) or _NOT_OPENED.search(log):
        return None
    farewell = _FAREWELL.search(log)
    end = farewell.start() if farewell else len(log)
    ends = list(_END.finditer(log, 0, end))
    if ends and int(ends[-1]["status"]) != NO_STATUS:
        return int(ends[-1]["status"]) & _STATUS_BITS
    was_told = ends and (ends[-1]["told"] != "Exit status" or "rtype exit-status " in log)
    return NO_STATUS if _LET_IN.search(log) and (was_told or _CLOSED.search(log, 0, end)) else None


def is_let_in(log: str) -> bool:
    """Whether the device has let us in, by the log of ssh."""
    return bool(_LET_IN.search(log))


def wants_more_proofs(log: str) -> bool:
    """Whether it has not let us in, and takes a proof and wants another one."""
    return bool(_MORE_PROOFS.search(log)) and not is_let_in(log)


def is_unsaid(log: str) -> bool:
    """Whether the log does not tell how a command has ended that went over a connection which ssh had kept."""
    return bool(_MASTER_ENDED.search(log)) and not _REFUSED.search(log) and "Authenticated to " not in log


def understand(said: str, *, name: str, where: str, user: str) -> UnreachableError | None:
    """Return the error for what ssh says of a connection that it lacks, or has lost; None where it says nothing.

    `said` is its log, or what it tells everybody.
    """
    farewell = _FAREWELL.search(said)
    if farewell:
        said = said[: farewell.end()]
    complaint = _NOISE.sub("", said)
    let_in = _LET_IN.search(said)
    if let_in and _REFUSED.search(said):
        return no_command(name, REFUSED)
    if let_in and not farewell and not _NOT_OPENED.search(said) and (broken := _BROKEN.search(complaint)):
        is_end = broken["what"].startswith(("ssh_dispatch_run_fatal", "Connection"))
        return lost(name, hung_up() if is_end else NO_SSH)
    if let_in and farewell:
        return lost(name, hung_up(_unescaped(farewell["words"])))
    for pattern, sentence in _BY_COMPLAINT:
        if found := pattern.search(complaint):
            words = found.groupdict().get("reason") or ""
            reason = first_words(words) if (own := _OWN_NUMBER.match(words)) is None else own[0]
            if "login" in found.groupdict() and (key := _UNUSABLE_KEY.search(complaint, 0, found.start())):
                reason = f"{reason}, and the key {first_words(key['file'])} cannot be used: {first_words(key['why'])}"
            return sentence(name, where, user, reason)
    if farewell:
        return not_reached(name, where, hung_up(_unescaped(farewell["words"])))
    return lost(name, hung_up()) if let_in else None


def _unescaped(words: str) -> bytes:
    return _ESCAPED.sub(lambda found: chr(int(found["octal"] or "134", 8)), words).encode("latin-1", "replace")
