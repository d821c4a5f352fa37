# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random documents and edits, checked against the `json5` package, the bytes before, and a model of the agent.

`JSON5_EXAMPLES=20000 uv run pytest tests/unit/test_json5_properties.py` searches further, and elsewhere each time.
"""

from __future__ import annotations

import json
import os
import re

import json5
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.document import Json5Document
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.independent_reader import read_independently
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.reader import Json5Error
from ansible_collections.ioto.serialization.tests.unit.json5_agent_model import Agent, AgentRefusesError, same

EXAMPLES = os.environ.get("JSON5_EXAMPLES")
SETTINGS = settings(
    max_examples=int(EXAMPLES or 500),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

KEYS = ["id", "product", "services", "cloud", "serialize", "_x9", "two words", "größe", "a'b", 'a"b', ""]
BLANKS = ["", "", "", " ", "  ", "\t", "\n", "\n    ", "\n\t", "\n\n  "]
COMMENTS = [
    "// it's {a: 1}, \"\n",
    "//\n",
    "/**/",
    "/***/",
    "/* , } ] ' // */",
    "/* two\n   lines */",
    "// größe 📦\n  ",
    "/* id: 'X', */\n",
]
STRING_PARTS = ["a", "B7", " ", "ö", "📦", "\u2028", "//", "/*", "*/", "{", "}", ",", ":", "\t", "`"]
STRING_ESCAPES = ["\\n", "\\t", "\\\\", "\\/", "\\'", '\\"', "\\u0041", "\\u001f", "\\`", "\\b", "\\f", "\\r"]
BARE = [
    "true",
    "false",
    "null",
    "0",
    "-1",
    "42",
    "1.5",
    "2.",
    "1e3",
    "-2E-2",
    "0x1F",
    "-0Xab",
    "Infinity",
    "-Infinity",
    "NaN",
]
# What JSON5 allows, and the agent cannot read, or reads as something else.
WILD_BLANKS = ["\v", "\f", "\u00a0", "\ufeff", "\u2003", "\u2028", "// \u2028 \n", "/* \r */", "// \r\n"]
WILD_KEYS = ["$a", "größe", "\\u0069d", "a\u200db"]
WILD_STRING_PARTS = ["\\x41", "\\v", "\\0", "\\q", "\\\n", "\\\u2028", "\\u0000"]
WILD_BARE = ["+1", ".5", "-.5", "1e+5", "+Infinity", "+0x1F", "2.E+1"]
# Refused wherever they stand, though the agent reads them alike in some places.
AT_OUR_DISCRETION = ["a carriage return stands without a newline", "U+2028 for a line end"]
VALUES = st.one_of(
    st.sampled_from(["JT08FFQXWQ", "", "it's", 'say "x"', "tab\ttab\x07\x7f", "größe 📦 \u2028", "\\ // /* ` ${x}"]),
    st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs"]), max_size=6),
    st.sampled_from([None, True, False, 0, -7, 10**30, 1.5, -0.25, 1e16, 1e-7, 1.7e308]),
    st.sampled_from([{}, [], {"a": {"b-c": [1, {"d": None}]}}, [1, "x", []], {"x": "y", "größe": True}]),
)


class Text:
    """A text being written, with the span of each value that can be reached by keys."""

    def __init__(self, newline: str, wild: bool) -> None:
        self.newline = newline
        self.wild = wild
        self.parts: list[str] = []
        self.length = 0
        self.spans: dict[tuple[str, ...], tuple[int, int]] = {}

    def add(self, part: str) -> None:
        part = part.replace("\n", self.newline)
        # A comment that touches a bare word is refused; in a tame text it never does.
        if (
            not self.wild
            and part.startswith("/")
            and self.parts
            and (self.parts[-1][-1:].isalnum() or self.parts[-1][-1:] in "_.")
        ):
            part = " " + part
        if part:
            self.parts.append(part)
            self.length += len(part.encode())

    def __repr__(self) -> str:
        return repr(self.data)

    @property
    def data(self) -> bytes:
        return "".join(self.parts).encode()


@st.composite
def documents(draw: st.DrawFn, *, wild: bool = False) -> Text:
    text = Text(draw(st.sampled_from(["\n", "\n", "\r\n"])), wild)
    busy = draw(st.sampled_from([0, 1, 3]))
    trivia = st.sampled_from(BLANKS * 3 + COMMENTS * busy)
    tidy = not wild and draw(st.booleans())

    def seldom() -> bool:
        return wild and draw(st.integers(0, 19)) == 7

    def gap() -> None:
        if not tidy:
            text.add(draw(st.sampled_from(WILD_BLANKS) if seldom() else trivia))

    def string(content: str | None = None) -> None:
        quote = draw(st.sampled_from("'\""))
        if content is None:
            parts = draw(st.lists(st.sampled_from(WILD_STRING_PARTS), max_size=1)) if seldom() else []
            parts += draw(st.lists(st.sampled_from(STRING_PARTS + STRING_ESCAPES + ["'", '"']), max_size=3))
            text.add(quote + "".join("\\" + part if part == quote else part for part in parts) + quote)
        else:
            text.add(quote + content.replace(quote, "\\" + quote) + quote)

    def value(path: tuple[str, ...] | None, depth: int) -> None:
        start = text.length
        kind = draw(st.integers(0, 9))
        if kind < 4 and depth < 3:
            container("{}", path, depth)
        elif kind == 4 and depth < 3:
            container("[]", None, depth)
        elif kind < 7:
            string()
        else:
            text.add(draw(st.sampled_from(WILD_BARE if seldom() else BARE)))
        if path is not None:
            text.spans.setdefault(path, (start, text.length))

    def container(brackets: str, path: tuple[str, ...] | None, depth: int) -> None:
        # Tidy ones look as a person writes them; the others have anything anywhere.
        lines = tidy and draw(st.booleans())
        text.add(brackets[0])
        count = draw(st.integers(0, 3))
        for index in range(count):
            text.add("\n" + "  " * depth if lines else "")
            gap()
            here = None
            if brackets == "{}":
                key = draw(st.sampled_from(KEYS))
                here = None if path is None else (*path, key)
                if seldom():
                    text.add(draw(st.sampled_from(WILD_KEYS)))
                elif key.isascii() and key.isidentifier() and draw(st.booleans()):
                    text.add(key)
                else:
                    string(key)
                gap()
                text.add(":")
                text.add(" " if tidy else "")
                gap()
            value(here, depth + 1)
            gap()
            if index < count - 1 or draw(st.booleans()):
                text.add(",")
            if tidy and draw(st.integers(0, 3)) == 0:
                text.add(" // note\n" if lines else " /* note */ ")
        gap()
        text.add("\n" + "  " * (depth - 1) if lines else "")
        text.add(brackets[1])

    gap()
    container("{}", (), 1)
    gap()
    return text


class Members(dict):
    """An object with the keys that it has twice."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__()
        self.repeated = set()
        for key, value in pairs:
            if key in self:
                self.repeated.add(key)
            else:
                self[key] = value


def by_json5(data: bytes) -> object:
    """Read as the json5 package does, but of duplicate keys the first, as the agent."""
    return json5.loads(data.decode(), object_pairs_hook=Members)


def can_set(whole: object, path: list[str]) -> bool:
    for key in path:
        if not isinstance(whole, Members) or key in whole.repeated:
            return False
        if key not in whole:
            return True
        whole = whole[key]
    return True


def edited(whole: dict, path: list[str], value: object) -> dict:
    whole = json.loads(json.dumps(whole))
    parent = whole
    for key in path[:-1]:
        parent = parent.setdefault(key, {})
    parent[path[-1]] = value
    return whole


def common_start(left: bytes, right: bytes) -> int:
    return next(
        (index for index, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]),
        min(len(left), len(right)),
    )


def is_insertion(old: bytes, new: bytes) -> bool:
    """Say whether `new` is `old` with something put in at one place, and perhaps a comma at a place before it."""
    before = common_start(old, new)
    after = min(common_start(old[::-1], new[::-1]), len(old) - before)
    between = old[before : len(old) - after]
    return len(new) > len(old) and (not between or new[before:].startswith(b"," + between))


@SETTINGS
@given(
    document=documents(),
    path=st.lists(st.sampled_from(KEYS), min_size=1, max_size=3),
    value=VALUES,
    known=st.booleans(),
    data=st.data(),
)
def test_an_edit_changes_the_value_and_no_other_byte(document, path, value, known, data):
    if known and document.spans:
        path = list(data.draw(st.sampled_from(sorted(document.spans))))
    old = document.data
    before = by_json5(old)
    parsed = Json5Document.parse(old, name="device.json5")
    assert json.dumps(parsed.value) == json.dumps(before)

    if not path or not can_set(before, path):
        event("refused")
        with pytest.raises((Json5Error, TypeError)):
            parsed.set(path, value)
        return
    new = parsed.set(path, value).data

    assert json.dumps(by_json5(new)) == json.dumps(edited(before, path, value))
    assert json.dumps(read_independently(new.decode())) == json.dumps(json5.loads(new.decode()))
    assert same(Agent(new).read(), edited(before, path, value))
    if new == old:
        event("had the value")
    elif tuple(path) in document.spans:
        event("replaced")
        start, end = document.spans[tuple(path)]
        assert new.startswith(old[:start])
        assert new.endswith(old[end:])
        assert len(new) >= start + len(old) - end
    else:
        event("added")
        assert is_insertion(old, new)
    assert Json5Document.parse(new, name="device.json5").set(path, value).data == new


MUTATIONS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 1),
        st.sampled_from([*"{}[]:,'\"`/\\*+-.0e1xu$_ab#\t\v \r\n", "", "é", "//", "/*", "*/", ",,", "\r\n", "\u2028"]),
    ),
    min_size=1,
    max_size=2,
)


def mutated(text: str, mutations: list[tuple[float, int, str]]) -> str:
    for where, cut, new in mutations:
        at = int(where * (len(text) + 1))
        text = text[:at] + new + text[at + cut :]
    return text


@SETTINGS
@given(document=documents(wild=True), mutations=MUTATIONS | st.just([]))
def test_a_text_is_read_as_the_agent_reads_it_or_not_at_all(document, mutations):
    text = mutated(document.data.decode(), mutations)
    try:
        expected = by_json5(text.encode())
    except ValueError:
        event("no JSON5")
        # Beyond JSON5, what is read is what the agent reads.
        assert is_refused(text) or has_comments_only(text) or agent_agrees(text, read_by_us(text))
        return
    try:
        parsed = Json5Document.parse(text.encode(), name="device.json5")
    except Json5Error as error:
        event("JSON5, but not for the agent")
        assert not agent_agrees(text, expected) or any(reason in str(error) for reason in AT_OUR_DISCRETION)
        return
    event("read")
    assert json.dumps(parsed.value) == json.dumps(expected)
    assert agent_agrees(text, expected)


def has_comments_only(text: str) -> bool:
    return not re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip()


def read_by_us(text: str) -> object:
    return Json5Document.parse(text.encode(), name="device.json5").value


def is_refused(text: str) -> bool:
    try:
        Json5Document.parse(text.encode(), name="device.json5")
    except Json5Error:
        return True
    return False


def agent_agrees(text: str, value: object) -> bool:
    try:
        return same(Agent(text.encode()).read(), value)
    except AgentRefusesError:
        return False
