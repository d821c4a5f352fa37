# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a claim count for less than its state says, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    Description,
    DeviceConflictError,
    NewEvent,
    State,
    StateChange,
    TwinError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.transfer import (
    FORMATS,
    export_claims,
    import_claims,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.twin_units import hold_back_twins

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"


@pytest.fixture
def ledger(location: str) -> Iterator[Ledger]:
    with Ledger(location) as opened:
        yield opened
        assert check_integrity(opened.database).findings == []


def context(host: str, run: str = "R-1") -> Context:
    return Context("ann@line-1", host, run=run)


def ask(ledger: Ledger, host: str, run: str = "R-1") -> Claim:
    details = {"mac": "00:1b:21:3a:40:01"}
    return ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "given", context(host, run), details=details))


def twins(ledger: Ledger) -> Claim:
    ask(ledger, "pump-1")
    with pytest.raises(TwinError, match="pump-1 and pump-2 both say"):
        ask(ledger, "pump-2")
    found = ledger.live_claim(PRODUCT, "SN-1")
    assert found is not None
    return found


def unsettled(ledger: Ledger) -> Claim:
    claim = ask(ledger, "pump-1")
    ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context("pump-1")))
    return ledger.describe(Description(claim.claim_id, {}, context("pump-1"), is_unsettled=True))


def kinds(ledger: Ledger, claim: Claim) -> list[str]:
    return [str(event.kind) for event in ledger.events(claim_id=claim.claim_id)]


def test_who_asks_again_in_another_run_is_no_twin_and_no_event_tells_of_it(ledger: Ledger) -> None:
    assert ask(ledger, "pump-1").run == "R-1"
    again = ask(ledger, "pump-2", "R-2")
    assert (again.host, again.run, again.twin, again.details) == ("pump-2", "R-2", None, {"mac": "00:1b:21:3a:40:01"})
    assert ledger.find(again.claim_id) == again
    assert kinds(ledger, again) == ["allocated"]


def test_the_host_of_a_twin_stays_until_somebody_knows_which_of_them_it_is(ledger: Ledger) -> None:
    claim = twins(ledger)
    assert (claim.host, claim.twin) == ("pump-1", "pump-2")
    with pytest.raises(TwinError):
        ask(ledger, "pump-3")
    found = ledger.find(claim.claim_id)
    assert found is not None and found.twin == "pump-2"
    # What tells of a conflict alone takes away no doubt.
    ledger.record(NewEvent(EventKind.RESOLVED, context("bench"), None, PRODUCT, "SN-1", reason="seen"))
    found = ledger.find(claim.claim_id)
    assert found is not None and found.doubt is not None
    after = ledger.resolve(claim.claim_id, reason=" seen ", context=context("bench"))
    assert (after.twin, after.doubt) == (None, None)
    assert ledger.resolve(claim.claim_id, reason="seen", context=context("bench")) == after
    assert kinds(ledger, claim) == ["allocated", "twins", "conflict", "resolved"]
    assert ledger.conflicts() == []


def test_a_device_that_is_written_again_is_unsettled_until_it_is_settled(ledger: Ledger) -> None:
    claim = unsettled(ledger)
    assert (claim.state, claim.unsettled_at, claim.doubt is None) == (State.VERIFIED, claim.updated_at, False)
    again = ledger.describe(Description(claim.claim_id, {}, context("pump-1"), is_unsettled=True))
    assert again == claim
    described = ledger.describe(Description(claim.claim_id, {"tested": "yes"}, context("pump-1")))
    assert described.unsettled_at == claim.unsettled_at
    settled = ledger.describe(Description(claim.claim_id, {}, context("pump-1"), is_unsettled=False))
    assert settled.doubt is None
    assert kinds(ledger, claim)[-3:] == ["verified", "unsettled", "settled"]


def test_twins_by_board_are_both_held_back_until_that_is_resolved(ledger: Ledger) -> None:
    def of(unit: str, host: str, mac: str, run: str = "R-1") -> AllocationRequest:
        return AllocationRequest(PRODUCT, unit, "given", context(host, run), details={"mac": mac})

    other = ledger.allocate(of("SN-2", "pump-2", "00:1b:21:3a:40:02", "R-0"))
    claim = ask(ledger, "pump-1")
    # A second unit of one run on the board, with an ID of its own from before: it was on another.
    with pytest.raises(TwinError, match=r"'SN-1' .* 'SN-2', both say that they are the board with mac 00:1b"):
        ledger.allocate(of("SN-2", "pump-2", "00:1b:21:3a:40:01")._replace(accepts="00:1b:21:3a:40:02", reason="x"))

    held = ledger.holders([claim.claim_id, other.claim_id])
    assert (held[claim.claim_id].twin, held[other.claim_id].twin) == ("pump-2", "pump-1")
    with pytest.raises(DeviceConflictError, match="resolve for"):
        ask(ledger, "pump-1", "R-2")
    ledger.resolve(claim.claim_id, reason="seen", context=context("bench"))
    assert ask(ledger, "pump-1", "R-3").doubt is None


def test_twins_that_a_run_found_when_it_was_over_are_held_back(ledger: Ledger) -> None:
    claim = ask(ledger, "pump-1")

    for _again in range(2):
        hold_back_twins(ledger.database, {(PRODUCT, "SN-1"): "pump-2", (PRODUCT, "SN-9"): "pump-1"}, context("bench"))

    found = ledger.find(claim.claim_id)
    assert found is not None and found.twin == "pump-2"
    assert kinds(ledger, claim) == ["allocated", "twins"]


@pytest.mark.parametrize("doubted", [twins, unsettled])
def test_another_unit_has_none_of_the_doubts_of_the_first(ledger: Ledger, doubted: object) -> None:
    assert callable(doubted)
    claim = doubted(ledger)
    moved = ledger.rebind(claim.claim_id, "SN-2", reason="moved", context=context("bench"))
    assert (moved.doubt, moved.run) == (None, None)


def test_a_retired_claim_keeps_its_doubt(ledger: Ledger) -> None:
    claim = twins(ledger)
    retired = ledger.retire(claim.claim_id, reason="scrapped", context=context("bench"))
    assert ledger.resolve(claim.claim_id, reason="seen", context=context("bench")) == retired
    assert retired.twin == "pump-2"


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("doubted", [twins, unsettled])
def test_doubts_go_into_a_file_and_out_of_it(ledger: Ledger, doubted: object, fmt: str) -> None:
    assert callable(doubted)
    claim = doubted(ledger)
    stream = StringIO(newline="")
    export_claims(ledger.claims(), stream, fmt)
    with Ledger.in_memory() as other:
        import_claims(other, stream.getvalue().encode(), fmt, context=context("bench"))
        assert list(other.claims()) == [claim]
        assert check_integrity(other.database).findings == []
