# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the agent stand-in (agent.sh, json5.awk) and its service script (init.sh) into a device.

A shell script, because it has to run where no Python is. What it imitates is written in agent.sh; the real agent does
much more, and nothing of that touches the claim ID.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from .devices import Device, DeviceSpec

_HERE = Path(__file__).parent


def install(device: Device, spec: DeviceSpec, shell: str = "/bin/sh") -> None:
    """Install the stand-in of the generation and delay that `spec` asks for; `shell` is what runs it."""
    for source, target, mode in (
        ("agent.sh", "/usr/bin/ioto", 0o755),
        ("init.sh", "/etc/init.d/ioto", 0o755),
        ("json5.awk", "/usr/lib/ioto/json5.awk", 0o644),
    ):
        text = (_HERE / source).read_text(encoding="utf-8")
        device.write(target, text.replace("#!/bin/sh\n", f"#!{shell}\n", 1), mode)
    settings = {
        "GENERATION": spec.agent,
        "START_DELAY": f"{spec.agent_delay:g}",
        "CONFIG_DIR": device.config_dir,
    }
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    device.write("/etc/default/ioto", "".join(lines), 0o644)
