# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of a production order, and titles that are meant for one of them and do not name it.

A title that is no column names a property of the device. So a mistyped one would be taken for a property without a
word: an ordered claim ID would not be used, and another one made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..csv_reader import fold_title

COLUMNS = ("address", "host", "user", "serial", "product", "mode", "claim_id")

MEANT: Mapping[str, str] = {
    "address": "address",
    "ip": "address",
    "ipaddress": "address",
    "ipadresse": "address",
    "ipv4": "address",
    "ipv6": "address",
    "hostname": "host",
    "inventoryname": "host",
    "login": "user",
    "username": "user",
    "serialno": "serial",
    "serialnr": "serial",
    "serialnum": "serial",
    "serialnumber": "serial",
    "seriennummer": "serial",
    "sn": "serial",
    "snr": "serial",
    "sno": "serial",
    "macaddress": "serial",
    "macaddr": "serial",
    "productid": "product",
    "flow": "mode",
    "uci": "claim_id",
    "claim": "claim_id",
    "claimcode": "claim_id",
    "claimno": "claim_id",
    "deviceclaimid": "claim_id",
    "uniqueclaimid": "claim_id",
}
"""What people call a column, letters and digits alone, and the column that they mean."""

_MISTYPED_FROM = 6
"""Characters of a column's name from which on one wrong character still tells what is meant: `model` is no `mode`."""
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def column_meant(title: str) -> str | None:
    """Return the column that `title` seems to be meant for, though it is not called so; None for any other title."""
    letters = re.sub(r"[\W_]", "", fold_title(title))
    for column in COLUMNS:
        name = column.replace("_", "")
        if letters == name or (len(name) >= _MISTYPED_FROM and _is_one_character_off(letters, name)):
            return column
    return MEANT.get(letters)


def property_problem(title: str, *, is_renamed: bool, can_rename: bool) -> str | None:
    """Return why no property may be called `title`, as the end of a sentence, or None.

    `is_renamed` says that the user has mapped it by the option `columns`, `can_rename` that there is such an option.
    """
    if not title:
        return None
    if title.lower() == "id":
        return "which only a claim ID is; call it claim_id"
    if not is_renamed and (meant := column_meant(title)):
        otherwise = f"write {title}: {title} below columns in the manifest" if can_rename else "give it another name"
        return f"which looks like {meant}; call it so, or, if it is a property, {otherwise}"
    if not _PROPERTY.fullmatch(title):
        return "and no property can be: use letters A to Z, digits, _ and -"
    return None


def _is_one_character_off(text: str, name: str) -> bool:
    """Say whether one character more, less or other, or two that changed places, make `name` of `text`."""
    if abs(len(text) - len(name)) > 1:
        return False
    start = next((at for at, (one, other) in enumerate(zip(text, name, strict=False)) if one != other), len(name))
    rest, wanted = text[start:], name[start:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return wanted in (rest[1:], swapped) or rest == wanted[1:] or rest[1:] == wanted[1:]
