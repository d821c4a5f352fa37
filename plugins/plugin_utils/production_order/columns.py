# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of a production order, and titles that are meant for one of them and do not name it.

A title that is not a column names a property of the device. So a mistyped one would be taken for a property without a
word: an ordered claim ID would not be used, and another one made.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from ..csv_reader import fold_title

COLUMNS = ("address", "host", "user", "serial", "product", "mode", "claim_id")
SSH_PORT = 22
"""Where an address without a port leads to."""

_WORDS: Mapping[str, Collection[str]] = {
    "address": {"address", "adress", "adresse", "addr", "ip", "ipv4", "ipv6"},
    "serial": {"serial", "seriennummer", "sn", "snr", "mac", "macaddress", "macadresse", "macaddr"},
    "product": {"product", "produkt", "produit", "producto", "ulid"},
    "claim_id": {"claim", "clame", "klaim", "uci"},
}
"""What people call a column, alone or with words of `_COMPANIONS`."""
_STEMS: Mapping[str, Collection[str]] = {"serial": {"ser", "serie", "serien", "série"}}
"""What they call it with such a word alone: `serie` may well be a property."""
_WHOLE: Mapping[str, str] = {
    "hostname": "host",
    "inventoryname": "host",
    "login": "user",
    "username": "user",
    "flow": "mode",
    **dict.fromkeys(("deviceid", "geräteid", "geraeteid", "iotoid", "id"), "claim_id"),
}
"""What they call it as it stands, letters and digits alone."""
_COMPANIONS = (
    *("identifier", "id", "ids", "number", "nummer", "numero", "num", "no", "nr", "code", "key", "value", "string"),
    *("device", "geräte", "geraete", "unit", "unique", "ioto", "iot", "oito"),
    *("address", "adress", "adresse", "addr", "ip"),
)
"""Words that beside a column's name change nothing of what is meant: `claim_nr`, `device_serial`."""
_OTHER_WORDS = frozenset({"aerial"})
"""Words of their own that are one letter off."""

_PREFIX = "ioto"
_RESERVED = ("claim_id", "product")
_SECRETS = ("password", "passwd", "token", "secret")
_MISTYPED_FROM = 5
"""Characters of a title from which on one wrong character still tells what is meant: `model` is no `mode`."""
_LONGEST = 64
"""Letters of a title that may be meant for a column; the words in a longer one can be left out in too many ways."""
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def column_meant(title: str) -> str | None:
    """Return the column that `title` seems to be meant for, though it is not called so; None for any other title."""
    letters = _letters(title)
    if letters in _OTHER_WORDS or len(letters) > _LONGEST:
        return None
    if found := _WHOLE.get(letters) or next((name for name in COLUMNS if _resembles(letters, _letters(name))), None):
        return found
    cores = list(_cores(letters))
    for column, words in _WORDS.items():
        if any(_resembles(core, word) for core in cores for word in words):
            return column
    for column, stems in _STEMS.items():
        if any(core in stems for core in cores if core != letters):
            return column
    # No second claim ID is a property, and a second address may be.
    first = letters.rstrip("0123456789")
    return "claim_id" if first != letters and column_meant(first) == "claim_id" else None


def names_claim_id(name: str) -> bool:
    """Say whether `name` says claim ID in one of the words for it: nothing else is called so, as `serial` may be."""
    letters = _letters(name).rstrip("0123456789")
    if len(letters) > _LONGEST:
        return False
    return any(_resembles(core, word) for core in _cores(letters) for word in _WORDS["claim_id"])


def reserved_meant(name: str) -> str | None:
    """Return what is given to a device elsewhere, and `name` is but for case, `_` and our prefix; None for others."""
    letters = _letters(name)
    return next((column for column in _RESERVED if letters == _letters(column)), None)


def property_problem(title: str, *, is_renamed: bool, can_rename: bool) -> str | None:
    """Return why no property may be called `title`, as the end of a sentence, or None.

    `is_renamed` says that the user has called it a property by the option `columns`, `can_rename` that he could.
    """
    if not title:
        return None
    if title.lower() == "id":
        return "which only a claim ID is; call it claim_id"
    if reserved := reserved_meant(title):
        return f"which looks like {reserved}; call it so, or give it another name"
    if not is_renamed and (meant := _meaning(title)):
        otherwise = f"write {title}: {title} below columns in the manifest" if can_rename else "give it another name"
        return f"which {meant}, or, if it is a property, {otherwise}"
    if not _PROPERTY.fullmatch(title):
        return "and no property can be: use letters A to Z, digits, _ and -"
    return None


def _meaning(title: str) -> str | None:
    """What `title` is more likely than a property, and what to do then."""
    if meant := column_meant(title):
        return f"looks like {meant}; call it so"
    letters = _letters(title)
    if letters == "port":
        return "is not a column; write it in address as host:port"
    if letters in _SECRETS:
        return "no order should hold; keep it in Ansible Vault"
    if fold_title(title).startswith(f"{_PREFIX}_"):
        return f"begins like a variable; the columns are {', '.join(COLUMNS)}"
    return None


def _letters(title: str) -> str:
    return re.sub(r"[\W_]", "", fold_title(title).removeprefix(f"{_PREFIX}_"))


def _cores(letters: str) -> Iterator[str]:
    """Yield `letters`, and what is left of them without the companions that stand before and behind."""
    open_ones, seen = [letters], set[str]()
    while open_ones:
        core = open_ones.pop()
        if core in seen or not core:
            continue
        seen.add(core)
        yield core
        open_ones += [core.removeprefix(word) for word in _COMPANIONS] + [
            core.removesuffix(word) for word in _COMPANIONS
        ]


def _resembles(text: str, name: str) -> bool:
    """Say whether `text` is `name`, or one slip away from it where that is long enough to tell."""
    if text == name or _is_swapped(text, name):
        return True
    return len(name) >= _MISTYPED_FROM and text not in _OTHER_WORDS and _is_one_character_off(text, name)


def _is_swapped(text: str, name: str) -> bool:
    """Say whether two neighbours of `name` have changed places in `text`."""
    return any(text == f"{name[:at]}{name[at + 1]}{name[at]}{name[at + 2 :]}" for at in range(len(name) - 1))


def _is_one_character_off(text: str, name: str) -> bool:
    """Say whether one character more, less or other makes `name` of `text`."""
    if abs(len(text) - len(name)) > 1:
        return False
    start = next((at for at, (one, other) in enumerate(zip(text, name, strict=False)) if one != other), len(name))
    rest, wanted = text[start:], name[start:]
    return wanted == rest[1:] or rest == wanted[1:] or rest[1:] == wanted[1:]
