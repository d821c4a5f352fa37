# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that the factory service answers for a second of CPU, beside an empty application."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from tests.benchmark.measure import Bar, Measure, Size
from tests.benchmark.test_factory_service import GOAL, Rate, rates_of
from tests.services.postgresql import running_postgresql

ROUNDS: Mapping[Size, int] = {Size.FULL: 9, Size.QUICK: 3, Size.TINY: 1}
PEER = "an empty application"


def measure(size: Size, number: int) -> Iterator[Measure]:
    """Measure all rounds. Raises `RuntimeError` where a server does not start."""
    names = count()
    with tempfile.TemporaryDirectory(prefix="ioto-bench-") as name:
        folder = Path(name)
        rates = rates_of(lambda: str(folder / f"ledger-{next(names)}.db"), folder, ROUNDS[size])
        yield _by_cpu("ledger on SQLite", rates, "service", Bar(GOAL, at_least=True))
        yield _by_cpu("ledger on SQLite, by uvicorn alone", rates, "no front")
        yield _by_clock("ledger on SQLite, by the clock", rates)
        (folder / "postgresql").mkdir()
        with running_postgresql(durable=True) as server:
            rates = rates_of(server.new_url, folder / "postgresql", ROUNDS[size])
        yield _by_cpu("ledger on PostgreSQL", rates, "service")


def _by_cpu(what: str, rates: Mapping[str, list[Rate]], name: str, bar: Bar | None = None) -> Measure:
    pairs = _pairs(rates, name)
    ours, theirs = (tuple(1e6 / pair[which].microseconds for pair in pairs) for which in (0, 1))
    lacks = "" if pairs else "no answer within a round"
    return Measure(what, "requests/CPU s", ours, PEER, theirs, bar, lacks)


def _by_clock(what: str, rates: Mapping[str, list[Rate]]) -> Measure:
    pairs = _pairs(rates, "service")
    ours, theirs = (tuple(pair[which].a_second for pair in pairs) for which in (0, 1))
    return Measure(what, "requests/s", ours, PEER, theirs, lacks="" if pairs else "no answer within a round")


def _pairs(rates: Mapping[str, list[Rate]], name: str) -> list[tuple[Rate, Rate]]:
    """Return the rounds in which both answered."""
    pairs = zip(rates[name], rates["empty"], strict=True)
    return [pair for pair in pairs if all(rate.a_second for rate in pair)]
