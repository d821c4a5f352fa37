# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far from its bar each measure is, for all revisions, as a picture."""

from __future__ import annotations

from pathlib import Path

from tests.benchmark.measure import Measure, figure
from tests.benchmark.run import BenchmarkRun
from tests.benchmark.table import one_for_all

_MARKERS = "osD^v<>P"
_LICENCE = "<!-- SPDX-License-Identifier: GPL-3.0-or-later -->"


def plot(run: BenchmarkRun, path: Path) -> None:
    """Draw the measures that have a bar: left of the line it holds. Raises `ImportError` without matplotlib."""
    import matplotlib  # noqa: PLC0415 - only who benchmarks has it

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "ioto"})
    from matplotlib import pyplot, ticker  # noqa: PLC0415

    rows = [row for area in run.found for row in run.rows(area) if one_for_all(row).bar is not None]
    if not rows:
        path.unlink(missing_ok=True)
        return
    figure_, axes = pyplot.subplots(figsize=(11, 1.5 + 0.34 * len(rows)), layout="constrained")
    axes.axvline(1, color="black", linewidth=1)
    for number, revision in enumerate(run.revisions):
        colour = f"C{number}"
        shift = (number - (len(run.revisions) - 1) / 2) * 0.2
        for place, row in enumerate(rows):
            if row[number].holds is None:
                continue
            middle, least, most = _beside_bar(row[number])
            axes.plot((least, most), (place + shift, place + shift), color=colour, linewidth=2, alpha=0.5)
            axes.plot(middle, place + shift, _MARKERS[number % len(_MARKERS)], color=colour)
        axes.plot([], [], _MARKERS[number % len(_MARKERS)], color=colour, label=revision.name)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.set(xscale="log", ylim=(len(rows) - 0.5, -0.5), xlabel="times the bar; left of the line, the bar holds")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 1.5, 2, 3, 5)))
    axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.grid(visible=True, axis="x", alpha=0.3)
    figure_.legend(loc="outside upper right", ncols=len(run.revisions), fontsize="small")
    figure_.savefig(path, metadata={"Date": None})
    pyplot.close(figure_)
    drawn = path.read_text(encoding="utf-8")
    path.write_text(drawn.replace("<svg ", f"{_LICENCE}\n<svg ", 1), encoding="utf-8")


def _beside_bar(measure: Measure) -> tuple[float, float, float]:
    """Return median, least and most of what the ratio is of the bar: up to 1 is good, whichever way the bar is."""
    assert measure.bar is not None
    assert measure.ratio is not None
    limit = measure.bar.limit
    of = [limit / ratio if measure.bar.at_least else ratio / limit for ratio in (measure.ratio, *measure.ratios)]
    return of[0], min(of), max(of)


def _label(row: list[Measure]) -> str:
    today = row[0]
    told = "none" if today.ratio is None else figure(today.ratio)
    return f"{today.what}: {told}, bar {one_for_all(row).bar}"
