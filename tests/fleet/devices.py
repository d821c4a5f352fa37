# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated device is: what one can ask for (`DeviceSpec`), and what one then has (`Device`)."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import json5

from . import contents
from .errors import FleetError

AgentVersion = Literal["2.6.0", "2.7.0", "3.0.0"]
Storage = Literal["normal", "full", "readonly"]

PORT = 2222
MODES = ("manual", "auto", "factory")
# Beside the flows, what is done with devices that have been through one.
GROUPS = (*MODES, "label", "verify")
SSH_OPTIONS = (
    # Simulated devices are born with new host keys each time, at addresses that were somebody else's before.
    *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null"),
    # The keys of the person who runs the tests are nobody's business here, and each counts as a failed attempt.
    *("-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR"),
)

_MAX_LINKS = 20


@dataclass(frozen=True, kw_only=True)
class DeviceSpec:
    """A device to be built. The defaults are a device as it reaches the line: no claim ID, agent not started.

    `group` is one of `GROUPS`, and the group in the inventory; where it is a mode, the inventory says so.
    `name` defaults to group-number.
    `serial`, `mac`: does the hardware say so (device tree, eth0)? The values follow from the number in the fleet.
    `claim_id`: the ID that it has already. `files` are put into the configuration directory last: a text, or None
    for "there is no such file". `linked` keeps device.json5 in /persist/ioto, with a link to it in its place.
    `configuration` is the generation of the main file, `serialize` the mode in it.
    `agent` is the version whose ways the stand-in has.
    `agent_delay` is in seconds, from the agent's start to its first deed.
    `storage`: `full` and `readonly` put the configuration directory on a tmpfs of its own.
    `user`: `operator` logs in without rights and becomes root with su. `password` logs in with it in place of the key.
    `address` and `port` are where it listens: by default a free address that the fleet finds, and the port of its kind.
    `tty`: can it give a login a terminal? That, too, takes a mount; without, the inventory tells Ansible not to ask.
    """

    group: str = "manual"
    name: str | None = None
    product: str = contents.PRODUCT
    claim_id: str | None = None
    serial: bool = True
    mac: bool = True
    linked: bool = False
    owner: int = 0
    mode: int = 0o600
    configuration: Literal["ioto.json5", "config.json5"] = "ioto.json5"
    serialize: str = "none"
    agent: AgentVersion = "2.7.0"
    agent_delay: float = 0.0
    files: Mapping[str, str | None] = field(default_factory=dict)
    storage: Storage = "normal"
    user: Literal["root", "operator"] = "root"
    password: bool = False
    tty: bool = False
    address: str | None = None
    port: int | None = None


class Kind(Protocol):
    """How devices are played. Folders are absolute and hold no symbolic link."""

    name: str
    port: int

    def check(self, specs: list[DeviceSpec]) -> None:
        """Raise `FleetError` when this kind cannot play one of `specs` on this machine."""

    def config_dir(self, root: Path) -> str:
        """Return the path of the configuration directory as a device with this `root` folder sees it."""

    def prepare(self, password: str) -> None:
        """Make what all devices share. `password` is that of every user."""

    def build(self, device: Device, spec: DeviceSpec) -> None:
        """Fill the folder of `device` with all but what is in its configuration directory."""

    def start(self, devices: list[Device]) -> None:
        """Switch `devices` on, and return when each answers."""

    def stop(self, device: Device) -> None:
        """Cut the power of `device`: all that runs in it is gone on return."""

    def set_storage(self, device: Device, storage: Storage) -> None:
        """Make the file system of the configuration directory full, read-only, or normal again."""


@dataclass(frozen=True)
class Device:
    """A device that is there. Paths are given as on the device: `/etc/ioto/device.json5`."""

    name: str
    group: str
    address: str
    port: int
    root: Path
    config_dir: str
    product: str
    serial: str
    mac: str
    user: str
    by_password: bool
    tty: bool
    key: Path = field(repr=False)
    kind: Kind = field(repr=False, compare=False)

    def path(self, path: str) -> Path:
        """Return where `path` of the device is found from outside, its symbolic links followed inside the device."""
        found, rest = self.root, self._parts(path)
        for _ in range(_MAX_LINKS):
            while rest:
                step, rest = rest[0], rest[1:]
                if step == "..":
                    found = found if found == self.root else found.parent
                    continue
                found /= step
                if found.is_symlink():
                    break
            else:
                return found
            target = str(found.readlink())
            rest = self._parts(target) + rest
            found = self.root if target.startswith("/") else found.parent
        raise FleetError(f"{path} on {self.name} leads through more than {_MAX_LINKS} links; look into {self.root}.")

    def read(self, path: str) -> bytes:
        return self.path(path).read_bytes()

    def write(self, path: str, data: str | bytes, mode: int | None = None) -> None:
        """Put `data` into `path`; directories that are missing are made."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        if mode is not None:
            target.chmod(mode)

    def remove(self, path: str) -> None:
        """Remove the file that `path` leads to."""
        self.path(path).unlink()

    def exists(self, path: str) -> bool:
        return self.path(path).exists()

    def mode(self, path: str) -> int:
        """Return the permission bits of what `path` leads to."""
        return stat.S_IMODE(self.path(path).stat().st_mode)

    def owner(self, path: str) -> int:
        """Return the user ID that owns what `path` leads to."""
        return self.path(path).stat().st_uid

    def listdir(self, path: str) -> list[str]:
        return sorted(entry.name for entry in self.path(path).iterdir())

    def document(self) -> dict[str, object]:
        """Return device.json5 as an independent reader reads it."""
        return dict(json5.loads(self.read("/etc/ioto/device.json5").decode()))

    @property
    def agent_service(self) -> str:
        """The service script of the agent, as a command of the device: append start, stop, restart or status."""
        return f"{self.config_dir.removesuffix('/etc/ioto')}/etc/init.d/ioto"

    def claim_id(self) -> str | None:
        """Return the claim ID in device.json5, or None."""
        found = self.document().get("id")
        return found if isinstance(found, str) else None

    def log(self) -> str:
        """Return what the agent has logged."""
        return self.read("/var/log/ioto.log").decode() if self.exists("/var/log/ioto.log") else ""

    def ssh(self, command: str, stdin: str = "", timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run `command` through the real ssh client, with the fleet's key, as the device's user."""
        login = ("-i", str(self.key), "-p", str(self.port), f"{self.user}@{self.address}")
        return subprocess.run(
            ("ssh", "-F", "none", "-o", "BatchMode=yes", *SSH_OPTIONS, *login, command),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def replace_shell(self, script: str) -> Path:
        """Have `script`, for BusyBox, run in place of each shell of the device; return where the sound one is now."""
        shell, sound = self.root / "bin/sh", self.root / "bin/sh.sound"
        shell.rename(sound)
        shell.write_text(f"#!/usr/bin/busybox sh\n{script}\n", encoding="utf-8")
        shell.chmod(0o755)
        return sound

    def stop(self) -> None:
        """Cut the power: all that runs in the device is gone on return, its files are as they were at that instant."""
        self.kind.stop(self)

    def restart(self) -> None:
        """Cut the power and switch on again; returns when the device answers. The agent stays off."""
        self.kind.stop(self)
        self.kind.start([self])

    def set_storage(self, storage: Storage) -> None:
        """Make the file system of the configuration directory full, read-only, or normal again.

        Only for a device that was built with a `storage` other than normal.
        """
        self.kind.set_storage(self, storage)

    def _parts(self, path: str) -> list[str]:
        # Without a chroot, the device's own paths begin with its root folder.
        if path.startswith(f"{self.root}/"):
            path = path.removeprefix(str(self.root))
        return [part for part in path.split("/") if part not in ("", ".")]
