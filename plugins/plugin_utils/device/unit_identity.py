# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What identifies a unit: the serial that somebody gives, else what its hardware says.

Never its address or its inventory name: on a line, the next unit gets the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..claim_ids import MAX_UNIT_LENGTH
from ..display_text import quoted
from ..errors import FailureKind, IotoError
from ..identity.facts import HOST_KEY, MAC, SERIAL, addresses
from ..identity.mac_addresses import normal_mac, normal_serial
from ..identity.marks import ANY_MARKS, IdentifyingMarks
from .device import Interface, Observation

_LOCALLY_ADMINISTERED = 0x02


class UnitIdentityError(IotoError):
    """A unit that nothing identifies, or a serial that is not valid."""

    kind = FailureKind.IDENTITY


@dataclass(frozen=True, slots=True)
class UnitIdentity:
    """Who a unit is: `serial` names it in the ledger; `hardware` is what its board says (`serial`, `mac`, `macs`).

    `host_key` is the fingerprint of the key with which the device answered, where the connection knows it. `given`:
    somebody says that it is this unit, and not the board alone.
    """

    serial: str
    hardware: Mapping[str, object]
    host_key: str | None = None
    given: bool = False

    @property
    def details(self) -> dict[str, object]:
        """What the ledger keeps of the unit beside its name."""
        return {**self.hardware, **({} if self.host_key is None else {HOST_KEY: self.host_key})}

    @property
    def is_a_mac(self) -> bool:
        """Whether nothing but a MAC address identifies it."""
        return not self.given and SERIAL not in self.hardware

    @property
    def naming_members(self) -> dict[str, str]:
        """What names the unit to a factory service, as a member of its device.json5."""
        return {MAC if self.serial == self.hardware.get(MAC) else SERIAL: self.serial}

    @property
    def members(self) -> dict[str, str]:
        """What the unit is to a factory service: what its board says, and what names it."""
        said = {key: str(self.hardware[key]) for key in (SERIAL, MAC) if key in self.hardware}
        return {**said, **self.naming_members}


def identify(
    given: str | None, observation: Observation, *, where: str, marks: IdentifyingMarks = ANY_MARKS
) -> UnitIdentity:
    """Return who the unit is that `observation` shows; `given` is the serial that the inventory says, if it does."""
    hardware = hardware_identity(observation, marks)
    if given is not None:
        return UnitIdentity(parse_serial(given, marks), hardware, given=True)
    serial = hardware.get(SERIAL) or hardware.get(MAC)
    if serial is None:
        raise UnitIdentityError(
            f"Nothing identifies the unit at {where}: it has no device-tree serial and no MAC address of its own; "
            "give its serial (ioto_serial)."
        )
    return UnitIdentity(normal_serial(str(serial)), hardware)


def hardware_identity(observation: Observation, marks: IdentifyingMarks = ANY_MARKS) -> dict[str, object]:
    """Return the device-tree `serial` and the MAC addresses of a unit, each where `marks` tell it from another's."""
    found: dict[str, object] = {}
    serial = (observation.serial or "")[:MAX_UNIT_LENGTH]
    if marks.has_serial(serial):
        found[SERIAL] = serial
    return {**found, **addresses(_own_macs(observation.interfaces, marks))}


def parse_serial(text: str, marks: IdentifyingMarks = ANY_MARKS) -> str:
    """Return a typed serial without the spaces around it; a MAC address in its one form. Raises `UnitIdentityError`."""
    serial = normal_serial(text)
    if not serial or len(serial) > MAX_UNIT_LENGTH or not serial.isprintable():
        raise UnitIdentityError(
            f"The serial {quoted(text[:40])} is not valid: it needs 1 to {MAX_UNIT_LENGTH} printable characters; "
            "correct it."
        )
    if not marks.has_serial(serial):
        raise UnitIdentityError(
            f"The serial {quoted(text[:40])} identifies no unit, since every board may have it; give the unit's own."
        )
    return serial


def _own_macs(interfaces: Sequence[Interface], marks: IdentifyingMarks) -> list[str]:
    """The MAC addresses that stay with the unit: of physical interfaces, wired before wireless, by name.

    An address that is locally administered is made up at start-up, and may be another one after the next; an adapter
    on USB is in another device's socket tomorrow.
    """
    candidates = [
        (not interface.name.startswith("e"), interface.name, mac)
        for interface in interfaces
        if not (interface.virtual or interface.usb or interface.passing)
        and interface.name != "lo"
        and (mac := normal_mac(interface.mac))
        and not int(mac[:2], 16) & _LOCALLY_ADMINISTERED
        and marks.has_mac(mac)
    ]
    return [mac for _wireless, _name, mac in sorted(candidates)]
