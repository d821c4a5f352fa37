# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process does a slice, written so that whoever reads it on the same machine can tell whether it still lives."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_DEAD = {"Z", "X", "x"}


def name_of_parent() -> str:
    """Return the name of this process's parent, an `ansible-playbook` whose workers come and go; empty without /proc.

    It names the machine since its start, the container, the process, and when that began.
    """
    started = _started(os.getppid())
    where = _where()
    return "" if started is None or not where else f"{where} {os.getppid()} {started}"


def is_alive(name: str) -> bool | None:
    """Say whether the process with that `name` lives; None where that cannot be told from here."""
    where, _space, process = name.partition(" ")
    number, _space, started = process.partition(" ")
    if not number.isdecimal() or where != _where():
        return None
    return _started(int(number)) == started


def _where() -> str:
    """Return where numbers of processes mean the same as here."""
    with suppress(OSError):
        return f"{_BOOT.read_text(encoding='ascii').strip()}/{_NAMESPACE.readlink()}"
    return ""


def _started(number: int) -> str | None:
    """Return when the process with that number began, in the kernel's ticks; None where it does not live."""
    with suppress(OSError, IndexError):
        # What stands in brackets is the name of its program, which may hold anything.
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in _DEAD else fields[19]
    return None
