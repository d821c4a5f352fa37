# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scanner that says it is a keyboard types: Linux's input events, as text.

An event is a `struct input_event` of `linux/input.h`, and its codes are those of `linux/input-event-codes.h`. The
package evdev, which knows them as well, is on PyPI as source alone and would want a compiler and the kernel's headers
on each station, for the few lines below.
"""

from __future__ import annotations

import struct

_EVENT = struct.Struct("@LLHHi")
"""Seconds, microseconds, type, code, value: 24 bytes where a long has 64 bits, 16 where it has 32."""
_EV_SYN, _EV_KEY = 0, 1
_SYN_REPORT, _SYN_DROPPED = 0, 3
_RELEASED, _PRESSED = 0, 1
_SHIFTS = frozenset({42, 54})
_CAPS_LOCK = 58
LOST = b"\xff"
"""Stands where keys were lost: a byte that is in no text, so what has it says no ID."""

_ROWS = (
    # The code of the first key of a row of the US keyboard, and what its keys type without and with shift.
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (15, b"\tqwertyuiop[]\n", b"\tQWERTYUIOP{}\n"),
    (30, b"asdfghjkl;'`", b'ASDFGHJKL:"~'),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    # The keypad, which a scanner may use for digits, as with Num Lock.
    (55, b"*", b"*"),
    (57, b" ", b" "),
    (71, b"789-456+1230.", b"789-456+1230."),
    (96, b"\n", b"\n"),
    (98, b"/", b"/"),
)
_TYPED = {
    first + offset: (plain[offset : offset + 1], shifted[offset : offset + 1])
    for first, plain, shifted in _ROWS
    for offset in range(len(plain))
}


class KeyEvents:
    """The keys of one scanner: it holds what is pressed, and half an event at the most."""

    def __init__(self) -> None:
        self._rest = b""
        self._shifts: set[int] = set()
        self._capitals = False
        self._skipping = False

    def feed(self, data: bytes) -> bytes:
        """Return what the keys in `data`, events in the kernel's form, have typed; Enter is a newline."""
        data = self._rest + data
        whole = len(data) - len(data) % _EVENT.size
        self._rest = data[whole:]
        typed = bytearray()
        for _seconds, _microseconds, kind, code, value in _EVENT.iter_unpack(data[:whole]):
            if self._skipping:
                self._skipping = (kind, code) != (_EV_SYN, _SYN_REPORT)
            elif (kind, code) == (_EV_SYN, _SYN_DROPPED):
                # The kernel had no room for more, and what it gives up to the next report is no longer the truth.
                self._skipping = True
                self._shifts.clear()
                typed += LOST
            elif kind == _EV_KEY:
                typed += self._key(code, value)
        return bytes(typed)

    def _key(self, code: int, value: int) -> bytes:
        if code in _SHIFTS and value == _RELEASED:
            self._shifts.discard(code)
        if value != _PRESSED:  # a key that is held down repeats itself, and a scanner holds none to type twice
            return b""
        if code in _SHIFTS:
            self._shifts.add(code)
        elif code == _CAPS_LOCK:
            self._capitals = not self._capitals
        typed = _TYPED.get(code, (b"", b""))
        shifted = bool(self._shifts) != (self._capitals and typed[0].isalpha())
        return typed[shifted]
