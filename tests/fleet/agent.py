# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the agent stand-in (agent.sh, json5.awk) and its service script (init.sh) into a device.

A shell script, because it has to run where no Python is. What it imitates is written in agent.sh; the real agent does
much more, and nothing of that touches the claim ID.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from .devices import Device, DeviceSpec

_HERE = Path(__file__).parent


def install(device: Device, spec: DeviceSpec, shell: str = "/bin/sh", program: str = "ioto") -> None:
    """Install the stand-in of the version and delay that `spec` asks for; `shell` runs it, under the name `program`."""
    for path, text, mode in files(spec.agent, device.config_dir, spec.agent_delay, shell, program):
        device.write(path, text, mode)


def files(
    version: str, config_dir: str, delay: float = 0.0, shell: str = "/bin/sh", program: str = "ioto"
) -> Iterator[tuple[str, str, int]]:
    """Yield the files of a stand-in: path, text and mode."""
    for source, target, mode in (
        ("agent.sh", f"/usr/bin/{program}", 0o755),
        ("init.sh", "/etc/init.d/ioto", 0o755),
        ("json5.awk", "/usr/lib/ioto/json5.awk", 0o644),
    ):
        text = (_HERE / source).read_text(encoding="utf-8")
        yield target, text.replace("#!/bin/sh\n", f"#!{shell}\n", 1), mode
    settings = {"VERSION": version, "START_DELAY": f"{delay:g}", "CONFIG_DIR": config_dir, "PROGRAM": program}
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    yield "/etc/default/ioto", "".join(lines), 0o644
