# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second kind of device, for people without root: one SSH server in Python that plays them all.

There is no chroot. A device is a folder; its shell starts there, its configuration directory is `<root>/etc/ioto`,
and its PATH holds the applets of BusyBox and nothing else where BusyBox is installed. What a script calls by an
absolute path is the machine's own. The server is python_ssh_server.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import agent, processes, readiness
from .devices import PORT, Device, DeviceSpec, Storage
from .errors import FleetError

_BUSYBOX = "/usr/bin/busybox"


class PythonSsh:
    """Plays devices in folders below `state_dir`."""

    name = "python-ssh"
    port = PORT

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._commands = state_dir / "commands"
        self._bin = state_dir / "bin"
        self._server: subprocess.Popen[bytes] | None = None

    def check(self, specs: list[DeviceSpec]) -> None:
        if any(spec.user != "root" or spec.storage != "normal" or spec.owner or spec.tty for spec in specs):
            raise FleetError("A device with an operator, a tty, an owner or a storage needs --kind dropbear.")

    def config_dir(self, root: Path) -> str:
        return f"{root}/etc/ioto"

    def prepare(self, password: str) -> None:
        (self._state_dir / "log").mkdir()
        os.mkfifo(self._commands, mode=0o600)
        shell, search_path = "/bin/sh", "/usr/sbin:/usr/bin:/sbin:/bin"
        if Path(_BUSYBOX).exists():
            self._bin.mkdir()
            for applet in ("busybox", *processes.run(_BUSYBOX, "--list").split()):
                (self._bin / applet).symlink_to(_BUSYBOX)
            shell, search_path = str(self._bin / "sh"), str(self._bin)
        settings = {"password": password, "shell": shell, "path": search_path}
        path = self._state_dir / "server.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(settings), encoding="utf-8")

    def build(self, device: Device, spec: DeviceSpec) -> None:
        for folder in ("etc/ioto", "root", "tmp", "persist", "var/run", "var/log"):
            (device.root / folder).mkdir(parents=True)
        if spec.serial:
            device.write("/proc/device-tree/serial-number", f"{device.serial}\0", 0o444)
        if spec.mac:
            device.write("/sys/class/net/eth0/address", f"{device.mac}\n", 0o444)
        shell = self._bin / "sh"
        # Under a name of its own: to a script, all devices have the processes of the machine.
        agent.install(device, spec, str(shell) if shell.exists() else "/bin/sh", "ioto-agent")

    def start(self, devices: list[Device]) -> None:
        # Open for reading too: it neither blocks when the server is still on its way, nor loses what is written.
        pipe = os.open(self._commands, os.O_RDWR)
        try:
            if not self._server and not _is_served(self._state_dir):
                self._server = processes.spawn(
                    *(sys.executable, "-m", "tests.fleet.python_ssh_server", str(self._state_dir)),
                    folder=self._state_dir / "server",
                    log=self._state_dir / "log/server",
                )
            for device in devices:
                device.path("/var/run/ioto.pid").unlink(missing_ok=True)
                _tell(pipe, do="start", name=device.name, address=device.address, port=device.port, root=device.root)
            readiness.wait(devices, lambda _: self._server is None or self._server.poll() is None)
        finally:
            os.close(pipe)

    def stop(self, device: Device) -> None:
        pipe = os.open(self._commands, os.O_RDWR)
        try:
            _tell(pipe, do="stop", name=device.name)
            readiness.wait([device], lambda _: True, up=False)
        finally:
            os.close(pipe)
        processes.kill(device.root)

    def set_storage(self, device: Device, storage: Storage) -> None:
        raise FleetError("The storage of a device can be changed with --kind dropbear only.")


def _is_served(state_dir: Path) -> bool:
    return bool(processes.members(state_dir / "server"))


def _tell(pipe: int, **command: Any) -> None:
    os.write(pipe, json.dumps(command, default=str).encode() + b"\n")
