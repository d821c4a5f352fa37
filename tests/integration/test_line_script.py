# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards come and go at a line by a script with a fixed seed, and it tells the truth in the end, whatever is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")

from tests.campaign.line import CHANCES, run

ROOT = Path(__file__).resolve().parents[2]
SEED = 12
SECONDS = 60.0
BOARDS = 100
"""More than are plugged in meanwhile."""


def test_boards_come_and_go_while_programs_are_killed_and_nothing_is_lost_or_twice(tmp_path: Path) -> None:
    """`make campaign-line` does so for long, and with another seed each time."""
    result = run(tmp_path, boards=BOARDS, seed=SEED, seconds=SECONDS, chances=replace(CHANCES, kill=0.2))

    print(result)
    assert result.violations == []
    assert sum(number for deed, number in result.deeds.items() if deed.startswith("kill -9")) >= 1
    assert result.judgement.claim_ids >= 8


def test_the_line_to_look_at_ends_with_a_report(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "tools/line.py"],
        cwd=ROOT,
        env={**os.environ, "SECONDS": "8", "SEED": str(SEED), "STATE": str(tmp_path / "line")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "The page of the line: http://127.0.0.1:" in done.stdout
    assert (tmp_path / "line/report.html").stat().st_size > 1000
    assert "Traceback" not in done.stdout
