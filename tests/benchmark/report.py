# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as a table, and as a plot of how the cost of a device grows with the batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

_MARKERS = "osD^v<>Pp*X"  # with the colours, which come round again after ten


def medians(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one result for all rounds of a peer with as many devices: of each figure the median, and `walls`, all."""
    rounds: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for result in results:
        rounds.setdefault((result["peer"], result["devices"]), []).append(result)
    return [_median(found) for found in rounds.values()]


def _median(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = rounds[0]
    if "left_out" in first:
        return first
    figures = {name: median(one[name] for one in rounds) for name, value in first.items() if isinstance(value, float)}
    status = max(abs(one["status"]) for one in rounds)
    return {**first, **figures, "status": status, "walls": [one["wall"] for one in rounds]}


def table(results: Sequence[dict[str, Any]]) -> str:
    """Return the results as a table in Markdown."""
    lines = [
        "| devices | what | wall | CPU per device | connections, channels per device | peak memory |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for result in results:
        head = f"| {result['devices']:,} | {result['peer']} |"
        if "left_out" in result:
            lines.append(f"{head} left out: {result['left_out']} | | | |")
            continue
        failed = " (failed)" if result["status"] else ""
        lines.append(
            f"{head} {result['wall']:.1f} s{_range(result['walls'])}{failed} | {result['cpu_ms_per_device']:.1f} ms | "
            f"{result['connections_per_device']:g}, {result['channels_per_device']:g} | "
            f"{f'{memory / 1e6:.0f} MB' if (memory := result['memory']) else 'too short to see'} |"
        )
    return "\n".join(lines) + "\n"


def _range(values: Sequence[float]) -> str:
    return "" if len(values) == 1 else f" ({min(values):.1f} to {max(values):.1f})"


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw CPU and wall clock per device over the number of devices."""
    import matplotlib  # noqa: PLC0415 - only who benchmarks has it

    matplotlib.use("svg")
    from matplotlib import pyplot, ticker  # noqa: PLC0415

    measured = [result for result in results if "cpu" in result and not result["status"]]
    figure, both = pyplot.subplots(1, 2, figsize=(12, 5.5), sharey=True, layout="constrained")
    for axes, what in zip(both, ("controller CPU", "wall clock"), strict=True):
        for number, peer in enumerate(dict.fromkeys(result["peer"] for result in measured)):
            points = [result for result in measured if result["peer"] == peer]
            axes.plot(
                [point["devices"] for point in points],
                [point["wall" if axes is both[1] else "cpu"] / point["devices"] * 1000 for point in points],
                marker=_MARKERS[number % len(_MARKERS)],
                label=peer,
            )
        axes.set(xscale="log", yscale="log", xlabel="devices", title=f"{what} per device, ms")
        axes.set_xticks(sorted({result["devices"] for result in measured}))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
            axis.set_minor_formatter(ticker.NullFormatter())
        axes.grid(visible=True, which="both", alpha=0.3)
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small")
    figure.savefig(path)
    pyplot.close(figure)
