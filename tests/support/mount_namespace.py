# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real mounts that nobody else on this machine sees, and that are gone when they are left. Needs root, and Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import block_devices

_PROGRAMS = ("unshare", "nsenter")


def available() -> bool:
    """Say whether this machine and this user can have such mounts."""
    return (
        block_devices.available()
        and all(map(shutil.which, _PROGRAMS))
        and subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    )


@dataclass(frozen=True)
class MountNamespace:
    """A view of the machine's files with mounts of its own."""

    pid: int

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs `command` in it."""
        # With its root: whoever enters a namespace alone leaves the root that the tests may have been started in.
        return ["nsenter", "--target", str(self.pid), "--mount", "--root", "--wd", "--", *command]

    def seen(self, path: Path) -> Path:
        """Return the path by which those outside see what is at `path` in it."""
        return Path(f"/proc/{self.pid}/root{path}")

    def run(self, script: str, **variables: object) -> str:
        """Run a shell script in it, up to the first command that fails, which raises; return what it prints."""
        command = self.inside(["sh", "-e", "-c", script])
        told = os.environ | {name: str(value) for name, value in variables.items()}
        done = subprocess.run(command, capture_output=True, text=True, env=told, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def mount_namespace() -> Iterator[MountNamespace]:
    """Have a mount namespace; what is mounted in it is unmounted at the end, and its loop devices are free again."""
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo ready; exec cat"]
    with block_devices.alone():
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdin and holder.stdout
        said = holder.stdout.readline()
    with holder:
        try:
            assert said == b"ready\n"
            yield MountNamespace(holder.pid)
        finally:
            holder.stdin.close()  # which ends it
