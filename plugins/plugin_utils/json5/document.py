# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Editing JSON5 in place: one value is set or one key added, and no other byte of the document changes.

What is read, and what is refused because the agent could not read it, is told in `reader`; how an addition
takes the looks of its neighbourhood, in `style`.

Where a new key goes: after the last member of its object and the comments on that member's line; in an object
without members, after its last comment. It stands on a line of its own where the last member does (or the empty
object has several lines), else on the same line. It is followed by a comma where the last member was.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ..display_text import quoted
from .kept import read_kept, style_kept
from .reader import (
    MAX_DEPTH,
    Array,
    Json5Error,
    JsonValue,
    Member,
    Node,
    Object,
    Scalar,
    error_at,
    line_at,
    plain,
    walk,
)
from .style import (
    DEFAULT,
    QUOTES,
    Style,
    document_newline,
    line_indent,
    write_member,
    write_string,
    write_value,
)

__all__ = ["MISSING", "Json5Document", "Json5Error", "JsonValue", "Missing"]


class Missing(enum.Enum):
    """The type of `MISSING`, which is no value that a document may hold."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

# The longest int that is written: beyond a double no reader agrees on the value.
_MAX_INT_BITS = 1024

# Of these \u escapes the agent keeps one byte.
_CUT_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_SAME_LINE = re.compile(r"(?:[ \t]*+/\*.*?\*/)*+([ \t]*+//[^\r\n]*+)?+", re.DOTALL)
_BLANK_REST = re.compile(r"[ \t]+(?=\r?\n)")


class _Edit(NamedTuple):
    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Json5Document:
    """A JSON5 document and its bytes; an edit makes a new one.

    A document of whitespace and comments only (an absent or empty file is one: `parse(b"")`) reads as an empty object,
    and the first `set` writes the object after what is there.
    """

    name: str
    data: bytes = field(repr=False)  # may hold a claim ID
    _text: str = field(repr=False, compare=False)
    _root: Node | None = field(repr=False, compare=False)

    @classmethod
    def parse(cls, data: bytes, *, name: str) -> Json5Document:
        """Return the document with these bytes, called `name` in messages (the file and its host).

        Raises `Json5Error` with line and column for what is not JSON5 in UTF-8, and for what the agent cannot read.
        """
        text, root = read_kept(data, name=name)
        return cls(name, data, text, root)

    @property
    def value(self) -> JsonValue:
        """The whole as new Python objects, as the agent sees it: of duplicate keys the first counts.

        One difference is left: of a `\\uXXXX` escape beyond ASCII, which is decoded here, the agent keeps one byte.
        """
        return {} if self._root is None else plain(self._root)

    @property
    def members(self) -> list[tuple[str, JsonValue]] | None:
        """The keys and values of the outermost object, those of a repeated key each; None where it is not an object."""
        if self._root is None:
            return []
        if not isinstance(self._root, Object):
            return None
        return [(member.key, plain(member.value)) for member in self._root.members]

    def get(self, *path: str) -> JsonValue | Missing:
        """Return the value at `path`, one key for each level, or `MISSING`.

        Raises `Json5Error` where a key of the path stands twice in its object.
        """
        if self._root is None and not path:
            return {}
        node = self._find(path)
        return MISSING if node is None else plain(node)

    def set(self, path: Sequence[str], value: object) -> Json5Document:
        """Return the document with `value` (None, bool, int, float, str, or a dict or list of these) at `path`.

        Missing parents are made. A document that has this value there already is returned as it is.
        Raises `Json5Error` where a key of the path stands twice in its object, where a parent is not an object, and for
        a value that cannot be written so that the agent reads it.
        """
        if isinstance(path, str) or not path:
            raise TypeError("the path is a sequence of at least one key")
        path = [_checked_text(key, refuse_as="a key of the path", name=self.name) for key in path]
        wanted = _checked(value, self.name, path, len(path))
        if self._has(path, wanted):
            return self
        expected = _with(self._editable(), path, wanted)
        if self._root is None:
            edits = [self._first_object(_nested(path, wanted))]
        else:
            edits = self._edits(self._root, path, wanted)
        text = self._text
        for edit in reversed(edits):
            text = text[: edit.start] + edit.new + text[edit.end :]
        edited = self.parse(text.encode(), name=self.name)
        if _dump(edited.value) != _dump(expected):
            # A defect of ours. The caller has the old document still, and writes nothing.
            raise Json5Error(
                self.name,
                f"setting {_dotted(path)} would change more than that, so nothing is changed; "
                "set it by hand and report this with the file.",
            )
        return edited

    def to_json(self) -> str:
        """Return the whole as strict JSON on one line. Raises `Json5Error` for Infinity and NaN."""
        try:
            return json.dumps(self.value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            number = next(node for node in walk(self._root) if _is_beyond_json(node)) if self._root else None
            offset = number.start if number else 0
            problem = "JSON has no number for this (Infinity, NaN, or beyond 1e308); write a smaller number or null."
            raise error_at(self._text, offset, problem, name=self.name) from None

    def _find(self, path: Sequence[str]) -> Node | None:
        node = self._root
        for key in path:
            member = self._member(node, key) if isinstance(node, Object) else None
            if member is None:
                return None
            node = member.value
        return node

    def _has(self, path: Sequence[str], value: JsonValue) -> bool:
        """Say whether `value` stands at `path` already, in a spelling that the agent reads."""
        node = self._find(path)
        if node is None or _dump(plain(node)) != _dump(value):
            return False
        return not _CUT_ESCAPE.search(self._text, node.start, node.end)

    def _editable(self) -> dict[str, JsonValue]:
        value = self.value
        if isinstance(value, dict):
            return value
        offset = self._root.start if self._root else 0
        problem = f"the document is {_kind(self._root)}, and keys need an object; put {{ }} around its members."
        raise error_at(self._text, offset, problem, name=self.name)

    def _member(self, node: Object, key: str) -> Member | None:
        found = [member for member in node.members if member.key == key]
        if len(found) > 1:
            lines = [str(line_at(self._text, member.start)) for member in found]
            places = f"{', '.join(lines[:-1])} and {lines[-1]}"
            problem = (
                f"the key {quoted(key)} stands more than once in its object, on lines {places}; "
                "the agent uses the first, other readers the last, so delete all but one."
            )
            raise error_at(self._text, found[1].start, problem, name=self.name)
        return found[0] if found else None

    def _edits(self, node: Node, path: Sequence[str], value: JsonValue, depth: int = 0) -> list[_Edit]:
        """Return what has to change for `value` to stand at `path`, whose first `depth` keys lead to `node`."""
        if not isinstance(node, Object):
            problem = (
                f"{_dotted(path[:depth])} is {_kind(node)}, so {_dotted(path)} cannot be set; "
                "make it an object or choose another key."
            )
            raise error_at(self._text, node.start, problem, name=self.name)
        member = self._member(node, path[depth])
        if member is None:
            return self._addition(node, path[depth], _nested(path[depth + 1 :], value))
        if depth + 1 == len(path):
            return [self._replacement(node, member, value)]
        return self._edits(member.value, path, value, depth + 1)

    def _first_object(self, value: JsonValue) -> _Edit:
        newline = document_newline(self._text)
        start = newline if self._text and not self._text.endswith("\n") else ""
        written = write_value(value, DEFAULT._replace(newline=newline), "")
        return _Edit(len(self._text), len(self._text), start + written + newline)

    def _replacement(self, parent: Object, member: Member, value: JsonValue) -> _Edit:
        text, old = self._text, member.value
        if isinstance(value, str) and isinstance(old, Scalar) and text[old.start] in QUOTES:
            new = write_string(value, text[old.start])
        else:
            indent = line_indent(text, member.start) if _has_own_line(text, parent, member) else None
            new = write_value(value, self._style(parent), indent)
            if new[-1] not in "'\"]}" and text.startswith("/", old.end):
                new += " "  # The agent takes a comment that touches a bare word as a part of it.
        return _Edit(old.start, old.end, new)

    def _addition(self, node: Object, key: str, value: JsonValue) -> list[_Edit]:
        style = self._style(node)
        if not node.members:
            return [self._first_member(node, key, value, style)]
        text, last = self._text, node.members[-1]
        end = last.value.end if node.comma is None else node.comma + 1
        edits = [_Edit(end, end, ",")] if node.comma is None else []
        at, line_comment = _after_comments(text, end)
        comma = "" if node.comma is None else ","
        own_line = _has_own_line(text, node, last)
        if own_line or line_comment:
            at = _after_whitespace(text, at)
            indent = line_indent(text, last.start) if own_line else line_indent(text, node.start) + style.unit
            new = style.newline + indent + write_member(key, value, style, indent) + comma
        else:
            space = style.comma[1:] if at == end else style.comma[1:] or " "
            new = space + write_member(key, value, style, None) + comma
        return [*edits, _Edit(at, at, new)]

    def _first_member(self, node: Object, key: str, value: JsonValue, style: Style) -> _Edit:
        text = self._text
        inner = text[node.start + 1 : node.end - 1]
        comment = next(reversed(list(_COMMENT.finditer(inner))), None)
        at = node.start + 1 + (comment.end() if comment else 0)
        if "\n" not in inner:
            padding = style.padding if not inner else " " if comment else inner
            new = padding + write_member(key, value, style, None) + ("" if inner else padding)
            return _Edit(at, at, new)
        indent = line_indent(text, node.start) + style.unit
        if comment:
            start = node.start + 1 + comment.start()
            before = text[text.rfind("\n", 0, start) + 1 : start]
            indent = indent if before.strip(" \t") else before
        at = _after_whitespace(text, at)
        new = style.newline + indent + write_member(key, value, style, indent) + ("," if style.trailing_comma else "")
        return _Edit(at, at, new)

    def _style(self, near: Object) -> Style:
        return style_kept(self._text, self._root or near, near)


def _has_own_line(text: str, parent: Object, member: Member) -> bool:
    """Say whether a line ends between `member` and what stands before it in `parent`."""
    index = parent.members.index(member)
    before = parent.members[index - 1].value.end if index else parent.start
    return "\n" in text[before : member.start]


def _after_comments(text: str, offset: int) -> tuple[int, bool]:
    """Return where the comments that follow `offset` on its line end, and whether the last runs to the line's end."""
    match = _SAME_LINE.match(text, offset)
    return (match.end(), match[1] is not None) if match else (offset, False)


def _after_whitespace(text: str, offset: int) -> int:
    """Return the end of the line where nothing but whitespace follows `offset` on it, else `offset`."""
    match = _BLANK_REST.match(text, offset)
    return match.end() if match else offset


def _checked(value: object, name: str, path: Sequence[str], depth: int) -> JsonValue:
    """Return `value` as plain Python objects (the values of an inventory are subclasses that carry tags)."""

    def refuse(problem: str) -> Json5Error:
        return Json5Error(name, f"the value for {_dotted(path)} {problem}")

    if depth > MAX_DEPTH:
        raise refuse(f"nests more than {MAX_DEPTH} deep; flatten it.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checked_text(value, refuse_as=f"the value for {_dotted(path)}", name=name)
    if isinstance(value, int):
        if value.bit_length() > _MAX_INT_BITS:
            raise refuse("is an integer that no reader can hold; put it in quotes.")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise refuse("is Infinity or NaN, which the agent reads as a text; give a finite number.")
        return float(value)
    if isinstance(value, list):
        return [_checked(item, name, path, depth + 1) for item in value]
    if isinstance(value, dict):
        checked: dict[str, JsonValue] = {}
        for key, child in value.items():
            if not isinstance(key, str):
                raise refuse(f"has a key of type {type(key).__name__}; put it in quotes.")
            plain_key = _checked_text(key, refuse_as=f"a key of the value for {_dotted(path)}", name=name)
            checked[plain_key] = _checked(child, name, [*path, plain_key], depth + 1)
        return checked
    raise refuse(f"is of type {type(value).__name__}, which JSON5 does not have; put it in quotes.")


def _checked_text(value: str, *, refuse_as: str, name: str) -> str:
    if "\0" in value:
        raise Json5Error(name, f"{refuse_as} holds a NUL character, where the agent ends a text; leave it out.")
    if "\n" in value or "\r" in value:
        raise Json5Error(
            name,
            f"{refuse_as} holds a line end, which the agent saves as it is, unreadable for others; leave it out.",
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        told = f"{refuse_as} holds half of a surrogate pair, which is not text; leave it out."
        raise Json5Error(name, told) from None
    return str.__str__(value)


def _nested(path: Sequence[str], value: JsonValue) -> JsonValue:
    for key in reversed(path):
        value = {key: value}
    return value


def _with(whole: dict[str, JsonValue], path: Sequence[str], value: JsonValue) -> dict[str, JsonValue]:
    """Set `value` at `path` in the Python objects of `whole`, and return it."""
    parent = whole
    for key in path[:-1]:
        child = parent.setdefault(key, {})
        if not isinstance(child, dict):
            return whole  # The edit itself refuses this, with the place.
        parent = child
    parent[path[-1]] = value
    return whole


def _dump(value: object) -> str:
    """Return `value` as a text that differs where types, order or anything else does (in Python, True == 1)."""
    return json.dumps(value)


def _is_beyond_json(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, float) and not math.isfinite(node.value)


def _kind(node: Node | None) -> str:
    if isinstance(node, Array):
        return "an array"
    if not isinstance(node, Scalar):
        return "an object"
    names = {bool: "true or false", str: "a string", type(None): "null"}
    return names.get(type(node.value), "a number")


def _dotted(path: Sequence[str]) -> str:
    return repr(".".join(path))
