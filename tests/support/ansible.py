# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the real ansible-playbook, as somebody who has a plain clone does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.warm_start import WarmStart

ROOT = Path(__file__).parents[2]
_BIN = Path(sys.executable).parent
WARM = WarmStart(_BIN / "ansible-playbook")
"""Of the programs of Ansible, for whoever waits for their end."""
MACHINE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""What runs a command as on a machine of its own, which sees no process of others and ends with it. Needs root."""
_SUMMARY_LINE = re.compile(r'^ {8}(".*"),?$', re.MULTILINE)
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What a run printed and how it ended."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something, over all hosts."""
        return sum(int(match[3]) for match in _RECAP.finditer(self.output))

    @property
    def unreachable(self) -> set[str]:
        """The hosts that the recap says are unreachable."""
        return {match[1] for match in _RECAP.finditer(self.output) if int(match[4])}

    @property
    def failed(self) -> set[str]:
        """The hosts that the recap says have failed."""
        return {match[1] for match in _RECAP.finditer(self.output) if int(match[5])}

    @property
    def reasons(self) -> dict[str, str]:
        """What the summary says of each host that is not done, as the default callback shows it."""
        lines = (json.loads(match[1]) for match in _SUMMARY_LINE.finditer(self.output))
        pairs = (line.partition(": ") for line in lines)
        return {host: sentence for host, colon, sentence in pairs if colon and host in self.failed | self.unreachable}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment without anything of the user's; `folder` is the home, where the default ledger is."""
    return {
        "PATH": f"{_BIN}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": "/tmp/ioto-test-cp",
        **more,
    }


def sampled(cases: Sequence[object]) -> list[object]:
    """Return cases of a parametrized test that differ in values which our core alone judges.

    Another ansible-core hands on any of them as it does the first and the last, so it repeats these alone.
    """
    first, *between, last = cases
    mark = pytest.mark.one_series
    return [
        first,
        *(pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=mark) for case in between),
        last,
    ]


def command(*arguments: str | Path) -> list[str]:
    """The command line of ansible-playbook with these arguments."""
    return [str(_BIN / "ansible-playbook"), *map(str, arguments)]


def provision(
    folder: Path, *arguments: str | Path, playbook: Path | None = None, within: Sequence[str] = (), **more: str
) -> Run:
    """Run `playbooks/provision.yml`, or another playbook, with these arguments, from a folder that is not the clone.

    `within` is a command that runs the one behind it.
    """
    line = command(playbook or ROOT / "playbooks/provision.yml", *arguments)
    if not within:
        done = WARM.run(line, folder, environment(folder, **more))
        return Run(done.returncode, done.stdout)
    done = subprocess.run(
        [*within, *line],
        cwd=folder,
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=300,
    )
    return Run(done.returncode, done.stdout)


def provision_here(folder: Path, *arguments: str | Path, **more: Any) -> Run:
    """As `provision`, where this machine is the device: it has no agent, though another test may have one."""
    return provision(folder, *arguments, within=MACHINE if os.getuid() == 0 else (), **more)


def copy_with_a_defect(folder: Path, file: str, code: str) -> Path:
    """Copy what of the clone Ansible runs to `folder`, with `code` at the end of its `file`, and return the copy."""
    copy = folder / "clone"
    for part in ("plugins", "roles", "playbooks", "meta"):
        shutil.copytree(ROOT / part, copy / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "galaxy.yml", copy)
    with (copy / file).open("a", encoding="utf-8") as source:
        source.write(code)
    return copy
