# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers that go elsewhere: some to begin with, what they hold, and a kill at any instant on the way."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.merge import merge
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.move import move
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.rows import KEPT, stream
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity, snapshot
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    LedgerError,
    ReserveRequest,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.schema import origin_events, origins
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events
from tests.services.postgresql import START_TIMEOUT, PostgresqlServer

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1", "bench-1")
_fork = multiprocessing.get_context("fork")

_LEAST_MOVES = 2
"""There and back."""

Content = dict[str, list[tuple[Any, ...]]]


def site(location: str, name: str, units: int) -> None:
    """Have a site's ledger at `location`: units in every state, reserved IDs, and events that are not sealed."""
    with Ledger(location) as ledger:
        for start in range(0, units, 500):
            numbers = range(start, min(start + 500, units))
            requests = [
                AllocationRequest(PRODUCT, f"{name}-{n}", "generated", CONTEXT, details={"serial": f"B{name}{n}"})
                for n in numbers
            ]
            claims = [claim for claim in ledger.allocate_many(requests) if isinstance(claim, Claim)]
            for share, state in ((4, State.WRITTEN), (3, State.VERIFIED), (2, State.LABELLED)):
                reached = claims[: len(claims) * share // 4]
                ledger.advance_many([StateChange(claim.claim_id, state, CONTEXT) for claim in reached])
            ledger.retire(claims[0].claim_id, reason="scrapped", context=CONTEXT)
            ledger.rebind(claims[1].claim_id, f"{name}-{start}-B", reason="another case", context=CONTEXT)
        ledger.reserve(ReserveRequest(PRODUCT, 3, CONTEXT))
        seal_events(ledger.database)
        ledger.allocate(AllocationRequest(PRODUCT, f"{name}-last", "generated", CONTEXT))


def go_on(ledger: Ledger, name: str) -> None:
    """Have a site go on for a while; two units change their IDs."""
    claims = [claim for claim in ledger.claims() if claim.is_live and claim.unit is not None]
    ledger.retire(claims[5].claim_id, reason="scrapped", context=CONTEXT)
    ledger.replace(AllocationRequest(PRODUCT, str(claims[6].unit), "generated", CONTEXT), reason="label lost")
    one, other = claims[7], claims[8]
    for claim, unit in ((one, "aside"), (other, str(one.unit)), (one, str(other.unit))):
        ledger.rebind(claim.claim_id, unit, reason="mixed up", context=CONTEXT)
    for number in range(20):
        ledger.allocate(AllocationRequest(PRODUCT, f"{name}-later-{number}", "generated", CONTEXT))


def all_rows(location: str) -> Content:
    """Return everything that makes a ledger, as raw rows by table."""
    with closing(Database(Location.parse(location), read_only=True)) as database, snapshot(database) as connection:
        return {table.name: [tuple(row) for row in stream(connection, table)] for table in KEPT}


def content(location: str) -> Content:
    """Return what a merged ledger holds, whatever the order: claims and events without their numbers, and origins."""
    found = all_rows(location)
    (key,) = (place for place, column in enumerate(KEPT[1].c) if column.name == "key")
    keys = {row[0]: row[key] for row in found["ioto_events"]}
    lines = [
        (origin, number + step, keys[event + step])
        for origin, number, event, count in found[origin_events.name]
        for step in range(count)
    ]
    return {
        "claims": sorted((row[1:] for row in found["ioto_claims"]), key=str),
        "events": sorted((row[1:] for row in found["ioto_events"]), key=lambda row: str(row[key - 1])),
        "origins": sorted((row[0],) for row in found[origins.name]),
        "lines": sorted(lines),
        "seals": sorted(found["ioto_origin_seals"]),
    }


def problems(location: str) -> list[str]:
    """Return what the check of the whole ledger finds."""
    with closing(Database(Location.parse(location), read_only=True)) as database:
        return check_integrity(database).findings


def may_be_written(location: str) -> bool:
    """Whether a ledger that holds something is there, and nobody has moved it away."""
    with closing(Database(Location.parse(location), read_only=True)) as database:
        return not database.is_absent and database.moved_to is None and bool(all_rows(location)["ioto_events"])


def kill_moves(
    source: str, places: Iterator[str], kills: int, *, server: PostgresqlServer | None = None, seed: int = 0
) -> Counter[str]:
    """Move a ledger from place to place, killed at any instant, and hold that it is never in two places, or in none.

    With `server` its processes that serve a session are killed, else the process that moves.
    """
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    before, here = all_rows(source), source
    seconds = 0.0
    while found["kills"] < kills or found["done"] < _LEAST_MOVES:
        place = next(places)
        work = partial(move, here, place, check=False)
        began = time.monotonic()
        # The first one is left alone, and says how long one takes.
        while not _done(
            work, rng.uniform(0, seconds) if seconds > 0 and found["kills"] < kills else None, server, found
        ):
            assert not (may_be_written(here) and may_be_written(place)), (here, place)
        seconds = seconds or time.monotonic() - began
        assert not move(here, place, check=False).is_news
        assert may_be_written(place)
        assert not may_be_written(here)
        now = all_rows(place)
        sealed = now.pop("ioto_seals")
        assert sealed[: len(before["ioto_seals"])] == before["ioto_seals"]
        assert now == {name: rows for name, rows in before.items() if name != "ioto_seals"}
        assert problems(place) == []
        here = place
    return found


def kill_merges(
    sources: Sequence[str],
    targets: Iterator[str],
    kills: int,
    *,
    expected: Content,
    server: PostgresqlServer | None = None,
    seed: int = 0,
) -> Counter[str]:
    """Merge ledgers, killed at any instant, until that is done: all that is `expected` is there, or nothing."""
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    seconds = 0.0
    while found["kills"] < kills or not found["done"]:
        target = next(targets)
        work = partial(merge, target, sources, CONTEXT, check=False)
        began = time.monotonic()
        while not _done(
            work, rng.uniform(0, seconds) if seconds > 0 and found["kills"] < kills else None, server, found
        ):
            assert not all_rows(target)["ioto_events"] or content(target) == expected
        seconds = seconds or time.monotonic() - began
        assert not merge(target, sources, CONTEXT, check=False).is_news
        assert content(target) == expected
        assert problems(target) == []
    return found


def _done(
    work: Callable[[], object], delay: float | None, server: PostgresqlServer | None, found: Counter[str]
) -> bool:
    """Do `work` in a process that is killed after `delay` seconds, or left alone, and say whether it did it."""
    child = _fork.Process(target=_ended_by_status, args=(work,), daemon=True)
    child.start()
    if delay is not None:
        child.join(delay)  # at any instant
        if child.exitcode is None:
            found["kills"] += 1
            if server is None:
                os.kill(child.pid or 0, signal.SIGKILL)
            else:
                _kill_backends(server)
    child.join(300)
    if server is not None:
        server.wait_until_up()
    found["done" if child.exitcode == 0 else "not done"] += 1
    return child.exitcode == 0


def _kill_backends(server: PostgresqlServer) -> None:
    """Kill with SIGKILL what serves a session; the server restarts itself, as it does when one of its own dies."""
    rows = server.sql(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    for (pid,) in rows:
        with suppress(ProcessLookupError):
            os.kill(int(str(pid)), signal.SIGKILL)
    deadline = time.monotonic() + START_TIMEOUT
    for (pid,) in rows:
        # Until it has noticed, the server lets people in, whom it would send away then.
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < deadline, f"the server does not notice that {pid} was killed"
            time.sleep(0.001)  # between two questions, not in place of the answer


def _ended_by_status(work: Callable[[], object]) -> None:
    try:
        work()
    except LedgerError:  # the server went away
        os._exit(3)
