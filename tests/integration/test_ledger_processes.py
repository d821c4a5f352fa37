# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many processes at one ledger, and processes that die."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import traceback
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import cast

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    ReserveRequest,
    State,
    StateChange,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")
PROCESSES = 16

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

_fork = multiprocessing.get_context("fork")


def at_once(work: Callable[[int], object], processes: int = PROCESSES) -> list[object]:
    """Run `work(number)` in that many processes, which begin together, and return what each returned."""
    start = _fork.Barrier(processes)
    answers = _fork.Queue()

    def run(number: int) -> None:
        try:
            start.wait(60)
            answers.put((work(number), None))
        except BaseException:
            answers.put((None, traceback.format_exc()))

    children = [_fork.Process(target=run, args=(number,), daemon=True) for number in range(processes)]
    for child in children:
        child.start()
    results = [answers.get(timeout=300) for _ in children]
    for child in children:
        child.join(60)
    failures = [failure for _, failure in results if failure]
    assert not failures, failures[0]
    return [result for result, _ in results]


def test_sixteen_processes_create_one_ledger(location: str) -> None:
    def work(_number: int) -> str:
        with Ledger(location) as ledger:
            return ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=CONTEXT)).claim_id

    assert len(set(at_once(work))) == 1
    if "://" not in location:
        # Of two that close it at the same instant, SQLite takes neither for the last one: the next one tidies up.
        Ledger(location).close()
        assert [path.name for path in Path(location).parent.iterdir()] == ["ledger.db"]


def test_sixteen_processes_that_allocate_at_once_agree_on_every_unit(location: str) -> None:
    shared = [f"SHARED-{n}" for n in range(10)]

    def work(number: int) -> dict[str, str]:
        units = [f"OWN-{number}-{n}" for n in range(5)] + shared
        random.Random(number).shuffle(units)
        mine: dict[str, str] = {}
        for unit in units:
            with Ledger(location) as ledger:  # as Ansible's workers do: a ledger for each device
                claim = ledger.allocate(AllocationRequest(PRODUCT, unit, source="generated", context=CONTEXT))
                mine[unit] = ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT)).claim_id
        return mine

    issued: dict[str, set[str]] = defaultdict(set)
    for mine in at_once(work):
        assert isinstance(mine, dict)
        for unit, claim_id in mine.items():
            issued[unit].add(claim_id)
    assert len(issued) == PROCESSES * 5 + len(shared)
    assert {len(ids) for ids in issued.values()} == {1}
    assert len({next(iter(ids)) for ids in issued.values()}) == len(issued)
    with Ledger(location) as ledger:
        assert ledger.summary().states[State.VERIFIED] == len(issued)
        assert len(list(ledger.events(kinds=[EventKind.VERIFIED]))) == len(issued)


ROUNDS = int(os.environ.get("IOTO_BOARD_ROUNDS", "4"))
"""By hand, 40 and more."""


@pytest.mark.parametrize("source", ["generated", "one slow source", "two slow sources"])
def test_two_controllers_never_give_one_id_to_two_boards(location: str, source: str) -> None:
    """Both have read a ledger that knows nothing of the unit before either claims it."""
    Ledger(location).close()
    for round_number in range(ROUNDS):
        unit, maker = f"SN-{round_number}", f"00:1b:21:3a:{round_number:02x}"  # a board is one unit
        given = {"one slow source": ("0", "0"), "two slow sources": ("0", "1")}.get(source)
        ids = given and [f"{which}NE{round_number:07}" for which in given]
        read = _fork.Barrier(2)

        def work(
            number: int, unit: str = unit, maker: str = maker, ids: list[str] | None = ids, read: Barrier = read
        ) -> tuple[Claim | None, str]:
            with Ledger(location) as ledger:
                seen = ledger.live_claim(PRODUCT, unit)
                read.wait(60)
                context = Context("ann@line-1", f"bench-{number}", run=f"R-{number}")
                details = {"serial": f"{unit}-B", "mac": f"{maker}:0{number}"}
                request = AllocationRequest(PRODUCT, unit, "service", context, ids and ids[number], details=details)
                try:
                    return seen, ledger.allocate(request).claim_id
                except ClaimConflictError as error:
                    return seen, str(error)

        answers = cast("list[tuple[Claim | None, str]]", at_once(work, 2))
        assert [seen for seen, _answer in answers] == [None, None]
        sentences = [answer for _seen, answer in answers if "another mac" in answer]
        assert len(sentences) == 1
        assert f"{maker}:00" in sentences[0] and f"{maker}:01" in sentences[0]
    with Ledger(location) as ledger:
        assert len(ledger.conflicts()) == ROUNDS
        assert all("macs" not in claim.details for claim in ledger.claims())


def test_batches_that_overlap_in_any_order_agree_on_every_unit(location: str) -> None:
    units = [f"SN-{n}" for n in range(60)]
    Ledger(location).close()

    def work(number: int) -> dict[str, str]:
        mine = random.Random(number).sample(units, 40)
        with Ledger(location) as ledger:
            answers = ledger.allocate_many([AllocationRequest(PRODUCT, unit, "generated", CONTEXT) for unit in mine])
        return {claim.unit or "": claim.claim_id for claim in answers if isinstance(claim, Claim)}

    issued: dict[str, set[str]] = defaultdict(set)
    for mine in at_once(work, 8):
        assert isinstance(mine, dict)
        assert len(mine) == 40
        for unit, claim_id in mine.items():
            issued[unit].add(claim_id)
    assert {len(ids) for ids in issued.values()} == {1}


def test_one_given_id_goes_to_one_of_sixteen_units(location: str) -> None:
    with Ledger(location) as ledger:
        (reserved,) = ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))

    def work(number: int) -> tuple[bool, bool]:
        def has(claim_id: str) -> bool:
            try:
                ledger.allocate(
                    AllocationRequest(
                        PRODUCT, f"SN-{claim_id}-{number}", source="given", context=CONTEXT, claim_id=claim_id
                    )
                )
            except ClaimConflictError:
                return False
            return True

        with Ledger(location) as ledger:
            return has("JT08FFQXWQ"), has(reserved.claim_id)

    got = at_once(work)
    assert sum(fresh for fresh, _ in got) == 1  # type: ignore[misc]
    assert sum(bound for _, bound in got) == 1  # type: ignore[misc]


def test_threads_share_one_ledger(location: str) -> None:
    units = [f"SN-{n % 20}" for n in range(160)]
    with Ledger(location) as ledger, ThreadPoolExecutor(8) as pool:
        claims = list(
            pool.map(
                lambda unit: ledger.allocate(AllocationRequest(PRODUCT, unit, source="given", context=CONTEXT)), units
            )
        )
        found = list(pool.map(lambda claim: ledger.find(claim.claim_id), claims))
    assert [claim.unit for claim in claims] == units
    assert found == claims
    assert len({claim.claim_id for claim in claims}) == 20


def test_a_process_killed_at_any_instant_loses_nothing_it_was_told(location: str) -> None:
    told: dict[str, str] = {}
    rng = random.Random(1)
    for life in range(12):
        reader, writer = os.pipe()
        child = _fork.Process(target=_allocate_until_killed, args=(location, life, writer), daemon=True)
        child.start()
        os.close(writer)
        # Killed after a number of answers, in the middle of whatever comes then; in its first life while it creates.
        lines = _read_lines(reader, rng.randrange(0, 12) if life else 0)
        os.kill(child.pid or 0, signal.SIGKILL)
        lines += _read_lines(reader, None)
        os.close(reader)
        child.join(60)
        told |= dict(line.split() for line in lines)
    assert len(told) >= 10
    with Ledger(location) as ledger:
        held = {claim.unit: claim.claim_id for claim in ledger.claims()}
        assert held.items() >= told.items()
        for unit, claim_id in told.items():
            assert (
                ledger.allocate(AllocationRequest(PRODUCT, unit, source="generated", context=CONTEXT)).claim_id
                == claim_id
            )
        # Every claim has its event: the two were one transaction.
        assert {event.unit for event in ledger.events(kinds=[EventKind.ALLOCATED])} == set(held)
        if "://" not in location:
            with ledger._database.read() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def _allocate_until_killed(location: str, life: int, writer: int) -> None:
    number = 0
    while True:
        with Ledger(location) as ledger:
            for _ in range(3):
                number += 1
                claim = ledger.allocate(
                    AllocationRequest(PRODUCT, f"SN-{life}-{number}", source="generated", context=CONTEXT)
                )
                os.write(writer, f"{claim.unit} {claim.claim_id}\n".encode())


def _read_lines(reader: int, count: int | None) -> list[str]:
    """Read whole lines: `count` of them, or (None) all that come until the other end is closed."""
    lines: list[str] = []
    line = b""
    while count is None or len(lines) < count:
        letter = os.read(reader, 1)
        if not letter:
            break
        line += letter
        if letter == b"\n":
            lines.append(line.decode())
            line = b""
    return lines
