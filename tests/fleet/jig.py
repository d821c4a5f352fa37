# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A jig: slots with an address each, into which the devices of a fleet are plugged, and out of which they are pulled.

with Fleet.start(folder / "fleet", groups={"manual": 20}) as fleet:
    jig = Jig(fleet, slots=8)
    jig.plug("slot-1", fleet.devices[0])
    jig.pull("slot-1")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from .devices import SSH_OPTIONS, Device
from .fleet import Fleet, free_addresses
from .inventory import host_variables

_SAID = ("ioto_config_dir", "ioto_serial", "ioto_agent_restart", "ioto_volatile")


class Jig:
    """The slots of a fleet, empty at first: all devices are switched off."""

    def __init__(self, fleet: Fleet, slots: int = 8, name: str = "slots", **variables: object) -> None:
        """The inventory is called `name`; `variables` are those of its group, beside what it takes to log in."""
        self._fleet = fleet
        self._name = name
        port = fleet.devices[0].port
        self.places = {f"slot-{number}": place for number, place in enumerate(free_addresses(slots), start=1)}
        self.port = port
        self.inside: dict[str, Device] = {}
        for device in fleet.devices:
            device.stop()
        self._write_inventory(variables)
        self._boards: dict[str, dict[str, Any]] = {}
        self.extra_vars: Path | None = None
        """A file for `-e @FILE`: what a device without a root folder of its own cannot say of itself."""
        if fleet.devices[0].config_dir != "/etc/ioto":
            self.extra_vars = self._fleet.state_dir.with_name(f"{self._name}-boards.json")
            self._describe({})

    @property
    def inventory(self) -> Path:
        """The inventory with the slots."""
        return self._fleet.state_dir.with_name(f"{self._name}.yml")

    def plug(self, slot: str, device: Device) -> None:
        """Put `device` into `slot` and switch it on; returns when it answers."""
        self.plug_all({slot: device})

    def plug_all(self, devices: Mapping[str, Device]) -> None:
        """Put `devices` into their slots and switch them on at once; returns when all answer."""
        assert not set(devices) & set(self.inside), "a slot is taken"
        plugged = {slot: replace(device, address=self.places[slot]) for slot, device in devices.items()}
        self._describe(plugged)
        next(iter(plugged.values())).kind.start([*plugged.values()])
        self.inside |= plugged

    def pull(self, slot: str) -> None:
        """Take the device out of `slot`, its power cut without a word."""
        self.inside.pop(slot).stop()

    def reboot(self, slot: str) -> None:
        """Have the device in `slot` start anew: its SSH server goes, and is there again on return."""
        self.inside[slot].restart()

    def _describe(self, plugged: Mapping[str, Device]) -> None:
        if self.extra_vars is None:
            return
        # What was said of a board stays true while it works, also when the slot has another one by then.
        for slot, device in plugged.items():
            said = host_variables(device, "")
            self._boards[slot] = {name: said[name] for name in _SAID if name in said}
        names = {name for said in self._boards.values() for name in said}
        by_slot = {name: f"{{{{ jig_boards[inventory_hostname].{name} }}}}" for name in sorted(names)}
        draft = self.extra_vars.with_suffix(".new")
        draft.write_text(json.dumps({"jig_boards": self._boards, **by_slot}), encoding="utf-8")
        draft.replace(self.extra_vars)

    def _write_inventory(self, variables: dict[str, object]) -> None:
        device = self._fleet.devices[0]
        group = {
            "ansible_port": self.port,
            "ansible_user": device.user,
            "ansible_ssh_private_key_file": str(device.key),
            "ansible_ssh_common_args": " ".join(SSH_OPTIONS),
            "ansible_ssh_use_tty": False,
            "ioto_mode": "manual",
            "ioto_product": device.product,
            **variables,
        }
        hosts = {name: {"ansible_host": address} for name, address in self.places.items()}
        document = {"slots": {"hosts": hosts, "vars": group}}
        self.inventory.touch(mode=0o600)
        self.inventory.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
