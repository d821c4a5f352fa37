# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger promises, on both databases."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ansible_collections.ioto.serialization.plugins.plugin_utils import claim_ids
from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import (
    InvalidClaimIdError,
    InvalidProductError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    Description,
    GivenClaimError,
    InvalidUnitError,
    LedgerError,
    NewEvent,
    ReserveRequest,
    State,
    StateChange,
    UnknownClaimError,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OTHER_PRODUCT = "01G9BFEDZXJYWEJ56DPPQSXTWP"
CONTEXT = Context("ann@line-1", "device-1")


@pytest.fixture
def ledger(location: str) -> Iterator[Ledger]:
    with Ledger(location) as opened:
        yield opened


def given(ledger: Ledger, unit: str, claim_id: str | None = None, product: str = PRODUCT) -> Claim:
    return ledger.allocate(AllocationRequest(product, unit, "given", CONTEXT, claim_id))


def actions(ledger: Ledger, claim: Claim) -> list[str]:
    return [event.kind for event in ledger.events(claim_id=claim.claim_id)]


# One unit, one ID


def test_a_unit_that_asks_again_gets_the_same_id_and_leaves_one_event(ledger: Ledger) -> None:
    first = given(ledger, "SN-1")
    assert claim_ids.is_valid(first.claim_id)
    assert given(ledger, "SN-1") == first
    assert actions(ledger, first) == ["allocated"]


def test_what_was_allocated_is_there_when_the_ledger_is_opened_again(location: str) -> None:
    with Ledger(location) as ledger:
        claim = ledger.allocate(
            AllocationRequest(
                PRODUCT, "SN-1", source="generated", context=CONTEXT, length=16, details={"mac": "00:1b:21:33:44:55"}
            )
        )
    with Ledger(location) as ledger:
        assert ledger.find(claim.claim_id) == claim
        assert ledger.live_claim(PRODUCT, "SN-1") == claim
    assert len(claim.claim_id) == 16
    assert (claim.state, claim.source, claim.host) == (State.ALLOCATED, "generated", "device-1")
    assert claim.details == {"mac": "00:1b:21:33:44:55"}
    assert claim.created_at == claim.updated_at
    assert abs(datetime.now(UTC) - claim.created_at) < timedelta(minutes=1)


def test_the_same_serial_in_two_products_names_two_units(ledger: Ledger) -> None:
    assert given(ledger, "SN-1").claim_id != given(ledger, "SN-1", product=OTHER_PRODUCT).claim_id
    assert set(ledger.live_claims([(PRODUCT, "SN-1"), (OTHER_PRODUCT, "SN-2")])) == {(PRODUCT, "SN-1")}


def test_names_are_folded_as_people_type_them(ledger: Ledger) -> None:
    claim = given(ledger, " SN-1 ", " jto8ffqxwq ", PRODUCT.lower())
    assert (claim.claim_id, claim.product, claim.unit) == ("JT08FFQXWQ", PRODUCT, "SN-1")
    assert ledger.find("jto8ffqxwq") == claim


def test_text_subclasses_of_ansible_are_taken_as_text(ledger: Ledger) -> None:
    class Tagged(str):
        pass

    context = Context(Tagged("ann"), Tagged("host"))
    details = {Tagged("model"): Tagged("X")}
    claim = ledger.allocate(
        AllocationRequest(
            *(Tagged(PRODUCT), Tagged("SN-1"), Tagged("given"), context, Tagged("JT08FFQXWQ")), details=details
        )
    )
    assert ledger.find(claim.claim_id) == claim
    assert {type(value) for value in (claim.claim_id, claim.product, claim.unit)} == {str}


def test_an_id_that_another_unit_holds_is_refused_and_named_with_holder_and_state(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1", "JT08FFQXWQ")
    ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT))
    with pytest.raises(ClaimConflictError, match=r"belongs to unit SN-1 .*\(verified\)") as caught:
        given(ledger, "SN-2", "JT08FFQXWQ")
    assert caught.value.claim.unit == "SN-1"
    assert "JT08FFQXWQ" not in str(caught.value)
    assert "********WQ" in str(caught.value)
    assert ledger.live_claim(PRODUCT, "SN-2") is None


def test_a_unit_that_has_an_id_is_not_given_another_in_passing(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1")
    with pytest.raises(ClaimConflictError, match="already has") as caught:
        given(ledger, "SN-1", "JT08FFQXWQ")
    assert caught.value.claim == claim
    assert ledger.find("JT08FFQXWQ") is None


def test_a_retired_id_is_never_issued_again(ledger: Ledger) -> None:
    given(ledger, "SN-1", "JT08FFQXWQ")
    ledger.retire("JT08FFQXWQ", reason="scrapped", context=CONTEXT)
    for unit in ("SN-1", "SN-2"):
        with pytest.raises(ClaimConflictError, match=r"retired \(scrapped\)"):
            given(ledger, unit, "JT08FFQXWQ")


def test_a_drawn_id_that_is_taken_is_drawn_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = given(ledger, "SN-1").claim_id
    draws = iter([taken, taken, "JT08FFQXWQ"])
    monkeypatch.setattr(claim_ids, "generate_many", lambda _count, _length: [next(draws)])
    assert given(ledger, "SN-2").claim_id == "JT08FFQXWQ"


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (AllocationRequest(PRODUCT, "SN-1", "given", CONTEXT, claim_id="TOO-SHORT"), InvalidClaimIdError),
        (AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT, length=9), InvalidClaimIdError),
        (AllocationRequest("no product", "SN-1", "given", CONTEXT), InvalidProductError),
        (AllocationRequest(PRODUCT, "  ", "given", CONTEXT), InvalidUnitError),
        (AllocationRequest(PRODUCT, "SN\x00", "given", CONTEXT), InvalidUnitError),
        (AllocationRequest(PRODUCT, "SN\ud800", "given", CONTEXT), InvalidUnitError),
        (AllocationRequest(PRODUCT, "x" * 256, "given", CONTEXT), InvalidUnitError),
    ],
)
def test_names_that_cannot_be_names_are_refused(
    ledger: Ledger, wanted: AllocationRequest, error: type[Exception]
) -> None:
    (answer,) = ledger.allocate_many([wanted])
    assert isinstance(answer, error)
    assert ledger.summary().total == 0


def test_hostile_text_beside_the_names_is_recorded_without_harm(ledger: Ledger) -> None:
    nasty = "'; DROP TABLE ioto_claims; --\x00\ud800" + "x" * 10_000
    claim = ledger.allocate(
        AllocationRequest(
            PRODUCT, "Robert'); --", source="given", context=Context(nasty, nasty), details={"name": nasty, "at": UTC}
        )
    )
    ledger.record(NewEvent(EventKind.REPRINT, context=Context(nasty), detail=nasty))
    found = ledger.find(claim.claim_id)
    assert found is not None
    assert (found.unit, found.details["name"]) == ("Robert'); --", nasty)
    assert given(ledger, "Robert'); --").claim_id == claim.claim_id


# Many at once


def test_one_bad_ask_does_not_spoil_the_others(ledger: Ledger) -> None:
    held = given(ledger, "SN-0", "JT08FFQXWQ")
    answers = ledger.allocate_many(
        [
            AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT),
            AllocationRequest(PRODUCT, "SN-2", "given", CONTEXT, claim_id="JT08FFQXWQ"),
            AllocationRequest("no product", "SN-3", "generated", CONTEXT),
            AllocationRequest(PRODUCT, "SN-0", "generated", CONTEXT),
            AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT),
            AllocationRequest(PRODUCT, "SN-4", "given", CONTEXT, claim_id="5555555555"),
            AllocationRequest(PRODUCT, "SN-5", "given", CONTEXT, claim_id="5555555555"),
        ]
    )
    assert [type(answer) for answer in answers] == [
        Claim, GivenClaimError, InvalidProductError, Claim, Claim, Claim, GivenClaimError
    ]  # fmt: skip
    assert answers[0] == answers[4]
    assert answers[3] == held
    assert ledger.allocate_many([]) == []


@pytest.mark.parametrize("number", [1, 2, 3, 57, 64, 65])
def test_a_crowd_of_any_size_is_kept_and_read_as_it_was_given(location: str, number: int) -> None:
    odd = ["{a,b}", 'q"uo"te', "back\\slash", "NULL", "nu'll", "%s", "?1", "schnee \N{SNOWMAN}", "(1)", "\\N"]
    requests = [
        AllocationRequest(
            (PRODUCT, OTHER_PRODUCT)[n % 3 == 1],
            f"{odd[n % len(odd)]} {n}",
            ("service", "generated")[n % 5 == 1],
            Context(f"ann {n % 7}", None if n % 2 else f"device {n}"),
            details={"n": n} if n % 4 == 1 else None,
        )
        for n in range(number)
    ]
    with Ledger(location) as ledger:
        answers = [answer for answer in ledger.allocate_many(requests) if isinstance(answer, Claim)]
    with Ledger(location) as ledger:
        assert list(ledger.claims()) == answers
        live = {(claim.product, claim.unit): claim for claim in answers}
        assert ledger.live_claims((request.product, request.unit) for request in requests) == live
        assert ledger.holders(claim.claim_id for claim in answers) == {claim.claim_id: claim for claim in answers}
        assert ledger.allocate_many(requests) == answers
        events = list(ledger.events())
    asked = [
        (request.product, request.unit, request.source, request.context.host, request.details or {})
        for request in requests
    ]
    assert [(a.product, a.unit, a.source, a.host, a.details) for a in answers] == asked
    assert [(e.product, e.unit, e.detail, e.actor, e.host) for e in events] == [
        (request.product, request.unit, f"source {request.source}", request.context.actor, request.context.host)
        for request in requests
    ]


def test_thousands_are_allocated_and_looked_up_in_one_go(ledger: Ledger) -> None:
    answers = ledger.allocate_many([AllocationRequest(PRODUCT, f"SN-{n}", "generated", CONTEXT) for n in range(2500)])
    claims = [answer for answer in answers if isinstance(answer, Claim)]
    assert len({claim.claim_id for claim in claims}) == 2500
    assert [claim.unit for claim in ledger.claims()] == [f"SN-{n}" for n in range(2500)]
    assert len(ledger.holders(claim.claim_id for claim in claims)) == 2500
    assert [claim.unit for claim in ledger.claims(newest_first=True, limit=2)] == ["SN-2499", "SN-2498"]
    assert len(list(ledger.claims(limit=1500))) == 1500


# States


def test_a_claim_passes_through_every_state_on_its_way(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1")
    verified = ledger.advance(
        StateChange(claim.claim_id, State.VERIFIED, context=Context("bob", "device-9"), detail="read back")
    )
    assert (verified.state, verified.host) == (State.VERIFIED, "device-9")
    assert ledger.find(claim.claim_id) == verified
    ledger.advance(StateChange(claim.claim_id, State.LABELLED, context=CONTEXT))
    assert actions(ledger, claim) == ["allocated", "written", "verified", "labelled"]
    (event,) = ledger.events(claim_id=claim.claim_id, kinds=[EventKind.VERIFIED])
    assert (event.actor, event.host, event.detail, event.unit) == ("bob", "device-9", "read back", "SN-1")


def test_a_state_that_was_passed_is_no_change(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1")
    labelled = ledger.advance(StateChange(claim.claim_id, State.LABELLED, context=CONTEXT))
    assert ledger.advance(StateChange(claim.claim_id, State.WRITTEN, context=CONTEXT)) == labelled
    assert len(actions(ledger, claim)) == 4


def test_what_cannot_advance_says_why_and_spoils_no_other(ledger: Ledger) -> None:
    good, retired = given(ledger, "SN-1"), given(ledger, "SN-2")
    ledger.retire(retired.claim_id, reason="scrapped", context=CONTEXT)
    (reserved,) = ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    asked = [retired.claim_id, reserved.claim_id, "ZZZZZZZZZZ", "?", good.claim_id]
    answers = ledger.advance_many([StateChange(claim_id, State.VERIFIED, CONTEXT) for claim_id in asked])
    assert [type(answer) for answer in answers] == [
        ClaimConflictError, ClaimConflictError, UnknownClaimError, InvalidClaimIdError, Claim
    ]  # fmt: skip
    assert "bind it to its unit first" in str(answers[1])
    assert ledger.find(good.claim_id).state is State.VERIFIED
    with pytest.raises(LedgerError, match="retire it, with a reason"):
        ledger.advance(StateChange(good.claim_id, State.RETIRED, context=CONTEXT))


def test_retiring_keeps_the_reason_and_frees_the_unit(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1")
    retired = ledger.retire(claim.claim_id, reason="scrapped", context=CONTEXT)
    assert (retired.state, retired.reason, retired.unit) == (State.RETIRED, "scrapped", "SN-1")
    assert ledger.retire(claim.claim_id, reason="again", context=CONTEXT) == retired
    assert ledger.live_claim(PRODUCT, "SN-1") is None
    assert given(ledger, "SN-1").claim_id != claim.claim_id
    with pytest.raises(LedgerError, match="reason"):
        ledger.retire(claim.claim_id, reason=" ", context=CONTEXT)
    with pytest.raises(UnknownClaimError):
        ledger.retire("ZZZZZZZZZZ", reason="scrapped", context=CONTEXT)


# Replacing, moving, reserving


def test_replacing_retires_the_old_id_and_gives_a_new_one(ledger: Ledger) -> None:
    old = given(ledger, "SN-1")
    new = ledger.replace(AllocationRequest(PRODUCT, "SN-1", source="generated", context=CONTEXT), reason="leaked")
    assert new.claim_id != old.claim_id
    assert ledger.live_claim(PRODUCT, "SN-1") == new
    found = ledger.find(old.claim_id)
    assert found is not None
    assert (found.state, found.reason) == (State.RETIRED, "leaked")
    assert [claim.claim_id for claim in ledger.claims(unit="SN-1")] == [old.claim_id, new.claim_id]


def test_replacing_by_the_id_that_the_unit_has_changes_nothing(ledger: Ledger) -> None:
    old = given(ledger, "SN-1")
    same = ledger.replace(AllocationRequest(PRODUCT, "SN-1", "given", CONTEXT, old.claim_id), reason="again")
    assert same == old


def test_a_replacement_that_cannot_be_had_retires_nothing(ledger: Ledger) -> None:
    old, other = given(ledger, "SN-1"), given(ledger, "SN-2")
    with pytest.raises(ClaimConflictError, match="unit SN-2"):
        ledger.replace(
            AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT, claim_id=other.claim_id), reason="x"
        )
    assert ledger.live_claim(PRODUCT, "SN-1") == old


def test_a_claim_that_moves_to_another_unit_starts_again_there(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1")
    ledger.advance(StateChange(claim.claim_id, State.LABELLED, context=CONTEXT))
    moved = ledger.rebind(claim.claim_id, "SN-2", reason="wrong serial", context=CONTEXT)
    assert (moved.unit, moved.state) == ("SN-2", State.ALLOCATED)
    assert ledger.live_claim(PRODUCT, "SN-1") is None
    assert ledger.rebind(claim.claim_id, "SN-2", reason="wrong serial", context=CONTEXT) == moved
    event = list(ledger.events(claim_id=claim.claim_id, kinds=[EventKind.REBOUND]))
    assert [(entry.detail, entry.reason) for entry in event] == [("from unit SN-1", "wrong serial")]


def test_a_claim_does_not_move_to_a_unit_that_has_one(ledger: Ledger) -> None:
    claim, other = given(ledger, "SN-1"), given(ledger, "SN-2")
    with pytest.raises(ClaimConflictError, match="SN-2 already has") as caught:
        ledger.rebind(claim.claim_id, "SN-2", reason="x", context=CONTEXT)
    assert caught.value.claim == other


def test_a_reserved_id_waits_and_is_bound_by_the_unit_that_is_given_it(ledger: Ledger) -> None:
    roll = ledger.reserve(ReserveRequest(PRODUCT, 3, context=CONTEXT, length=12))
    assert [(claim.unit, claim.state, len(claim.claim_id)) for claim in roll] == [(None, State.ALLOCATED, 12)] * 3
    assert list(ledger.claims(reserved=True)) == roll
    assert ledger.summary().reserved == 3
    bound = given(ledger, "SN-1", roll[1].claim_id)
    assert (bound.claim_id, bound.unit, bound.source) == (roll[1].claim_id, "SN-1", "reserved")
    assert ledger.rebind(roll[2].claim_id, "SN-2", reason="scanned", context=CONTEXT).unit == "SN-2"
    assert list(ledger.claims(reserved=True)) == [roll[0]]
    assert actions(ledger, bound) == ["reserved", "bound"]


def test_an_id_that_is_reserved_for_another_product_is_refused(ledger: Ledger) -> None:
    (claim,) = ledger.reserve(ReserveRequest(OTHER_PRODUCT, 1, context=CONTEXT))
    with pytest.raises(ClaimConflictError, match="reserved for the product"):
        given(ledger, "SN-1", claim.claim_id)


@pytest.mark.parametrize("count", [0, -1, 100_001])
def test_a_roll_has_a_sensible_length(ledger: Ledger, count: int) -> None:
    with pytest.raises(LedgerError, match="reserved at once"):
        ledger.reserve(ReserveRequest(PRODUCT, count, context=CONTEXT))


# History


def test_a_conflict_is_recorded_once_and_settled_when_the_unit_gets_an_id(ledger: Ledger) -> None:
    holder = given(ledger, "SN-1", "JT08FFQXWQ")
    for _ in range(3):
        with pytest.raises(ClaimConflictError):
            given(ledger, "SN-2", "JT08FFQXWQ")
    (conflict,) = ledger.conflicts()
    assert conflict.holder == holder
    assert (conflict.event.unit, conflict.event.host, conflict.settled) == ("SN-2", "device-1", False)
    given(ledger, "SN-2")
    assert ledger.conflicts() == []
    assert [entry.settled for entry in ledger.conflicts(include_settled=True)] == [True]


def test_a_conflict_can_be_settled_by_hand(ledger: Ledger) -> None:
    given(ledger, "SN-1")
    with pytest.raises(ClaimConflictError):
        given(ledger, "SN-1", "JT08FFQXWQ")
    assert [conflict.holder for conflict in ledger.conflicts()] == [None]
    ledger.record(NewEvent(EventKind.RESOLVED, context=CONTEXT, product=PRODUCT, unit="SN-1", detail="typing error"))
    assert ledger.conflicts() == []


def test_events_are_listed_in_order_and_can_be_followed(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1")
    last = max(event.id for event in ledger.events())
    ledger.record_many(
        [
            NewEvent(EventKind.PRINT_STARTED, CONTEXT, claim.claim_id),
            NewEvent(EventKind.REPRINT, CONTEXT, claim.claim_id, detail="torn"),
        ]
    )
    assert [event.kind for event in ledger.events(after=last)] == ["print-started", "reprint"]
    assert [event.kind for event in ledger.events(newest_first=True, limit=2)] == ["reprint", "print-started"]
    assert list(ledger.events(since=datetime.now(UTC) + timedelta(minutes=1))) == []
    assert len(list(ledger.events(since=datetime.now(UTC) - timedelta(minutes=1)))) == 3


def test_claims_are_found_by_what_is_known_of_them(ledger: Ledger) -> None:
    one, two = given(ledger, "SN-1"), given(ledger, "SN-2", product=OTHER_PRODUCT)
    three = ledger.allocate(AllocationRequest(PRODUCT, "SN-3", source="given", context=Context("ann", "device-3")))
    two = ledger.advance(StateChange(two.claim_id, State.VERIFIED, context=CONTEXT))
    assert list(ledger.claims()) == [one, two, three]
    assert list(ledger.claims(product=PRODUCT)) == [one, three]
    assert list(ledger.claims(states=[State.VERIFIED, State.LABELLED])) == [two]
    assert list(ledger.claims(host="device-3")) == [three]
    assert list(ledger.claims(unit="SN-2", product=PRODUCT)) == []
    assert list(ledger.claims(since=two.updated_at)) == [two]
    summary = ledger.summary()
    assert (summary.total, summary.states[State.VERIFIED], summary.products[PRODUCT][State.ALLOCATED]) == (3, 1, 2)


def test_claims_may_be_changed_while_they_are_listed(ledger: Ledger) -> None:
    ledger.allocate_many([AllocationRequest(PRODUCT, f"SN-{n}", "generated", CONTEXT) for n in range(5)])
    for claim in ledger.claims(states=[State.ALLOCATED]):
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT))
    assert ledger.summary().states[State.VERIFIED] == 5


def test_news_of_a_unit_is_kept_and_no_news_writes_nothing(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1")
    seen = ledger.describe(Description(claim.claim_id.lower(), {"model": "A"}, Context("bob", "device-2")))
    assert (seen.claim_id, seen.host, seen.details) == (claim.claim_id, "device-2", {"model": "A"})
    assert ledger.describe(Description(claim.claim_id, {"model": "A"}, Context("bob"))) == seen
    more = ledger.describe(Description(claim.claim_id, {"at": "bench"}, Context("bob")))
    assert more.details == {"model": "A", "at": "bench"} and ledger.find(claim.claim_id) == more
    assert actions(ledger, claim) == ["allocated"]
    with pytest.raises(UnknownClaimError):
        ledger.describe(Description("ZZZZZZZZZZ", {"model": "A"}, CONTEXT))


def test_asking_again_for_an_id_changes_no_details(ledger: Ledger) -> None:
    claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "given", CONTEXT, details={"model": "A"}))
    again = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "given", CONTEXT, details={"model": "B"}))
    assert again == claim == ledger.find(claim.claim_id)


def test_an_event_says_who_stood_at_the_line_in_which_run_and_why(ledger: Ledger) -> None:
    context = Context("ann@line-1", "device-1", operator="Ada", run="20261127T143210-7QK4XW")
    claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "given", context))
    ledger.retire(claim.claim_id, reason="scrapped", context=context)
    born, retired = ledger.events(run=context.run)
    assert {(event.actor, event.operator, event.run, event.by) for event in (born, retired)} == {
        ("ann@line-1", "Ada", context.run, "Ada, ann@line-1")
    }
    assert (born.reason, retired.reason, retired.detail) == (None, "scrapped", None)
    assert list(ledger.events(run="20261127T143210-000000")) == []


def test_every_event_has_a_key_of_its_own(ledger: Ledger) -> None:
    ledger.allocate_many([AllocationRequest(PRODUCT, f"SN-{n}", "given", CONTEXT) for n in range(2000)])
    given(ledger, "SN-2000")
    keys = [event.key for event in ledger.events()]
    assert len(set(keys)) == 2001
    assert all(re.fullmatch(r"[\w-]{16}\.\d+", key) for key in keys)


def test_a_kind_of_event_that_this_version_does_not_know_is_kept_and_read(ledger: Ledger) -> None:
    given(ledger, "SN-1")
    ledger._database.write(
        lambda connection: connection.execute(
            text("INSERT INTO ioto_events (at, action, actor, key) SELECT at, 'blessed', actor, 'k.0' FROM ioto_events")
        )
    )
    assert [(event.kind, type(event.kind)) for event in ledger.events()] == [
        ("allocated", EventKind),
        ("blessed", str),
    ]


def test_a_state_that_there_is_not_is_no_traceback_of_the_summary(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        given(ledger, "SN-1")
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE ioto_counts SET state = 'verifieb'")
        connection.close()
        with pytest.raises(LedgerError, match="1 of its claims have an unknown state"):
            ledger.summary()


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ('UPDATE ioto_claims SET details = \'{"host_key": "SHA2\'', "row 1 of its table ioto_claims, details"),
        ("UPDATE ioto_claims SET details = '[7]'", "row 1 of its table ioto_claims, details"),
        ("INSERT INTO ioto_events (at, action, actor, key) VALUES ('tomorrow', 'run', 'x', 'k')", "row 2 .*, at"),
        ("UPDATE ioto_claims SET updated_at = '2026-11-27 25:00:00'", "ioto_claims, updated_at"),
        ("PRAGMA ignore_check_constraints = ON; UPDATE ioto_claims SET state = 'verifieb'", "ioto_claims, state"),
        ("UPDATE ioto_claims SET source = x'00ff'", "ioto_claims, source"),
        ("UPDATE ioto_claims SET source = CAST(x'4a54303846c3' AS TEXT)", "ioto_claims, source"),
        (
            "INSERT INTO ioto_events (at, action, actor, key) "
            "SELECT at, action, CAST(x'c3' AS TEXT), 'k' FROM ioto_events",
            "row 2 of its table ioto_events, actor",
        ),
    ],
)
def test_a_value_that_no_longer_parses_is_named_by_its_place_and_not_quoted(
    tmp_path: Path, row: str, place: str
) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        given(ledger, "SN-1", "JT08FFQXWQ")
        with sqlite3.connect(path) as connection:
            connection.executescript(row)
        connection.close()
        questions = [lambda: list(ledger.claims()), lambda: ledger.find("JT08FFQXWQ")]
        if "events" in place or "ioto_events" in row:
            questions = [lambda: list(ledger.events())]
        for question in questions:
            with pytest.raises(LedgerError, match=place + " holds a") as caught:
                question()
            assert "JT08" not in str(caught.value) and "SHA2" not in str(caught.value)


def test_an_entry_shows_no_whole_id_when_it_is_printed(ledger: Ledger) -> None:
    claim = given(ledger, "SN-1", "JT08FFQXWQ")
    shown = f"{claim} {list(ledger.events())} {AllocationRequest(PRODUCT, 'x', 'given', CONTEXT, 'JT08FFQXWQ')}"
    assert "JT08FFQXWQ" not in shown


# What the database itself refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ioto_events SET actor = 'nobody'",
        "DELETE FROM ioto_events",
        "DELETE FROM ioto_claims",
        "UPDATE ioto_claims SET claim_id = 'ZZZZZZZZZZ'",
        "UPDATE ioto_claims SET state = 'allocated' WHERE state = 'retired'",
        "UPDATE ioto_claims SET state = 'lost' WHERE state <> 'retired'",
        "UPDATE ioto_claims SET unit = 'SN-2' WHERE state <> 'retired'",
    ],
)
def test_the_database_refuses_to_break_a_rule(ledger: Ledger, location: str, statement: str) -> None:
    ledger.retire(given(ledger, "SN-1").claim_id, reason="scrapped", context=CONTEXT)
    given(ledger, "SN-1")
    given(ledger, "SN-2")
    before = list(ledger.claims()), list(ledger.events())
    database = Database(Location.parse(location))
    with pytest.raises(DBAPIError), database._connection() as connection, connection.begin():
        connection.execute(text(statement))
    database.close()
    assert (list(ledger.claims()), list(ledger.events())) == before


def test_a_truncated_history_is_refused_by_postgresql(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger:
        given(ledger, "SN-1")
        database = Database(Location.parse(postgresql_url))
        for table in ("ioto_events", "ioto_claims"):
            with pytest.raises(DBAPIError, match="never deleted"), database._connection() as connection:
                connection.execute(text(f"TRUNCATE {table}"))
        database.close()
        assert ledger.summary().total == 1


# Opening


def test_an_absent_ledger_reads_as_empty_and_stays_absent(location: str) -> None:
    with Ledger(location, read_only=True) as ledger:
        assert ledger.summary().total == 0
        assert ledger.live_claim(PRODUCT, "SN-1") is None
        with pytest.raises(LedgerError, match="reading only"):
            given(ledger, "SN-1")
    if "://" in location:
        with Ledger(location, read_only=True) as ledger:
            assert list(ledger.claims()) == []
    else:
        assert not Path(location).exists()


def test_a_ledger_that_is_only_read_refuses_changes(location: str) -> None:
    with Ledger(location) as ledger:
        claim = given(ledger, "SN-1")
    with Ledger(location, read_only=True) as ledger:
        assert ledger.live_claim(PRODUCT, "SN-1") == claim
        with pytest.raises(LedgerError, match="reading only"):
            ledger.retire(claim.claim_id, reason="x", context=CONTEXT)


def test_a_newer_ledger_is_refused(location: str) -> None:
    Ledger(location).close()
    database = Database(Location.parse(location))
    with database._connection() as connection, connection.begin():
        connection.execute(text("UPDATE ioto_ledger SET version = version + 1"))
    database.close()
    with pytest.raises(LedgerError, match=r"newer .*update the collection"):
        Ledger(location)


def test_a_unit_that_has_an_id_and_names_that_of_another_is_told_whose_it_is(ledger: Ledger) -> None:
    first = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=CONTEXT))
    ledger.allocate(AllocationRequest(PRODUCT, "SN-2", source="generated", context=CONTEXT))
    with pytest.raises(ClaimConflictError, match="SN-1") as caught:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-2", source="given", context=CONTEXT, claim_id=first.claim_id))
    assert caught.value.claim.unit == "SN-1"
