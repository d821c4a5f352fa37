# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading JSON5 as the Ioto agent does, with the place of every part, as the editor in `document` needs it.

The grammar is that of https://spec.json5.org, less what the agent cannot read or reads as something else (seen in its
source, in two generations): a byte-order mark, `+` before a number or in its exponent, a number that starts with its
point, a carriage return alone, line continuations, `\\u0000`, escapes other than of a quote, a slash or a backslash
and `\\b \\f \\n \\r \\t \\uXXXX`, bare words that hold more than ASCII letters, digits, `_`, `-` and points, whitespace
other than space, tab and newline, U+2028 and U+2029 in a `//` comment, and a comment that touches a bare word.
And with what it reads more, since it writes some of that itself: line ends inside of strings, strings in back-quotes,
bare words as texts, and commas with nothing between them.
Refused besides: what is not UTF-8, NUL, half of a surrogate pair, more than `MAX_BYTES`, nesting beyond `MAX_DEPTH`.

No message repeats a value of the file: it may be a claim ID.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn, TypeAlias, cast

from ..errors import FailureKind, IotoError

MAX_BYTES = 1 << 20
"""What a document may have; a larger file, also behind a device or in an image, is not a configuration."""
MAX_DEPTH = 64

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


class Json5Error(IotoError):
    """A document that cannot be read or edited.

    `name` is the document's, as its reader was told; `line` and `column` (in characters) count from 1, and are None
    where no place in the document is to blame.
    """

    kind = FailureKind.BOARD

    def __init__(self, name: str, problem: str, line: int | None = None, column: int | None = None) -> None:
        place = name if line is None else f"{name} on line {line}, column {column}"
        super().__init__(f"{place}: {problem}")
        self.name = name
        self.line = line
        self.column = column


class Scalar(NamedTuple):
    """A string, number, boolean or null: `text[start:end]`, quotes included."""

    start: int
    end: int
    value: bool | int | float | str | None


class Array(NamedTuple):
    """`text[start:end]`, brackets included."""

    start: int
    end: int
    items: tuple[Node, ...]


class Member(NamedTuple):
    """A key, `text[start:end]` with its quotes, and its value."""

    start: int
    end: int
    key: str
    value: Node


class Object(NamedTuple):
    """`text[start:end]`, braces included; `comma` is the offset of the trailing comma."""

    start: int
    end: int
    members: tuple[Member, ...]
    comma: int | None


Node: TypeAlias = Scalar | Array | Object


def read(data: bytes, *, name: str) -> tuple[str, Node | None]:
    """Return the text of the document `data` and its root, None where it holds whitespace and comments only.

    Raises `Json5Error`, which calls the document `name`.
    """
    text = _decode(data, name)
    return text, _Reader(text, name).document()


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, in the order of the text."""
    yield node
    if isinstance(node, Object):
        for member in node.members:
            yield from walk(member.value)
    elif isinstance(node, Array):
        for item in node.items:
            yield from walk(item)


def plain(node: Node) -> JsonValue:
    """Return the value of `node` as new Python objects; of duplicate keys the first counts, as for the agent."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Array):
        return [plain(item) for item in node.items]
    value: dict[str, JsonValue] = {}
    for member in node.members:
        if member.key not in value:
            value[member.key] = plain(member.value)
    return value


def error_at(text: str, offset: int, problem: str, *, name: str) -> Json5Error:
    """Return the error for a `problem` at `offset` of `text`."""
    return Json5Error(name, problem, line_at(text, offset), offset - text.rfind("\n", 0, offset))


def line_at(text: str, offset: int) -> int:
    """Return the number of the line, from 1, that holds `offset`."""
    return text.count("\n", 0, offset) + 1


_TRIVIA = re.compile(r"(?:[ \t\n]++|(?:\r\n)++|//[^\r\n\u2028\u2029]*+|/\*.*?\*/)*+", re.DOTALL)
_BARE = re.compile(r"""[^\s{}\[\]:,"'`/\ufeff]+""")
_WORD = re.compile(r"(?:[A-Za-z0-9_-]|(?<=[A-Za-z0-9])\.)+")
_NUMBER = re.compile(
    r"-?(?:(?P<hex>0[xX][0-9A-Fa-f]+)|(?P<int>0|[1-9][0-9]*)(?P<float>(?:\.[0-9]*)?(?:[eE]-?[0-9]+)?))"
)
_WORDS = {
    "null": None,
    "true": True,
    "false": False,
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "NaN": float("nan"),
    "-NaN": float("nan"),
}
# All but the closing quote, so that a match ends where a broken string breaks.
_STRINGS = {
    quote: re.compile(rf"""{quote}(?:[^{quote}\\]++|\\(?:["'`/\\bfnrt]|u[0-9A-Fa-f]{{4}}))*+""")
    for quote in ('"', "'", "`")
}
_LONE_RETURN = "a carriage return stands without a newline, which the agent cannot read; end the lines with LF or CRLF."
_ESCAPE = re.compile(r"\\(?:u(....)|(.))")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# Beyond any double, which ends at 309 digits, and short of Python's limit on the digits of an int (4300).
_MAX_INT_LETTERS = 400

_BARE_PROBLEMS = (
    (r"[+]", "the agent cannot read a number with a plus sign; delete the sign."),
    (r"-?\.[0-9]", "the agent cannot read a number that starts with its point; write a 0 before the point."),
    (r"-?[0-9.]+[eE][+]", "the agent cannot read a plus sign in an exponent; delete the sign."),
    (r"#", "a # starts no comment in JSON5; write // instead."),
    (r"[\u2018-\u201f]", "a curly quote starts no string; write a straight quote on both sides."),
    (r"", "a text without quotes has ASCII letters, digits, points, _ and - only; put it in quotes."),
)


def _decode(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise Json5Error(
            name, f"it has {len(data)} bytes, and at most {MAX_BYTES} are read; check that it is the right file."
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        problem = f"the byte 0x{data[error.start]:02X} is not UTF-8; save the file as UTF-8."
        raise error_at(before, len(before), problem, name=name) from None
    if text.startswith("\ufeff"):
        problem = "a byte-order mark stands first, which the agent cannot read; save the file as UTF-8 without it."
        raise error_at(text, 0, problem, name=name)
    if (offset := text.find("\0")) >= 0:
        raise error_at(text, offset, "a NUL byte ends the file for the agent; delete it.", name=name)
    return text


class _Reader:
    """One pass over a text: `_at` is the offset of the next thing to read."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._at = 0
        self._long_string = 0  # where a string starts that goes on over a line end; 0 for none so far

    def document(self) -> Node | None:
        if not self._next():
            if self._at < len(self._text):
                self._refuse_stranger()
            return None
        root = self._value(1)
        if self._next():
            self._refuse_stranger()
            self._refuse(self._at, "something follows the end of the document; delete it.")
        return root

    def _next(self) -> str:
        """Skip whitespace and comments and return the character after them, "" at the end."""
        trivia = cast("re.Match[str]", _TRIVIA.match(self._text, self._at))  # it matches the empty text too
        self._at = trivia.end()
        return self._text[self._at : self._at + 1]

    def _value(self, depth: int) -> Node:
        first = self._text[self._at]
        if first in _STRINGS:
            start = self._at
            value = self._string(first)
            return Scalar(start, self._at, value)
        if first == "{":
            return self._object(depth)
        if first == "[":
            return self._array(depth)
        return self._bare_value()

    def _object(self, depth: int) -> Object:
        start = self._open(depth)
        members: list[Member] = []
        comma = self._commas()
        while (first := self._next()) != "}":
            if members and comma is None:
                self._refuse_after(start, "}", members[-1].value.end)
            key_start = self._at
            key = self._key(first, start)
            key_end = self._at
            if self._next() != ":":
                self._refuse_stranger()
                self._refuse(key_end, "a colon is missing after a key; add it.")
            self._at += 1
            if self._next() in ("", ",", "}", "]", ":"):
                self._refuse(self._at, "a value is missing after a colon; add it.")
            members.append(Member(key_start, key_end, key, self._value(depth + 1)))
            comma = self._commas()
        self._at += 1
        return Object(start, self._at, tuple(members), comma if members else None)

    def _array(self, depth: int) -> Array:
        start = self._open(depth)
        items: list[Node] = []
        comma = self._commas()
        while (first := self._next()) != "]":
            if items and comma is None:
                self._refuse_after(start, "]", items[-1].end)
            if first in ("", "}", ":"):
                self._refuse_in(start, "]", first)
            items.append(self._value(depth + 1))
            comma = self._commas()
        self._at += 1
        return Array(start, self._at, tuple(items))

    def _open(self, depth: int) -> int:
        if depth > MAX_DEPTH:
            self._refuse(self._at, f"objects and arrays nest more than {MAX_DEPTH} deep; flatten them.")
        self._at += 1
        return self._at - 1

    def _commas(self) -> int | None:
        """Skip commas, and what is between them; return where the last one stands."""
        comma = None
        while self._next() == ",":
            comma = self._at
            self._at += 1
        return comma

    def _key(self, first: str, opened: int) -> str:
        if first in _STRINGS:
            return self._string(first)
        bare = _BARE.match(self._text, self._at)
        if bare is None:
            self._refuse_in(opened, "}", first)
        key = bare[0]
        if not _WORD.fullmatch(key):
            if key.startswith("#"):
                self._refuse(self._at, "a # starts no comment in JSON5; write // instead.")
            self._refuse(
                self._at, "a key without quotes has ASCII letters, digits, points, _ and - only; put it in quotes."
            )
        self._end_bare(bare.end())
        return key

    def _bare_value(self) -> Scalar:
        start = self._at
        bare = _BARE.match(self._text, start)
        if bare is None:
            self._refuse_stranger()
            self._refuse(start, "a value is missing; add it.")
        word = bare[0]
        if word in _WORDS:
            value: bool | int | float | str | None = _WORDS[word]
        elif number := _NUMBER.fullmatch(word):
            value = _number(number)
        elif _WORD.fullmatch(word):
            value = word
        else:
            self._refuse(start, next(problem for pattern, problem in _BARE_PROBLEMS if re.match(pattern, word)))
        self._end_bare(bare.end())
        return Scalar(start, self._at, value)

    def _end_bare(self, end: int) -> None:
        # The agent ends a bare word at whitespace or a punctuator only: it reads `5// five` as more than 5.
        if self._text.startswith(("//", "/*"), end):
            self._refuse(end, "a comment touches the word before it, which the agent misreads; put a space before it.")
        self._at = end

    def _string(self, quote: str) -> str:
        start = self._at
        match = cast("re.Match[str]", _STRINGS[quote].match(self._text, start))  # it matches the quote alone too
        if not self._text.startswith(quote, match.end()):
            self._refuse(*self._string_problem(start, match.end()))
        self._at = match.end() + 1
        raw = match[0][1:]
        if "\n" in raw:
            self._long_string = start
        if "\\" not in raw:
            return raw
        value = _ESCAPE.sub(_unescape, raw)
        if "\0" in value:
            self._refuse(start, "the string holds \\u0000, where the agent ends it; delete the escape.")
        try:
            # Two \u escapes make one character outside the basic plane; one half alone is not a text.
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._refuse(start, "the string holds half of a surrogate pair; write the character itself.")

    def _string_problem(self, start: int, offset: int) -> tuple[int, str]:
        broken = self._text[offset : offset + 2]
        if not broken.startswith("\\") or broken == "\\":
            return start, "a string is not closed; add its closing quote."
        if broken[1] in "\r\n\u2028\u2029":
            return offset, "a string goes on over a line end after a backslash, which the agent cannot read; delete it."
        if broken[1] == "u":
            return offset, "a \\u escape needs four hexadecimal digits; write them, or the character itself."
        return offset, "the agent cannot read this escape; write the character, or \\u00XX for a control character."

    def _refuse_after(self, opened: int, closing: str, end: int) -> NoReturn:
        """Refuse what follows a member or an element that has no comma."""
        self._refuse_stranger()
        if (first := self._text[self._at : self._at + 1]) in ("", "}", "]"):
            self._refuse_in(opened, closing, first)
        kind = "members" if closing == "}" else "elements"
        self._refuse(end, f"a comma is missing between two {kind}; add it.")

    def _refuse_in(self, opened: int, closing: str, first: str) -> NoReturn:
        """Refuse `first` where a member, an element or the `closing` bracket must stand."""
        self._refuse_stranger()
        what = f"the {'object' if closing == '}' else 'array'} that line {line_at(self._text, opened)} opens"
        if first == "":
            self._refuse(self._at, f"{what} is not closed; add {closing}.")
        if first in "}]":
            self._refuse(self._at, f"{first} cannot close {what}; write {closing} or add the missing bracket.")
        self._refuse(
            self._at, f"a key is missing before {first}; add it." if first in ":{[" else "a key is missing; add it."
        )

    def _refuse_stranger(self) -> None:
        """Refuse the next character if it may stand in a string or a comment only."""
        if self._at == len(self._text):
            return
        stranger = self._text[self._at]
        if self._text.startswith("/*", self._at):
            self._refuse(self._at, "a comment is not closed; add */.")
        if stranger == "/":
            self._refuse(self._at, "a slash starts neither a comment nor a string; write // or put the text in quotes.")
        if stranger == "\r":
            self._refuse(self._at, _LONE_RETURN)
        if stranger in "\u2028\u2029":
            self._refuse(
                self._at, f"the agent does not take U+{ord(stranger):04X} for a line end; write a newline instead."
            )
        if stranger.isspace() or stranger == "\ufeff":
            self._refuse(
                self._at, f"the agent does not take U+{ord(stranger):04X} for whitespace; write a space instead."
            )

    def _refuse(self, offset: int, problem: str) -> NoReturn:
        if self._long_string:
            line = line_at(self._text, self._long_string)
            problem += f" (The string that starts on line {line} is longer than the line: see whether it is closed.)"
        raise error_at(self._text, offset, problem, name=self._name)


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPES.get(match[2], match[2])


def _number(number: re.Match[str]) -> int | float:
    text = number[0]
    if number["float"] or len(text) > _MAX_INT_LETTERS:
        # A hexadecimal number of that length is infinite too, and float() reads decimals only.
        return float(text) if number["int"] else float("-inf" if text.startswith("-") else "inf")
    return int(text, 16 if number["hex"] else 10)
