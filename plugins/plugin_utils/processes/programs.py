# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that run on this machine, by the /proc of Linux."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

_PATIENCE = 1000
"""Milliseconds for a killed program to be gone."""


def running() -> Sequence[int]:
    """Return the numbers of all of them."""
    with suppress(OSError):
        return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal()]
    return []


def descendants(pid: int) -> Iterator[int]:
    """Yield the programs that `pid` has started, and that these have."""
    children: dict[int, list[int]] = {}
    for other in running():
        with suppress(OSError, ValueError, IndexError):
            # The name stands in brackets, and may hold anything.
            fields = (
                Path(f"/proc/{other}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(other)
    found = [pid]
    while found:
        for child in children.get(found.pop(), ()):
            found.append(child)
            yield child


def words(pid: int) -> list[str]:
    """Return the command line of `pid`, or what it shows in place of it; empty where it is gone."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="surrogateescape")
        return text.removesuffix("\0").split("\0")
    return []


def kill(pid: int, is_meant: Callable[[Sequence[str]], bool]) -> bool:
    """Kill `pid`, if its words are those that are meant, and what it has started; return whether it was.

    Its number may be another program's at any time: what is looked at is what is killed. On return it is gone.
    """
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_meant(words(pid)):
            return False
        started = list(descendants(pid))
        with suppress(OSError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        for child in started:
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
        watch = select.poll()
        watch.register(handle, select.POLLIN)
        watch.poll(_PATIENCE)
        return True
    finally:
        os.close(handle)
