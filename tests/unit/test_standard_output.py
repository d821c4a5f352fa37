# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs whose output goes to a full disk, or to nobody any more: a sentence and a status, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.processes.standard_output import status_of

ROOT = Path(__file__).resolve().parents[2]
FULL = "The standard output cannot be written (No space left on device)"
COMMANDS = {
    "checkpoints, what it has done": ("checkpoints", "new-key", "{folder}/key"),
    "checkpoints, help": ("checkpoints", "--help"),
    "service, what it has done": ("service", "new-secret"),
    "service, help": ("service", "--help"),
    "line, help": ("line", "--help"),
}


def ended(output: int, folder: Path, command: tuple[str, ...], errors: int = subprocess.PIPE) -> tuple[int, str]:
    program, *arguments = (word.format(folder=folder) for word in command)
    # Where each write is one by itself, argparse passes over the error of its own.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-m", f"plugins.plugin_utils.{program}", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, text=True, check=False,
        env=environment,
    )  # fmt: skip
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_is_a_sentence_and_a_status(tmp_path: Path, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        status, said = ended(full.fileno(), tmp_path, command)
        assert (status, said.splitlines()[0][: len(FULL)], len(said.splitlines())) == (1, FULL, 1), said
        assert ended(full.fileno(), tmp_path / "new", command, errors=full.fileno())[0] == 1


def test_a_reader_that_is_gone_is_one_as_well(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        status, said = ended(writer, tmp_path, ("service", "new-secret"))
    finally:
        os.close(writer)
    assert status == 1 and said.startswith("The standard output cannot be written (Broken pipe)"), said
    assert "Traceback" not in said and len(said.splitlines()) == 1


def test_a_wrong_command_line_keeps_its_status(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        assert ended(full.fileno(), tmp_path, ("checkpoints", "verfy"))[0] == 2


def test_a_program_that_ends_with_a_sentence_has_failed() -> None:
    with pytest.raises(SystemExit, match="It cannot begin"):
        status_of(lambda: sys.exit("It cannot begin."))
    assert status_of(sys.exit) == 0
    assert status_of(lambda: sys.exit(3)) == 3
