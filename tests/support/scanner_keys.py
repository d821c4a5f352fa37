# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The input events of a scanner that types, as the kernel gives them, for the keyboard layout that it is set to."""

from __future__ import annotations

import struct

EVENT = struct.Struct("@LLHHi")
EV_SYN, EV_KEY, EV_MSC = 0, 1, 4
SYN_REPORT, SYN_DROPPED, MSC_SCAN = 0, 3, 4
KEY_ENTER, KEY_LEFTSHIFT = 28, 42
RELEASED, PRESSED, HELD = 0, 1, 2

_US = {
    "1234567890-=": (2, False),
    "!@#$%^&*()_+": (2, True),
    "qwertyuiop[]": (16, False),
    "QWERTYUIOP{}": (16, True),
    "asdfghjkl;'`": (30, False),
    'ASDFGHJKL:"~': (30, True),
    "\\zxcvbnm,./": (43, False),
    "|ZXCVBNM<>?": (43, True),
    " ": (57, False),
}
US = {sign: (first + at, shift) for row, (first, shift) in _US.items() for at, sign in enumerate(row)}
"""The key of each sign on the US keyboard, and whether shift is held."""
GERMAN = US | {
    **{sign: US[other] for sign, other in zip("yzYZ", "zyZY", strict=True)},
    **{sign: US[other] for sign, other in zip("-_/:?=&", "/?&>_)^", strict=True)},
}
"""Of the German one, as far as labels have such signs."""


def event(kind: int, code: int, value: int) -> bytes:
    """One event; its time is some time."""
    return EVENT.pack(1_790_000_000, 5, kind, code, value)


def key(code: int, *values: int) -> bytes:
    """A key that is pressed and released, or has what `values` say, each with what the kernel sends around it."""
    report = event(EV_SYN, SYN_REPORT, 0)
    parts = [event(EV_MSC, MSC_SCAN, 0x70000 + code) + event(EV_KEY, code, value) for value in values or (1, 0)]
    return b"".join(part + report for part in parts)


def typed(text: str, layout: dict[str, tuple[int, bool]] = US, end: int | None = KEY_ENTER) -> bytes:
    """The events of a scanner that types `text`, and Enter."""
    events = b""
    for sign in text:
        code, shift = layout[sign]
        events += key(KEY_LEFTSHIFT, PRESSED) + key(code) + key(KEY_LEFTSHIFT, RELEASED) if shift else key(code)
    return events + (key(end) if end else b"")
