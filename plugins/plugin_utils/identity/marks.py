# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which serials and MAC addresses identify a device, and which every board may have: one rule for all of us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ..claim_ids import MAX_UNIT_LENGTH
from .mac_addresses import is_of_a_group, mac_of_serial, normal_mac

_PARTS = ("System", "Chassis", "Base Board", "Board", "Product", "Device", "Machine", "Processor", "OEM", "")
_SAID_OF_PARTS = (
    *("Serial Number", "Serial No", "Serial", "Product Name", "Model Name", "Name", "Model", "Family", "Version"),
    *("Manufacturer", "Vendor", "SKU Number", "SKU", "Part Number", "Asset Tag", "UUID", "ID", "String", "Number"),
)
PLACEHOLDERS = (
    *(f"{part} {said}".strip() for part in _PARTS for said in _SAID_OF_PARTS),
    *("To be filled by O.E.M.", "To be filled by OEM by default", "To be filled", "Fill by OEM", "Filled by OEM"),
    *("Default string", "Default", "Not defaulted", "OEM default", "OEM", "O.E.M. undefined", "Chassis Manufacture"),
    *("Type1 - System Serial Number", "Type2 - Board Serial Number", "Type3 - Chassis Serial Number"),
    *("Not Specified", "Not Applicable", "Not Available", "Not Provided", "Not Present", "Not Set", "Not defined"),
    *("Not Programmed", "Not Assigned", "Not Found", "No Serial Number", "No Serial", "No SN", "No Asset Tag"),
    *("unknown", "none", "null", "nil", "n/a", "undefined", "unset", "empty", "blank", "invalid", "TBD", "TODO"),
    *("unspecified", "unassigned", "unprogrammed", "uninitialized", "factory default", "SN", "Test", "NaN"),
    *("placeholder", "dummy", "example", "sample", "deadbeef", "cafebabe", "03000200-0400-0500-0006-000700080009"),
)
"""Serials that makers leave in, or that tools write where they find none; case, spaces and signs do not count.

What has a form follows by rule, below: repeated characters, runs, both after a word, addresses that nobody programmed.
"""

_LABELS = ("serialnumber", "serialno", "serial", "sn", "no")
"""Words that stand before a placeholder: `S/N: unknown`."""
_RUNS = "-".join(
    digits * 4 + "-" + digits[::-1] * 4
    for digits in ("0123456789abcdef", "0123456789", "1234567890", "123456789", "abcdefghijklmnopqrstuvwxyz")
)
"""One text, with a sign between them that no folded serial has: it is looked into once."""
_SHORTEST_RUN = 6
_SHORTEST_RUN_AFTER_A_WORD = 8
_SHORTEST_REPETITION = 4
_EMPTY = frozenset("0xf")
"""What fills a serial that nobody set, however short it is."""
_HEXADECIMAL = "0x"
_REPETITION_AFTER_A_WORD = re.compile(r"[a-z]{2,}?([0xf])\1{3,}|[a-z]([0xf])\2{5,}|[a-z]+?([a-z0-9])\3{5,}")
_WORD_AND_DIGITS = re.compile(r"[a-z]+(\d+)")
_UNPROGRAMMED_MAC = re.compile(
    r".{6}(?:0{6}|f{6}|112233|123456)"  # a vendor's addresses from end to end, and as they stand in examples
    r"|..0{8}.."
    r"|.*(?:deadbeef|cafebabe).*"
)
"""The digits of addresses that stand in the memory of a board which nobody gave one."""
DEFAULT_MACS = (
    *("000c43762058", "000c43288077", "000c43287680", "000c43266028"),  # of Ralink and MediaTek
    *("00904cc51238", "00904c0ff001"),  # of Broadcom
    *("00e04c8196c1", "00e04c870000", "00e04c680001"),  # of Realtek
    *("00037f123456", "00037f112233", "00123456789a", "001234567890", "00aabbccddee"),
)
"""The digits of addresses that makers of chips leave in for those who make boards with them."""


@dataclass(frozen=True, slots=True)
class IdentifyingMarks:
    """Which marks identify a device. `others` are more that do not, as `fold` has them: those of a jig, say."""

    others: frozenset[str] = frozenset()

    @classmethod
    def without(cls, values: Iterable[str]) -> IdentifyingMarks:
        """Return the rule by which `values`, as people write them, identify nothing either."""
        return cls(frozenset(_folded(normal_mac(value) or value) for value in values) - {""})

    def has_serial(self, text: str) -> bool:
        """Whether the serial `text`, which may be a MAC address, can be that of one device alone.

        Of what is longer than the name of a unit, so much is looked at: who says it decides how long it is.
        """
        text = text[:MAX_UNIT_LENGTH]
        if (mac := mac_of_serial(text)) is not None:
            return self.has_mac(mac)
        return self._can_be_own(_folded(text))

    def has_mac(self, mac: str) -> bool:
        """Whether the address `mac`, in its normal form, can be that of one device alone: no group has it."""
        digits = _folded(mac)
        return not (is_of_a_group(mac) or _is_default_mac(digits)) and self._can_be_own(digits)

    def _can_be_own(self, folded: str) -> bool:
        return bool(folded) and folded not in self.others and not _is_placeholder(folded)


ANY_MARKS = IdentifyingMarks()
"""The rule where nobody adds to it."""


_SIGNS = re.compile(r"[\W_]+")
"""What is neither a letter nor a digit, of any script."""


def _folded(text: str) -> str:
    return _SIGNS.sub("", text.casefold())


_KNOWN = frozenset(map(_folded, PLACEHOLDERS))
_KNOWN_WITH_LABELS = _KNOWN.union(f"{label}{known}" for label in _LABELS for known in _KNOWN)


def _is_placeholder(folded: str) -> bool:
    if folded in _KNOWN_WITH_LABELS:
        return True
    if not folded.strip(folded[0]) and (len(folded) >= _SHORTEST_REPETITION or folded[0] in _EMPTY):
        return True
    if _is_run(folded, _SHORTEST_RUN):
        return True
    # All such repetitions end so, and few serials do: most are spared the search.
    if folded.endswith(folded[-1] * _SHORTEST_REPETITION) and _REPETITION_AFTER_A_WORD.fullmatch(folded):
        return True
    if (numbered := _WORD_AND_DIGITS.fullmatch(folded)) and _is_run(numbered[1], _SHORTEST_RUN_AFTER_A_WORD):
        return True
    return folded.startswith(_HEXADECIMAL) and (folded == _HEXADECIMAL or _is_placeholder(folded[2:]))


def _is_default_mac(digits: str) -> bool:
    octets = bytes.fromhex(digits)
    steps = {(after - before) % 256 for before, after in pairwise(octets)}  # 00:11:22:33:44:55, 10:20:30:40:50:60
    return len(steps) == 1 or digits in DEFAULT_MACS or _UNPROGRAMMED_MAC.fullmatch(digits) is not None


def _is_run(text: str, shortest: int) -> bool:
    return len(text) >= shortest and text in _RUNS
