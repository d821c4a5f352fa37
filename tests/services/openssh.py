# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenSSH server on 127.0.0.1, with the settings of one test."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.fleet.readiness import answers

from .reserved_port import reserved_port

SERVER = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
"""The program; None where there is none. It needs root."""


@contextmanager
def openssh_server(folder: Path, host_key: Path, *settings: str) -> Iterator[int]:
    """Run a server that has these lines in its `sshd_config`, and give its port."""
    with reserved_port() as port:
        yield from _served(folder, host_key, port, settings)


def _served(folder: Path, host_key: Path, port: int, settings: Sequence[str]) -> Iterator[int]:
    configuration = folder / "sshd_config"
    lines = f"ListenAddress 127.0.0.1:{port}", f"HostKey {host_key}", "PidFile none", "UsePAM no", *settings
    configuration.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen((str(SERVER), "-D", "-e", "-f", configuration), stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not answers("127.0.0.1", port):
            assert process.poll() is None
            assert time.monotonic() < deadline
        try:
            yield port
        finally:
            process.kill()
