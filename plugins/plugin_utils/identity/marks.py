# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which serials and MAC addresses identify a device, and which every board may have: one rule for all of us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PLACEHOLDERS = (
    *("To be filled by O.E.M.", "To be filled by OEM by default", "Default string", "Default", "Not defaulted"),
    *("System Serial Number", "Chassis Serial Number", "Base Board Serial Number", "Serial Number", "Serial", "SN"),
    *("Not Specified", "Not Applicable", "Not Available", "Not Provided", "Not Present", "Not Set", "Not defined"),
    *("unknown", "none", "null", "nil", "n/a", "undefined", "unset", "empty", "blank", "invalid", "OEM", "TBD"),
    *("placeholder", "dummy", "example", "sample", "deadbeef", "03000200-0400-0500-0006-000700080009"),
)
"""Serials that makers leave in, or that tools write where they find none; case, spaces and signs do not count."""

_MAC = re.compile(
    r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{12}"
)
_RUNS = tuple(
    run
    for digits in ("0123456789abcdef", "0123456789", "1234567890", "123456789", "abcdefghijklmnopqrstuvwxyz")
    for run in (digits * 4, digits[::-1] * 4)
)
_SHORTEST_RUN = 6
_SHORTEST_REPETITION = 4
_EMPTY = frozenset("0xf")
"""What fills a serial that nobody set, however short it is."""
_MULTICAST = 0x01


def normal_mac(text: str) -> str | None:
    """Return a MAC address as Linux writes it, whatever notation it came in; None for anything else."""
    lowered = text.strip().lower()
    if not _MAC.fullmatch(lowered):
        return None
    digits = _folded(lowered)
    return ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))


@dataclass(frozen=True, slots=True)
class IdentifyingMarks:
    """Which marks identify a device. `others` are more that do not, as `fold` has them: those of a jig, say."""

    others: frozenset[str] = frozenset()

    @classmethod
    def without(cls, values: Iterable[str]) -> IdentifyingMarks:
        """Return the rule by which `values`, as people write them, identify nothing either."""
        return cls(frozenset(map(_folded, values)) - {""})

    def has_serial(self, text: str) -> bool:
        """Whether the serial `text` can be that of one device alone."""
        folded = _folded(text)
        if not folded or folded in _KNOWN or folded in self.others:
            return False
        if len(set(folded)) == 1 and (len(folded) >= _SHORTEST_REPETITION or folded[0] in _EMPTY):
            return False
        return len(folded) < _SHORTEST_RUN or not any(folded in run for run in _RUNS)

    def has_mac(self, mac: str) -> bool:
        """Whether the address `mac`, in its normal form, can be that of one device alone: no group has it."""
        return not int(mac[:2], 16) & _MULTICAST and self.has_serial(mac)


ANY_MARKS = IdentifyingMarks()
"""The rule where nobody adds to it."""


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


_KNOWN = frozenset(map(_folded, PLACEHOLDERS))
