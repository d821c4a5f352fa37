# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a device's hardware, among the details that the ledger keeps of a unit, and what contradicts it.

`serial` is what the board says, `mac` the address that comes first, and `macs` all of them where there are several;
`host_key` is the fingerprint of the key with which it answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from .mac_addresses import normal_mac

SERIAL, MAC, MACS, HOST_KEY = "serial", "mac", "macs", "host_key"
BOARD_FACTS = frozenset({SERIAL, MAC})
"""What differs when a board is another one; a host key may be made anew."""

_FACTS = frozenset({SERIAL, MAC, MACS, HOST_KEY})

Details = Mapping[str, object]


class Difference(NamedTuple):
    """A fact that has changed; `fact` is `SERIAL`, `MAC` or `HOST_KEY`."""

    fact: str
    known: str
    now: str

    def __str__(self) -> str:
        """What differs, for a person."""
        return f"the {self.fact.replace('_', ' ')} {self.now}, not {self.known}"


def macs_of(details: Details) -> frozenset[str]:
    """Return the MAC addresses among `details`."""
    more = details.get(MACS)
    found = [details.get(MAC), *(more if isinstance(more, list | tuple) else ())]
    return frozenset(mac for mac in found if isinstance(mac, str) and mac)


def values_of(details: Details) -> frozenset[str]:
    """Return the values among `details` each of which names the device: its serial, its addresses, its host key."""
    return macs_of(details) | {str(details[fact]) for fact in (SERIAL, HOST_KEY) if details.get(fact)}


def is_named_by(details: Details, text: str | None) -> bool:
    """Whether `text`, as people write it, is one of the values among `details`; a MAC address in any notation is."""
    return text is not None and bool({text, text.strip(), normal_mac(text)} & values_of(details))


def addresses(macs: Iterable[str]) -> dict[str, object]:
    """Return `macs`, of which the first names the device where nothing else does, as details."""
    found = list(dict.fromkeys(macs))
    if not found:
        return {}
    return {MAC: found[0]} if len(found) == 1 else {MAC: found[0], MACS: sorted(found)}


def differences(known: Details, now: Details) -> list[Difference]:
    """Return what `now` is seen of a device and contradicts what is `known` of it; what only one of them says does not.

    An interface may be missing for a while, or be seen late: addresses contradict where each has one that
    the other lacks.
    """
    found = [
        Difference(fact, str(known[fact]), str(now[fact]))
        for fact in (SERIAL, HOST_KEY)
        if known.get(fact) and now.get(fact) and known[fact] != now[fact]
    ]
    old, new = macs_of(known), macs_of(now)
    if old and new and not (old <= new or new <= old):
        found.insert(0, Difference(MAC, _listed(old), _listed(new)))
    return found


def merged(known: Details, now: Details, *, replaced: Collection[str] = ()) -> dict[str, object]:
    """Return what is `known` with what is seen `now`; of the facts `replaced`, what was known does not count."""
    kept = {key: value for key, value in known.items() if not (key in replaced or (key == MACS and MAC in replaced))}
    first, macs = kept.get(MAC), macs_of(kept) | macs_of(now)
    if isinstance(now_first := now.get(MAC), str) and not first:
        first = now_first
    ordered = [*([first] if isinstance(first, str) and first else ()), *sorted(macs)]
    return {**kept, **now, **addresses(ordered)}


def facts_of(details: Details) -> dict[str, object]:
    """Return those of `details` that are facts of a device."""
    return {key: value for key, value in details.items() if key in _FACTS}


def described(details: Details) -> str:
    """Return the facts among `details` in words, the same for the same device."""
    found = [f"{fact} {details[fact]}" for fact in (SERIAL, HOST_KEY) if details.get(fact)]
    if macs := macs_of(details):
        found.insert(0, f"mac {_listed(macs)}")
    return ", ".join(found).replace("_", " ")


def _listed(macs: Iterable[str]) -> str:
    return " and ".join(sorted(macs))
