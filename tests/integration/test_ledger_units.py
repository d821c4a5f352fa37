# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One unit, one ID: whatever notation its name has, and whatever name its board is given, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.group_commit import GroupCommit
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    DeviceConflictError,
    ReserveRequest,
    State,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OTHER_PRODUCT = "01G9BFEDZXJYWEJ56DPPQSXTWP"
CONTEXT = Context("ann@line-1", "device-1")
MAC, OTHER_MAC = "00:1b:21:aa:00:01", "00:1b:21:aa:00:02"
OLD_NAMES = ("00-1B-21-AA-00-01", "001b.21aa.0001", "001B21AA0001", "0:1b:21:aa:0:1")


@pytest.fixture
def ledger(location: str) -> Iterator[Ledger]:
    with Ledger(location) as opened:
        yield opened
        assert check_integrity(opened.database).findings == []


def request(unit: str, claim_id: str | None = None, product: str = PRODUCT, **details: object) -> AllocationRequest:
    return AllocationRequest(product, unit, "given", CONTEXT, claim_id, details=details or None)


def recorded_as(ledger: Ledger, unit: str, *, state: State = State.VERIFIED) -> Claim:
    """Have the ledger hold a unit by a name that an older version took as it was typed."""
    now = datetime.now(UTC)
    reason = "scrapped" if state is State.RETIRED else None
    claim = Claim("JT08FFQXWQ", PRODUCT, unit, state, "given", now, now, reason=reason)
    assert ledger.take_over([[claim]], context=CONTEXT) == ["added"]
    (found,) = ledger.claims()
    assert found.unit == unit
    return found


# A MAC address that is the unit's name


@pytest.mark.parametrize("written", [MAC.upper(), *OLD_NAMES])
def test_a_mac_is_one_unit_in_whatever_notation_it_is_given(ledger: Ledger, written: str) -> None:
    claim = ledger.allocate(request(written))
    assert claim.unit == MAC
    assert ledger.allocate(request(MAC)) == claim
    assert ledger.live_claim(PRODUCT, written) == claim
    assert ledger.live_claims([(PRODUCT, written)]) == {(PRODUCT, written): claim}
    assert list(ledger.claims(unit=written)) == [claim]
    assert [event.kind for event in ledger.events(unit=written)] == ["allocated"]


@pytest.mark.parametrize("recorded", OLD_NAMES)
def test_a_unit_of_an_old_notation_is_found_and_gets_no_second_id(ledger: Ledger, recorded: str) -> None:
    claim = recorded_as(ledger, recorded)
    for written in (MAC, *OLD_NAMES):
        assert ledger.allocate(request(written)).claim_id == claim.claim_id
        found = ledger.live_claim(PRODUCT, written)
        assert found is not None and (found.claim_id, found.unit) == (claim.claim_id, recorded)
        assert [each.claim_id for each in ledger.claims(unit=written)] == [claim.claim_id]
        with pytest.raises(ClaimConflictError, match="already has the claim ID"):
            ledger.allocate(request(written, "KT08FFQXWQ"))
    assert [event.unit for event in ledger.events(kinds=[EventKind.CONFLICT])] == [recorded]
    again = ledger.take_over([[claim._replace(unit=MAC)]], context=CONTEXT)
    assert again == ["unchanged"]
    assert ledger.rebind(claim.claim_id, MAC, reason="typed", context=CONTEXT).unit == recorded


def test_an_old_notation_that_is_retired_leaves_its_unit_free_and_is_found(ledger: Ledger) -> None:
    old = recorded_as(ledger, OLD_NAMES[0], state=State.RETIRED)
    new = ledger.allocate(request(MAC))
    assert [claim.claim_id for claim in ledger.claims(unit=MAC)] == [old.claim_id, new.claim_id]


def test_a_serial_of_twelve_digits_is_another_unit_than_the_mac(ledger: Ledger) -> None:
    counted = ledger.allocate(request("001122334466"))
    assert counted.unit == "001122334466"
    assert ledger.allocate(request("00:11:22:33:44:66")).claim_id != counted.claim_id
    assert ledger.live_claim(PRODUCT, "001122334466") == counted


# A board that is a unit already


def refused(ledger: Ledger, asked: AllocationRequest) -> str:
    with pytest.raises(DeviceConflictError) as caught:
        ledger.allocate(asked)
    return str(caught.value)


def test_a_board_that_is_a_unit_by_itself_gets_no_second_id_by_a_serial(ledger: Ledger) -> None:
    by_mac = ledger.allocate(request(MAC, mac=MAC))
    by_serial = ledger.allocate(request("7-BOARD", serial="7-BOARD", mac=OTHER_MAC))

    said = refused(ledger, request("SN-2", mac=MAC))

    for named in (MAC, by_mac.masked, "'SN-2'", "allocated", "rebind", "ioto_shared_hardware"):
        assert named in said
    assert by_mac.claim_id not in said
    assert "'7-BOARD'" in refused(ledger, request("SN-2", serial="7-BOARD"))
    with pytest.raises(DeviceConflictError):
        ledger.replace(request("SN-2", "KT08FFQXWQ", mac=MAC), reason="lost")
    assert {claim.claim_id for claim in ledger.claims()} == {by_mac.claim_id, by_serial.claim_id}
    (first, *_rest) = ledger.conflicts()
    assert (first.event.unit, first.holder and first.holder.unit, first.settled) == ("SN-2", MAC, False)


def test_a_board_that_was_a_unit_under_a_serial_is_none_under_another_or_by_itself(ledger: Ledger) -> None:
    known = ledger.allocate(request("SN-1", serial="7-BOARD", mac=MAC, macs=[MAC, OTHER_MAC]))

    for asked in (
        request("SN-2", mac=MAC),
        request("SN-2", mac=OTHER_MAC, product=OTHER_PRODUCT),
        request("SN-2", serial="7-BOARD"),
        request("7-BOARD", serial="7-BOARD"),
        request(MAC, mac=MAC),
    ):
        said = refused(ledger, asked)
        assert "is unit 'SN-1' of product" in said and f"would be unit '{asked.unit}' as well" in said

    assert [claim.claim_id for claim in ledger.claims()] == [known.claim_id]


def test_a_board_of_one_unit_does_not_become_that_of_another(ledger: Ledger) -> None:
    ledger.allocate(request("SN-1", mac=MAC))
    other = ledger.allocate(request("SN-2", mac=OTHER_MAC))
    with pytest.raises(DeviceConflictError, match="is unit 'SN-1'"):
        ledger.allocate(request("SN-2", mac=MAC)._replace(accepts=OTHER_MAC, reason="repaired"))
    assert ledger.allocate(request("SN-2", mac=OTHER_MAC)) == other


def test_a_unit_whose_replacement_is_refused_for_its_board_keeps_the_id_that_it_has(ledger: Ledger) -> None:
    ledger.allocate(request("SN-1", mac=MAC))
    had = ledger.allocate(request("SN-2"))
    with pytest.raises(DeviceConflictError, match="is unit 'SN-1'"):
        ledger.replace(request("SN-2", mac=MAC), reason="label lost")
    assert ledger.live_claim(had.product, "SN-2") == had


def test_a_former_product_keeps_its_claim_where_the_unit_is_another_device(ledger: Ledger) -> None:
    former = ledger.allocate(request("SN-1", product=OTHER_PRODUCT))
    had = ledger.allocate(request("SN-1", mac=MAC))
    asked = request("SN-1", had.claim_id, mac=OTHER_MAC)._replace(former_product=OTHER_PRODUCT)
    with pytest.raises(DeviceConflictError, match="another mac"):
        ledger.replace(asked, reason="other product")
    assert ledger.live_claim(OTHER_PRODUCT, "SN-1") == former


def test_what_a_unit_is_known_by_later_counts_too_and_what_its_old_board_was_no_longer(ledger: Ledger) -> None:
    ledger.allocate(request("SN-1"))
    ledger.allocate(request("SN-1", mac=MAC))
    refused(ledger, request("SN-2", mac=MAC))
    new = "00:1b:21:aa:00:03"
    ledger.allocate(request("SN-1", mac=new)._replace(accepts=MAC, reason="repaired"))
    refused(ledger, request("SN-2", mac=new))
    assert ledger.allocate(request("SN-2", mac=MAC)).unit == "SN-2"


def test_processes_that_bind_one_board_at_the_same_time_do_not_both_get_an_id(location: str) -> None:
    Ledger(location).close()

    def ask(number: int) -> list[str]:
        got = []
        with Ledger(location) as own:
            for board in range(12):
                mac = f"00:1b:21:bb:00:{board:02x}"
                with suppress(DeviceConflictError):
                    got.append(own.allocate(request(f"SN-{number}-{board}", mac=mac)).claim_id)
        return got

    with ThreadPoolExecutor(4) as pool:
        got = [claim_id for part in pool.map(ask, range(4)) for claim_id in part]
    assert len(got) == 12


def test_a_label_that_was_printed_beforehand_is_not_bound_to_such_a_board(ledger: Ledger) -> None:
    ledger.allocate(request(MAC, mac=MAC))
    (label,) = ledger.reserve(ReserveRequest(PRODUCT, 1, CONTEXT))
    refused(ledger, request("SN-2", label.claim_id, mac=MAC))
    assert [claim.unit for claim in ledger.claims(reserved=True)] == [None]


def test_of_requests_of_one_commit_the_second_for_a_board_is_refused(ledger: Ledger) -> None:
    first, second, third = ledger.allocate_many(
        [request("SN-1", mac=MAC), request("SN-2", mac=MAC), request("SN-3", mac=OTHER_MAC)]
    )
    assert isinstance(first, Claim) and isinstance(third, Claim)
    assert isinstance(second, DeviceConflictError) and second.claim.unit == "SN-1"


def test_other_boards_and_those_of_which_nothing_is_known_are_units_of_their_own(ledger: Ledger) -> None:
    ledger.allocate(request("7-BOARD", serial="7-BOARD", mac=MAC, host_key="SHA256:a"))
    ledger.allocate(request("SN-2"))
    ledger.allocate(request("SN-3", mac=OTHER_MAC, host_key="SHA256:a"))  # a key that an image brought
    ledger.allocate(request("SN-4", product=OTHER_PRODUCT, serial="7-BOARD"))  # another maker counts as well
    ledger.allocate(request("7-BOARD", product=OTHER_PRODUCT, mac=MAC))  # the same serial: another product's image
    assert len(list(ledger.claims())) == 5


def test_a_board_whose_unit_is_retired_or_moved_is_free_for_another(ledger: Ledger) -> None:
    one = ledger.allocate(request(MAC, mac=MAC))
    other = ledger.allocate(request(OTHER_MAC, mac=OTHER_MAC))
    ledger.retire(one.claim_id, reason="scrapped", context=CONTEXT)
    ledger.rebind(other.claim_id, "SN-2", reason="got a serial", context=CONTEXT)
    assert not check_integrity(ledger.database).findings

    assert ledger.allocate(request("SN-1", mac=MAC)).unit == "SN-1"
    assert ledger.allocate(request("SN-2", mac=OTHER_MAC)).claim_id == other.claim_id


def test_threads_that_ask_for_one_board_by_two_names_get_one_id(ledger: Ledger) -> None:
    shared = GroupCommit(ledger)

    def ask(number: int) -> Claim | None:
        try:
            return shared.allocate(request((MAC, "SN-2")[number % 2], mac=MAC))
        except DeviceConflictError:
            return None

    with ThreadPoolExecutor(8) as pool:
        got = {claim.claim_id for claim in pool.map(ask, range(32)) if claim is not None}
    assert len(got) == 1
