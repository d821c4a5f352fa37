# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MAC addresses, and serials that are one: a unit is the same in any notation of its address."""

from __future__ import annotations

import re
from functools import lru_cache

_LENGTHS = range(11, 18)
"""Characters that the shortest and the longest notation have: `0:1:2:3:4:5` and `00:01:02:03:04:05`."""
_BY_COLONS = re.compile(r"[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}")
_BY_OTHER_SIGNS = re.compile(r"[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}")
_AMBIGUOUS = re.compile(
    r"[0-9a-f]{12}|[0-9a-f]{6}[-:.][0-9a-f]{6}|[0-9a-f]{4}([-:])[0-9a-f]{4}\1[0-9a-f]{4}"
    r"|[0-9a-f]{1,2}(?:-[0-9a-f]{1,2}){5}"
)
"""What may as well be a serial that somebody counts."""
_ANY = re.compile("|".join(f"(?:{notation.pattern})" for notation in (_BY_COLONS, _BY_OTHER_SIGNS, _AMBIGUOUS)))
_SIGNS = re.compile(r"[-:.]")
_LETTER = re.compile(r"[a-f]")
_KNOWN_GROUPS = ("01005e", "0180c2", "3333ff")
"""How addresses of a group begin that are met on every network."""
_GROUP = 0x01
_OCTETS = 6


def normal_mac(text: str) -> str | None:
    """Return a MAC address as Linux writes it, whatever notation it came in; None for anything else."""
    stripped = text.strip()
    if len(stripped) not in _LENGTHS:
        return None
    lowered = stripped.lower()
    if not _ANY.fullmatch(lowered):
        return None
    return ":".join(_pairs(lowered))


def is_of_a_group(mac: str) -> bool:
    """Whether the address `mac`, in its normal form, is one of a group or of everybody, and no device's own."""
    return bool(int(mac[:2], 16) & _GROUP)


@lru_cache(maxsize=512)
def mac_of_serial(serial: str) -> str | None:
    """Return the MAC address that `serial` is, in its normal form; None where it is a serial of another kind.

    Six groups with colons always are one. In another notation it has to be possible: without a letter among the digits
    it is not one where it would be a group's, and never without signs, in halves (`001122-334455`), or in thirds with
    dashes, since serials are counted so. Twelve digits and letters without signs are not one where they would be a
    group's, but for the groups that everybody knows.
    """
    # Kept for a while: on its way into the ledger, a unit is compared by its name half a dozen times.
    mac = normal_mac(serial)
    if mac is None:
        return None
    lowered = serial.strip().lower()
    if _BY_COLONS.fullmatch(lowered):
        return mac
    if not _LETTER.search(lowered):
        return mac if _BY_OTHER_SIGNS.fullmatch(lowered) and not is_of_a_group(mac) else None
    if lowered.isalnum() and is_of_a_group(mac) and not lowered.startswith(_KNOWN_GROUPS):
        return None
    return mac


def normal_serial(text: str) -> str:
    """Return `text`, which names a unit, without the spaces around it; a MAC address in its normal form."""
    return mac_of_serial(text) or text.strip()


def is_same_serial(one: str | None, other: str | None) -> bool:
    """Whether two names are of one unit; None is the name of none."""
    if one is None or other is None:
        return False
    return one == other or normal_serial(one) == normal_serial(other)


def notations(serial: str) -> tuple[str, ...]:
    """Return the texts that name the unit that `serial` names; itself comes first.

    There is more than one for a MAC address alone: a ledger may hold it as somebody typed it once. Capital letters next
    to small ones in one text are not among them.
    """
    mac = mac_of_serial(serial)
    if mac is None:
        return (serial,)
    pairs = mac.split(":")
    digits = "".join(pairs)
    short = [pair.removeprefix("0") for pair in pairs]
    thirds = [digits[start : start + 4] for start in (0, 4, 8)]
    written = [sign.join(groups) for sign in ":-" for groups in (pairs, short, thirds, (digits[:6], digits[6:]))]
    written += [digits, ".".join(thirds), f"{digits[:6]}.{digits[6:]}"]
    found = (serial, *written, *(text.upper() for text in written))
    return tuple(dict.fromkeys(text for text in found if mac_of_serial(text) == mac))


def _pairs(lowered: str) -> list[str]:
    groups = _SIGNS.split(lowered)
    if len(groups) == _OCTETS:
        return [group.rjust(2, "0") for group in groups]
    digits = "".join(groups)
    return [digits[start : start + 2] for start in range(0, len(digits), 2)]
