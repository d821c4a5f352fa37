# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command and measure what it and everything that it started cost.

    python -m tests.benchmark.meter RESULT.json COMMAND...

CPU is user + system time of all descendants, those too that put themselves into the background (ssh masters): this
process adopts them, ends them and waits for each. Memory is the highest sum of what the descendants held at a time
(PSS: a page that several share counts once), looked at twice a second.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fleet.processes import descendants

_PR_SET_CHILD_SUBREAPER = 36
_INTERVAL = 0.5
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Metered:
    """What a command cost, as `main` writes it, and what it said."""

    figures: dict[str, Any]
    said: str


def metered(result: Path) -> tuple[str, ...]:
    """Return what stands before a command whose figures are to be in `result`."""
    return sys.executable, "-m", "tests.benchmark.meter", str(result)


def run_metered(command: Sequence[str], folder: Path, *, env: Mapping[str, str], cwd: Path = ROOT) -> Metered:
    """Run `command`, and return what it cost; `folder` is for what it says, which may be much."""
    result, output = folder / "meter.json", folder / "output.log"
    with output.open("wb") as sink:
        subprocess.run((*metered(result), *command), cwd=cwd, env=env, stdout=sink, stderr=sink, check=False)
    figures = json.loads(result.read_text(encoding="utf-8"))
    return Metered(figures, output.read_text(encoding="utf-8", errors="replace"))


def main() -> int:
    """Measure `sys.argv[2:]`, and write the figures to the file `sys.argv[1]`."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this system cannot adopt processes")
    peak, over = [0], threading.Event()
    watch = threading.Thread(target=_watch, args=(peak, over))
    began = time.monotonic()
    command = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
    watch.start()
    status = command.wait()
    wall = time.monotonic() - began
    over.set()
    watch.join()
    _end_the_rest()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {"status": status, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "memory": peak[0]}
    Path(sys.argv[1]).write_text(json.dumps(figures), encoding="utf-8")
    return status


def _watch(peak: list[int], over: threading.Event) -> None:
    while not over.wait(_INTERVAL):
        peak[0] = max(peak[0], sum(map(_memory, descendants(os.getpid()))))


def _end_the_rest() -> None:
    while pids := descendants(os.getpid()):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _memory(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    sys.exit(main())
