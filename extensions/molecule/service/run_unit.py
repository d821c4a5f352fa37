# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an installed unit's ExecStart where no systemd runs: `run_unit.py UNIT [--background]`.

User, group, working directory, environment and umask are those of the unit file; nothing of them is known here. Prints
the process's ID with --background, else the command's output; its exit status is the command's.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

UNITS = Path("/etc/systemd/system")


def main(name: str, *options: str) -> int:
    """Run the unit with that `name`; return the exit status."""
    lines = (UNITS / name).read_text(encoding="utf-8").splitlines()
    settings = [line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#")]

    def every(key: str) -> list[str]:
        return [value for found, value in settings if found == key]

    def only(key: str) -> str:
        (value,) = every(key)
        return value

    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
    assignments = every("Environment")
    for file in every("EnvironmentFile"):
        assignments += Path(file).read_text(encoding="utf-8").splitlines()
    for assignment in assignments:
        environment.update(word.partition("=")[::2] for word in shlex.split(assignment, comments=True))

    in_background = "--background" in options
    process = subprocess.Popen(
        shlex.split(only("ExecStart")),
        user=only("User"),
        group=only("Group"),
        extra_groups=[],
        umask=int(only("UMask"), 8),
        cwd=only("WorkingDirectory"),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if in_background else None,
        stderr=subprocess.STDOUT,
        start_new_session=in_background,
    )
    if in_background:
        print(process.pid)
        return 0
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
