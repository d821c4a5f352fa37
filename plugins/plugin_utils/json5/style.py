# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a JSON5 document is written, so that what we add looks as if its author had added it.

A habit is looked for in the object that is edited, then in the whole document; where neither shows one, the
agent's own files decide (`DEFAULT`). Of several habits in one place the most frequent counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from .reader import JsonValue, Member, Node, Object, Scalar, walk

_Habit = TypeVar("_Habit")

QUOTES = ("'", '"')
"""Those that are written; the agent reads back-quotes, too."""

_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHITESPACE = re.compile(r"[ \t]*")
_COLON = re.compile(r"[ \t]*:[ \t]*")
_COMMA = re.compile(r",[ \t]*")
# What may not stand in a string as it is. Everything else may, also what is not ASCII: of a \u escape
# the agent keeps one byte, so these have to be the only ones.
_UNSAFE = re.compile(r"[\\'\"\x00-\x1f\x7f]")
_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Style(NamedTuple):
    """The habits of a document around one of its objects."""

    quote: str  # of string values
    key_quote: str  # of keys; "" for none
    needed_key_quote: str  # of keys that cannot do without
    colon: str  # with the whitespace around it
    comma: str  # with the whitespace after it, between members on one line
    padding: str  # inside the braces of an object on one line
    newline: str
    unit: str  # one level of indentation
    trailing_comma: bool  # after the last member of a new object, its members on lines of their own


DEFAULT = Style("'", "", "'", ": ", ", ", "", "\n", "    ", True)


def style_around(text: str, root: Node, near: Object) -> Style:
    """Return the habits of the document `text` around its object `near`."""
    nodes = list(walk(root))
    objects = [node for node in nodes if isinstance(node, Object) and node.members]
    members = [member for node in objects for member in node.members]
    value_quotes, all_value_quotes = (
        _value_quotes(text, [member.value for member in near.members]),
        _value_quotes(text, nodes),
    )
    keys, all_keys = _key_quotes(text, near.members), _key_quotes(text, members)
    key_quotes, all_key_quotes = [*filter(None, keys)], [*filter(None, all_keys)]
    return Style(
        quote=_usual(value_quotes, key_quotes, all_value_quotes, all_key_quotes, default=DEFAULT.quote),
        key_quote=_usual(keys, all_keys, default=DEFAULT.key_quote),
        needed_key_quote=_usual(key_quotes, value_quotes, all_key_quotes, all_value_quotes, default=DEFAULT.quote),
        colon=_usual(_colons(text, near.members), _colons(text, members), default=DEFAULT.colon),
        comma=_comma(text, near, objects),
        padding=_usual(_paddings(text, [near]), _paddings(text, objects), default=DEFAULT.padding),
        newline=_usual(_newlines(text[near.start : near.end]), _newlines(text), default=DEFAULT.newline),
        unit=_usual(_units(text, [near]), _units(text, objects), default=DEFAULT.unit),
        trailing_comma=_usual(
            [node.comma is not None for node in objects if "\n" in text[node.start : node.end]],
            [node.comma is not None for node in objects],
            default=DEFAULT.trailing_comma,
        ),
    )


def document_newline(text: str) -> str:
    """Return how the lines of `text` usually end."""
    return _usual(_newlines(text), default=DEFAULT.newline)


def line_indent(text: str, offset: int) -> str:
    """Return the whitespace that starts the line of `offset`."""
    return _whitespace_at(text, text.rfind("\n", 0, offset) + 1)


def write_member(key: str, value: JsonValue, style: Style, indent: str | None) -> str:
    """Return `key` and `value` as they stand in an object; for `indent` see `write_value`."""
    quote = style.key_quote
    if not quote and not _BARE_KEY.fullmatch(key):
        quote = style.needed_key_quote
    written = write_string(key, quote) if quote else key
    return written + style.colon + write_value(value, style, indent)


def write_value(value: JsonValue, style: Style, indent: str | None) -> str:
    """Return `value` as text: on one line where `indent` is None, else for a line with that indentation."""
    if isinstance(value, dict):
        entries = [write_member(key, child, style, _deeper(indent, style)) for key, child in value.items()]
        return _write_container("{}", entries, style.padding, style, indent)
    if isinstance(value, list):
        if not any(isinstance(item, dict | list) for item in value):
            indent = None
        entries = [write_value(item, style, _deeper(indent, style)) for item in value]
        return _write_container("[]", entries, "", style, indent)
    if isinstance(value, str):
        return write_string(value, style.quote)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    # The agent ends a number at a plus sign.
    return repr(value).replace("e+", "e")


def write_string(value: str, quote: str) -> str:
    """Return `value` between two `quote`, with escapes that the agent reads, and only where one is needed."""

    def escape(match: re.Match[str]) -> str:
        letter = match[0]
        if letter in "'\"":
            return "\\" + letter if letter == quote else letter
        return _ESCAPES.get(letter) or f"\\u{ord(letter):04x}"

    return quote + _UNSAFE.sub(escape, value) + quote


def _write_container(brackets: str, entries: list[str], padding: str, style: Style, indent: str | None) -> str:
    opening, closing = brackets[0], brackets[1]
    if not entries:
        return brackets
    if indent is None:
        return opening + padding + style.comma.join(entries) + padding + closing
    start = style.newline + indent + style.unit
    last = "," if style.trailing_comma else ""
    return opening + start + ("," + start).join(entries) + last + style.newline + indent + closing


def _deeper(indent: str | None, style: Style) -> str | None:
    return None if indent is None else indent + style.unit


def _usual(*places: list[_Habit], default: _Habit) -> _Habit:
    """Return the most frequent habit of the first place that shows one."""
    return next((Counter(habits).most_common(1)[0][0] for habits in places if habits), default)


def _value_quotes(text: str, nodes: Iterable[Node]) -> list[str]:
    return [text[node.start] for node in nodes if isinstance(node, Scalar) and text[node.start] in QUOTES]


def _key_quotes(text: str, members: Iterable[Member]) -> list[str]:
    return [text[member.start] if text[member.start] in QUOTES else "" for member in members]


def _colons(text: str, members: Iterable[Member]) -> list[str]:
    between = (text[member.end : member.value.start] for member in members)
    return [colon for colon in between if _COLON.fullmatch(colon)]


def _comma(text: str, near: Object, objects: list[Object]) -> str:
    style = _usual(_commas(text, [near]), _commas(text, objects), default="")
    if style:
        return style
    # {"a":1} says that spaces are not wanted, {"a": 1} that they are.
    colons = _colons(text, near.members) or _colons(text, (member for node in objects for member in node.members))
    return "," if colons and all(colon.endswith(":") for colon in colons) else DEFAULT.comma


def _commas(text: str, objects: Iterable[Object]) -> list[str]:
    between = (
        text[left.value.end : right.start]
        for node in objects
        for left, right in zip(node.members, node.members[1:], strict=False)
    )
    return [comma for comma in between if _COMMA.fullmatch(comma)]


def _paddings(text: str, objects: Iterable[Object]) -> list[str]:
    return [
        _whitespace_at(text, node.start + 1)
        for node in objects
        if node.members and "\n" not in text[node.start : node.members[0].start]
    ]


def _newlines(text: str) -> list[str]:
    windows = text.count("\r\n")
    return ["\r\n"] * windows + ["\n"] * (text.count("\n") - windows)


def _units(text: str, objects: Iterable[Object]) -> list[str]:
    units = []
    for node in objects:
        if node.members and "\n" in text[node.start : node.members[0].start]:
            outer, inner = line_indent(text, node.start), line_indent(text, node.members[0].start)
            if inner.startswith(outer) and inner != outer:
                units.append(inner[len(outer) :])
    return units


def _whitespace_at(text: str, offset: int) -> str:
    found = _WHITESPACE.match(text, offset)
    return found[0] if found else ""
