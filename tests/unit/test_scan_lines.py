# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scanner sends becomes scans; a broken or hostile one decides neither how long we wait nor how much we keep."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner.key_events import (
    _TYPED,
    KeyEvents,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner.scan_lines import (
    MOST_A_SECOND,
    PAUSE_SECONDS,
    WHOLE_SECONDS,
    ScanLines,
    SpoiltScan,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner.scanner_address import (
    ScannerAddress,
    ScannerAddressError,
    parse_scanner_address,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import MAX_SCAN_LENGTH
from tests.support import scanner_keys as keys

HEADER = Path("/usr/include/linux/input-event-codes.h")
NAMES = {
    **{"-": "MINUS", "=": "EQUAL", "[": "LEFTBRACE", "]": "RIGHTBRACE", ";": "SEMICOLON", "'": "APOSTROPHE"},
    **{"`": "GRAVE", "\\": "BACKSLASH", ",": "COMMA", ".": "DOT", "/": "SLASH", " ": "SPACE", "\n": "ENTER"},
    **{"\t": "TAB", "+": "PLUS", "*": "ASTERISK"},
}


def fed(lines: ScanLines, *pieces: tuple[float, bytes]) -> list[str | SpoiltScan]:
    return [scan for at, data in pieces for scan in lines.feed(data, at)]


def test_every_key_is_the_one_that_the_kernel_calls_so() -> None:
    if not HEADER.exists():
        pytest.skip("there is no linux/input-event-codes.h (Debian: linux-libc-dev)")
    codes = {name: int(code) for name, code in re.findall(r"^#define KEY_(\w+)\s+(\d+)\b", HEADER.read_text(), re.M)}
    for code, (plain, _shifted) in _TYPED.items():
        name = NAMES.get(plain.decode(), plain.decode().upper())
        assert code in {codes.get(name), codes.get(f"KP{name}")}, (code, name)


@given(st.text(st.sampled_from(sorted(keys.US)), max_size=40), st.lists(st.integers(1, 100), max_size=20))
def test_what_is_typed_is_read_however_the_events_are_cut(text: str, cuts: list[int]) -> None:
    data, decoder, got = keys.typed(text), KeyEvents(), b""
    for size in itertools.chain(cuts, [len(data)]):
        got += decoder.feed(data[:size])
        data = data[size:]
    assert got.decode() == text + "\n"


@given(st.binary(max_size=600))
def test_no_events_whatever_they_are_make_an_error(data: bytes) -> None:
    decoder = KeyEvents()
    decoder.feed(data)
    assert len(decoder.feed(b"")) == 0


def test_a_key_that_is_held_types_once_and_caps_lock_is_for_letters_alone() -> None:
    decoder = KeyEvents()
    a, one, caps = 30, 2, 58
    assert decoder.feed(keys.key(a, keys.PRESSED, keys.HELD, keys.HELD, keys.RELEASED)) == b"a"
    assert decoder.feed(keys.key(caps) + keys.key(a) + keys.key(one)) == b"A1"
    assert decoder.feed(keys.typed("A", end=None)) == b"a"  # shift undoes it
    assert decoder.feed(keys.key(caps) + keys.key(a)) == b"a"


def test_a_scan_that_lost_keys_in_the_kernel_is_no_id() -> None:
    """A full buffer of the kernel: it says so, and drops what it had."""
    dropped = keys.event(keys.EV_SYN, keys.SYN_DROPPED, 0) + keys.key(30)
    (scan,) = fed(ScanLines(), (0, KeyEvents().feed(keys.typed("JT08", end=None) + dropped + keys.typed("FFQXWQ"))))
    assert isinstance(scan, str)
    assert "\ufffd" in scan


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=30), max_size=9),
       st.sampled_from([b"\n", b"\r", b"\r\n"]), st.lists(st.integers(1, 50), max_size=20))  # fmt: skip
def test_scans_are_read_whole_with_each_end_and_however_they_are_cut(
    scans: list[str], end: bytes, cuts: list[int]
) -> None:
    data, lines, got = b"".join(scan.encode() + end for scan in scans), ScanLines(), list[str | SpoiltScan]()
    for at, size in enumerate([*cuts, len(data)]):
        got += lines.feed(data[:size], at / 1000)
        data = data[size:]
    assert got == scans
    assert lines.deadline is None


def test_a_half_is_never_taken_nor_its_other_half() -> None:
    """Each half of an ID of 20 characters looks like one of 10."""
    lines = ScanLines()
    assert fed(lines, (0.0, b"0123456789")) == []
    assert lines.deadline == PAUSE_SECONDS
    assert lines.expire(PAUSE_SECONDS - 0.1) is None
    told = lines.expire(PAUSE_SECONDS)
    assert told is not None
    assert "has no end" in told.sentence
    assert lines.deadline is None

    (second,) = fed(lines, (3.0, b"ABCDEFGHJK\r\n"))
    assert isinstance(second, SpoiltScan)
    assert fed(lines, (5.0, b"0123456789ABCDEFGHJK\r\n")) == ["0123456789ABCDEFGHJK"]


def test_a_scanner_that_sends_no_end_is_told_with_each_scan() -> None:
    lines = ScanLines()
    for at in (0.0, 10.0, 20.0):
        assert fed(lines, (at, b"JT08FFQXWQ")) == []
        assert isinstance(lines.expire(at + PAUSE_SECONDS), SpoiltScan)


def test_what_was_unplugged_in_a_scan_begins_afresh() -> None:
    lines = ScanLines()
    fed(lines, (0.0, b"JT08F"))
    lines.forget()
    assert fed(lines, (0.5, b"FQXWQ12345\n")) == ["FQXWQ12345"]


def test_a_scan_that_trickles_for_ever_is_given_up_once() -> None:
    lines, told = ScanLines(), list[str | SpoiltScan]()
    for tenths in range(0, 600, 5):
        told += fed(lines, (tenths / 10, b"A"))
    assert len(told) == 1


def test_a_flood_without_an_end_is_told_once_and_not_kept() -> None:
    lines, told = ScanLines(), list[str | SpoiltScan]()
    for piece in range(2000):
        told += fed(lines, (piece / 10_000, b"A" * 4096))
        assert len(lines._kept) <= MAX_SCAN_LENGTH
    assert [type(scan) for scan in told] == [SpoiltScan]
    assert fed(lines, (0.3, b"\nJT08FFQXWQ\n")) == ["JT08FFQXWQ"]


def test_a_flood_of_scans_is_cut_to_what_a_person_can_scan() -> None:
    got = fed(ScanLines(), (0.0, b"A\n" * 5000), (0.9, b"A\n" * 5000), (1.5, b"B\n"))
    assert [scan if isinstance(scan, str) else "told" for scan in got] == ["A"] * MOST_A_SECOND + ["told", "B"]


@given(st.lists(st.tuples(st.floats(0, 3), st.binary(max_size=300)), max_size=40))
def test_whatever_comes_is_kept_within_limits(pieces: list[tuple[float, bytes]]) -> None:
    lines, now = ScanLines(), 0.0
    for pause, data in pieces:
        if (deadline := lines.deadline) is not None:
            assert deadline <= now + WHOLE_SECONDS
        now += pause
        for scan in lines.feed(data, now):
            assert isinstance(scan, SpoiltScan) or 0 < len(scan) <= MAX_SCAN_LENGTH
    lines.expire(now + WHOLE_SECONDS)
    assert lines.deadline is None
    assert not lines._kept


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("keyboard:/dev/input/by-id/usb-A:C-kbd", ScannerAddress("keyboard", "/dev/input/by-id/usb-A:C-kbd")),
        ("serial:/dev/ttyACM0", ScannerAddress("serial", "/dev/ttyACM0", 9600)),
        ("serial:/dev/ttyUSB0:115200", ScannerAddress("serial", "/dev/ttyUSB0", 115200)),
        ("tcp:scanner-1.example:9004", ScannerAddress("tcp", "scanner-1.example", 9004)),
        ("tcp://192.0.2.7:9004", ScannerAddress("tcp", "192.0.2.7", 9004)),
        ("tcp:[2001:db8::7]:9004", ScannerAddress("tcp", "2001:db8::7", 9004)),
    ],
)  # fmt: skip
def test_an_address_is_read_and_written_as_it_was(text: str, address: ScannerAddress) -> None:
    assert parse_scanner_address(text) == address
    assert parse_scanner_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "keyboard", "keyboard:input", "serial:ttyUSB0", "serial:/dev/ttyS0:1", "tcp:a", "tcp:a:0", "tcp:a:70000",
     "usb:/dev/x", "keyboard:/dev/\0", "tcp:a b:1", "tcp:::1:2"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ScannerAddressError, match=r"is nowhere; write keyboard:/dev/input/.*tcp:HOST:PORT\.$"):
        parse_scanner_address(text)
