# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many threads at one ledger: each gets what it would get alone, and they share commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.group_commit import GroupCommit
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.operations import Change
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    State,
    StateChange,
)

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
CONTEXT = Context("tester@here")
THREADS = 16


class CountingLedger(Ledger):
    """A ledger that remembers how many changes came with each commit."""

    sizes: list[int]

    def change_many(self, asked: Sequence[Change]) -> list[Claim | IotoError]:
        self.sizes.append(len(asked))
        return super().change_many(asked)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[CountingLedger]:
    with CountingLedger(tmp_path / "ledger.db") as ledger:
        ledger.sizes = []
        yield ledger


def test_threads_that_ask_at_once_share_commits_and_each_unit_has_its_own_id(ledger: CountingLedger) -> None:
    commits, together = GroupCommit(ledger), Barrier(THREADS)

    def one(number: int) -> str:
        together.wait()
        ids = [
            commits.allocate(AllocationRequest(PRODUCT, f"unit-{number}-{turn}", source="generated", context=CONTEXT))
            for turn in range(5)
        ]
        for claim in ids:
            assert commits.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT)).state is State.VERIFIED
            assert commits.live_claim(PRODUCT, claim.unit or "") is not None
        return ids[0].claim_id

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(THREADS)))

    assert sum(ledger.sizes) == THREADS * 5 * 2
    assert max(ledger.sizes) > 1
    claims = list(ledger.claims())
    assert len({claim.claim_id for claim in claims}) == len({claim.unit for claim in claims}) == THREADS * 5
    assert {claim.state for claim in claims} == {State.VERIFIED}


class FailingLedger(CountingLedger):
    """A ledger with a defect."""

    def change_many(self, asked: Sequence[Change]) -> list[Claim | IotoError]:
        super().change_many(asked)
        raise ZeroDivisionError


def test_a_defect_reaches_every_thread_of_a_group_as_what_it_is(tmp_path: Path) -> None:
    with FailingLedger(tmp_path / "ledger.db") as ledger:
        ledger.sizes = []
        commits, together = GroupCommit(ledger), Barrier(THREADS)

        def one(number: int) -> type[BaseException] | None:
            together.wait()
            try:
                commits.allocate(AllocationRequest(PRODUCT, f"unit-{number}", "given", CONTEXT))
            except BaseException as error:
                return type(error)
            return None

        with ThreadPoolExecutor(THREADS) as pool:
            for _round in range(100):
                assert set(pool.map(one, range(THREADS))) == {ZeroDivisionError}
                if max(ledger.sizes) > 1:
                    return
    raise AssertionError("no two threads ever came together")


def test_one_that_cannot_have_its_id_spoils_no_other(ledger: CountingLedger) -> None:
    commits, together = GroupCommit(ledger), Barrier(THREADS)

    def one(number: int) -> bool:
        together.wait()
        try:
            commits.allocate(
                AllocationRequest(PRODUCT, f"unit-{number}", source="given", context=CONTEXT, claim_id="JT08FFQXWQ")
            )
        except ClaimConflictError:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(one, range(THREADS))) == 1
    assert len(list(ledger.claims())) == 1
