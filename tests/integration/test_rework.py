# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts of rework on a real ledger, each on both databases, and two operators who do many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import parse_operator
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    NewEvent,
    ReserveRequest,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.chain import (
    chain_lines,
    chain_of,
    chains_of_unit,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.task import (
    ReworkTaskError,
    rework_units,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.void_labels import (
    void_because,
    void_labels,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import query_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import Scan, read_scan
from ansible_collections.ioto.serialization.plugins.plugin_utils.verification.three_way_check import (
    UnitSeen,
    ask_ledger,
    compare,
)
from tests.campaign.rework import QR, run
from tests.support.ledgers import damage

PRODUCT, OTHER_PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001", "01K9F1EETDEV1CEPR0DVCT0002"
CONTEXT = Context("line@bench", "pump-1")
ANN = Context("ann@bench", operator="ann")
BOARD = {"mac": "00:1b:21:33:44:55", "serial": "BOARD-1"}
SEED = 21

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture
def ledger(location: str) -> Iterator[Ledger]:
    with Ledger(location) as opened:
        yield opened
        assert check_integrity(opened.database).findings == []


def bring_up(ledger: Ledger, unit: str = "SN-1", **details: object) -> Claim:
    """Do what provision.yml and labels.yml do with a unit."""
    claim = ledger.allocate(AllocationRequest(PRODUCT, unit, "generated", CONTEXT, details=details or None))
    return ledger.advance(StateChange(claim.claim_id, State.LABELLED, CONTEXT))


def rework(ledger: Ledger, act: str | None = None, *, check: bool = False, **given: Any) -> dict[str, Any]:
    options = {name: option.default for name, option in options_of("rework").items()}
    options |= {"reason": "why not", "act": act, **given}
    return rework_units(ledger, options, ANN, check=check, operator_of=parse_operator)


def problems_of(ledger: Ledger, scan: Scan, unit: str, device: str | None) -> str:
    seen = UnitSeen(unit, device, PRODUCT)
    return "; ".join(compare(scan, seen, ask_ledger(ledger, scan, seen, PRODUCT), PRODUCT).problems)


def last_event(ledger: Ledger, claim: Claim) -> tuple[str, str | None, str | None, str | None]:
    (event,) = ledger.events(claim_id=claim.claim_id, newest_first=True, limit=1)
    return str(event.kind), event.reason, event.operator, event.detail


def test_a_scrapped_unit_ends_once_and_gets_another_id_if_it_was_no_scrap(ledger: Ledger) -> None:
    claim = bring_up(ledger)

    told = rework(ledger, "scrap", serial="SN-1", reason="burnt")

    assert told["changed"] and "never comes back, and a label with it is void" in told["msg"]
    assert claim.claim_id not in str(told)
    assert last_event(ledger, claim) == ("scrapped", "burnt", "ann", "it was labelled")
    again = rework(ledger, "scrap", serial="SN-1", reason="burnt")
    assert (again["changed"], "scrapped already (burnt)" in again["msg"]) == (False, True)
    with pytest.raises(ClaimConflictError, match=r"retired \(burnt\) and is never issued again"):
        ledger.allocate(AllocationRequest(PRODUCT, "SN-2", "given", CONTEXT, claim_id=claim.claim_id))
    after = bring_up(ledger)
    assert after.replaces == claim.claim_id
    assert f"in its place is {after.masked}" in problems_of(ledger, Scan(claim.claim_id), "SN-1", after.claim_id)


def test_a_new_board_waits_for_its_id_which_says_what_it_replaces(ledger: Ledger) -> None:
    claim = bring_up(ledger, **BOARD)

    assert "waits for its new board" in rework(ledger, "new-board", serial="SN-1", reason="no radio")["msg"]

    assert not rework(ledger, "new-board", serial="SN-1")["changed"]
    after = bring_up(ledger, mac="00:1b:21:66:77:88", serial="BOARD-2")
    assert (after.unit, after.replaces) == ("SN-1", claim.claim_id)
    # The old board is no unit now, and may become another one.
    assert bring_up(ledger, "SN-2", **BOARD).replaces is None
    assert rework(ledger, "new-board", serial="SN-1")["changed"]
    third = bring_up(ledger, mac="00:1b:21:99:99:99", serial="BOARD-3")
    (chain,) = chains_of_unit(ledger, "SN-1")
    assert [link.claim.claim_id for link in chain] == [claim.claim_id, after.claim_id, third.claim_id]
    for each in (claim, after, third):
        assert [link.claim for link in chain_of(ledger, each)] == [link.claim for link in chain]
    lines = "\n".join(chain_lines(chain, reveal=False))
    assert claim.claim_id not in lines and "new-board by ann@bench (ann), it was labelled, no radio" in lines


@pytest.mark.parametrize("source", ["given", "reserved"])
def test_a_new_board_may_have_an_id_from_anywhere(ledger: Ledger, source: str) -> None:
    claim = bring_up(ledger)
    rework(ledger, "new-board", serial="SN-1")
    given = "ABCDEFGHJK"
    if source == "reserved":
        (reserved,) = ledger.reserve(ReserveRequest(PRODUCT, 1, CONTEXT))
        given = reserved.claim_id

    after = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "given", CONTEXT, claim_id=given))

    assert (after.claim_id, after.replaces) == (given, claim.claim_id)
    assert ledger.find(given) == after


def test_the_check_sees_a_claim_that_replaces_one_in_use(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        first, second = bring_up(ledger), bring_up(ledger, "SN-2")
        damage(ledger.database, f"UPDATE ioto_claims SET replaces = '{first.claim_id}' WHERE unit = '{second.unit}'")
        (finding,) = check_integrity(ledger.database).findings
        assert finding == "Row 2 of ioto_claims: the claim that it replaces is not retired."


def test_an_id_that_is_replaced_by_the_flows_is_in_the_chain(ledger: Ledger) -> None:
    claim = bring_up(ledger)
    after = ledger.replace(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT), reason="photographed")
    other = AllocationRequest(OTHER_PRODUCT, "SN-1", "generated", CONTEXT, former_product=PRODUCT)
    last = ledger.replace(other, reason="sold")
    assert (after.replaces, last.replaces) == (claim.claim_id, after.claim_id)
    assert [link.claim.claim_id for link in chain_of(ledger, claim)] == [
        claim.claim_id,
        after.claim_id,
        last.claim_id,
    ]


@pytest.mark.parametrize("keep_id", [True, False])
def test_a_new_case_has_another_serial_and_the_id_stays_as_chosen(ledger: Ledger, keep_id: bool) -> None:
    claim = bring_up(ledger, **BOARD)
    asked = {"serial": "SN-1", "new_serial": "SN-7", "keep_id": keep_id, "reason": "cracked"}

    assert rework(ledger, "new-case", check=True, **asked)["acts"][0]["claim"]["serial"] == "SN-7"
    assert ledger.find(claim.claim_id) == claim
    assert rework(ledger, "new-case", **asked)["changed"]

    after = ledger.live_claim(PRODUCT, "SN-7")
    assert after is not None and (after.claim_id == claim.claim_id) is keep_id
    assert (after.state, after.details) == (State.ALLOCATED, BOARD)
    assert after.replaces == (None if keep_id else claim.claim_id)
    assert ledger.live_claim(PRODUCT, "SN-1") is None
    for name in ({"serial": "SN-1"}, {"serial": None, "claim_id": claim.claim_id}):
        again = rework(ledger, "new-case", **{**asked, **name})
        assert (again["changed"], "has the board already" in again["msg"]) == (False, True)
        with pytest.raises(ReworkTaskError, match="kept its claim ID" if keep_id else "is retired, and never comes"):
            rework(ledger, "new-case", **{**asked, **name, "keep_id": not keep_id})
    bring_up(ledger, "SN-7", **BOARD)
    old = Scan(claim.claim_id, serial="SN-1")
    assert "the label is void, since its claim ID" in problems_of(ledger, old, "SN-7", after.claim_id)
    assert after.masked in problems_of(ledger, old, "SN-7", after.claim_id)
    # What undoes it is another act of its kind; an ID that is retired stays so.
    rework(ledger, "new-case", serial="SN-7", new_serial="SN-1", keep_id=True)
    back = ledger.live_claim(PRODUCT, "SN-1")
    assert back is not None and back.claim_id == after.claim_id
    assert {link.claim.claim_id for link in chains_of_unit(ledger, "SN-7")[0]} == {claim.claim_id, after.claim_id}


@pytest.mark.parametrize("keep_id", [True, False])
@pytest.mark.parametrize("by_id", [True, False])
def test_of_two_operators_at_once_the_later_is_told_that_the_id_went_the_other_way(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, *, keep_id: bool, by_id: bool
) -> None:
    claim = bring_up(ledger, **BOARD)
    asked = {"new_serial": "SN-7", "reason": "cracked"}
    name = {"claim_id": claim.claim_id} if by_id else {"serial": "SN-1"}
    alone_with = ledger.alone_with

    def after_the_other(ids: Iterable[str]) -> AbstractContextManager[None]:
        monkeypatch.setattr(ledger, "alone_with", alone_with)
        assert rework(ledger, "new-case", serial="SN-1", keep_id=keep_id, **asked)["changed"]
        return alone_with(ids)

    monkeypatch.setattr(ledger, "alone_with", after_the_other)
    with pytest.raises(ReworkTaskError, match="kept its claim ID" if keep_id else "is retired, and never comes"):
        rework(ledger, "new-case", keep_id=not keep_id, **name, **asked)


def test_a_new_label_is_told_from_the_old_one_by_its_number(ledger: Ledger) -> None:
    claim = bring_up(ledger)

    assert rework(ledger, "relabel", serial="SN-1", reason="torn")["changed"]

    assert not rework(ledger, "relabel", serial="SN-1", reason="torn")["changed"]
    first, second = (
        read_scan(QR.format(claim_id=claim.claim_id, serial="SN-1", number=number), [QR]) for number in (1, 2)
    )
    found = problems_of(ledger, first, "SN-1", claim.claim_id)
    assert found == (
        f"the label is void, since the unit was relabelled (torn); label 2 of {claim.masked} is in its place"
    )
    assert problems_of(ledger, second, "SN-1", claim.claim_id) == ""
    # By the ID alone, nobody can tell.
    assert problems_of(ledger, Scan(claim.claim_id), "SN-1", claim.claim_id) == ""
    assert "which has 2" in problems_of(ledger, Scan(claim.claim_id, number="3"), "SN-1", claim.claim_id)


def test_a_unit_comes_back_with_its_state_and_nothing_is_issued(ledger: Ledger) -> None:
    claim = bring_up(ledger)

    assert rework(ledger, "came-back", serial="SN-1", reason="RMA 4711")["changed"]

    assert last_event(ledger, claim) == ("came-back", "RMA 4711", "ann", "it was labelled")
    assert ledger.find(claim.claim_id) == claim
    assert not rework(ledger, "came-back", serial="SN-1", reason="RMA 4711")["changed"]
    assert rework(ledger, "came-back", serial="SN-1", reason="RMA 4712")["changed"]
    rework(ledger, "scrap", serial="SN-1")
    assert rework(ledger, "came-back", serial="SN-1", reason="RMA 4712")["changed"]
    assert len(list(ledger.claims())) == 1


@pytest.mark.parametrize(
    ("act", "given", "sentence"),
    [
        ("scrap", {"serial": "SN-9"}, "has no claim of unit 'SN-9'; see what it has"),
        ("scrap", {}, "Nothing says which unit is meant; give its serial (ioto_rework_serial), or"),
        ("scrap", {"serial": "SN-1", "reason": " "}, "An act of rework needs a reason"),
        (None, {"serial": "SN-1"}, "Nothing says what is done with the unit; give the act (ioto_rework)"),
        ("relabel", {"serial": "SN-2"}, "has no label yet (allocated)"),
        ("new-board", {"serial": "SN-3"}, "has no claim ID in use"),
        ("new-case", {"serial": "SN-1", "new_serial": "SN-2", "keep_id": True}, "already has the claim ID"),
        ("new-case", {"serial": "SN-1", "new_serial": "SN-1", "keep_id": True}, "is to become itself"),
        ("new-case", {"serial": "SN-1", "new_serial": "SN-7"}, "Say whether the claim ID stays"),
        ("scrap", {"serial": "SN-1", "new_serial": "SN-7"}, "ioto_rework_new_serial has no meaning for the act scrap"),
        ("scrap", {"claim_id": "0000000000"}, "is reserved and belongs to no unit"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is(
    ledger: Ledger, act: str | None, given: dict[str, Any], sentence: str
) -> None:
    bring_up(ledger)
    ledger.allocate(AllocationRequest(PRODUCT, "SN-2", "generated", CONTEXT))
    gone = bring_up(ledger, "SN-3")
    ledger.retire(gone.claim_id, reason="lost", context=CONTEXT)
    (reserved,) = ledger.reserve(ReserveRequest(PRODUCT, 1, CONTEXT))
    if "claim_id" in given:
        given = {"claim_id": reserved.claim_id}
    before = list(ledger.claims()), len(list(ledger.events()))

    with pytest.raises(ReworkTaskError, match=r"^Nothing was done") as caught:
        rework(ledger, act, **given)

    assert sentence in str(caught.value)
    assert (list(ledger.claims()), len(list(ledger.events()))) == before


def test_somebody_answers_for_each_act(ledger: Ledger) -> None:
    bring_up(ledger)
    options = {name: option.default for name, option in options_of("rework").items()}
    options |= {"act": "scrap", "serial": "SN-1", "reason": "burnt"}
    with pytest.raises(ReworkTaskError, match=r"somebody who answers for it; .*\(ioto_operator\)"):
        rework_units(ledger, options, CONTEXT, check=False, operator_of=parse_operator)


def test_a_file_is_done_as_a_whole_or_each_of_its_bad_lines_is_named(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(1, 5):
        bring_up(ledger, f"SN-{number}")
    before = list(ledger.events())
    file = tmp_path / "monday.csv"
    file.write_text(
        "Act;Serial;New serial;Keep-ID;Reason;Operator\n"
        "scrap;SN-1;;;burnt;bob\n"
        "new-case;SN-2;SN-12;yes;;\n"
        "relabel;SN-9;;;;\n"
        "swap;SN-3;;;;\n"
        "new-case;SN-4;SN-14;perhaps;;\n"
        "came-back;SN-1;;;;\n",
        encoding="utf-8",
    )
    with pytest.raises(ReworkTaskError) as caught:
        rework(ledger, src=str(file))
    lines = str(caught.value).splitlines()
    assert lines[0] == "Nothing was done, because of 4 problems; correct them and run again:"
    assert [line.partition(":")[0] for line in lines[1:]] == ["line 4", "line 5", "line 6", "line 7"]
    assert list(ledger.events()) == before

    text = "\n".join(line for number, line in enumerate(file.read_text("utf-8").splitlines(), 1) if number < 4)
    file.write_text(text, encoding="utf-8")
    assert rework(ledger, src=str(file), check=True)["msg"].startswith("2 acts of rework would be done")
    assert list(ledger.events()) == before
    assert rework(ledger, src=str(file))["msg"] == "2 acts of rework were done; 0 were so already."
    assert rework(ledger, src=str(file))["msg"] == "0 acts of rework were done; 2 were so already."
    (scrapped,) = ledger.events(kinds=[EventKind.SCRAPPED])
    assert (scrapped.operator, scrapped.reason, scrapped.unit) == ("bob", "burnt", "SN-1")


def test_lines_that_give_one_new_serial_name_each_other(ledger: Ledger, tmp_path: Path) -> None:
    for number in (1, 2):
        bring_up(ledger, f"SN-{number}")
    file = tmp_path / "cases.csv"
    lines = ["serial,new_serial", "SN-1,SN-11", "SN-2,SN-11"]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ReworkTaskError, match=r"line 3: The new serial 'SN-11' is given before, in line 2; correct"):
        rework(ledger, "new-case", src=str(file), keep_id=True)


def test_a_former_serial_is_told_with_the_one_that_came_after(ledger: Ledger) -> None:
    bring_up(ledger)
    rework(ledger, "new-case", serial="SN-1", new_serial="SN-7", keep_id=True)
    with pytest.raises(ReworkTaskError, match=r"of unit 'SN-1' any more: its claim ID \S+ is that of unit 'SN-7'"):
        rework(ledger, "scrap", serial="SN-1")


def test_void_labels_are_listed_and_written_for_their_owner_alone(ledger: Ledger, tmp_path: Path) -> None:
    claims = [bring_up(ledger, f"SN-{number}") for number in range(1, 5)]
    rework(ledger, "scrap", serial="SN-1", reason="=burnt")
    rework(ledger, "relabel", serial="SN-2", reason="torn")
    rework(ledger, "new-case", serial="SN-3", new_serial="SN-13", keep_id=True)
    file = tmp_path / "void.csv"
    asked = {name: option.default for name, option in options_of("ledger_info").items()}

    result = query_ledger(ledger, {**asked, "limit": 0, "void_labels": True, "dest": str(file)}, check=False)

    assert [(each["serial"], each["label"], each["successor_serial"]) for each in result["void_labels"]] == [
        ("SN-1", 1, None),
        ("SN-2", 1, "SN-2"),
        ("SN-3", 1, "SN-13"),
    ]
    assert not any(claim.claim_id in str(result["void_labels"]) + str(result["lines"]) for claim in claims)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [claim.claim_id in file.read_text("utf-8") for claim in claims] == [True, True, True, False]
    assert "'=burnt" in file.read_text("utf-8")
    assert [found.why for found in void_labels(ledger)][1] == "since the unit was relabelled (torn)"


@pytest.mark.parametrize(
    ("history", "times"),
    [("started", 1), ("started started failed", 1), ("started failed", 0), ("started unsure started failed", 1)],
)
def test_a_label_that_may_have_come_out_is_void_like_one_that_did(ledger: Ledger, history: str, times: int) -> None:
    claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
    kinds = [EventKind(f"print-{word}") for word in history.split()]
    ledger.record_many([NewEvent(kind, CONTEXT, claim.claim_id, PRODUCT, "SN-1", "the printer") for kind in kinds])

    rework(ledger, "scrap", serial="SN-1")

    assert [found.times for found in void_labels(ledger)] == [times] * bool(times)


def test_a_unit_that_came_from_elsewhere_with_a_label_has_one(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    claims = [Claim(str(number) * 10, PRODUCT, f"SN-{number}", State.LABELLED, "given", now, now) for number in (1, 2)]
    assert ledger.take_over([claims], context=CONTEXT) == ["added", "added"]

    assert rework(ledger, "relabel", serial="SN-1")["changed"]
    rework(ledger, "scrap", serial="SN-2")

    assert [found.serial for found in void_labels(ledger)] == ["SN-1", "SN-2"]


def test_a_file_that_is_run_again_scraps_no_board_that_came_into_the_case(ledger: Ledger, tmp_path: Path) -> None:
    """Whoever does not know whether a file was done runs it again, and a serial may be another board's by then."""
    board, gone = bring_up(ledger), bring_up(ledger, "SN-2")
    file = tmp_path / "acts.csv"
    file.write_text("serial,act,new_serial,keep_id\nSN-2,scrap,,\nSN-1,new-case,SN-2,true\n", encoding="utf-8")
    for is_check in (True, False):
        with pytest.raises(ReworkTaskError, match=r"line 3: The new serial 'SN-2' names a unit as well, in line 2"):
            rework(ledger, src=str(file), check=is_check)

    lines = ("serial,claim_id,act,new_serial,keep_id", f",{gone.claim_id},scrap,,", "SN-1,,new-case,SN-2,true")
    file.write_text("\n".join(lines), encoding="utf-8")
    assert rework(ledger, src=str(file))["msg"] == "2 acts of rework were done; 0 were so already."
    assert rework(ledger, src=str(file))["msg"] == "0 acts of rework were done; 2 were so already."
    live = ledger.live_claim(PRODUCT, "SN-2")
    assert live is not None and live.claim_id == board.claim_id


def test_a_label_of_a_former_mac_address_is_void_in_any_notation(ledger: Ledger) -> None:
    claim = bring_up(ledger, "00:1b:21:3a:40:01")
    rework(ledger, "new-case", serial="001B213A4001", new_serial="00:1b:21:3a:40:02", keep_id=True)
    now = ledger.find(claim.claim_id)
    assert now is not None
    for serial in ("00:1b:21:3a:40:01", "00-1B-21-3A-40-01", "001b213a4001"):
        assert "was moved to another serial" in (void_because(ledger, now, number=None, serial=serial) or "")
    assert void_because(ledger, now, number=None, serial="001B213A4002") is None


def test_a_reason_of_a_whole_page_is_told_once_and_in_one_sentence(ledger: Ledger) -> None:
    bring_up(ledger)
    reason = "water damage\n\x1b[31m" + "x" * 3000
    assert rework(ledger, "came-back", serial="SN-1", reason=reason)["changed"]
    assert not rework(ledger, "came-back", serial="SN-1", reason=reason)["changed"]
    for act in ("relabel", "scrap"):
        assert rework(ledger, act, serial="SN-1", reason=reason)["changed"]
        told = rework(ledger, act, serial="SN-1", reason=reason)["msg"] if act == "scrap" else ""
        assert told.isprintable() and len(told) < 300
    assert "water damage [31mxx" in told


@pytest.mark.parametrize("own", [True, False])
def test_a_label_that_was_scanned_in_place_of_the_serial_is_no_new_serial(ledger: Ledger, own: bool) -> None:
    claim, other = bring_up(ledger), bring_up(ledger, "SN-2")
    scanned = (claim if own else other).claim_id
    with pytest.raises(ReworkTaskError, match="is a claim ID; give the serial of the case") as refusal:
        rework(ledger, "new-case", serial="SN-1", new_serial=scanned, keep_id=True)
    assert scanned not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "serial,act,reason,operator\n", "\n\n"])
def test_a_file_that_says_no_act_is_refused(ledger: Ledger, tmp_path: Path, text: str) -> None:
    (tmp_path / "acts.csv").write_text(text)
    with pytest.raises(ReworkTaskError, match="says no act"):
        rework(ledger, src=str(tmp_path / "acts.csv"))


def test_two_operators_at_once_break_nothing_and_every_void_label_is_caught(location: str) -> None:
    result = run(location, acts=40, units=6, seed=SEED)

    print(result)
    assert result.violations == []
    assert result.counts["labels void"] > 5 and result.counts["labels good"] > 2
