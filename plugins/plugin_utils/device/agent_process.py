# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent that runs on a device: it goes by what it read when it started, and may write that over what we wrote.

An agent that started without an ID saves the one that it is given later over whatever stands in the file by then. So
one that runs is started again, has to be gone, and the file is read once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from .device import Device
from .scripts import restart_and_look

PATIENCE = 10
"""Seconds for the old agent to end."""

HOW_TO_RESTART = "say how (ioto_agent_restart)"


def restart_trouble(status: int | None, *, where: str) -> str | None:
    """Return why a restart that ended with `status` (None: no way is known) did not come about, as a sentence."""
    if status is None:
        return (
            f"The agent on {where} could not be restarted: there is no /etc/init.d/ioto and no systemctl; "
            f"{HOW_TO_RESTART}."
        )
    if status != 0:
        return (
            f"The command that restarts the agent on {where} failed with status {status}; "
            "run it on the device to see why, or name another (ioto_agent_restart)."
        )
    return None


def settle_agent(
    device: Device, config_dir: str, before: Sequence[str], expected: bytes, restart: Sequence[str]
) -> str | None:
    """Start the agent again, whose processes were `before`, and read device.json5 once more, which is `expected`.

    Return why the agent may still go on with another identity, as a sentence, or None. Raises `DeviceError`.
    """
    seen = restart_and_look(device, config_dir, before, seconds=PATIENCE, restart=restart)
    trouble = restart_trouble(seen.restarted, where=device.name)
    if trouble is not None:
        return f"{trouble} {_WRITTEN}"
    if left := {*before} & {*seen.agents}:
        pids = " and ".join(sorted(word.partition(":")[0] for word in left))
        return (
            f"The agent on {device.name} that ran before its device.json5 was written did not end when it was "
            f"restarted (process {pids}): {HOW_TO_RESTART}, or end it by hand. {_WRITTEN}"
        )
    if seen.device_file.data != expected:
        return (
            f"The agent on {device.name} wrote over its device.json5 after it was restarted: see its log, then run "
            "again."
        )
    return None


_WRITTEN = "Until then the ID is written and not verified, since that agent may overwrite it; run again afterwards."
