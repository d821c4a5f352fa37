# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find and end what a fleet has running and mounted, from nothing but the name of its folder.

No pid files: a process belongs to a folder when its root directory lies in there (a device in a chroot), or when
the environment that it inherited says so (everything else). Whoever asks, and whatever was killed before, the answer
is complete, and a recycled pid is never mistaken for one of ours.
"""

from __future__ import annotations

import os
import pwd
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .errors import FleetError

MARK = "IOTO_FLEET_FOLDER"
REPOSITORY = Path(__file__).resolve().parents[2]  # where `python -m tests.fleet…` works

_children: dict[int, subprocess.Popen[bytes]] = {}  # of this process, to be collected when they have ended

_PATIENCE = 10.0  # seconds for killed processes to be gone


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment for a process that belongs to `folder`."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", MARK: str(folder), **more}


def spawn(*command: str, folder: Path, log: Path, pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start `command` as a process that belongs to `folder`, with all that it says going to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            env=environment(folder),
            pass_fds=pass_fds,
            # What interrupts the person at the keyboard is not for the devices.
            start_new_session=True,
        )
    _children[child.pid] = child
    return child


def members(folder: Path) -> list[int]:
    """Return the pids of the living processes that belong to `folder` or to a folder below it."""
    return [pid for pid in running() if pid != os.getpid() and _belongs(pid, folder)]


def running() -> list[int]:
    """Return the pids of this machine, zombies too; any of them may have ended when you look at it.

    A pattern such as `/proc/[0-9]*/stat` would not do: Python 3.11 raises where a process ends while it looks.
    """
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def children(pid: int) -> list[int]:
    """Return the pids of what `pid` has started, zombies too; none when it has ended itself."""
    found = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):  # this thread alone has ended
                words = (thread / "children").read_text(encoding="ascii").split()
                found += [int(word) for word in words]
    return found


def descendants(pid: int) -> list[int]:
    """Return the pids of what `pid` has started, and what that has started, zombies too."""
    found, unseen = [], [pid]
    while unseen:
        started = children(unseen.pop())
        found += started
        unseen += started
    return found


def kill(folder: Path) -> None:
    """Kill all that belongs to `folder`, and return when nothing of it is left. Raises `FleetError`."""
    deadline = time.monotonic() + _PATIENCE
    while pids := members(folder):
        if time.monotonic() > deadline:
            raise FleetError(f"Processes {pids} of {folder} do not die; end them by hand, then run down again.")
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            if child := _children.pop(pid, None):
                child.wait()
        time.sleep(0.005)


def mount_points(folder: Path) -> list[Path]:
    """Return what is mounted in `folder`, the innermost first."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    points = (Path(_unescape(line.split()[4])) for line in lines)
    return sorted((point for point in points if point.is_relative_to(folder)), reverse=True)


def unmount(folder: Path) -> None:
    """Unmount everything in `folder`. Raises `FleetError`."""
    for point in mount_points(folder):
        run("umount", "--lazy", str(point))


def run(*command: str) -> str:
    """Return what `command` prints. Raises `FleetError` with what it had to complain about."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FleetError(f"The fleet needs {command[0]}, which is not on this machine; install it.") from error
    if done.returncode:
        raise FleetError(f"`{' '.join(command)}` failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


def check_user() -> None:
    """Raise `FleetError` where ssh and its programs would not start: they work for no user without a name."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        raise FleetError(
            f"ssh works for no user without a name, and this one is the number {os.getuid()}; add a line for it to "
            "/etc/passwd, or start this as a user that has one."
        ) from None


def _belongs(pid: int, folder: Path) -> bool:
    # Gone in between, a zombie, or somebody else's: then it is not ours.
    with suppress(OSError):
        if Path(f"/proc/{pid}/root").readlink().is_relative_to(folder):
            return True
        for variable in _environ(pid).split(b"\0"):
            name, _, value = variable.partition(b"=")
            if name == MARK.encode():
                return Path(os.fsdecode(value)).is_relative_to(folder)
    return False


def _environ(pid: int) -> bytes:
    """Return what a process inherited; of one that is about to become another program, as soon as that has it."""
    place = Path(f"/proc/{pid}")
    while not (found := (place / "environ").read_bytes()):
        (place / "exe").readlink()  # which a zombie does not have, nor what is the kernel's own
        # Until a program is set up, its environment is nowhere: one in 25 looks at who does nothing but start others.
        fields = (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
        begin, end = fields[47:49]
        if begin == end != "0":
            break
        time.sleep(0.001)
    return found


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)
