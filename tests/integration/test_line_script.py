# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make line`, with a fixed seed: boards come and go, programs are killed, and the line tells the truth in the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")
pytestmark = pytest.mark.ansible

ROOT = Path(__file__).resolve().parents[2]
SECONDS, SEED = "45", "12"


def test_boards_come_and_go_while_programs_are_killed_and_nothing_is_lost_or_twice(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "tools/line.py"],
        cwd=ROOT,
        env={**os.environ, "SECONDS": SECONDS, "SEED": SEED, "KILLS": "1", "STATE": str(tmp_path / "line")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for deed in ("kill -9 of the station", "pulled in the middle", "plugged again", "is swapped into"):
        assert deed in done.stdout
    assert (tmp_path / "line/report.html").stat().st_size > 1000
    assert "Traceback" not in done.stdout
