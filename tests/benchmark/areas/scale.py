# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host costs in a large inventory beside one in a small inventory, and a row of an order beside `csv`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmark import scale
from tests.benchmark.measure import Bar, Measure, Size

ONE = 1
LINEAR = Bar(1.2)


@dataclass(frozen=True)
class ScalePlan:
    """How many hosts a small and a large inventory has, and how many rows an order."""

    small: int
    large: int
    rows: int


PLANS: Mapping[Size, ScalePlan] = {
    Size.FULL: ScalePlan(100, 10_000, 100_000),
    Size.QUICK: ScalePlan(100, 1_000, 10_000),
    Size.TINY: ScalePlan(2, 4, 100),
}


def measure(size: Size, number: int) -> Iterator[Measure]:
    """Measure one round. Raises `RuntimeError` where a run fails."""
    plan = PLANS[size]
    yield from _rows(plan)
    costs: dict[int, scale.Costs] = {hosts: {} for hosts in (ONE, plan.small, plan.large)}
    with tempfile.TemporaryDirectory(prefix="ioto-scale-") as folder:
        for hosts, found in costs.items():
            scale.prepare(Path(folder) / f"{hosts}", hosts)
            for _again in range(scale.SMALL_ROUNDS if hosts < plan.large and size is not Size.TINY else 1):
                memory = scale.measure(Path(folder) / f"{hosts}", found)
    # The three together are what is to grow no faster than the inventory; one alone is short where hosts are few.
    yield _host(plan, costs, scale.OURS, LINEAR)
    for parts in (*((part,) for part in scale.OURS), (scale.START,)):
        yield _host(plan, costs, parts)
    ours, floor = (_whole(costs[plan.large], parts) for parts in (scale.OURS, (scale.FLOOR,)))
    yield Measure(f"{' + '.join(scale.OURS)} of {plan.large:,} hosts", "s", (ours,), scale.FLOOR, (floor,))
    yield Measure(f"peak memory, {plan.large:,} hosts", "MB", (memory / 1e6,), "1 GB", (1000.0,), Bar(1))


def _host(plan: ScalePlan, costs: Mapping[int, scale.Costs], parts: Sequence[str], bar: Bar | None = None) -> Measure:
    fixed = _whole(costs[ONE], parts)
    few, many = ((_whole(costs[hosts], parts) - fixed) / (hosts - ONE) * 1000 for hosts in (plan.small, plan.large))
    return Measure(f"a host of {plan.large:,}: {' + '.join(parts)}", "ms", (many,), f"of {plan.small:,}", (few,), bar)


def _whole(found: scale.Costs, parts: Sequence[str]) -> float:
    """Return the CPU of those parts of a run together, in seconds."""
    return median(map(sum, zip(*(found[part] for part in parts), strict=True)))


def _rows(plan: ScalePlan) -> Iterator[Measure]:
    took = scale.order_cpu(plan.rows)
    ours = took.pop(scale.OUR_READER) * 1000
    for name, seconds in took.items():
        yield Measure(f"{plan.rows:,} rows of an order, beside {name}", "ms", (ours,), name, (seconds * 1000,), Bar(10))
