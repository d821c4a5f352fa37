# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision in the middle of the transaction, over everything that a device and a ledger can say."""

from __future__ import annotations

from dataclasses import replace as with_fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.agent_settings import Override
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.unit_identity import UnitIdentity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Claim, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.decision import (
    Action,
    Decision,
    decide,
    is_without_effect,
    replaced,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.replacing import Replaced, Replacing
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.situation import Asked, Known, Seen

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
OTHER_PRODUCT = "01K9F1EETDEV1CEPR0DVCT0002"
A, B, C = "AAAAAAAAAA", "BBBBBBBBBB", "CCCCCCCCCC"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def claim(claim_id: str, unit: str | None = "SN-1", state: State = State.VERIFIED, product: str = PRODUCT) -> Claim:
    reason = "scrapped" if state is State.RETIRED else None
    return Claim(claim_id, product, unit, state, "generated", NOW, NOW, "bench-1", reason, {})


def asked(
    claim_id: str | None = None, *, replace: str | None = None, product: str | None = None, board: str | None = None
) -> Asked:
    return Asked(PRODUCT, "SN-1", claim_id, Replacing(product, replace, board, "flashed anew"))


def override(value: str | None, name: str = "id") -> dict[str, Override]:
    return {name: Override("/etc/ioto/local.json5", f"device.{name}", value)}


def test_an_id_that_came_with_the_image_is_refused_where_it_stands() -> None:
    seen = Seen(A, PRODUCT, id_place="device.id in /etc/ioto/ioto.json5")

    decision = decide(seen, asked(), Known(holder=claim(A, "SN-2")))

    assert (decision.action, decision.place) == (Action.REFUSE, seen.id_place)
    assert "both have it from one image, and remove it from that file there and in the image" in decision.reason


def test_an_id_of_the_former_product_ends_in_whatever_notation_the_ledger_has_its_unit() -> None:
    seen = Seen(A, OTHER_PRODUCT)
    wanted = Asked(PRODUCT, "00:1b:21:3a:40:01", None, Replacing(OTHER_PRODUCT, A, None, "sold"))
    known = Known(holder=claim(A, "00-1B-21-3A-40-01", product=OTHER_PRODUCT))

    gone = replaced(seen, wanted, known, decide(seen, wanted, known))

    assert (gone.retired_id, gone.former_product) == (A, OTHER_PRODUCT)


def test_a_blank_device_that_nobody_knows_gets_an_id_from_the_source() -> None:
    assert decide(Seen(), asked(), Known()) == Decision(Action.ASSIGN)


def test_a_blank_device_gets_the_id_that_was_given() -> None:
    assert decide(Seen(), asked(A), Known()) == Decision(Action.ASSIGN, A)


@pytest.mark.parametrize("state", [State.ALLOCATED, State.WRITTEN, State.VERIFIED, State.LABELLED])
def test_a_unit_that_lost_its_file_or_its_run_gets_the_same_id_again(state: State) -> None:
    decision = decide(Seen(), asked(), Known(live=claim(A, state=state)))

    assert (decision.action, decision.claim_id) == (Action.ASSIGN, A)
    assert decision.rewritten == (state in {State.VERIFIED, State.LABELLED})


def test_a_blank_board_that_says_by_its_address_alone_that_it_was_done_is_refused_unless_that_is_meant() -> None:
    mac = "00:1b:21:3a:40:01"
    blank = Seen(identity=UnitIdentity(mac, {"mac": mac}))
    wanted = with_fields(asked(), unit=mac)
    live = claim(A, unit=mac)._replace(details={"mac": mac})

    refused = decide(blank, wanted, Known(live=live))
    assert refused.action is Action.REFUSE
    assert "ioto_rewrite: true" in refused.reason and "bench-1" in refused.reason
    again = decide(blank, with_fields(wanted, rewrite=True), Known(live=live))
    assert (again.action, again.claim_id, again.rewritten) == (Action.ASSIGN, A, True)
    # One that was cut off has nothing to lose.
    cut_off = decide(blank, wanted, Known(live=live._replace(state=State.WRITTEN)))
    assert (cut_off.action, cut_off.rewritten) == (Action.ASSIGN, False)
    # Nor is one refused that has its serial, or its name, from elsewhere.
    for identity in (UnitIdentity(mac, {"mac": mac}, given=True), UnitIdentity(mac, {"mac": mac, "serial": "7-B"})):
        assert decide(Seen(identity=identity), wanted, Known(live=live)).rewritten


def test_a_device_with_the_id_that_the_ledger_has_is_left_alone() -> None:
    assert decide(Seen(A), asked(), Known(live=claim(A), holder=claim(A))).action is Action.KEEP
    assert decide(Seen(A), asked(A), Known(live=claim(A), holder=claim(A))).action is Action.KEEP


def test_an_id_that_the_ledger_does_not_know_is_adopted() -> None:
    assert decide(Seen(A), asked(), Known()) == Decision(Action.ADOPT, A)


def test_an_id_from_a_reserved_roll_is_bound_to_the_unit_that_has_it() -> None:
    assert decide(Seen(A), asked(), Known(holder=claim(A, unit=None))) == Decision(Action.ADOPT, A)


def test_an_id_that_another_unit_holds_is_refused_and_names_that_unit() -> None:
    other = claim(A, unit="SN-2")
    decision = decide(Seen(A), asked(), Known(holder=other))

    assert decision.action is Action.REFUSE
    assert decision.conflict == other
    assert "SN-2" in decision.reason
    assert A not in decision.reason


def test_an_id_that_another_product_holds_is_refused() -> None:
    assert decide(Seen(A), asked(), Known(holder=claim(A, product=OTHER_PRODUCT))).action is Action.REFUSE


def test_a_retired_id_is_refused_with_its_reason() -> None:
    decision = decide(Seen(A), asked(), Known(holder=claim(A, state=State.RETIRED)))

    assert decision.action is Action.REFUSE
    assert "scrapped" in decision.reason


def test_a_given_id_that_another_unit_holds_is_refused_even_where_one_is_to_be_replaced() -> None:
    decision = decide(Seen(B), asked(A, replace=B), Known(given_holder=claim(A, unit="SN-2")))

    assert decision.action is Action.REFUSE
    assert "SN-2" in decision.reason and decision.is_of_gift


def test_another_given_id_does_not_replace_the_present_one_unless_that_is_named() -> None:
    for seen, known in (
        (Seen(A), Known(live=claim(A), holder=claim(A))),
        (Seen(A), Known()),
        (Seen(), Known(live=claim(A))),
    ):
        decision = decide(seen, asked(B), known)
        assert decision.action is Action.REFUSE
        assert decision.is_of_gift, "the unit is as it should be"


def test_the_id_that_is_named_is_replaced_and_its_claim_retired() -> None:
    known = Known(live=claim(A), holder=claim(A))

    assert decide(Seen(A), asked(B, replace=A), known) == Decision(Action.ASSIGN, B, retire_live=True)
    assert decide(Seen(A), asked(replace=" aaaaa-aaaaa "), known) == Decision(Action.ASSIGN, None, retire_live=True)
    assert decide(Seen(), asked(replace=A), Known(live=claim(A))) == Decision(Action.ASSIGN, None, retire_live=True)


def test_an_id_that_is_given_and_to_be_replaced_is_a_mistake() -> None:
    known = Known(live=claim(A), holder=claim(A), given_holder=claim(A))
    assert "ioto_replace_id" in decide(Seen(A), asked(A, replace=A), known).reason


def test_what_was_replaced_is_not_replaced_a_second_time() -> None:
    known = Known(live=claim(B), holder=claim(B), replaced_holder=claim(A, state=State.RETIRED))

    assert decide(Seen(B), asked(replace=A), known) == Decision(Action.KEEP, B)
    assert decide(Seen(), asked(replace=A), known) == Decision(Action.ASSIGN, B, rewritten=True)
    assert is_without_effect(Seen(B), asked(replace=A), known)


def test_an_id_to_replace_that_nobody_has_is_mistyped() -> None:
    decision = decide(Seen(A), asked(replace=B), Known(live=claim(A), holder=claim(A)))

    assert decision.action is Action.REFUSE
    assert "ioto_replace_id" in decision.reason and B not in decision.reason


def test_a_masked_id_replaces_nothing() -> None:
    known = Known(live=claim(A), holder=claim(A))
    assert decide(Seen(A), asked(replace="********AA"), known).action is Action.REFUSE


def test_what_gives_way_is_told_and_whose_label_is_void() -> None:
    known = Known(live=claim(A)._replace(details={"mac": "00:1b:21:33:44:55"}), holder=claim(A))
    board = UnitIdentity("SN-1", {"mac": "00:1b:21:33:44:66"})
    seen, wanted = Seen(A, OTHER_PRODUCT, identity=board), asked(replace=A)

    assert replaced(seen, wanted, known, Decision(Action.ASSIGN, retire_live=True)) == Replaced(
        A, A, OTHER_PRODUCT, "00:1b:21:33:44:55"
    )
    copied = Known(holder=claim(A, unit="SN-2"))
    assert replaced(Seen(A), wanted, copied, decide(Seen(A), wanted, copied)) == Replaced(A, None)
    assert not replaced(Seen(A), asked(), known, Decision(Action.KEEP, A))


def test_a_replacement_that_was_cut_off_is_completed_without_being_named() -> None:
    known = Known(live=claim(B, state=State.ALLOCATED), holder=claim(A, state=State.RETIRED))
    assert decide(Seen(A), asked(), known) == Decision(Action.ASSIGN, B)


def test_a_device_and_a_ledger_that_differ_are_for_a_person_to_look_at() -> None:
    assert decide(Seen(A), asked(), Known(live=claim(B))).action is Action.REFUSE


def test_the_id_that_is_named_gives_way_to_what_the_ledger_has() -> None:
    assert decide(Seen(A), asked(replace=A), Known(live=claim(B))) == Decision(Action.ASSIGN, B)
    assert decide(Seen(A), asked(C, replace=A), Known(live=claim(B))).action is Action.REFUSE


def test_another_product_on_the_device_is_refused() -> None:
    decision = decide(Seen(product=OTHER_PRODUCT), asked(), Known())

    assert decision.action is Action.REFUSE
    assert PRODUCT in decision.reason and f"-e ioto_accept_product={OTHER_PRODUCT} -e ioto_reason=" in decision.reason
    accepted = asked(product=OTHER_PRODUCT)
    assert decide(Seen(product=OTHER_PRODUCT), accepted, Known()).action is Action.ASSIGN
    assert decide(Seen(product="another yet"), accepted, Known()).action is Action.REFUSE
    endless = decide(Seen(product="x" * 200_000), asked(), Known()).reason
    assert "…, and" in endless and "or correct its device.json5." in endless and len(endless) < 1500


def test_what_is_refused_after_a_product_is_told_with_it() -> None:
    seen = Seen(claim_id=A, product=OTHER_PRODUCT)
    known = Known(holder=claim(A, product=OTHER_PRODUCT))

    refused = decide(seen, asked(), known)
    assert refused.action is Action.REFUSE
    assert "ioto_accept_product" in refused.reason and "ioto_replace_id" in refused.reason, refused.reason
    assert A not in refused.reason
    assert decide(seen, asked(product=OTHER_PRODUCT, replace=A), known).action is Action.ASSIGN


def test_an_id_that_is_none_is_refused() -> None:
    assert decide(Seen("too short"), asked(), Known()).action is Action.REFUSE
    assert decide(Seen("too short"), asked(replace="too short"), Known()) == Decision(Action.ASSIGN)


def test_a_provisioned_device_does_not_lose_its_id_unless_that_is_named() -> None:
    seen = Seen(A, provisioned=True, provisioned_id=A)
    known = Known(live=claim(A), holder=claim(A))

    assert decide(seen, asked(replace=A), known).action is Action.ASSIGN
    assert decide(seen, asked(), known).action is Action.KEEP
    lost = Seen(provisioned=True, provisioned_id=A)
    refused = decide(lost, asked(), Known(live=claim(B)))
    assert refused.action is Action.REFUSE and "ioto_replace_id" in refused.reason
    assert decide(lost, asked(replace=A), Known(live=claim(B))) == Decision(Action.ASSIGN, B, rewritten=True)


def test_a_provisioned_device_that_lost_its_file_gets_the_id_that_it_was_provisioned_with() -> None:
    seen = Seen(provisioned=True, provisioned_id=A)

    assert decide(seen, asked(), Known(live=claim(A))) == Decision(Action.ASSIGN, A, rewritten=True)
    assert decide(seen, asked(), Known(live=claim(B))).action is Action.REFUSE
    assert decide(seen, asked(), Known()).action is Action.REFUSE


def test_an_override_that_would_defeat_the_id_is_refused() -> None:
    assert decide(Seen(overrides=override(B)), asked(A), Known()).action is Action.REFUSE
    assert decide(Seen(overrides=override(A)), asked(A), Known()).action is Action.ASSIGN
    known = Known(live=claim(A), holder=claim(A))
    assert decide(Seen(A, overrides=override(B)), asked(), known).action is Action.REFUSE
    assert decide(Seen(A, overrides=override(PRODUCT, "product")), asked(), known).action is Action.KEEP


@pytest.mark.parametrize(("value", "says"), [(B, "takes another product"), (None, "loses the product")])
def test_an_override_is_refused_with_its_file_and_key(value: str | None, says: str) -> None:
    decision = decide(Seen(overrides=override(value, "product")), asked(A), Known())

    assert decision.action is Action.REFUSE
    assert says in decision.reason and "device.product in /etc/ioto/local.json5" in decision.reason


def test_another_board_under_the_same_serial_is_refused() -> None:
    live = claim(A)._replace(details={"mac": "00:1b:21:33:44:55"})
    other = Seen(identity=UnitIdentity("SN-1", {"mac": "00:1b:21:33:44:66"}))

    decision = decide(other, asked(), Known(live=live))

    assert decision.action is Action.REFUSE
    assert "mac" in decision.reason
    assert decision.conflict == live
    assert "-e ioto_accept_board=00:1b:21:33:44:55 -e ioto_reason=" in decision.reason
    for written in ("00:1b:21:33:44:55", "00-1B-21-33-44-55", "001b.2133.4455", " 001B21334455"):
        assert decide(other, asked(board=written), Known(live=live)).action is Action.ASSIGN
    unknown = decide(other, asked(board="00:1b:21:33:44:77"), Known(live=live))
    assert "and not with 00:1b:21:33:44:77, which the ledger does not have of it" in unknown.reason
    assert decide(other, asked(board="00:1b:21:33:44:66"), Known(live=live)).action is Action.REFUSE


def test_another_host_key_under_the_same_serial_is_refused_unless_it_was_made_anew() -> None:
    live = claim(A)._replace(details={"host_key": "SHA256:one"})
    other = Seen(A, identity=UnitIdentity("SN-1", {}, host_key="SHA256:other"))

    decision = decide(other, asked(), Known(live=live, holder=live))

    assert decision.action is Action.REFUSE
    assert "SHA256:one" in decision.reason and "SHA256:other" in decision.reason
    assert decision.conflict == live
    accepted = asked(board="SHA256:one")
    assert decide(other, accepted, Known(live=live, holder=live)).action is Action.KEEP


def test_an_agent_replaces_no_id() -> None:
    by_agent = with_fields(asked(replace=A), by_agent=True)

    none = with_fields(asked(replace="none at all"), by_agent=True)
    assert decide(Seen("none at all"), none, Known()).action is Action.REFUSE
    assert decide(Seen(A), by_agent, Known(live=claim(A), holder=claim(A))).action is Action.REFUSE
    assert decide(Seen(), with_fields(asked(), by_agent=True), Known()) == Decision(Action.ASSIGN)


IDS = st.sampled_from([None, A, B, C])
CLAIMS = st.builds(
    claim,
    st.sampled_from([A, B, C]),
    st.sampled_from(["SN-1", "SN-2", None]),
    st.sampled_from(list(State)),
    st.sampled_from([PRODUCT, OTHER_PRODUCT]),
)


@given(data=st.data(), seen_id=IDS, given_id=IDS, provisioned=st.booleans(), overriding=IDS)
def test_no_decision_takes_an_id_from_a_device_unless_it_completes_a_replacement(
    data: st.DataObject, seen_id: str | None, given_id: str | None, provisioned: bool, overriding: str | None
) -> None:
    live = data.draw(st.none() | st.builds(claim, st.sampled_from([A, B, C]), state=st.sampled_from(list(State)[:4])))
    holder = data.draw(st.none() | CLAIMS) if live is None or live.claim_id != seen_id else live
    overrides = {} if overriding is None else override(overriding)
    seen = Seen(seen_id, None, provisioned, seen_id if provisioned else None, overrides)

    decision = decide(seen, asked(given_id), Known(live=live, holder=holder))

    replacing = (
        live is not None and live.state is State.ALLOCATED and holder is not None and holder.state is State.RETIRED
    )
    if decision.action is Action.ASSIGN and seen_id is not None:
        assert replacing
        assert not provisioned
    if decision.action is Action.REFUSE:
        assert decision.reason.endswith(".")
        assert not any(claim_id in decision.reason for claim_id in (A, B, C))
    if overriding is not None and decision.action is not Action.REFUSE:
        assert overriding == decision.claim_id
