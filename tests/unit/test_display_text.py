# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and times as people see them: letters as they are, nothing that is hidden, the clock on their wall."""

from __future__ import annotations

import ast
import json
import shlex
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.display_text import (
    local_time,
    meant_by,
    printable,
    quoted,
    url_origin,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.progress.model import clean

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
LETTERS = "Wärmepumpe 30, 热泵, тепловой насос, مضخة, ポンプ, हीट"
HIDDEN = (
    "\x00\x07\x1b\x7f\x85\xad\u034f\u061c\u115f\u180e\u200b\u200d\u200f\u202e"
    "\u2060\u2066\u2800\u3164\ufe0f\ufeff\uffa0\ud800\U000e0041\U000e0100"
)


def test_letters_of_any_script_are_shown_as_they_are() -> None:
    assert printable(LETTERS) == LETTERS
    assert quoted(LETTERS) == f"'{LETTERS}'"
    assert clean(LETTERS) == LETTERS


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda character: f"U+{ord(character):04X}")
def test_what_nobody_sees_is_a_space_in_a_line_and_an_escape_in_quotes(hidden: str) -> None:
    assert printable(f"P-{hidden}1") == "P- 1"
    shown = quoted(f"P-{hidden}1")
    assert hidden not in shown and shown.startswith("'P-\\")
    assert hidden not in clean(f"P-{hidden}1")


@given(st.text())
def test_nothing_shown_steers_a_terminal_or_turns_the_text(text: str) -> None:
    for shown in (printable(text), quoted(text)):
        assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_nobody_escapes_letters_for_a_message() -> None:
    """`quoted` is the one home: `!a` and `ascii` show a name in Chinese as code points, `!r` shows what hides."""
    assert list(escaping()) == []


def escaping() -> Iterator[str]:
    for path in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_conversion = isinstance(node, ast.FormattedValue) and node.conversion == ord("a")
            if is_conversion or (isinstance(node, ast.Name) and node.id == "ascii"):
                yield f"{path.relative_to(PLUGINS)}:{node.lineno}"


@pytest.mark.parametrize("value", ["SN-1", "Wärmepumpe 30", "热泵", "it's", 'say "no"', "$(date)"])
def test_what_has_to_be_typed_reaches_ansible_as_it_is_shown(value: str) -> None:
    said = shlex.split(meant_by("ioto_accept_product", value).split("with ", 1)[1])[1]
    given = dict([said.split("=", 1)]) if said.startswith("ioto") else json.loads(said)
    assert given == {"ioto_accept_product": value}
    assert "\\u" not in said


def test_a_time_is_that_of_the_readers_clock_with_the_offset_it_had_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert local_time(datetime(2026, 11, 27, 9, 0, tzinfo=UTC)) == "2026-11-27 10:00:00 +01:00"
        assert local_time(datetime(2026, 7, 1, 9, 0, tzinfo=UTC)) == "2026-07-01 11:00:00 +02:00"
        assert local_time(datetime(9999, 12, 31, 23, 30, tzinfo=UTC)) == "9999-12-31 23:30:00 +00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://user:word@[2001:db8::7]:1234/secret?key=x", "http://[2001:db8::7]:1234"),
        ("https://[::1]/secret", "https://[::1]"),
        ("https://station.example:8443/secret", "https://station.example:8443"),
        ("http://192.0.2.1", "http://192.0.2.1"),
        ("http://[::1", "a malformed URL"),
    ],
)
def test_of_a_url_its_origin_is_shown_as_it_can_be_typed(url: str, origin: str) -> None:
    assert url_origin(url) == origin
