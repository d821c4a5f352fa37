# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a board, for a run and for the ledger: two boards with one of these names are one.

These are the addresses that are its own, whatever its product, and its serial among those of its product: another maker
counts as well. A host key does not count here, since images are copied with one.
"""

from __future__ import annotations

from .facts import SERIAL, Details, macs_of


def names_of_board(product: str, details: Details | None) -> frozenset[str]:
    """Return what names the board of which `details` tell, each with the kind of name that it is."""
    if not details:
        return frozenset()
    names = frozenset(f"mac {mac}" for mac in macs_of(details))
    serial = details.get(SERIAL)
    return names | {f"serial {product} {_writable(serial)}"} if isinstance(serial, str) and serial else names


def _writable(serial: str) -> str:
    """Return `serial` without a NUL or half a character, which no database takes as text: hardware may hold any."""
    if serial.isprintable():
        return serial
    return serial.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def as_said(name: str) -> str:
    """Return a name of a board without the product in it."""
    kind, _space, rest = name.partition(" ")
    return f"{kind} {rest.partition(' ')[2]}" if kind == SERIAL else name


def remedy_for_twins(*, is_one_board: bool, is_one_unit: bool) -> str:
    """Return what to do about two devices that have names of a board in common, or the name of a unit, or both."""
    own_serial = "give each its own serial (ioto_serial)"
    if not is_one_board:
        return f"find out which of them it is, and {own_serial}"
    also = f", and {own_serial}" if is_one_unit else ""
    return (
        "find out which of them it is; where they are two boards, give each its own on the board, or, where a jig or a "
        f"maker gave them the same, name that in ioto_shared_hardware{also}"
    )
