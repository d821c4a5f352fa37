# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine costs for a further device and for a run, and how long people wait, beside bare loops."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmark.fleet_engine import once, run_over
from tests.benchmark.measure import Bar, Measure, Size
from tests.benchmark.peers import PEERS, ROOT
from tests.fleet.fleet import Fleet

OURS, SSH, PARAMIKO, DEBUG, PYINFRA = "serialize_fleet", "bare ssh loop", "bare paramiko loop", "debug", "pyinfra"
FIXED = 0.4
"""Seconds of CPU that a run may cost more than `debug`."""


@dataclass(frozen=True)
class FleetPlan:
    """How many devices a small and a large inventory has, and how many of them are under way at a time."""

    small: int
    large: int
    at_a_time: tuple[int, ...]


PLANS: Mapping[Size, FleetPlan] = {
    Size.FULL: FleetPlan(300, 1000, (20, 50)),
    Size.QUICK: FleetPlan(50, 200, (20,)),
    Size.TINY: FleetPlan(2, 6, (2,)),
}
Costs = Mapping[tuple[str, int, int], Mapping[str, Any]]
"""By peer, devices, and devices at a time."""


def measure(size: Size, number: int) -> Iterator[Measure]:
    """Measure one round. Raises `FleetError` where this machine cannot play the devices."""
    plan = PLANS[size]
    costs: dict[tuple[str, int, int], Mapping[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="ioto-bench-") as folder:
        for devices in (plan.small, plan.large):
            costs.update(_measured(Path(folder) / f"{devices}", devices, plan, number))
    for forks in plan.at_a_time:
        yield from _by_cpu(costs, plan, forks)
        yield from _by_clock(costs, plan, forks)
    ours = costs[OURS, plan.large, plan.at_a_time[-1]]
    if not ours["status"]:
        yield Measure(f"peak memory, {plan.large:,} devices", "MB", (ours["memory"] / 1e6,))
    if (PYINFRA, plan.small, plan.at_a_time[0]) in costs:
        yield from _each(costs, plan.small, plan.at_a_time[0], PYINFRA)


def _measured(
    folder: Path, devices: int, plan: FleetPlan, number: int
) -> Iterator[tuple[tuple[str, int, int], Mapping[str, Any]]]:
    folder.mkdir()
    # Beside many devices `debug` would take half a minute, and say nothing that it does not say beside few.
    peers = [OURS, SSH, PARAMIKO, *([DEBUG] if devices == plan.small else [])]
    with Fleet.start(folder / "fleet", groups={"manual": devices}, kind="crowd") as fleet:
        if number == 1 and devices == plan.small:
            once(PEERS[OURS], run_over(fleet, folder, plan.at_a_time[0], "warm"), fleet)  # compiles what is imported
        for forks in plan.at_a_time:
            # Who comes first in one round comes last in the next.
            for name in peers if number % 2 else reversed(peers):
                fleet.forget_ids()
                yield (
                    (name, devices, forks),
                    once(PEERS[name], run_over(fleet, folder, forks, f"{name}-{forks}"), fleet),
                )
        if number == 1 and devices == plan.small and (ROOT / ".venv-pyinfra/bin/pyinfra").exists():
            forks = plan.at_a_time[0]
            yield (PYINFRA, devices, forks), once(PEERS[PYINFRA], run_over(fleet, folder, forks, PYINFRA), fleet)


def _by_cpu(costs: Costs, plan: FleetPlan, forks: int) -> Iterator[Measure]:
    more = f"CPU of a further device, {forks} at a time"
    fixed = f"CPU of a run, its devices apart, {forks} at a time"
    if lacks := _failed(costs, (OURS, PARAMIKO), (plan.small, plan.large), forks):
        yield Measure(more, lacks=lacks)
        yield Measure(fixed, lacks=lacks)
        return

    def further(name: str) -> float:
        large, small = (costs[name, devices, forks]["cpu"] for devices in (plan.large, plan.small))
        return float(large - small) / (plan.large - plan.small)

    yield Measure(more, "ms", (further(OURS) * 1000,), PARAMIKO, (further(PARAMIKO) * 1000,), Bar(1.25))
    if lacks := _failed(costs, (DEBUG,), (plan.small,), forks):
        yield Measure(fixed, lacks=lacks)
        return
    start = costs[OURS, plan.small, forks]["cpu"] - plan.small * further(OURS)
    floor = costs[DEBUG, plan.small, forks]["cpu"] + FIXED
    yield Measure(fixed, "s", (start,), f"debug, and {FIXED} s", (floor,), Bar(1))
    yield from _each(costs, plan.large, forks, SSH)


def _each(costs: Costs, devices: int, forks: int, peer: str) -> Iterator[Measure]:
    what = f"CPU of a device of {devices:,}, {forks} at a time, beside {peer}"
    if lacks := _failed(costs, (OURS, peer), (devices,), forks):
        yield Measure(what, lacks=lacks)
        return
    ours, theirs = (costs[name, devices, forks]["cpu"] / devices * 1000 for name in (OURS, peer))
    yield Measure(what, "ms", (ours,), peer, (theirs,))


def _by_clock(costs: Costs, plan: FleetPlan, forks: int) -> Iterator[Measure]:
    for devices in (plan.small, plan.large):
        what = f"wall clock, {devices:,} devices, {forks} at a time"
        if lacks := _failed(costs, (OURS, SSH), (devices,), forks):
            yield Measure(what, lacks=lacks)
            continue
        ours, theirs = (costs[name, devices, forks]["wall"] for name in (OURS, SSH))
        yield Measure(what, "s", (ours,), SSH, (theirs,), Bar(1.1))


def _failed(costs: Costs, names: tuple[str, ...], sizes: tuple[int, ...], forks: int) -> str:
    failed = [name for name in names if any(costs[name, devices, forks]["status"] for devices in sizes)]
    return f"{failed[0]} failed" if failed else ""
