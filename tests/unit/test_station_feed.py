# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A card of the station page says who brought the unit to where it stands, however often the unit asks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import change_set
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import AllocationRequest, Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    Context,
    Description,
    NewEvent,
    State,
    StateChange,
    TwinError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.ledger_handle import LedgerHandle
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.metrics import Metrics
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.refusals import Refusals
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.station_feed import (
    StationFeed,
    claim_verdict,
    local_midnight,
)

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
ADA, EVE, SERVICE = Context("Ada, tester@bench"), Context("Eve, tester@bench"), Context("service@station")


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[StationFeed]:
    handle = LedgerHandle(str(tmp_path / "line.db"))
    yield StationFeed(handle, Refusals(Metrics()))
    handle.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "line.db") as ledger:
        yield ledger


def first_card(feed: StationFeed) -> dict[str, Any]:
    found: Any = feed.look()["units"]
    return dict(found[0])


def card_of_asking(feed: StationFeed, unit: str) -> dict[str, Any]:
    """The card of `unit` once it counts as asked again: a second after what happened to it last."""
    before = feed.look()["units"]
    for _try in range(500):
        feed.asked(PRODUCT, unit)
        if feed.look()["units"] != before:
            return first_card(feed)
        time.sleep(0.01)
    raise AssertionError(f"{unit} never counts as asked again")


def test_a_unit_that_asks_again_is_still_the_work_of_whoever_did_it(feed: StationFeed, ledger: Ledger) -> None:
    claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=SERVICE))
    ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=ADA))
    done = first_card(feed)

    again = card_of_asking(feed, "SN-1")

    assert (again["serial"], again["verdict"], again["by"]) == ("SN-1", "pass", ADA.actor)
    assert again["at"] > done["at"]


def test_a_unit_that_asks_again_after_a_failure_is_not_the_work_of_whoever_failed(
    feed: StationFeed, ledger: Ledger
) -> None:
    claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=ADA))
    ledger.record(NewEvent(EventKind.MISMATCH, context=EVE, claim_id=claim.claim_id, product=PRODUCT, unit="SN-1"))
    assert (first_card(feed)["verdict"], first_card(feed)["by"]) == ("fail", EVE.actor)

    again = card_of_asking(feed, "SN-1")

    assert (again["verdict"], again["by"]) == ("issued", ADA.actor)


def test_a_unit_that_passed_and_is_in_doubt_since_fails_until_that_is_settled(
    feed: StationFeed, ledger: Ledger
) -> None:
    one, other = (
        AllocationRequest(
            PRODUCT, "SN-1", "generated", replace(ADA, host=host, run="R-1"), details={"mac": "00:1b:21:3a:40:01"}
        )
        for host in ("pump-1", "pump-2")
    )
    claim = ledger.allocate(one)
    with pytest.raises(TwinError):
        ledger.allocate(other)
    ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=ADA))
    card = first_card(feed)
    assert card["verdict"] == "fail"
    assert card["text"].startswith("In doubt: two devices said that they are unit 'SN-1'")

    ledger.resolve(claim.claim_id, reason="seen", context=ADA)
    assert first_card(feed)["verdict"] == "pass"

    ledger.describe(Description(claim.claim_id, {}, ADA, is_unsettled=True))
    assert first_card(feed)["text"] == "In doubt: its device was written again and not verified: run again"


def test_a_clock_that_was_ahead_does_not_hide_what_comes_after(
    feed: StationFeed, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(hours=6)

    with monkeypatch.context() as there:
        there.setattr(change_set, "datetime", Ahead)
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=ADA))
    assert first_card(feed)["serial"] == "SN-1"
    ledger.allocate(AllocationRequest(PRODUCT, "SN-2", source="generated", context=ADA))
    assert [card["serial"] for card in feed.look()["units"]] == ["SN-2", "SN-1"]  # type: ignore[attr-defined]
    claim = next(iter(ledger.claims(unit="SN-1")))
    ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=ADA))
    assert (first_card(feed)["serial"], first_card(feed)["verdict"]) == ("SN-1", "pass")


def test_what_somebody_typed_holds_no_whole_id_and_turns_no_text(feed: StationFeed, ledger: Ledger) -> None:
    hostile = Context("Ada\u202e, tester@bench")
    one, other = (
        ledger.allocate(AllocationRequest(PRODUCT, unit, source="generated", context=ADA)) for unit in ("SN-1", "SN-2")
    )
    ledger.record(NewEvent(EventKind.MISMATCH, hostile, other.claim_id, PRODUCT, "SN-2", "its file says\u202e nothing"))
    card = first_card(feed)
    assert (card["text"], card["by"]) == ("its file says nothing", "Ada , tester@bench")

    retired = ledger.retire(one.claim_id, reason=f"{other.claim_id} takes\u202e its place", context=ADA)
    told = f"Retired: {other.masked} takes its place"
    assert first_card(feed)["text"] == told
    assert claim_verdict(retired) == ("retired", told)


def test_the_work_on_a_unit_whose_card_is_gone_is_found_in_the_ledger(feed: StationFeed, ledger: Ledger) -> None:
    ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=ADA))
    others = [AllocationRequest(PRODUCT, f"SN-{n}", source="generated", context=EVE) for n in range(2, 1000)]
    ledger.allocate_many(others)
    feed.look()

    again = card_of_asking(feed, "SN-1")

    assert (again["serial"], again["by"]) == ("SN-1", ADA.actor)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "UTC"])
def test_a_day_has_one_beginning_also_where_summer_time_begins_or_ends_in_it(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    with monkeypatch.context() as there:
        there.setenv("TZ", zone)
        time.tzset()
        begins = defaultdict(set)
        for hour in range(2 * 365 * 24):
            moment = datetime(2017, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
            begin = local_midnight(moment)
            assert begin <= moment
            begins[moment.astimezone().date()].add(begin)
    time.tzset()
    assert len(begins) > 700
    assert all(len(found) == 1 for found in begins.values())
