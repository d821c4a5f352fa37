# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What identifies a unit: the serial that somebody gives, else what its hardware says.

Never its address or its inventory name: on a line, the next unit gets the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..claim_ids import MAX_UNIT_LENGTH
from ..errors import IotoError
from .device import Interface, Observation

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_HOST_KEY = "host_key"
_LOCALLY_ADMINISTERED = 0x02
_MULTICAST = 0x01


class UnitIdentityError(IotoError):
    """A unit that nothing identifies, or a serial that is not valid."""


@dataclass(frozen=True, slots=True)
class UnitIdentity:
    """Who a unit is: `serial` names it in the ledger; `hardware` is what its board says (`serial`, `mac`).

    `host_key` is the fingerprint of the key with which the device answered, where the connection knows it.
    """

    serial: str
    hardware: Mapping[str, str]
    host_key: str | None = None

    @property
    def details(self) -> dict[str, object]:
        """What the ledger keeps of the unit beside its name."""
        return {**self.hardware, **({} if self.host_key is None else {_HOST_KEY: self.host_key})}

    @property
    def naming_members(self) -> dict[str, str]:
        """What names the unit to a factory service, as a member of its device.json5."""
        return {"mac" if self.serial == self.hardware.get("mac") else "serial": self.serial}

    def has_its_host_key(self, seen: Mapping[str, object]) -> bool:
        """Whether nothing is to be added to the key among the details that were `seen` under the same serial."""
        return self.host_key is None or seen.get(_HOST_KEY) == self.host_key

    def other_host_key(self, seen: Mapping[str, object]) -> str | None:
        """Return the key that was `seen` under the same serial, where it is known and another one than now."""
        known = seen.get(_HOST_KEY)
        return None if known is None or self.has_its_host_key(seen) else str(known)

    def contradicts(self, seen: Mapping[str, object]) -> str | None:
        """Return what differs from the hardware that was `seen` under the same serial: `serial` or `mac`, or None."""
        for key in ("serial", "mac"):
            if key in self.hardware and seen.get(key):
                return key if seen[key] != self.hardware[key] else None
        return None


def identify(given: str | None, observation: Observation, *, where: str) -> UnitIdentity:
    """Return who the unit is that `observation` shows; `given` is the serial that the inventory says, if it does."""
    hardware = hardware_identity(observation)
    if given is not None:
        return UnitIdentity(parse_serial(given), hardware)
    serial = hardware.get("serial") or hardware.get("mac")
    if serial is None:
        raise UnitIdentityError(
            f"Nothing identifies the unit at {where}: it has no device-tree serial and no MAC address of its own; "
            "give its serial (ioto_serial)."
        )
    return UnitIdentity(serial, hardware)


def hardware_identity(observation: Observation) -> dict[str, str]:
    """Return the device-tree `serial` and the `mac` of a unit, each where it can be told from another unit's."""
    found = {}
    if observation.serial and not _is_placeholder(observation.serial):
        found["serial"] = observation.serial[:MAX_UNIT_LENGTH]
    if mac := _own_mac(observation.interfaces):
        found["mac"] = mac
    return found


def parse_serial(text: str) -> str:
    """Return a typed serial without the spaces around it. Raises `UnitIdentityError`."""
    serial = text.strip()
    if not serial or len(serial) > MAX_UNIT_LENGTH or not serial.isprintable():
        raise UnitIdentityError(
            f"The serial {text[:40]!a} is not valid: it needs 1 to {MAX_UNIT_LENGTH} printable characters; correct it."
        )
    return serial


def _is_placeholder(serial: str) -> bool:
    """Whether a board's serial is one that nobody set, such as 0000000000000000: all units have the same."""
    return len(set(serial.replace(" ", "").replace("-", ""))) <= 1


def _own_mac(interfaces: Sequence[Interface]) -> str | None:
    """The MAC address that stays with the unit: of a physical interface, wired before wireless, by name.

    An address that is locally administered is made up at start-up, and may be another one after the next.
    """
    candidates = [
        interface
        for interface in interfaces
        if not interface.virtual
        and interface.name != "lo"
        and _MAC.fullmatch(interface.mac)
        and not int(interface.mac[:2], 16) & (_LOCALLY_ADMINISTERED | _MULTICAST)
        and not _is_placeholder(interface.mac.replace(":", ""))
    ]
    candidates.sort(key=lambda interface: (not interface.name.startswith("e"), interface.name))
    return candidates[0].mac if candidates else None
