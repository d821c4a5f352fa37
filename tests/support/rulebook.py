# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible-rulebook with the rulebook of the line, where it and a Java that is new enough are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.playbook import SSH_ARGUMENTS
from tests.fleet.jig import Jig

from .ansible import ROOT

_OWN = Path(os.environ.get("IOTO_ANSIBLE_RULEBOOK", Path(sys.executable).with_name("ansible-rulebook")))
RULEBOOK = str(_OWN) if _OWN.exists() else shutil.which("ansible-rulebook")
LEAST_JAVA = 17
DEADLINE = 120.0
NO_RULEBOOK = "there is no ansible-rulebook (or name one in IOTO_ANSIBLE_RULEBOOK)"
NO_JAVA = f"there is no Java {LEAST_JAVA} or later (JAVA_HOME)"


def java() -> Path | None:
    """Return the folder of a Java that is new enough, or None."""
    program = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}")
    if program is None:
        return None
    said = subprocess.run((program, "-version"), capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return Path(program).resolve().parents[1] if found and int(found[1]) >= LEAST_JAVA else None


def write_settings(jig: Jig, folder: Path) -> None:
    """Write what the rulebook takes, for `jig`, into `folder`."""
    (folder / "line.toml").write_text(f'inventory = ["{jig.inventory}"]\n')
    (folder / "rulebook-variables.yml").write_text(f"ioto_line_settings: {folder}/line.toml\n")


class Running:
    """An ansible-rulebook, and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def printed(self) -> str:
        """All that it has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, what: Callable[[], bool]) -> None:
        """Return when `what` is so."""
        deadline = time.monotonic() + DEADLINE
        while not what():
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.02)


@contextmanager
def rulebook(name: str, jig: Jig, folder: Path, work: Path | None = None) -> Iterator[Running]:
    """Run the rulebook `name` for `jig`, from `work`; `folder`, with its settings, is its home."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "TMPDIR": str(folder),  # where a copy of the inventory would be left, were it killed
        "LANG": "C.UTF-8",
        "JAVA_HOME": str(java()),
        "JAVA_TOOL_OPTIONS": "-Xrs",
        "ANSIBLE_SSH_ARGS": " ".join(SSH_ARGUMENTS),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections"),
    }
    command = (str(RULEBOOK), "-r", name, "-i", str(jig.inventory), "-e", str(folder / "rulebook-variables.yml"))
    log = folder / "rulebook.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=work or folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Running(process, log)
    finally:
        process.kill()
        process.wait()
