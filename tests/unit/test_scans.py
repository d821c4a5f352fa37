# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scan at the line means: slot, badge or label; scan, then plug; plug, then scan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import ALPHABET, mask
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.scans import (
    ScanAnswer,
    ScanOrder,
    ScanOutcome,
    Scans,
    ScanSettings,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner.key_events import KeyEvents
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.keyboard_layout import TEST_TEXT
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import Scan
from tests.support import scanner_keys as keys

ID, OTHER, LIKE = "JT08FFQXWQ", "KT0912345X", "ZT08FFQXWQ"
URL = "https://example.com/?id={claim_id}&sn={serial}"
SLOTS = ("slot-1", "slot-2")
FIRST = ScanSettings(SLOTS, ScanOrder.SCAN_THEN_PLUG, templates=(URL,))
AFTER = replace(FIRST, order=ScanOrder.PLUG_THEN_SCAN)


def outcome(scans: Scans, text: str, now: float) -> ScanOutcome:
    return scans.scanned(text, now).outcome


def refusal(scans: Scans, text: str, now: float) -> str:
    answer = scans.scanned(text, now)
    assert answer.outcome is ScanOutcome.REFUSED
    return answer.sentence


def waiting_for_label(claim_id: str = ID, serial: str | None = "SN-1") -> Scans:
    """A line of plug, then scan, whose first slot holds a unit that is done."""
    scans = Scans(AFTER)
    assert scans.arrived("slot-1", 7, 0) is None
    scans.done("slot-1", 7, claim_id, serial)
    return scans


def test_a_label_goes_to_the_next_board_of_its_slot_and_once() -> None:
    scans = Scans(FIRST)
    assert outcome(scans, "SLOT:slot-1", 0) is ScanOutcome.SLOT
    bound = scans.scanned(ID, 1)
    assert (bound.outcome, bound.slot, bound.arrival) == (ScanOutcome.BOUND, "slot-1", None)
    assert bound.sentence == "The label ********WQ waits: plug a board into slot slot-1 now."
    assert scans.arrived("slot-2", 1, 2) is None
    assert scans.arrived("slot-1", 2, 3) == Scan(ID)
    assert scans.take("slot-1", 2, 3) is None
    scans.departed("slot-1", 2)
    assert scans.arrived("slot-1", 3, 4) is None


def test_a_label_for_which_no_board_comes_expires_and_says_so() -> None:
    scans = Scans(FIRST)
    scans.scanned("SLOT:slot-1", 0)
    scans.scanned(ID, 1)
    assert scans.deadline == 31
    assert list(scans.expire(30.9)) == []
    assert scans.arrived("slot-1", 2, 31) is None
    (expired,) = scans.expire(31)
    assert (expired.outcome, expired.slot) == (ScanOutcome.EXPIRED, "slot-1")
    assert "for the label ********WQ in 30 s; scan the code of the slot and the label again." in expired.sentence
    assert scans.deadline is None
    assert list(scans.expire(99)) == []


def test_a_board_that_was_plugged_first_waits_and_takes_its_label() -> None:
    scans = Scans(FIRST)
    assert scans.arrived("slot-2", 5, 0) is None
    scans.scanned("slot:SLOT-2", 10)
    bound = scans.scanned(ID, 11)
    assert (bound.outcome, bound.slot, bound.arrival) == (ScanOutcome.BOUND, "slot-2", 5)
    assert scans.take("slot-2", 4, 11) is None
    assert scans.take("slot-2", 5, 11) == Scan(ID)


def test_with_several_slots_no_slot_is_guessed_for_a_board_without_an_id() -> None:
    scans = Scans(FIRST)
    scans.arrived("slot-1", 1, 0)
    assert "scan the code of its slot, then the label" in refusal(scans, ID, 1)
    scans.scanned("SLOT:slot-1", 2)
    assert "scan the code of its slot, then the label" in refusal(scans, ID, 32)
    scans.scanned("SLOT:slot-1", 33)
    assert outcome(scans, ID, 34) is ScanOutcome.BOUND
    assert "scan the code of its slot, then the label" in refusal(scans, OTHER, 35)


def test_a_line_of_one_slot_needs_no_code_for_it() -> None:
    scans = Scans(replace(FIRST, slots=("jig",)))
    assert outcome(scans, ID, 0) is ScanOutcome.BOUND
    assert scans.arrived("jig", 1, 1) == Scan(ID)


def test_a_label_is_for_one_slot_and_a_slot_for_one_label() -> None:
    scans = Scans(FIRST)
    scans.scanned("SLOT:slot-1", 0)
    scans.scanned(ID, 1)
    scans.scanned("SLOT:slot-2", 2)
    assert "waits for a board in slot slot-1 already; take another label." in refusal(scans, ID, 3)
    scans.scanned("SLOT:slot-1", 4)
    assert "********5X in place of the one before waits: plug" in scans.scanned(OTHER, 5).sentence
    assert scans.arrived("slot-1", 9, 6) == Scan(OTHER)
    scans.scanned("SLOT:slot-1", 7)
    assert "There is a board in slot slot-1 still; take it out" in refusal(scans, ID, 8)


def test_the_label_that_came_out_is_that_of_the_unit_or_the_unit_fails() -> None:
    scans = waiting_for_label()
    wrong = scans.scanned(OTHER, 1)
    assert (wrong.outcome, wrong.slot, wrong.arrival) == (ScanOutcome.WRONG_LABEL, "slot-1", 7)
    assert "says ********5X and the unit has ********WQ; take it off" in wrong.sentence
    right = scans.scanned(ID.lower(), 2)
    assert (right.outcome, right.slot, right.arrival) == (ScanOutcome.VERIFIED, "slot-1", 7)


def test_labels_that_end_alike_are_told_apart() -> None:
    assert "which differ before their ends" in waiting_for_label().scanned("A" * 8 + "WQ", 1).sentence


def test_a_label_with_the_serial_of_another_unit_is_wrong() -> None:
    scans = waiting_for_label()
    assert outcome(scans, f"https://example.com/?id={ID}&sn=SN-2", 1) is ScanOutcome.WRONG_LABEL
    assert outcome(scans, f"HTTPS://EXAMPLE.COM/?ID={ID}&SN=sn-1", 2) is ScanOutcome.VERIFIED


def test_the_barcode_beside_the_qr_code_is_no_verdict() -> None:
    scans = waiting_for_label(serial="2026110001")
    assert "is the barcode of the serial number; scan the QR code" in refusal(scans, "2026110001", 1)
    assert outcome(scans, ID, 2) is ScanOutcome.VERIFIED


def test_two_units_that_wait_want_the_code_of_the_slot() -> None:
    scans = waiting_for_label()
    scans.arrived("slot-2", 8, 0)
    scans.done("slot-2", 8, OTHER, None)
    assert "scan the code of its slot" in refusal(scans, OTHER, 1)
    scans.scanned("SLOT:slot-1", 2)
    assert outcome(scans, OTHER, 3) is ScanOutcome.WRONG_LABEL
    scans.scanned("SLOT:slot-2", 4)
    assert outcome(scans, OTHER, 5) is ScanOutcome.VERIFIED
    assert outcome(scans, ID, 6) is ScanOutcome.VERIFIED  # one is left


def test_a_board_that_left_has_no_label_to_verify() -> None:
    scans = waiting_for_label()
    scans.departed("slot-1", 6)  # another one, long ago
    scans.departed("slot-1", 7)
    scans.done("slot-1", 7, ID, None)
    scans.scanned("SLOT:slot-1", 1)
    assert "No unit in slot slot-1 waits for its label" in refusal(scans, ID, 2)


def test_a_trigger_that_is_held_is_one_scan() -> None:
    scans = waiting_for_label()
    assert [outcome(scans, ID, now) for now in (1, 1.4, 2.3, 9)] == ["verified", "again", "again", "refused"]


def test_a_badge_says_who_is_at_the_line() -> None:
    scans = Scans(FIRST)
    assert scans.operator is None
    assert scans.scanned("badge: Zoë Müller ", 0).sentence == "Zoë Müller is at the line now."
    assert scans.operator == "Zoë Müller"
    for text in ("BADGE:", "BADGE:{{ lookup('pipe', 'id') }}", "BADGE:{% raw %}", "BADGE:" + "a" * 65, "BADGE:\x1b"):
        assert outcome(scans, text, 1) is ScanOutcome.REFUSED
    assert scans.operator == "Zoë Müller"


def typing(text: str, layout: dict[str, tuple[int, bool]]) -> str:
    """What is read here when a scanner that is set to `layout` scans `text`."""
    return KeyEvents().feed(keys.typed(text, layout)).decode().strip()


def test_a_scanner_of_another_keyboard_is_told_by_the_test_code_and_by_slots_and_labels() -> None:
    scans = Scans(replace(AFTER, slots=("Y1", "slot-2"), slot_prefix="SLOT"))
    scans.arrived("Y1", 1, 0)
    scans.done("Y1", 1, "YT08FFQXWQ", None)
    assert outcome(scans, typing(TEST_TEXT, keys.US), 1) is ScanOutcome.LAYOUT_RIGHT
    assert "types Z for Y and Y for Z, so set the scanner" in refusal(scans, typing(TEST_TEXT, keys.GERMAN), 2)
    assert "with Y and Z exchanged, so set the scanner" in refusal(scans, typing("SLOTY1", keys.GERMAN), 3)
    assert "with Y and Z exchanged, so set the scanner" in refusal(scans, typing("YT08FFQXWQ", keys.GERMAN), 4)
    assert outcome(scans, typing("YT08FFQXWQ", keys.US), 5) is ScanOutcome.VERIFIED


def test_what_belongs_to_no_slot_and_is_no_label_is_refused_and_not_repeated() -> None:
    scans = Scans(FIRST)
    assert "is the code of no slot of this line; scan the code of one." in refusal(scans, "SLOT:evil\x1b[2J", 0)
    assert "neither a claim ID nor a text" in refusal(scans, "SN-1", 1)
    scans.scanned("SLOT:slot-1", 2)
    assert "has 13 characters, and those of this line have 10" in refusal(scans, "4006381333931", 3)
    assert outcome(scans, "", 4) is ScanOutcome.REFUSED


@pytest.mark.parametrize("settings", [FIRST, AFTER])
@given(texts=st.lists(st.one_of(st.text(max_size=80), st.sampled_from(["SLOT:slot-1", "BADGE:Ann", ID])), max_size=12))
def test_whatever_is_scanned_has_an_answer_that_can_be_shown(settings: ScanSettings, texts: list[str]) -> None:
    scans = Scans(settings)
    for now, text in enumerate(texts):
        answer = scans.scanned(text, now * 2)
        assert answer.sentence.endswith(".")
        assert answer.sentence.isprintable()
        assert ID not in answer.sentence


def test_a_refusal_says_the_slot_that_the_scan_was_to_be_for_where_it_was_for_one() -> None:
    scans = Scans(FIRST)
    assert scans.scanned("SN-1", 0).slot is None
    assert scans.scanned(ID, 1).slot is None, "no slot was scanned before it"
    scans.scanned("SLOT:slot-2", 2)
    assert scans.scanned("SN-1", 3).slot == "slot-2"
    assert scans.spoilt("What was scanned has no end.", 4).slot == "slot-2"
    assert scans.scanned("SLOT:slot-9", 5).slot is None
    assert scans.scanned("BADGE:{{ x }}", 6).slot is None
    assert scans.spoilt("What was scanned has no end.", 40).slot is None, "the code of the slot counts no more"
    assert waiting_for_label().scanned("SN-1", 1).slot == "slot-1"


def test_each_slot_has_ids_as_long_as_its_labels() -> None:
    scans = Scans(replace(FIRST, claim_id_lengths={"slot-2": 12}))
    scans.scanned("SLOT:slot-2", 0)
    assert "has 10 characters, and those of this line have 12" in refusal(scans, ID, 1)
    assert outcome(scans, "JT08FFQXWQ77", 2) is ScanOutcome.BOUND
    scans.scanned("SLOT:slot-1", 3)
    assert outcome(scans, ID, 4) is ScanOutcome.BOUND


class Line(RuleBasedStateMachine):
    """A line of scan, then plug, beside the plainest account of what was scanned for which slot."""

    order = ScanOrder.SCAN_THEN_PLUG

    def __init__(self) -> None:
        super().__init__()
        self.scans = Scans(ScanSettings(SLOTS, self.order))
        self.now = 0.0
        self.number = 0
        self.boards: dict[str, int] = {}
        self.chosen: tuple[str, float] | None = None
        self.given: list[tuple[str, str, float]] = []
        """Slot, ID and time of each label that was bound."""
        self.answers: list[ScanAnswer] = []

    @rule(seconds=st.floats(0.01, 40))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.answers += self.scans.expire(self.now)

    @rule(slot=st.sampled_from(SLOTS))
    def slot_is_scanned(self, slot: str) -> None:
        answer = self.scans.scanned(f"SLOT:{slot}", self.now)
        if answer.outcome is ScanOutcome.SLOT:
            self.chosen = slot, self.now
        self.answers.append(answer)

    @rule(claim_id=st.sampled_from([ID, OTHER, LIKE]) | st.text(ALPHABET, min_size=9, max_size=11))
    def label_is_scanned(self, claim_id: str) -> None:
        answer = self.scans.scanned(claim_id, self.now)
        self.answers.append(answer)
        if answer.outcome is not ScanOutcome.BOUND:
            return
        assert self.chosen is not None
        slot, at = self.chosen
        assert answer.slot == slot
        assert self.now - at < 30
        self.chosen = None
        self.given = [entry for entry in self.given if entry[0] != slot] + [(slot, claim_id, self.now)]
        if answer.arrival is not None:
            assert answer.arrival == self.boards[slot]
            self.is_given(slot, self.scans.take(slot, answer.arrival, self.now))

    @precondition(lambda self: len(self.boards) < len(SLOTS))
    @rule(slot=st.sampled_from(SLOTS))
    def board_comes(self, slot: str) -> None:
        self.number += 1
        self.boards[slot] = self.number
        self.is_given(slot, self.scans.arrived(slot, self.number, self.now))

    @rule(slot=st.sampled_from(SLOTS))
    def board_goes(self, slot: str) -> None:
        self.scans.departed(slot, self.boards.pop(slot, 0))

    def is_given(self, slot: str, label: Scan | None) -> None:
        """A board gets the label that was scanned for its slot, in time, and no label twice."""
        fitting = [entry for entry in self.given if entry[0] == slot and self.now - entry[2] < 30]
        assert (label.claim_id if label else None) == (fitting[0][1] if fitting else None)
        self.given = [entry for entry in self.given if entry not in fitting]

    @invariant()
    def no_sentence_holds_an_id(self) -> None:
        for answer in self.answers:
            assert not {ID, OTHER, LIKE} & set(answer.sentence.replace(",", " ").split())
        self.answers.clear()


TestLine = Line.TestCase


@given(st.lists(st.tuples(st.sampled_from(SLOTS), st.text(ALPHABET, min_size=10, max_size=12)), min_size=1, max_size=8))
def test_only_the_id_of_the_unit_in_its_slot_is_verified(scanned: list[tuple[str, str]]) -> None:
    has = {"slot-1": scanned[0][1], "slot-2": scanned[-1][1]}
    scans = Scans(replace(AFTER, templates=()))
    for number, (slot, claim_id) in enumerate(has.items(), start=1):
        scans.arrived(slot, number, 0)
        scans.done(slot, number, claim_id, None)
    for number, (slot, claim_id) in enumerate(scanned, start=1):
        scans.scanned(f"SLOT:{slot}", number * 10)
        answer = scans.scanned(claim_id, number * 10 + 1)
        assert (answer.outcome is ScanOutcome.VERIFIED) == (claim_id == has[slot])
        if answer.outcome is ScanOutcome.WRONG_LABEL:
            assert mask(claim_id) in answer.sentence
            assert mask(has[slot]) in answer.sentence
