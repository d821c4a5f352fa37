# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure all that `make bench` shows, as one table: `python -m tests.benchmark --size quick --areas start,images`.

Each round of each area runs in a process of its own, one after the other. With `--against REVISION` (several times) the
same benchmark measures other revisions too, in turns with this one, each in a folder of its own with the environment
that its lock file names. Results go to DIR/results.json after each round, the plot to DIR/results.svg, and what the
rounds said to DIR/log; a full run of all areas also writes the guide *what is measured*.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from plugins.plugin_utils.display_text import counted
from tests.benchmark import page
from tests.benchmark.areas import AREAS
from tests.benchmark.fleet_engine import prepare_pyinfra
from tests.benchmark.measure import Measure, Size, missed
from tests.benchmark.plot import plot
from tests.benchmark.round_process import interrupt_by_signals, run_round
from tests.benchmark.run import BenchmarkRun, Machine, Revision
from tests.benchmark.table import printed
from tests.benchmark.tree import PAGE, Tree, all_laid_out

PATIENCE = 1800.0
"""Seconds that one round may take."""


@dataclass(frozen=True)
class Step:
    """One round of one area in one revision."""

    area: str
    number: int
    rounds: int
    tree: Tree
    size: Size

    @property
    def seconds(self) -> float:
        """How long it takes on two idle cores."""
        return AREAS[self.area].seconds[self.size]


def main() -> int:
    """Run what the arguments say; return 1 where something of this revision could not be measured."""
    arguments = parser().parse_args()
    interrupt_by_signals()
    try:
        arguments.dir.mkdir(parents=True, exist_ok=True)
        (arguments.dir / "log").mkdir(exist_ok=True)
    except OSError as error:
        print(f"{error.filename} cannot be made ({error.strerror}); name another folder with --dir.", file=sys.stderr)
        return 1
    if "fleet" in arguments.areas and arguments.size is Size.FULL:
        _try_pyinfra()
    # Beside this folder's own files: what is written is written to the same disk.
    with tempfile.TemporaryDirectory(prefix="revisions-", dir=arguments.dir) as folder:
        try:
            trees = all_laid_out(arguments.against, Path(folder))
        except (ValueError, RuntimeError) as error:
            print(error, file=sys.stderr)
            return 1
        run = BenchmarkRun(
            command(arguments),
            arguments.size,
            Machine.here(),
            [Revision(tree.revision, *tree.versions()) for tree in trees],
        )
        if run.machine.busy:
            print(
                f"Others use {run.machine.others:g} cores: figures of a machine that does much else say little.",
                file=sys.stderr,
            )
        whole = arguments.size is Size.FULL and arguments.areas == list(AREAS)
        try:
            measure(run, list(steps(trees, arguments.areas, arguments.size, arguments.rounds)), arguments.dir)
        except KeyboardInterrupt:
            print("Interrupted; this is what was measured until then.", file=sys.stderr)
            shown(run, arguments.dir, for_the_page=False)
            return 130
    return shown(run, arguments.dir, for_the_page=whole)


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    reader = argparse.ArgumentParser(
        prog="python -m tests.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("--size", type=Size, default=Size.FULL, help=f"one of {', '.join(Size)} (default: %(default)s)")
    reader.add_argument(
        "--areas", type=_areas, default=list(AREAS), help=f"with commas, of {', '.join(AREAS)} (default: all)"
    )
    reader.add_argument("--rounds", type=_rounds, help="of each area that is measured in rounds (default: by its size)")
    reader.add_argument("--against", action="append", default=[], metavar="REVISION", help="to measure as well")
    reader.add_argument("--dir", type=Path, default=page.RESULTS.parent, help="for the results (default: %(default)s)")
    return reader


def command(arguments: argparse.Namespace) -> str:
    """Return the command that measures the same."""
    if arguments.size is Size.TINY:
        return f"python -m tests.benchmark --size {arguments.size}"
    given = {
        "QUICK": "1" if arguments.size is Size.QUICK else "",
        "ROUNDS": str(arguments.rounds or ""),
        "AREAS": ",".join(arguments.areas if arguments.areas != list(AREAS) else ()),
        "AGAINST": '"' + " ".join(arguments.against) + '"' if arguments.against else "",
    }
    return " ".join(("make bench", *(f"{name}={value}" for name, value in given.items() if value)))


def _rounds(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid number of rounds; give 1 or more")
    return int(text)


def _areas(text: str) -> list[str]:
    areas = text.split(",")
    if unknown := [area for area in areas if area not in AREAS]:
        raise argparse.ArgumentTypeError(f"no such area: {', '.join(unknown)}; there are {', '.join(AREAS)}")
    return areas


def _try_pyinfra() -> None:
    try:
        prepare_pyinfra()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"pyinfra is left out, since it cannot be installed: {error}", file=sys.stderr)


def steps(trees: Sequence[Tree], areas: Sequence[str], size: Size, rounds: int | None) -> Iterator[Step]:
    """Yield what there is to do: in each round every revision, and the first one last in the next."""
    for name in areas:
        most = AREAS[name].rounds[size]
        count = rounds if rounds and most > 1 else most
        for number in range(1, count + 1):
            for tree in trees if number % 2 else reversed(trees):
                yield Step(name, number, count, tree, size)


def measure(run: BenchmarkRun, todo: Sequence[Step], folder: Path) -> None:
    """Do the steps, say what remains, and save the run before the first and after each."""
    run.save(folder / "results.json")  # the plot and the page are of this run, whatever comes of it
    began = time.monotonic()
    slower = 1.0  # than two idle cores are
    expected = 0.0
    for number, step in enumerate(todo, 1):
        left = sum(one.seconds for one in todo[number - 1 :]) * slower
        print(
            f"{number}/{len(todo)} {AREAS[step.area].title}, round {step.number} of {step.rounds}, "
            f"{step.tree.revision}; about {max(1, round(left / 60))} min left",
            file=sys.stderr,
            flush=True,
        )
        measures, lacks = _done(step, folder)
        if lacks:
            print(f"  {lacks} (see {folder / 'log'})", file=sys.stderr, flush=True)
        run.add(step.area, step.tree.revision, measures, lacks)
        run.seconds = time.monotonic() - began
        expected += step.seconds
        slower = run.seconds / expected
        run.save(folder / "results.json")


def _done(step: Step, folder: Path) -> tuple[list[Measure], str]:
    """Return what a step measured, and what was in its way."""
    log = folder / "log" / f"{step.area}-{step.number}-{step.tree.root.name}.log"
    with tempfile.TemporaryDirectory(prefix="ioto-bench-") as temporary, log.open("wb") as sink:
        result = Path(temporary) / "result.json"
        told = (step.area, step.size.value, str(step.number), str(result))
        program = (str(step.tree.python), "-m", "tests.benchmark.one_round", *told)
        surroundings = step.tree.environment()
        if not run_round(program, cwd=step.tree.root, env=surroundings, sink=sink, patience=PATIENCE):
            return [], f"a round takes longer than {PATIENCE:.0f} s"
        if not result.exists():
            return [], "the round ended without a result"
        found = json.loads(result.read_text(encoding="utf-8"))
    return [Measure.from_json(one) for one in found["measures"]], found["lacks"]


def shown(run: BenchmarkRun, folder: Path, *, for_the_page: bool) -> int:
    """Print, draw and where it is wanted write the page; return the exit status."""
    printed(run)
    today = [one for of_area in run.found.values() for one in of_area.get(run.revisions[0].name, [])]
    bars = [one for one in today if one.holds is not None]
    told = f"{counted(len(bars), 'bar')}, {len(missed(bars))} missed"
    print(f"{told}; {run.seconds / 60:.1f} min; {folder / 'results.json'}")
    failed = list(run.unmeasured())
    for problem in failed:
        print(f"Not measured: {problem}", file=sys.stderr)
    try:
        plot(run, folder / "results.svg")
    except ImportError:
        print("No plot: matplotlib is missing; run `make bench`, or `uv sync --group bench`.", file=sys.stderr)
        return 1 if failed else 0
    if for_the_page:
        try:
            page.write(run, folder / "results.svg")
        except OSError as error:
            print(
                f"{error.filename} cannot be written ({error.strerror}); make it writable, then run: "
                ".venv/bin/python -m tests.benchmark.page",
                file=sys.stderr,
            )
            return 1
        print(f"Wrote {PAGE}.")
    else:
        print("The page is left as it was; `python -m tests.benchmark.page` writes it from this run.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
