# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of eight slots to look at, into which a script plugs simulated boards, and out of which it pulls them.

`make line` runs it for two minutes: boards are pulled when they have passed, now and then in the middle, swapped, and
plugged again. The page is at the URL that it prints; at the end come a report, and what was looked after: each board
left in is PASS, device and ledger agree, no ID and no label is there twice. SECONDS and SEED say how long and which
script; STATE is the folder. It needs no root; as root the boards are real dropbear and BusyBox. The same line while its
parts are killed: `make campaign-line`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "playbooks/collections")]

from tests.campaign.line_bench import SLOTS, LineBench, line_bench  # noqa: E402
from tests.campaign.line_judge import judge, judge_page  # noqa: E402
from tests.campaign.line_script import LineScript  # noqa: E402
from tests.fleet import FleetError, removal  # noqa: E402

BOARDS = 24


def main() -> int:
    """Play, and return 0 where nothing is lost or there twice, and each board left in is PASS."""
    seed = int(os.environ.get("SEED") or 20)
    seconds = float(os.environ.get("SECONDS") or 120)
    state = Path(os.environ.get("STATE") or ROOT / ".cache" / "line").absolute()
    removal.remove(state / "fleet")
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True, mode=0o700)
    say(f"1. {BOARDS} boards, a label printer, the factory service with its page; the script is SEED={seed}")
    with line_bench(state, BOARDS) as line:
        say(f"2. {SLOTS} slots for {seconds:g} s. The page of the line: {line.page}")
        script = LineScript(line, seed)
        script.play(seconds)
        say("3. The script ends; what is in a slot gets its verdict")
        script.settle()
        troubles = judge_page(line, script)
        line.station.stop()
        script.follow(0.0)
        say("4. The report")
        report(line)
        print(f"\nThe report: {state / 'report.html'}")
        done = ", ".join(f"{number} {deed}" for deed, number in sorted(script.deeds.items()))
        print(f"\nThe script: {done}.")
        judgement = judge(line, script)
        print(judgement)
        troubles += [*script.troubles, *judgement.troubles]
        for trouble in troubles:
            print(f"Not as it should be: {trouble}.")
        return 1 if troubles else 0


def report(line: LineBench) -> None:
    """Write the report of today."""
    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/report.yml"),
            *("-i", str(line.jig.inventory), "-e", f"ioto_ledger={line.ledger}"),
            *("-e", f"ioto_report_dest={line.folder / 'report.html'}"),
            *("-e", "ioto_report_since=2000-01-01", "-e", "ioto_report_title='A line of eight slots'"),
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "HOME": str(line.folder)},
        check=True,
    )


def say(text: str) -> None:
    """Print a headline."""
    print(f"\n\033[1m{text}\033[0m", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FleetError as error:
        sys.exit(str(error))
