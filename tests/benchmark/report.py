# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as a table, and as a plot of how the cost of a device grows with the batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


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
            f"{head} {result['wall']:.1f} s{failed} | {result['cpu_ms_per_device']:.1f} ms | "
            f"{result['connections_per_device']:g}, {result['channels_per_device']:g} | "
            f"{result['memory'] / 1e6:.0f} MB |"
        )
    return "\n".join(lines) + "\n"


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw CPU per device over the number of devices."""
    import matplotlib  # noqa: PLC0415 - only who benchmarks has it

    matplotlib.use("svg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(figsize=(8, 5))
    for peer in dict.fromkeys(result["peer"] for result in results if "cpu" in result):
        points = [result for result in results if result["peer"] == peer and "cpu" in result]
        sizes = [point["devices"] for point in points]
        axes.plot(sizes, [point["cpu_ms_per_device"] for point in points], marker="o", label=peer)
    axes.set(xscale="log", yscale="log", xlabel="devices", ylabel="controller CPU per device, ms")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path)
