# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs beside a playbook with one `debug`: for one device, and for many by the default engine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmark.measure import Bar, Measure, Size
from tests.benchmark.start_up import CASES, ROOT, Bench, Case
from tests.fleet.fleet import Fleet

DEVICES: Mapping[Size, int] = {Size.FULL: 60, Size.QUICK: 20, Size.TINY: 3}
DEBUG = "debug"
ONE, EACH = Bar(1.4), Bar(2)
"""For one device, and for each of many."""
Costs = Mapping[str, Mapping[str, Any]]


def measure(size: Size, number: int) -> Iterator[Measure]:
    """Measure one round. Raises `FleetError` where this machine cannot play the devices."""
    many = DEVICES[size]
    with tempfile.TemporaryDirectory(prefix="ioto-start-up-") as folder:
        groups = {"manual": many, "factory": 1}
        with Fleet.start(Path(folder) / "fleet", groups=groups, kind="crowd", factory=True) as fleet:
            if number == 1:
                _measured(Bench(fleet, Path(folder), 1), 0)  # compiles what is imported
            one, all_of_them = (_measured(Bench(fleet, Path(folder), devices), number) for devices in (1, many))
    for name in [name for name in one if name != DEBUG]:
        case = CASES[name]
        bar = ONE if case.playbook == "provision" and not case.fails else None
        yield _beside(f"one device: {name}", one, name, 1, bar)
    if "cpu" in one["provision.yml, a new device"]:
        yield _waited(one, "provision.yml, a new device")
    for name in [name for name in all_of_them if name != DEBUG]:
        bar = EACH if CASES[name].playbook else None
        yield _beside(f"a device of {many}: {name}", all_of_them, name, many, bar)


def _measured(bench: Bench, number: int) -> Costs:
    """Return what each case cost, or for one that failed, what it lacks."""
    names = [name for name, case in CASES.items() if case.for_many or bench.devices == 1]
    return {name: _once(bench, name, CASES[name], number) for name in names}


def _once(bench: Bench, name: str, case: Case, number: int) -> Mapping[str, Any]:
    if case.playbook and not (ROOT / f"playbooks/{case.playbook}.yml").exists():
        return {"lacks": f"it has no {case.playbook}.yml"}
    try:
        return bench.measure(name, number)
    except RuntimeError as error:
        print(f"{name}:\n{error}", flush=True)
        return {"lacks": "it fails"}


def _beside(what: str, costs: Costs, name: str, devices: int, bar: Bar | None) -> Measure:
    if lacks := costs[name].get("lacks"):
        return Measure(what, lacks=lacks)
    ours, theirs = (costs[which]["cpu"] / devices * 1000 for which in (name, DEBUG))
    return Measure(what, "ms", (ours,), DEBUG, (theirs,), bar)


def _waited(costs: Costs, name: str) -> Measure:
    ours, theirs = (costs[which]["wall"] for which in (name, DEBUG))
    return Measure(f"one device: {name}, wall clock", "s", (ours,), DEBUG, (theirs,))
