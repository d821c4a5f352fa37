# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hostile or secret text may be shown on a screen and in a log."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

_NEEDS_NO_QUOTES = re.compile(r"[\w.,:/+-]+", re.ASCII)


def printable(data: bytes | str) -> str:
    """Return hostile text as one line that cannot disturb a terminal."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    if not text.isprintable():  # nearly all is
        text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())


def counted(number: int, noun: str) -> str:
    """Return `number` of what `noun` is called in the singular: `1 device`, `2 devices`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def meant_by(variable: str, value: str) -> str:
    """Return how to say that something is meant, where the run was started: the variable with the value to type."""
    value = printable(value)
    said = f"{variable}={value}" if _NEEDS_NO_QUOTES.fullmatch(value) else f"'{json.dumps({variable: value})}'"
    return f"say that it is meant, with -e {said} -e ioto_reason=WHY"


def url_origin(url: str) -> str:
    """Return scheme, host and port of `url`: its path, query or user part may hold a secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return printable(f"{parts.scheme}://{parts.hostname or ''}{port}")
    except ValueError:
        return "a malformed URL"
