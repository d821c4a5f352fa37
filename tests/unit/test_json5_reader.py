# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read as JSON5, what is refused, and where the messages point."""

from __future__ import annotations

import math

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.document import Json5Document
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.independent_reader import read_independently
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.reader import Json5Error
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.second_opinion import seek_second_opinion
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.standard_text import in_json5


def read(text: str | bytes) -> object:
    data = text if isinstance(text, bytes) else text.encode()
    return Json5Document.parse(data, name="device.json5").value


def refusal(text: str | bytes) -> Json5Error:
    with pytest.raises(Json5Error) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ("[]", []),
        ("{a: {b: [1, 'x', {c: null}]}}", {"a": {"b": [1, "x", {"c": None}]}}),
        ("{a: 1, b: 2,}", {"a": 1, "b": 2}),
        ("[1, 2,]", [1, 2]),
        ("{\"a b\": 1, 'c-d': 2, _e9: 3}", {"a b": 1, "c-d": 2, "_e9": 3}),
        ("{while: 1, null: 2, NaN: 3, Infinity: 4}", {"while": 1, "null": 2, "NaN": 3, "Infinity": 4}),
        ("{'größe': 1, '': 2}", {"größe": 1, "": 2}),
        ("true", True),
        ("'alone'", "alone"),
        (" \t\r\n[\r\n]\n", []),
    ],
)
def test_objects_arrays_and_keys_of_every_kind_are_read(text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("42", 42),
        ("-7", -7),
        ("1.5", 1.5),
        ("2.", 2.0),
        ("2.e3", 2000.0),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("-0.0", 0.0),
        ("0x1F", 31),
        ("-0XaB", -171),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ("1e999999", math.inf),
        ("9" * 300, int("9" * 300)),
        ("9" * 100_000, math.inf),
        ("-0x" + "f" * 100_000, -math.inf),
    ],
)
def test_numbers_are_read_also_in_hexadecimal_and_however_long(text, value):
    number = read(text)
    assert number == value
    assert type(number) is type(value)


@pytest.mark.parametrize("text", ["NaN", "-NaN"])
def test_nan_is_read_with_either_sign(text):
    assert math.isnan(read(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it\\'s \"so\"'", 'it\'s "so"'),
        ('"it\'s \\"so\\""', 'it\'s "so"'),
        (r"'\b\f\n\r\t\\\/\`'", "\b\f\n\r\t\\/`"),
        (r"'\u0041\u00e9\u0007'", "Aé\a"),
        (r"'\uD83D\uDCE6'", "📦"),
        ("'größe 📦'", "größe 📦"),
        ("'tab\there'", "tab\there"),
        ("'\u2028\u2029\ufeff\u00a0'", "\u2028\u2029\ufeff\u00a0"),
        ("'// no /* comment */'", "// no /* comment */"),
        ("''", ""),
    ],
)
def test_strings_are_read_in_both_quotes_with_the_escapes_of_the_agent(text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "// first\n{a: 1}",
        "{a: 1} // last",
        "{a: 1}\r\n// last\r\n",
        "/* first */ {a: 1} /* last */",
        "{/**/a /***/: /* * / ** */1, /*\n//\n*/}",
        "{// {b: 2}\na: // '\n 1 // \"\n}",
        "{'a'/* touches a quote */:1}",
    ],
)
def test_comments_stand_anywhere_between_the_parts(text):
    assert read(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "\n", " \t\r\n", "// nothing yet", "/* nothing\n yet */\n"])
def test_a_blank_document_reads_as_an_empty_object(text):
    assert read(text) == {}


def test_of_duplicate_keys_the_first_counts_as_for_the_agent():
    assert read("{a: 1, b: {c: 1, c: 2}, a: 3}") == {"a": 1, "b": {"c": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: 'x\ny'}", {"a": "x\ny"}),
        ("{a: 'x\r\ny', b: \"\r\"}", {"a": "x\r\ny", "b": "\r"}),
        ('{a: `it\'s "x"`}', {"a": 'it\'s "x"'}),
        ("{a: JT08FFQXWQ, b: he-l.lo_9}", {"a": "JT08FFQXWQ", "b": "he-l.lo_9"}),
        ("[True, undefined, 01, 1.2.3, 0x, 1e, -]", ["True", "undefined", "01", "1.2.3", "0x", "1e", "-"]),
        ("{a-b: 1, 9a: 2, x.y: 3}", {"a-b": 1, "9a": 2, "x.y": 3}),
        ("{, a: 1,, b: [,1,,2,,],, }", {"a": 1, "b": [1, 2]}),
        ("{,}", {}),
    ],
)
def test_what_the_agent_reads_beyond_json5_is_read_and_so_by_another_reader(text, value):
    assert read(text) == value
    assert read_independently(in_json5(text)) == value


def test_blanks_and_comments_behind_a_word_take_no_longer_than_they_are():
    # Parted in every way, forty of them would take weeks.
    gap = " " * 40 + "// one\n" + "\t" * 40 + "/* two */ " * 20
    assert read_independently(in_json5(f"{{ mode: dev{gap}}}")) == {"mode": "dev"}
    assert read_independently(in_json5(f"{{ mode{gap}: dev }}")) == {"mode": "dev"}


def test_an_edit_of_a_document_beyond_json5_leaves_the_rest_and_has_its_second_opinion():
    old = "{ name: `it's`, note: 'one\ntwo',, model: pump }"
    before = Json5Document.parse(old.encode(), name="device.json5")

    after = before.set(("id",), "JT08FFQXWQ")

    seek_second_opinion(before, after, {"id": "JT08FFQXWQ"})
    assert after.data.decode() == old.replace("pump", "pump, id: 'JT08FFQXWQ'")


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        # The structure.
        ("{\n  a: 'x'\n  b: 2\n}", 2, 9, "a comma is missing between two members; add it."),
        ("[1 2]", 1, 3, "a comma is missing between two elements; add it."),
        ("{a 1}", 1, 3, "a colon is missing after a key; add it."),
        ("{'a'}", 1, 5, "a colon is missing after a key; add it."),
        ("{a:}", 1, 4, "a value is missing after a colon; add it."),
        ("{a: , b: 1}", 1, 5, "a value is missing after a colon; add it."),
        ("{a:: 1}", 1, 4, "a value is missing after a colon; add it."),
        ("{: 1}", 1, 2, "a key is missing before :; add it."),
        ("{[1]}", 1, 2, "a key is missing before [; add it."),
        ("{\na: [1,\n", 3, 1, "the array that line 2 opens is not closed; add ]."),
        ("{\na: 1", 2, 5, "the object that line 1 opens is not closed; add }."),
        ("{", 1, 2, "the object that line 1 opens is not closed; add }."),
        ("{a: [1}", 1, 7, "} cannot close the array that line 1 opens; write ] or add the missing bracket."),
        ("[{a: 1]", 1, 7, "] cannot close the object that line 1 opens; write } or add the missing bracket."),
        ("{}}", 1, 3, "something follows the end of the document; delete it."),
        ("{} {}", 1, 4, "something follows the end of the document; delete it."),
        ("1 2", 1, 3, "something follows the end of the document; delete it."),
        ("}", 1, 1, "a value is missing; add it."),
        # Comments.
        ("{} /* no end", 1, 4, "a comment is not closed; add */."),
        ("{a: 1 /* no end\n}", 1, 7, "a comment is not closed; add */."),
        ("/*/", 1, 1, "a comment is not closed; add */."),
        ("{a: /x/}", 1, 5, "a slash starts neither a comment nor a string; write // or put the text in quotes."),
        ("# first\n{}", 1, 1, "a # starts no comment in JSON5; write // instead."),
        ("{\n  # first\n}", 2, 3, "a # starts no comment in JSON5; write // instead."),
        # Strings.
        ("{a: 'x}", 1, 5, "a string is not closed; add its closing quote."),
        ("{a: 'x\n}\n", 1, 5, "a string is not closed; add its closing quote."),
        ("'\\", 1, 1, "a string is not closed; add its closing quote."),
        (
            "{\n  a: 'x,\n  b: 'y',\n}",
            3,
            7,
            "a comma is missing between two members; add it. "
            "(The string that starts on line 2 is longer than the line: see whether it is closed.)",
        ),
        ("'\\u12'", 1, 2, "a \\u escape needs four hexadecimal digits; write them, or the character itself."),
        ("'\\ud800'", 1, 1, "the string holds half of a surrogate pair; write the character itself."),
        ("{a: \u2018x\u2019}", 1, 5, "a curly quote starts no string; write a straight quote on both sides."),
        # Bare words.
        ("{a: x$y}", 1, 5, "a text without quotes has ASCII letters, digits, points, _ and - only; put it in quotes."),
        ("{a: x..y}", 1, 5, "a text without quotes has ASCII letters, digits, points, _ and - only; put it in quotes."),
        ("{a b: 1}", 1, 3, "a colon is missing after a key; add it."),
    ],
)
def test_a_text_that_is_no_json5_is_refused_with_its_place_and_a_remedy(text, line, column, says):
    error = refusal(text)
    assert str(error) == f"device.json5 on line {line}, column {column}: {says}"
    assert (error.name, error.line, error.column) == ("device.json5", line, column)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("\ufeff{}", 1, 1, "a byte-order mark stands first, which the agent cannot read"),
        ("{a: +1}", 1, 5, "the agent cannot read a number with a plus sign"),
        ("{a: +Infinity}", 1, 5, "the agent cannot read a number with a plus sign"),
        ("{a: .5}", 1, 5, "the agent cannot read a number that starts with its point"),
        ("{a: -.5}", 1, 5, "the agent cannot read a number that starts with its point"),
        ("{a: 1e+5}", 1, 5, "the agent cannot read a plus sign in an exponent"),
        ("{a: 1,\rb: 2}", 1, 7, "a carriage return stands without a newline, which the agent cannot read"),
        ("{a: 'x\\\ny'}", 1, 7, "a string goes on over a line end after a backslash, which the agent cannot read"),
        ("{a: 'x\\\u2028y'}", 1, 7, "a string goes on over a line end after a backslash, which the agent cannot read"),
        ("{$a: 1}", 1, 2, "a key without quotes has ASCII letters, digits, points, _ and - only"),
        ("{größe: 1}", 1, 2, "a key without quotes has ASCII letters, digits, points, _ and - only"),
        ("{\\u0061: 1}", 1, 2, "a key without quotes has ASCII letters, digits, points, _ and - only"),
        ("{a: '\\x41'}", 1, 6, "the agent cannot read this escape"),
        ("{a: 'ab\\v'}", 1, 8, "the agent cannot read this escape"),
        ("{a: '\\0'}", 1, 6, "the agent cannot read this escape"),
        ("{a: '\\q'}", 1, 6, "the agent cannot read this escape"),
        ("{a: 'x\\u0000y'}", 1, 5, "the string holds \\u0000, where the agent ends it"),
        ("{a:\u00a01}", 1, 4, "the agent does not take U+00A0 for whitespace"),
        ("{\v}", 1, 2, "the agent does not take U+000B for whitespace"),
        ("{}\u3000", 1, 3, "the agent does not take U+3000 for whitespace"),
        ("{\n} \ufeff", 2, 3, "the agent does not take U+FEFF for whitespace"),
        ("{// a\u2028}", 1, 6, "the agent does not take U+2028 for a line end"),
        ("{a: 5// five\n}", 1, 6, "a comment touches the word before it, which the agent misreads"),
        ("{a/* key */: 5}", 1, 3, "a comment touches the word before it, which the agent misreads"),
    ],
)
def test_json5_that_the_agent_cannot_read_is_refused_as_such(text, line, column, says):
    error = refusal(text)
    assert str(error).startswith(f"device.json5 on line {line}, column {column}: {says}")


def test_what_is_not_utf_8_is_refused_with_its_place():
    assert str(refusal("{\n  name: 'Größe', city: '".encode() + b"M\xfcnster'}")) == (
        "device.json5 on line 2, column 26: the byte 0xFC is not UTF-8; save the file as UTF-8."
    )
    assert "0xFF is not UTF-8" in str(refusal("{}".encode("utf-16")))


def test_a_nul_is_refused_even_in_a_comment():
    assert (
        str(refusal("{}\n// \0"))
        == "device.json5 on line 2, column 4: a NUL byte ends the file for the agent; delete it."
    )


def test_columns_count_characters_and_not_bytes():
    assert refusal("{'größe📦': #}").column == 12


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_read_to_64_levels_and_refused_beyond(brackets):
    opening = brackets[0] + ("a:" if brackets == "{}" else "")

    assert read(opening * 63 + brackets + brackets[1] * 63)
    assert "nest more than 64 deep" in str(refusal(opening * 64 + brackets + brackets[1] * 64))
    assert "nest more than 64 deep" in str(refusal(opening * 200_000))


def test_a_file_beyond_one_mebibyte_is_refused():
    assert read("{}" + " " * ((1 << 20) - 2)) == {}
    error = refusal("{}" + " " * ((1 << 20) - 1))
    assert str(error).startswith("device.json5: it has 1048577 bytes, and at most 1048576 are read")
    assert error.line is None


@pytest.mark.parametrize(
    "hostile", ["/*" * 300_000, "'" + "\\n" * 300_000, "{" + "//\n" * 300_000, "[" * 500_000, "1" * 900_000]
)
def test_hostile_texts_of_a_mebibyte_are_read_in_linear_time(hostile):
    # A quadratic reader would need minutes; the hundredth of it that a linear one takes is not measured here.
    try:
        read(hostile)
    except Json5Error:
        return
    assert hostile.startswith("1")


def test_no_message_repeats_a_value():
    for text in ("{id: JT08$FFQXWQ}", "{id: 'JT08FFQXWQ}", "{id: 'JT08FFQXWQ' JT08FFQXWQ: 1}", "{id: JT08FFQXWQ"):
        assert "JT08FFQXWQ" not in str(refusal(text))
    assert "JT08FFQXWQ" not in repr(Json5Document.parse(b"{id: 'JT08FFQXWQ'}", name="device.json5"))
