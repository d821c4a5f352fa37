# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A round of the benchmark removes its folders however it or the benchmark ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmark.round_process import run_round

ROOT = Path(__file__).resolve().parents[2]
ROUND = """
import subprocess, tempfile, sys
from pathlib import Path
from tests.benchmark.round_process import interrupt_by_signals

interrupt_by_signals()
with tempfile.TemporaryDirectory(prefix="ioto-") as folder:
    Path(folder, "there").touch()
    subprocess.run([sys.executable, "-c", "import signal; signal.pause()"])
"""
BENCHMARK = """
import os, sys
from pathlib import Path
from tests.benchmark.round_process import interrupt_by_signals, run_round

interrupt_by_signals()
with open(os.devnull, "wb") as sink:
    run_round([sys.executable, "-c", sys.argv[1]], cwd=Path.cwd(), env=os.environ, sink=sink, patience=600)
"""


def surroundings(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_the_benchmark_has_the_round_clean_up(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BENCHMARK, ROUND], cwd=ROOT, env=surroundings(tmp_path), stderr=subprocess.DEVNULL
    ) as benchmark:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("ioto-*/there")):
            assert benchmark.poll() is None and time.monotonic() < deadline
        benchmark.send_signal(number)
        assert benchmark.wait(60) != 0
    assert list(tmp_path.iterdir()) == []


def test_what_ends_the_benchmark_while_a_round_starts_ends_the_round(tmp_path: Path) -> None:
    interrupted = """
import os, signal, subprocess
from pathlib import Path
from tests.benchmark import round_process

class Popen(subprocess.Popen):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        Path("pid").write_text(str(self.pid))
        signal.raise_signal(signal.SIGTERM)

subprocess.Popen = Popen
round_process.interrupt_by_signals()
with open(os.devnull, "wb") as sink:
    round_process.run_round(["sleep", "600"], cwd=Path.cwd(), env=os.environ, sink=sink, patience=600)
"""
    done = subprocess.run(
        [sys.executable, "-c", interrupted], cwd=tmp_path, env=surroundings(tmp_path), capture_output=True, check=False
    )
    assert b"KeyboardInterrupt" in done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_round_that_takes_too_long_cleans_up(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as sink:
        program = [sys.executable, "-c", ROUND]
        # Whether it has begun by then or not, nothing is left of it.
        assert not run_round(program, cwd=ROOT, env=surroundings(tmp_path), sink=sink, patience=2.0)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
