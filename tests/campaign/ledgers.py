# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move ledgers and merge them, killed at any instant, and measure how long that takes.

    PYTHONPATH=playbooks/collections python -m tests.campaign.ledgers --kills 100 --units 100000 --seed 15

After each kill the ledger is in one place, whole: the old one, or the new one. A merge is done, or nothing of it. Both
are killed as processes, and by killing what serves them on PostgreSQL.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import permutations
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.compare import compare
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.merge import merge
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.move import move
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.rows import KEPT
from tests.services.move_kills import CONTEXT, content, kill_merges, kill_moves, site
from tests.services.postgresql import PostgresqlServer, running_postgresql

_UNITS = 400
"""Units of a ledger that is killed on its way: it takes a second or two."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40, help="of each kind")
    parser.add_argument("--units", type=int, default=100_000, help="of the ledgers whose moves and merges are measured")
    parser.add_argument("--seed", type=int, default=21)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ioto-ledgers-") as folder, running_postgresql() as server:
        if given.kills:
            kill(Path(folder), server, given.kills, given.seed)
        if given.units:
            measure(Path(folder), server, given.units)


def kill(folder: Path, server: PostgresqlServer, kills: int, seed: int) -> None:
    """Kill moves and merges, so often each."""
    for name, of in (("the process", None), ("the server's processes", server)):
        start = str(folder / f"moved-{bool(of)}.db")
        site(start, "A", _UNITS)
        places = (server.new_url() if n % 2 else str(folder / f"{bool(of)}-{n}.db") for n in itertools.count())
        print(f"Moves, killing {name}: {dict(kill_moves(start, places, kills, server=of, seed=seed))}", flush=True)
        sites = [str(folder / f"{bool(of)}-{letter}.db") for letter in "ABC"]
        for place, letter in zip(sites, "ABC", strict=True):
            site(place, letter, _UNITS)
        merge(str(folder / f"{bool(of)}-expected.db"), sites, CONTEXT, check=False)
        expected = content(str(folder / f"{bool(of)}-expected.db"))
        for number, order in enumerate(permutations(sites)):
            targets = (
                server.new_url() if of or n % 2 else str(folder / f"{bool(of)}-merged-{number}-{n}.db")
                for n in itertools.count()
            )
            found = kill_merges(order, targets, kills // 6, expected=expected, server=of, seed=seed + number)
            print(f"Merges in order {number + 1} of 6, killing {name}: {dict(found)}, the same as ever", flush=True)


def measure(folder: Path, server: PostgresqlServer, units: int) -> None:
    """Move a ledger to PostgreSQL and back, and merge two, and say how many rows a second that makes."""
    one, other, back, whole = (str(folder / f"{name}.db") for name in ("one", "other", "back", "whole"))
    url = server.new_url()
    site(one, "A", units)
    site(other, "B", units // 10)
    count = _rows(one)
    print(f"A ledger of {units} units has {count} rows.", flush=True)
    _timed("to PostgreSQL", count, lambda: move(one, url, check=False))
    _timed("to SQLite", count, lambda: move(url, back, check=False))
    _timed("compared", count, lambda: compare(back, one))
    count += _rows(other)
    _timed("merged", count, lambda: merge(whole, [back, other], CONTEXT, check=False))
    _timed("merged again", count, lambda: merge(whole, [back, other], CONTEXT, check=False))


def _rows(path: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in KEPT]
    return sum(counts)


def _timed(what: str, rows: int, work: Callable[[], object]) -> None:
    """Do `work` in a process of its own, and say what it took."""
    began = time.monotonic()
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    _child, status, used = os.wait4(child, 0)
    assert status == 0
    seconds, cpu = time.monotonic() - began, used.ru_utime + used.ru_stime
    print(
        f"{what}: {seconds:.0f} s, {rows / seconds:.0f} rows/s; of that {cpu:.0f} s of our CPU, "
        f"{used.ru_maxrss // 1024} MB at most",
        flush=True,
    )


if __name__ == "__main__":
    main()
