# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a device, and changing nothing on it: what the fleet engine does for an audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..device.connection import seconds_for
from ..device.device import Device
from ..device.state import DeviceState
from ..display_text import printable
from ..identity.marks import IdentifyingMarks


@dataclass(frozen=True, slots=True)
class Look:
    """How one device is looked at: `serial` is the inventory's word for the unit."""

    config_dir: str
    serial: str | None
    marks: IdentifyingMarks
    device_seconds: float
    """What the device may take in all."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Look:
        """Return what `options` (those of `verify`, complete) say. Raises `IotoError`."""
        return cls(
            options["config_dir"],
            options["serial"],
            IdentifyingMarks.without(options["shared_hardware"] or ()),
            seconds_for(options["device_timeout"]),
        )


def look_at(device: Device, look: Look) -> dict[str, Any]:
    """Return what `device` says it is, by one script that reads: `claim_id`, whole, `id_place`, `product`, `serial`.

    `id_place` says where the ID stands that its agent uses, if that is not its device.json5. Raises `IotoError`.
    """
    state = DeviceState.read(device, look.config_dir)
    state.check_files()
    claim_id, place = effective_id(state)
    return {
        "changed": False,
        "claim_id": claim_id,
        "id_place": place,
        "product": state.product,
        "serial": state.unit(look.serial, look.marks).serial,
    }


def effective_id(state: DeviceState) -> tuple[str | None, str | None]:
    """Return the ID that the agent of a device uses, and where it stands if that is not its device.json5."""
    override = state.overrides.get("id")
    if override is None:
        return state.claim_id, state.id_place
    value = None if override.value in (None, "") else str(override.value)
    return value, f"{printable(override.key)} in {override.path}"
