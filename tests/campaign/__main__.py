# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inject faults into real parts, many times, and see whether what is reported as done is so: `make campaign`.

`PYTHONPATH=playbooks/collections python -m tests.campaign --rounds 200 --seed 15`; a round that went wrong is had again
with its seed, its fault and `--first` its number.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.postgresql import running_postgresql

from .campaign import Result, run
from .faults import FAULTS


def main() -> int:
    """Run the faults that are asked for, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="of all that is drawn (default: another one each time)")
    parser.add_argument("--rounds", type=int, default=200, help="of each fault; of one whose rounds take long, fewer")
    parser.add_argument("--first", type=int, default=0, help="the number of the first round")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one (may be repeated)")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    print(f"seed {seed}", flush=True)
    results: list[Result] = []
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="ioto-campaign-") as folder:
        locations: dict[str, Callable[[], str]] = {"sqlite": lambda: str(Path(folder) / f"{len(results)}.db")}
        try:
            locations["postgresql"] = stack.enter_context(running_postgresql()).new_url
        except pytest.skip.Exception as reason:
            print(f"skipped on PostgreSQL: {reason}")
        for number, name in enumerate(given.fault or FAULTS):
            fault = FAULTS[name]
            if fault.missing or fault.database not in locations:
                print(f"{name}: skipped: {fault.missing or 'no PostgreSQL'}", flush=True)
                continue
            place = Path(folder) / f"fault-{number}"
            location = locations[fault.database]()
            rounds = max(1, given.rounds // fault.costs)
            result = run(name, location, place, seed=seed, rounds=rounds, seconds=float("inf"), first=given.first)
            results.append(result)
            print(result, flush=True)
    wrong = sum(len(result.violations) for result in results)
    print(f"seed {seed}: {sum(result.rounds for result in results)} rounds, {wrong} violations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
