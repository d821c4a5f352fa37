# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address in a network of its own behind which PostgreSQL is, and which may swallow all that is sent to it.

Nothing refuses, and nobody is told, as behind a switch that lost its power: each end sends its frames to an address
that nobody has. It needs root, and goes down with whoever started it.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .factory_service import ROOT

_NOBODY = "02:00:00:00:00:99"
_NEW_NETWORK = ("unshare", "--net", "--")
_numbers = itertools.count()


class SilentNetwork:
    """The network; `address` and `port` lead to the Unix socket at `target`."""

    def __init__(self, target: Path, folder: Path) -> None:
        self._target = target
        self._folder = folder
        # Networks of several processes are up at a time; 198.18.0.0/15 is for tests (RFC 2544).
        number = (os.getpid() * 8 + next(_numbers)) % (1 << 15)
        net = f"198.{18 + (number >> 14)}.{number >> 6 & 255}"
        self._our_address, self.address = (f"{net}.{number % 64 * 4 + at}" for at in (1, 2))
        self._link = f"ioto{number}"
        self.port = 0

    @staticmethod
    def missing() -> str | None:
        """Why there can be no such network here."""
        if os.geteuid() != 0:
            return "a network of its own needs root"
        with suppress(FileNotFoundError):
            command = (*_NEW_NETWORK, "ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return None
        return "this machine makes no network namespaces"

    def __enter__(self) -> Self:
        with (self._folder / "network.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_NEW_NETWORK, sys.executable, "-m", "tests.services.silent_proxy", str(self._target)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        self._there = ("nsenter", f"--net=/proc/{self._process.pid}/ns/net", "--")
        _run(
            "ip", "link", "add", self._link, "type", "veth", "peer", "name", "station", "netns", str(self._process.pid)
        )
        for where, name, address in (((), self._link, self._our_address), (self._there, "station", self.address)):
            _run(*where, "ip", "address", "add", f"{address}/30", "dev", name)
            _run(*where, "ip", "link", "set", name, "up")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # The link goes with its other end.
        self._process.communicate()

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Swallow everything, both ways, as long as the block takes."""
        ends = (((), self.address, self._link), (self._there, self._our_address, "station"))
        for where, address, name in ends:
            _run(*where, "ip", "neighbour", "replace", address, "lladdr", _NOBODY, "dev", name, "nud", "permanent")
        try:
            yield
        finally:
            for where, address, name in ends:
                _run(*where, "ip", "neighbour", "delete", address, "dev", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
