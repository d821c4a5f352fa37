# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document of the agent in the words of the standard, for readers that know only that.

By tokens, and so without the opinion of our own reader: line ends in strings are escaped, back-quotes and bare words
become double quotes, and commas with nothing between them go.
"""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(
    r"""(?P<trivia>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>(?P<quote>["'`])(?:[^\\]|\\.)*?(?P=quote))"""
    r"""|(?P<word>[A-Za-z0-9_.-]+)|(?P<other>.)""",
    re.DOTALL,
)
_OF_THE_STANDARD = re.compile(
    r"null|true|false|-?(?:Infinity|NaN|0[xX][0-9A-Fa-f]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE]-?[0-9]+)?)"
)
# What is passed over is not taken up again: blanks can be parted in more ways than anybody could wait for.
_KEY_FOLLOWS = re.compile(r"(?:\s++|//[^\n]*+|/\*.*?\*/)*+:", re.DOTALL)


def in_json5(text: str) -> str:
    """Return `text` so that a reader of JSON5 reads what the agent reads."""
    parts: list[str] = []
    before = ""  # the token before, whitespace and comments left out
    for token in _TOKEN.finditer(text):
        written = token[0]
        if token["trivia"] is None:
            if written == "," and before in {"{", "[", ","}:
                continue
            before = written
        if token["string"] is not None:
            written = _in_quotes(written)
        elif token["word"] is not None and (
            _KEY_FOLLOWS.match(text, token.end()) or not _OF_THE_STANDARD.fullmatch(written)
        ):
            written = json.dumps(written)
        parts.append(written)
    return "".join(parts)


def _in_quotes(string: str) -> str:
    """Return a string without line ends in it, and not in back-quotes."""
    quote, inner = string[0], string[1:-1]
    inner = inner.replace("\r", "\\r").replace("\n", "\\n")
    if quote != "`":
        return quote + inner + quote
    return '"' + re.sub(r'\\.|"', lambda found: '\\"' if found[0] == '"' else found[0], inner, flags=re.DOTALL) + '"'
