# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as an Ansible inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from .devices import MODES, SSH_OPTIONS, Device

TOKEN_FILE = "service/controller-token"
"""Where a fleet's own factory service keeps the token of its controllers."""


def render(devices: list[Device], password: str, service_url: str | None, state_dir: Path) -> str:
    """Return the inventory in YAML: a group for each of theirs, with the role variables that hold for it."""
    groups: dict[str, Any] = {}
    for device in devices:
        mode = {"ioto_mode": device.group} if device.group in MODES else {}
        group = groups.setdefault(device.group, {"hosts": {}, "vars": mode})
        group["hosts"][device.name] = host_variables(device, password)
        if device.group == "factory" and service_url:
            group["vars"]["ioto_service_url"] = service_url
            if (token := state_dir / TOKEN_FILE).exists():
                group["vars"]["ioto_service_token"] = f"{{{{ lookup('ansible.builtin.file', '{token}') }}}}"
    for group in groups.values():
        _share(group)
    document = {"all": {"vars": {"ansible_ssh_common_args": " ".join(SSH_OPTIONS)}, "children": groups}}
    return f"---\n{yaml.safe_dump(document, sort_keys=False)}"


def _share(group: dict[str, Any]) -> None:
    """Say once, for the group, what all of its hosts have alike, as whoever writes an inventory would."""
    first, *others = group["hosts"].values()
    for name in [name for name in first if others and all(host.get(name) == first[name] for host in others)]:
        group["vars"][name] = first[name]
        for host in group["hosts"].values():
            del host[name]


def host_variables(device: Device, password: str) -> dict[str, Any]:
    """Return the variables of a device."""
    found: dict[str, Any] = {
        "ansible_host": device.address,
        "ansible_port": device.port,
        "ansible_user": device.user,
        "ioto_product": device.product,
    }
    if device.by_password:
        found |= {"ansible_password": password, "ansible_ssh_extra_args": "-o PubkeyAuthentication=no"}
    else:
        found["ansible_ssh_private_key_file"] = str(device.key)
    if device.user != "root":
        found |= {"ansible_become": True, "ansible_become_method": "su", "ansible_become_password": password}
    if not device.tty:
        found["ansible_ssh_use_tty"] = False
    if device.config_dir != "/etc/ioto":
        # No chroot: the usual paths lead to the files and the hardware of the machine, so all has to be said.
        found |= {
            "ioto_config_dir": device.config_dir,
            "ioto_serial": device.serial,
            "ioto_agent_restart": [device.agent_service, "restart"],
        }
        if _forgets(device.root):
            found["ioto_volatile"] = True
    return found


def _forgets(folder: Path) -> bool:
    """Say whether `folder` is in the machine's memory, as /tmp is on some."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    under = [
        (len(place), number, kind)
        for number, (_device, place, kind, *_rest) in enumerate(mounts)
        if folder.is_relative_to(place)
    ]
    return bool(under) and max(under)[2] in {"tmpfs", "ramfs"}
