# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row says, and the one table on the screen."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.benchmark.areas import AREAS
from tests.benchmark.measure import Measure, figure
from tests.benchmark.run import BenchmarkRun

WIDTH = 180
HEADS = ("ours", "the peer's", "ratio", "bar", "")


@dataclass(frozen=True)
class Cells:
    """One measure in words; what there is not is empty."""

    ours: str
    theirs: str
    ratio: str
    bar: str
    verdict: str

    @classmethod
    def of(cls, measure: Measure) -> Cells:
        """Return the words for a measure."""
        if not measure.values:
            return cls(measure.lacks or "not measured", "", "", "", "")
        theirs = f"{figure(measure.peer_value)} {measure.unit}" if measure.peer_values else ""
        verdict = {None: "", True: "holds", False: "missed"}[measure.holds]
        ours = f"{figure(measure.value)} {measure.unit}"
        return cls(ours, theirs, _ratio(measure), str(measure.bar or ""), verdict)

    def in_one(self) -> str:
        """Return all of it for one cell: that of a revision among others."""
        told = self.ours + (f" : {self.theirs}" if self.theirs else "") + (f" = {self.ratio}" if self.ratio else "")
        return f"{told}, {self.verdict}" if self.verdict else told


def _ratio(measure: Measure) -> str:
    if measure.ratio is None:
        return ""
    if len(measure.ratios) == 1:
        return figure(measure.ratio)
    return f"{figure(measure.ratio)} ({figure(min(measure.ratios))} to {figure(max(measure.ratios))})"


def titled(run: BenchmarkRun, area: str) -> str:
    """Return the title of an area, and how many rounds of it there are."""
    counts = [len(one.values) for row in run.rows(area) for one in row]
    rounds = max(counts, default=0)
    return f"{AREAS[area].title}, {rounds} rounds" if rounds > 1 else AREAS[area].title


def one_for_all(row: list[Measure]) -> Measure:
    """Return the measure of a row that says most of what all have in common: the peer and the bar."""
    return next((measure for measure in row if measure.values), row[0])


def table(run: BenchmarkRun) -> Table:
    """Return all that was measured, a section for each area; with several revisions, a column for each."""
    names = [revision.name for revision in run.revisions]
    alone = len(names) == 1
    drawn = Table(box=box.SIMPLE_HEAD, title=f"{names[0]}, {run.began:%d %B %Y}", title_justify="left")
    drawn.add_column("what", no_wrap=True)
    drawn.add_column("peer", no_wrap=True)
    for head in HEADS if alone else ("bar", *names):
        drawn.add_column(head, justify="right" if head in HEADS[:2] else "left")
    for area in run.found:
        drawn.add_section()
        drawn.add_row(f"[bold]{titled(run, area)}[/]")
        for row in run.rows(area):
            common = one_for_all(row)
            cells = [Cells.of(measure) for measure in row]
            if alone:
                rest = [
                    escape(cells[0].ours),
                    cells[0].theirs,
                    cells[0].ratio,
                    cells[0].bar,
                    _coloured(cells[0].verdict),
                ]
            else:
                rest = [str(common.bar or ""), *(_coloured(one.in_one()) for one in cells)]
            drawn.add_row(f"  {common.what}", common.peer, *rest)
        if not any(run.found[area].values()):
            drawn.add_row(f"  not measured: {escape(run.lacks.get(area, {}).get(names[0], 'left out'))}")
    return drawn


def _coloured(words: str) -> str:
    for verdict, colour in (("holds", "green"), ("missed", "red")):
        if words.endswith(verdict):
            return f"{escape(words.removesuffix(verdict))}[{colour}]{verdict}[/]"
    return escape(words)


def printed(run: BenchmarkRun, console: Console | None = None) -> None:
    """Print the table; on what is no terminal, in lines that hold a row."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH + 60 * (len(run.revisions) - 1))
    console.print(table(run))
