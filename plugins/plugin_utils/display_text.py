# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hostile or secret text, and times, may be shown on a screen and in a log.

Letters of any script are shown as they are. What steers a terminal, turns the direction of text or cannot be seen
(control characters, those for bidirectional text, zero-width ones) never is: two texts that look the same are the same.
"""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
"""What Unicode counts as letters, marks or signs, and nobody sees. Python calls the rest of that kind unprintable."""
_NEEDS_NO_QUOTES = re.compile(r"[\w.,:/+-]+", re.ASCII)
_LONGEST_QUOTED = 1000
"""Characters of a text in quotes; paths are shorter, and a device may have a file of any size."""


def is_visible(character: str) -> bool:
    """Say whether a reader sees `character`, the space included, and nothing else by it."""
    return character.isprintable() and not _INVISIBLE.match(character)


def printable(data: bytes | str) -> str:
    """Return hostile text as one line that cannot disturb a terminal; each character that cannot be seen is a space."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    if not (text.isascii() and text.isprintable()):  # nearly all is
        text = "".join(character if is_visible(character) else " " for character in text)
    return " ".join(text.split())


def shortened(text: str, longest: int) -> str:
    """Return hostile text as `printable` does, and where it has more than `longest` characters, cut and with dots."""
    shown = printable(text)
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def quoted(value: object) -> str:
    """Return hostile text in quotes; each character that cannot be seen is an escape such as `\\u200b`.

    Of any other value, what Python writes for it. What is longer than anybody reads is cut, with dots behind it.
    """
    shown = repr(value)
    if len(shown) > _LONGEST_QUOTED:
        shown = f"{shown[:_LONGEST_QUOTED]}…"
    return _INVISIBLE.sub(lambda match: _escape(match[0]), shown)


def local_time(at: datetime) -> str:
    """Return the moment `at` for people: by the clock of this machine, with the offset that it had then."""
    local = at
    with suppress(OverflowError):  # at the ends of the calendar, not every zone has that moment
        local = at.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} {offset(local)}"


def offset(local: datetime) -> str:
    """Return the offset from UTC of a moment in its zone: `+02:00`."""
    return local.isoformat(timespec="seconds")[len("2026-11-27T10:00:00") :]


def counted(number: int, noun: str) -> str:
    """Return `number` of what `noun` is called in the singular: `1 device`, `2,000 devices`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def typed(variable: str, value: str) -> str:
    """Return the argument of a playbook that gives the variable this value, as it is typed in a shell."""
    value = printable(value)
    if _NEEDS_NO_QUOTES.fullmatch(value):
        return f"-e {variable}={value}"
    return f"-e {shlex.quote(json.dumps({variable: value}, ensure_ascii=False))}"


def meant_by(variable: str, value: str) -> str:
    """Return how to say that something is meant, where the run was started: the variable with the value to type."""
    return f"run again with {typed(variable, value)} -e ioto_reason=WHY"


def bracketed(host: str) -> str:
    """Return `host` as it stands in a URL and before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def url_origin(url: str) -> str:
    """Return scheme, host and port of `url`: its path, query or user part may hold a secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return printable(f"{parts.scheme}://{bracketed(parts.hostname or '')}{port}")
    except ValueError:
        return "a malformed URL"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
