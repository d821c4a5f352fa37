# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a fleet down, from its folder alone: also after all who knew more were killed."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from . import processes

MARKER = "ioto-fleet.json"  # is in the folder from before the first device until all else is gone

OWN = (
    *("devices", "shared", "bin", "log", "key", "key.pub"),
    *("server.json", "commands", "service", "inventory.yml"),
)


def remove(state_dir: Path) -> bool:
    """Kill, unmount and delete what the fleet in `state_dir` has; say whether there was one.

    Files of others in the folder stay, and so does the folder then. Raises `FleetError`.
    """
    state_dir = state_dir.resolve()
    if not (state_dir / MARKER).exists():
        return False
    processes.kill(state_dir)
    processes.unmount(state_dir)
    for name in OWN:
        path = state_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (state_dir / MARKER).unlink(missing_ok=True)
    with suppress(OSError):
        state_dir.rmdir()
    return True
