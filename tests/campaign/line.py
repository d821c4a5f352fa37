# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plug, pull, swap and reboot boards at a hands-free line while its parts are killed: `make campaign-line`.

`PYTHONPATH=playbooks/collections python -m tests.campaign.line --boards 200 --seed 20`

The ledger is on PostgreSQL, or with `--sqlite` on SQLite. At the end everything is up, each board in a slot has its
verdict, and is compared with ledger, labels and page; then the boards that were never PASS are plugged once more.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fleet import FleetError
from tests.services.postgresql import PostgresqlServer, running_postgresql

from .line_bench import PRINTER_SECONDS, LineBench, line_bench
from .line_judge import Judgement, judge, judge_page
from .line_script import STATION, Chances, LineScript, Part

CHANCES = Chances(in_the_middle=0.12, again=0.2, reboot=0.06, kill=0.07, pause=(0.05, 0.6))
_SERVICE, _PRINTER, _POSTGRESQL = (f"kill -9 of the {name}" for name in ("service", "printer", "PostgreSQL"))
_HANG = "hang of the printer"
_FAIL, _NO_LABEL = frozenset({"FAIL", "NO LABEL"}), frozenset({"NO LABEL"})


def parts(line: LineBench, server: PostgresqlServer | None) -> list[Part]:
    """Return what is killed of `line`."""
    found = [
        Part(STATION, line.station.kill, line.station.start, 2.0),
        # The station begins twice anew by itself.
        Part(
            "kill -9 of the playbook",
            line.kill_playbook,
            spoils=frozenset({"FAIL"}),
            spoils_at=3,
            excludes=frozenset({STATION}),
        ),
        Part(_SERVICE, line.service.kill, line.service.start, 5.0, excludes=frozenset({_POSTGRESQL})),
        Part(_PRINTER, line.printer.kill, line.printer.start, 5.0, _NO_LABEL, excludes=frozenset({_HANG})),
        Part(
            _HANG,
            line.printer.hang,
            line.printer.go_on,
            1.5 * PRINTER_SECONDS,
            _NO_LABEL,
            excludes=frozenset({_PRINTER}),
        ),
    ]
    if server:
        found.append(Part(_POSTGRESQL, server.kill, server.start, 5.0, _FAIL, excludes=frozenset({_SERVICE})))
    return found


@dataclass(frozen=True)
class LineResult:
    """What was done and came of it, and what is not as it should be."""

    seed: int
    boards: int
    seconds: float
    deeds: Counter[str]
    verdicts: Counter[str]
    left: Counter[str]
    """Of the boards that were in a slot when the script ended."""
    judgement: Judgement
    violations: Sequence[str]

    def __str__(self) -> str:
        """The figures, and below them what is wrong."""
        lines = [
            f"{self.boards} boards, {self.seconds:.0f} s; {_counted(self.deeds)}",
            f"verdicts: {_counted(self.verdicts)}; at the end of the script {_counted(self.left)}",
            f"{self.judgement}; {len(self.violations)} violations",
            *(f"VIOLATION {violation}" for violation in self.violations),
        ]
        return "\n".join(f"seed {self.seed}: {line}" for line in lines)


def run(
    folder: Path, *, boards: int, seed: int, seconds: float = 3600.0, sqlite: bool = False, chances: Chances = CHANCES
) -> LineResult:
    """Play with so many boards, or for so long, in `folder`, which is there and empty. Raises `FleetError`."""
    with ExitStack() as opened:
        server = None if sqlite else opened.enter_context(running_postgresql())
        line = opened.enter_context(line_bench(folder, boards, server.new_url() if server else ""))
        script = LineScript(line, seed, parts(line, server), chances)
        began = time.monotonic()
        script.play(seconds)
        script.settle()
        left = Counter(script.tiles[slot].state for slot in line.jig.inside)
        troubles = [*judge_page(line, script), *judge(line, script).troubles]
        script.finish()
        line.station.stop()
        script.follow(0.0)
        judgement = judge(line, script)
        troubles += [*judgement.troubles, *script.troubles, *_unfinished(script)]
        troubles += [f"{log} has a traceback" for log in _logs(line) if "Traceback" in log.read_text("utf-8")]
        seconds = time.monotonic() - began
        return LineResult(
            seed,
            len(script.used),
            seconds,
            script.deeds,
            script.verdicts,
            left,
            judgement,
            list(dict.fromkeys(troubles)),
        )


def _unfinished(script: LineScript) -> list[str]:
    return [f"{board.serial} is not PASS where nothing is killed any more" for board in script.unfinished]


def _logs(line: LineBench) -> Sequence[Path]:
    return line.station.log, line.service.log


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))


def main() -> int:
    """Run the campaign, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", type=int, default=200, help="how many are plugged in (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of all that is drawn (default: another one each time)")
    parser.add_argument("--seconds", type=float, default=3600.0, help="after which no board is plugged in any more")
    parser.add_argument("--sqlite", action="store_true", help="keep the ledger on SQLite")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    print(f"seed {seed}, {given.boards} boards", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="ioto-line-"))
    try:
        result = run(folder, boards=given.boards, seed=seed, seconds=given.seconds, sqlite=given.sqlite)
    except (FleetError, pytest.skip.Exception) as reason:
        sys.exit(f"seed {seed}: {reason}")
    print(result)
    if result.violations:
        print(f"The logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
