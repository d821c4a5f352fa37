# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the README's examples: 192.0.2.0/24 with its devices, factory service and label printer.

A network namespace of its own holds them, in which every address of 192.0.2.0/24 is one of this machine, so several
such networks can be up at a time. It needs root, and goes down with whoever started it.

    with ExampleNetwork(folder, home) as network:
        subprocess.run([*network.entrance, "ssh", "root@192.0.2.11"])
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fleet import DeviceSpec, Fleet, processes
from tests.services.label_printer import LabelPrinter

STATION = "192.0.2.1"
PRINTER = "192.0.2.10"
PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
# Each device of the examples, with the flow that it goes through.
DEVICES = {
    "192.0.2.11": "manual",
    "192.0.2.12": "manual",
    "192.0.2.13": "manual",
    "192.0.2.14": "manual",
    "192.0.2.21": "auto",
    "192.0.2.31": "factory",
}

_NEW_NETWORK = ("unshare", "--net", "--")
_NO_PASSWORD = "root::19000:0:99999:7:::\n"


def available() -> bool:
    """Say whether this machine and this user can make such a network."""
    if os.geteuid() != 0:
        return False
    command = (*_NEW_NETWORK, "ip", "link", "set", "lo", "up")
    try:
        return (
            subprocess.run(command, capture_output=True, env=processes.environment(Path("/")), check=False).returncode
            == 0
        )
    except FileNotFoundError:
        return False


class ExampleNetwork:
    """The network, in a process of its own that keeps its files in `folder`.

    Whoever reads has its home in `home`, and runs the service.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        self._home = home

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        self._log = (self._folder / "network.log").open("w+")
        self._process = subprocess.Popen(
            [*_NEW_NETWORK, sys.executable, "-m", "tests.support.example_network", str(self._folder), str(self._home)],
            cwd=processes.REPOSITORY,
            env=processes.environment(self._folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            self._close()
            raise AssertionError(
                f"The network of the examples did not start: {(self._folder / 'network.log').read_text()}"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._process.communicate()  # it ends with its input
        self._log.close()

    @property
    def entrance(self) -> list[str]:
        """What a command begins with that is to run in the network."""
        return ["nsenter", f"--net=/proc/{self._process.pid}/ns/net", "--"]


def _hold(folder: Path, home: Path) -> None:
    processes.run("ip", "link", "set", "lo", "up")
    processes.run("ip", "address", "add", f"{STATION}/24", "dev", "lo")
    # Pseudo terminals, as on real devices, since the examples do not tell Ansible to do without.
    specs = [
        DeviceSpec(group=group, product=PRODUCT, address=address, port=22, tty=True)
        for address, group in DEVICES.items()
    ]
    with (
        Fleet.start(folder / "fleet", specs=specs) as fleet,
        LabelPrinter(folder / "labels", host=PRINTER, port=9100),
        _service(folder, home) as service,
    ):
        for device in fleet.devices:
            device.write("/etc/shadow", _NO_PASSWORD)  # as they come from their maker: the reader has no key of theirs
        print("ready", flush=True)
        sys.stdin.read()
        service.kill()


def _service(folder: Path, home: Path) -> subprocess.Popen[bytes]:
    # It inherits a socket that listens already: ready before it runs.
    with socket.create_server((STATION, 1234)) as listener:
        listening = ("--listener", str(listener.fileno()), "--ledger", str(folder / "ledger.db"))
        return subprocess.Popen(
            (sys.executable, "-m", "plugins.plugin_utils.service", *listening),
            cwd=processes.REPOSITORY,
            env=processes.environment(folder, HOME=str(home), IOTO_SERVICE_NETWORKS="192.0.2.0/24"),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            stderr=sys.stderr,
            pass_fds=[listener.fileno()],
        )


if __name__ == "__main__":
    _hold(*map(Path, sys.argv[1:]))
