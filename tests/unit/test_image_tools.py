# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that know the formats of images: one that hangs is ended, with all that it started."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats import tools
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.image import ImageError
from ansible_collections.ioto.serialization.plugins.plugin_utils.processes.programs import running

MARK = "IOTO_TEST_OF_HUNG_TOOLS"


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """What all that is started here has in its environment."""
    monkeypatch.setenv(MARK, str(tmp_path))
    return f"{MARK}={tmp_path}"


def marked(mark: str) -> list[int]:
    found = []
    for pid in running():
        try:
            said = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if pid != os.getpid() and mark.encode() in said:
            found.append(pid)
    return found


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (("sleep", "1000"), "_SECONDS"),
        (("sh", "-c", "sleep 1000; true"), "_SECONDS"),
        (("fakeroot", "--", "sh", "-c", "sleep 1000; true"), "_SECONDS_FOR_ALL"),
    ],
)
def test_a_program_that_hangs_is_ended_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, mark: str, command: tuple[str, ...], kind: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"the program {command[0]} is not installed")
    monkeypatch.setattr(tools, kind, 1.2)
    with pytest.raises(ImageError) as told:
        tools.run(*command, image=Path("pump.img"))
    assert str(told.value) == (
        f"The program {command[0]} did not end within 0.02 minutes for the image pump.img; see whether the disk hangs, "
        "and run again."
    )
    # The daemon of fakeroot ends by itself, a moment after it is told to.
    until = time.monotonic() + 30
    while marked(mark) and time.monotonic() < until:
        time.sleep(0.01)
    assert marked(mark) == []


def test_one_that_ends_in_time_leaves_what_it_said(mark: str) -> None:
    done = tools.run("sh", "-c", "cat; echo no >&2; exit 3", stdin=b"in")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"in", b"no\n")
    assert marked(mark) == []
