# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees to it that a fleet does not outlive the process that started it, however that one ends.

The owner holds the other end of our standard input and never writes. When the owner is gone, also by kill -9, the
system closes it, and the fleet goes down.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .removal import remove


def main() -> None:
    """Wait for the end of the owner, then take down the fleet in the folder that the first argument names."""
    sys.stdin.buffer.read()
    remove(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
