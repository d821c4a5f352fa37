# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server that takes every question and answers none, for the commands that are run with it.

    with SilentResolver(tmp_path) as resolver:
        subprocess.run([*resolver.within, ...])

Those have a mount namespace of their own, in which `/etc/resolv.conf` names that server alone. It needs root.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

_NEW_MOUNTS = ("unshare", "--mount", "--propagation", "private")
_PORT = 53


class SilentResolver:
    """The server, at an address of this machine that nobody else has. `within` runs the command behind it there."""

    def __init__(self, folder: Path) -> None:
        self._settings = folder / "resolv.conf"
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @staticmethod
    def missing() -> str | None:
        """Why there can be none here."""
        if os.geteuid() != 0:
            return "a mount namespace and the port of a name server need root"
        done = subprocess.run([*_NEW_MOUNTS, "true"], capture_output=True, check=False)
        return "this machine makes no mount namespaces" if done.returncode else None

    def __enter__(self) -> Self:
        number = os.getpid()
        address = f"127.{number >> 14 & 127 | 128}.{number >> 7 & 127}.{number & 127 | 128}"
        self._server.bind((address, _PORT))
        self._settings.write_text(f"nameserver {address}\noptions timeout:10 attempts:2\n", encoding="utf-8")
        script = f'mount --bind {shlex.quote(str(self._settings))} /etc/resolv.conf && exec "$@"'
        self.within = [*_NEW_MOUNTS, "sh", "-c", script, "sh"]
        return self

    def was_asked(self) -> bool:
        """Whether somebody has asked."""
        self._server.setblocking(False)
        try:
            return bool(self._server.recv(512))
        except BlockingIOError:
            return False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()
