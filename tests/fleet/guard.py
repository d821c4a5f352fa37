# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees to it that a fleet does not outlive the process that started it, however that one ends.

The owner holds the other end of our standard input and never writes. When the owner is gone, also by kill -9, the
system closes it, and the fleet goes down.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .removal import remove

ROOT = Path(__file__).resolve().parents[2]


def post(state_dir: Path) -> subprocess.Popen[bytes]:
    """Start a guard for the fleet in `state_dir`; close its stdin to dismiss it."""
    # A session of its own: what interrupts the owner must not take the guard with it.
    command = (sys.executable, "-m", "tests.fleet.guard", str(state_dir))
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, start_new_session=True)


def main() -> None:
    sys.stdin.buffer.read()
    remove(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
