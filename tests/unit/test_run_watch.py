# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a run's events comes onto the tiles: one verdict for each board, and no PASS before all is done."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.run_watch import RunWatch
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.slot_message import SlotReport

DONE = {"serial": "SN-1", "claim_id": "********WQ", "state": "verified"}
NOT_DONE = {"failed": True, "msg": "It is not done; the summary says why."}


class Told(list[SlotReport]):
    """All reports, in their order."""

    def of(self, slot: str) -> list[str]:
        return [report.state.value for report in self if report.slot == slot]

    def last(self, slot: str) -> SlotReport:
        return next(report for report in reversed(self) if report.slot == slot)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watch(told: Told) -> RunWatch:
    made = RunWatch({"slot-1": 17, "slot-2": 18}, told.append)
    made.start()
    return made


def test_a_board_is_pass_once_the_summary_has_it_done(watch: RunWatch, told: Told) -> None:
    watch.start_task("serialize", ["slot-1", "slot-2", "a host that is no slot"])
    watch.end_task("serialize", "slot-1", DONE)
    watch.start_task("label_hosts", ["slot-1"])
    watch.end_task("label_hosts", "slot-1", {"not_labelled": {}, "labelled": ["slot-1"]})
    assert set(told.of("slot-1")) == {"working"}
    watch.end_task("summary", "slot-1", {"not_done": ["slot-2"], "lines": ["slot-2: It is broken: mend it."]})
    report = told.last("slot-1")
    assert (report.state, report.arrival, report.serial, report.claim_id_end) == ("pass", 17, "SN-1", "WQ")
    assert (told.last("slot-2").state, told.last("slot-2").detail) == ("fail", "It is broken: mend it.")


def test_a_failure_is_told_once(watch: RunWatch, told: Told) -> None:
    watch.fail_task("serialize", "slot-1", {"unreachable": True, "msg": "No route to host."})
    watch.end_task("summary", "slot-1", {"not_done": ["slot-1"], "lines": ["slot-1: No route to host."]})
    watch.fail_task("fail", "slot-1", {**NOT_DONE, "unreachable": True})
    watch.end(["slot-1"], ["slot-1", "slot-2"])
    assert told.of("slot-1") == ["working", "fail"]
    assert (told.last("slot-1").reason, told.last("slot-1").detail) == (
        "The board does not answer.",
        "No route to host.",
    )
    assert "plug it in again" in str(told.last("slot-1").remedy)


def test_a_label_that_is_missing_is_no_label_and_stays_it(watch: RunWatch, told: Told) -> None:
    watch.end_task("serialize", "slot-1", DONE)
    watch.fail_task(
        "label_hosts", "slot-1", {"failed": True, "not_labelled": {"slot-1": "The printer is out of paper."}}
    )
    watch.end_task("summary", "slot-1", {"not_done": ["slot-1"], "lines": []})
    watch.fail_task("fail", "slot-1", NOT_DONE)
    assert told.last("slot-1").state == "no_label"
    assert (told.last("slot-1").reason, told.last("slot-1").detail) == (
        "The label was not printed.",
        "The printer is out of paper.",
    )
    assert "See to the printer" in str(told.last("slot-1").remedy)


def test_a_label_that_may_be_there_twice_is_told_with_the_pass(watch: RunWatch, told: Told) -> None:
    for slot in ("slot-1", "slot-2"):
        watch.end_task("serialize", slot, DONE)
    labels = {"not_labelled": {}, "labelled": ["slot-1", "slot-2"], "maybe_twice": ["slot-1"]}
    watch.end_task("label_hosts", "slot-1", labels)
    watch.end_task("summary", "slot-1", {"not_done": [], "lines": []})
    assert (told.last("slot-1").state, told.last("slot-1").reason) == ("pass", "Its label may be there twice.")
    assert "destroy one of them" in str(told.last("slot-1").remedy)
    assert (told.last("slot-2").state, told.last("slot-2").reason) == ("pass", None)


def test_nobody_is_pass_where_no_label_could_be_made_at_all(watch: RunWatch, told: Told) -> None:
    watch.end_task("serialize", "slot-1", DONE)
    watch.end_task("serialize", "slot-2", DONE)
    watch.start_task("label_hosts", iter(["slot-1"]))
    watch.fail_task("label_hosts", "slot-1", {"failed": True, "msg": "The layout is missing."})
    watch.end_task("summary", "slot-1", {"not_done": [], "lines": []})
    assert (told.last("slot-1").state, told.last("slot-1").detail) == ("no_label", "The layout is missing.")
    assert told.last("slot-2").state == "pass", "it was to have none"


def test_nobody_is_pass_where_the_run_is_not_recorded(watch: RunWatch, told: Told) -> None:
    watch.end_task("serialize", "slot-1", DONE)
    message = "2 devices: 1 done, 0 already done, 1 failed, 0 unreachable.\nslot-2: It is broken.\nThe ledger is full."
    watch.fail_task("summary", "slot-1", {"failed": True, "msg": message})
    watch.end([], ["slot-1", "slot-2"])
    assert (told.last("slot-1").state, told.last("slot-1").detail) == ("fail", "The ledger is full.")
    assert "call the technician" in str(told.last("slot-1").remedy)


def test_a_batch_that_is_refused_fails_every_board(watch: RunWatch, told: Told) -> None:
    problems = "The batch has 1 problem, and no device was touched:\n- slot-2: ioto_product is missing; set it."
    watch.fail_task("preflight", "slot-1", {"failed": True, "msg": problems})
    for slot in ("slot-1", "slot-2"):
        assert told.last(slot).state == "fail"
        assert told.last(slot).reason == "The line is not set up right."
        assert told.last(slot).detail == "slot-2: ioto_product is missing; set it."


def test_a_line_that_is_cut_off_from_its_ledger_says_so_and_calls_the_technician(watch: RunWatch, told: Told) -> None:
    silent = "The batch has 1 problem, and no device was touched:\n- slot-1, slot-2: The ledger x did not answer."
    watch.fail_task("preflight", "slot-1", {"failed": True, "failure": "records", "msg": silent})
    for slot in ("slot-1", "slot-2"):
        assert told.last(slot).reason == "The records cannot be read or written."
        assert "call the technician" in str(told.last(slot).remedy)
        assert told.last(slot).detail == "slot-1, slot-2: The ledger x did not answer."


def test_a_twin_is_named(watch: RunWatch, told: Told) -> None:
    watch.fail_task("serialize", "slot-2", {"failed": True, "msg": "Two are one.", "twin": "slot-1"})
    assert told.last("slot-2").reason == "Another board says that it is the same one."
    assert "both boards" in str(told.last("slot-2").remedy)
    assert told.last("slot-2").detail == "Two are one."


def test_the_engine_for_all_devices_is_told_by_device(watch: RunWatch, told: Told) -> None:
    results = [{"host": "slot-1", **DONE}, {"host": "slot-2", "failed": True, "msg": "It is broken."}, {"host": "x"}]
    watch.end_task("serialize_fleet", "slot-1", {"results": results})
    assert told.last("slot-1").serial == "SN-1"
    assert told.last("slot-2").state == "fail"


def test_a_run_without_a_summary_is_judged_by_its_end(watch: RunWatch, told: Told) -> None:
    watch.end_task("serialize", "slot-1", DONE)
    watch.end([], ["slot-1"])
    assert (told.last("slot-1").state, told.last("slot-2").state) == ("pass", "fail")
    assert told.last("slot-2").reason == "The work ended before the board was done."


def test_nobody_is_pass_with_whom_nothing_was_done(watch: RunWatch, told: Told) -> None:
    """As where a template makes its mode none: the summary leaves it alone."""
    watch.end_task("serialize", "slot-1", DONE)
    watch.end_task("summary", "slot-1", {"not_done": [], "lines": []})
    watch.end([], ["slot-1", "slot-2"])
    assert (told.last("slot-1").state, told.last("slot-2").state) == ("pass", "fail")


def test_a_scan_that_did_not_fit_is_no_board_that_is_done(watch: RunWatch, told: Told) -> None:
    watch.end_task("serialize", "slot-1", {"scan_refused": True, "msg": "It is another's label."})
    watch.end([], ["slot-1", "slot-2"])
    assert told.last("slot-1").state == "fail"


def test_what_the_summary_finds_is_told_by_its_kind(watch: RunWatch, told: Told) -> None:
    lines = ["slot-1: It and slot-2 say that they are the same unit.", "slot-2: It was not reached."]
    failures = {"slot-1": {"failure": "twin", "twin": "slot-2"}}
    watch.end_task("summary", "slot-1", {"not_done": ["slot-1", "slot-2"], "lines": lines, "failures": failures})
    assert told.last("slot-1").reason == "Another board says that it is the same one."
    assert told.last("slot-1").detail == "It and slot-2 say that they are the same unit."
    assert told.last("slot-2").reason == "The board is not done."


def test_no_whole_claim_id_and_no_control_character_is_told(watch: RunWatch, told: Told) -> None:
    watch.fail_task("serialize", "slot-1", {"failed": True, "msg": "It has JT08FFQXWQ,\x1b[31m\nwhich is another's."})
    assert told.last("slot-1").to_json()["detail"] == "It has ********WQ, [31m which is another's."
