# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is started warm runs as what is started by `subprocess`."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.warm_start import WarmStart

PROGRAM = """
import sys

if sys.argv[1:] == ["--version"]:
    import colorsys
    sys.exit()
was_there = "colorsys" in sys.modules
import atexit
import os
import time

atexit.register(print, "the end")
print(__name__, sys.argv, os.getcwd(), os.environ.get("NAME"), os.environ.get("HOME"), time.tzname[0], sys.path[0])
print(sys.stdin.read(), open("beside").read(), sys.flags.no_user_site, sorted(map(int, os.listdir("/proc/self/fd"))))
print("was there" if was_there else "was not there", file=sys.stderr)
if sys.argv[1:] == ["stay"]:
    time.sleep(3600)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "program").write_text(PROGRAM)
    (tmp_path / "beside").write_text("here")
    return tmp_path / "program"


def test_a_warm_start_differs_in_nothing_but_what_is_imported_before(program: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "NAME": "a\nb", "TZ": "UTC-5", "PYTHONNOUSERSITE": "1"}
    warm = WarmStart(program)
    for status in "0", "3", "3":
        usual = subprocess.run(
            [sys.executable, program, status], cwd=program.parent, env=environ, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        done = warm.run([program, status], program.parent, environ, apart=True)
        assert (done.returncode, done.stdout) == (int(status), usual.stdout) and done.stdout.endswith("the end\n")
        assert (usual.stderr, done.stderr) == ("was not there\n", "was there\n")
    mixed = warm.run([program, "3"], program.parent, environ).stdout
    assert mixed == "was there\n" + usual.stdout, "what is not shown at once comes at the end"


def test_several_run_at_a_time_and_one_that_stays_is_killed(program: Path) -> None:
    warm = WarmStart(program)
    environ = {"PATH": os.environ["PATH"]}
    warm.run([program, "0"], program.parent, environ)  # starts the server
    with ThreadPoolExecutor(3) as pool:
        stays = [pool.submit(warm.run, [program, "stay"], program.parent, environ, timeout=0.5) for _ in range(2)]
        assert pool.submit(warm.run, [program, "7"], program.parent, environ).result(60).returncode == 7
        for one in stays:
            with pytest.raises(subprocess.TimeoutExpired):
                one.result(60)
