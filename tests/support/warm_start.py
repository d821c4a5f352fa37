# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start Python programs many times, and import once what they all import, which is half of a start of Ansible.

warm = WarmStart(Path(".venv/bin/ansible-playbook"))
done = warm.run([".venv/bin/ansible-playbook", "-i", "hosts.yml", "site.yml"], folder, environ)

What it does and how it ends are as ever. But its parent is another process than the caller, and its command line is not
its own: a test that looks at one of these, or at how it is killed, starts it by `subprocess`.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support import warm_server

_AT_START = ("LANG", "LC_", "PYTHON", "LD_")
"""How the names begin of the variables that say how Python starts: these the server has to have."""


class WarmStart:
    """Servers that start programs of this Python's environment, and end with this process."""

    def __init__(self, program: Path) -> None:
        """Import what `program` imports, when something is started."""
        self._program = program
        self._addresses: dict[tuple[tuple[str, str], ...], str] = {}

    def run(
        self,
        command: Sequence[str | Path],
        folder: Path,
        environ: Mapping[str, str],
        *,
        apart: bool = False,
        timeout: float = 300.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with nothing on stdin. What it says on stderr comes among its stdout, if not `apart`.

        Raises `subprocess.TimeoutExpired` when it was killed because it took more than `timeout` seconds.
        """
        command = [*map(str, command)]
        asked = json.dumps({"command": command, "folder": str(folder), "environ": dict(environ)}).encode()
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stdout,
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr,
            Path(os.devnull).open("rb") as nothing,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
        ):
            connection.connect(self._address(environ))
            streams = nothing, stdout, stderr if apart else stdout
            socket.send_fds(connection, [asked], [stream.fileno() for stream in streams])
            with connection.makefile("rb") as answers:
                process = int(answers.readline())
                connection.settimeout(timeout)
                try:
                    status = int(answers.readline())
                except TimeoutError:
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(command, timeout) from None
            stdout.seek(0)
            stderr.seek(0)
            return subprocess.CompletedProcess(command, status, stdout.read(), stderr.read())

    def _address(self, environ: Mapping[str, str]) -> str:
        at_start = tuple(sorted((name, value) for name, value in environ.items() if name.startswith(_AT_START)))
        if at_start not in self._addresses:
            self._addresses[at_start] = _start(self._program, dict(at_start))
        return self._addresses[at_start]


def _start(program: Path, environ: Mapping[str, str]) -> str:
    """Start a server and return the address of its socket, at which questions can wait for it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind("")  # at a free address of the system's, which no file stands for
        listener.listen()
        number = listener.fileno()
        server = subprocess.Popen(
            [sys.executable, warm_server.__file__, str(number), program],
            stdin=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], **environ},
            pass_fds=[number],
        )
        atexit.register(server.communicate)
        address: str | bytes = listener.getsockname()
    return os.fsdecode(address)
