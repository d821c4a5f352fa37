# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people wait for, when they ask a large ledger and when they ask a small one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmark.ledger_growth import ask, fill
from tests.benchmark.measure import Measure, Size
from tests.services.postgresql import running_postgresql

SIZES: Mapping[Size, tuple[int, int]] = {
    Size.FULL: (1_000, 100_000),
    Size.QUICK: (1_000, 20_000),
    Size.TINY: (600, 1_200),
}


def measure(size: Size, number: int) -> Iterator[Measure]:
    """Fill ledgers, and ask them."""
    few, many = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="ioto-growth-") as folder, running_postgresql(durable=True) as server:
        for database in ("SQLite", "PostgreSQL"):
            took = {}
            for claims in (few, many):
                location = str(Path(folder) / f"{claims}.db") if database == "SQLite" else server.new_url()
                fill(location, claims)
                took[claims] = ask(location, claims)
            for question, milliseconds in took[many].items():
                what = f"{database}, {many:,} claims: {question}"
                yield Measure(what, "ms", (milliseconds,), f"{few:,} claims", (took[few][question],))
