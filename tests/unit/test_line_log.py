# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line goes on where its log cannot be written."""

from __future__ import annotations

import subprocess
import sys

import pytest

SAY = """
import sys
from plugins.plugin_utils.line.__main__ import log
sys.stdin.read()
log("one")
log("two")
sys.exit("went on")
"""


@pytest.mark.parametrize("kind", ["a full disk", "a pipe that nobody reads"])
def test_a_log_that_cannot_be_written_ends_no_station(pytestconfig: pytest.Config, kind: str) -> None:
    full = open("/dev/full", "wb") if kind == "a full disk" else None  # noqa: SIM115, PTH123
    with subprocess.Popen(
        [sys.executable, "-c", SAY],
        cwd=pytestconfig.rootpath,
        stdin=subprocess.PIPE,
        stdout=full or subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdout:
            process.stdout.close()
        assert process.stdin and process.stderr
        process.stdin.close()
        said = process.stderr.read()
    if full:
        full.close()
    assert said.startswith("went on\n"), said
