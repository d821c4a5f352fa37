# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary tells the truth about every device."""

from __future__ import annotations

from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.summary import summarize

CHANGED = {"ioto_mode": "manual", "ioto_outcome": {"changed": True}}
UNCHANGED = {"ioto_mode": "manual", "ioto_outcome": {"changed": False}}
FAILED = {"ioto_mode": "manual", "ioto_outcome": {"failed": True, "msg": "The disk\x1b[31m is full."}}
UNREACHABLE = {"ioto_mode": "manual", "ioto_outcome": {"unreachable": True, "msg": "no route"}}


def test_each_device_is_counted_once_by_what_became_of_it() -> None:
    batch = {"a": CHANGED, "b": CHANGED, "c": UNCHANGED, "d": FAILED, "e": UNREACHABLE, "f": {"ioto_mode": "none"}}

    summary = summarize(batch, ["/ledger.db"], check=False)

    assert summary.lines[0] == "5 devices: 2 done, 1 already done, 1 failed, 1 unreachable."
    assert summary.not_done == {"d": "The disk [31m is full.", "e": "no route"}
    assert "1 more" in summary.lines[-2]
    assert summary.lines[-1] == "The records are in /ledger.db."


def test_a_device_whose_flow_failed_is_failed_with_its_reason() -> None:
    host = {"ioto_mode": "auto", "ioto_outcome": {"failed": True, "msg": "no configuration"}}
    assert summarize({"a": host}, [], check=False).not_done == {"a": "no configuration"}


def test_a_device_of_which_nothing_is_known_is_never_counted_as_done() -> None:
    summary = summarize({"a": {"ioto_mode": "firmware"}}, [], check=False)

    assert "1 failed" in summary.lines[0]
    assert summary.not_done["a"].endswith("run again.")


def test_what_was_unusual_about_devices_that_are_done_is_said_once_for_all_with_the_same() -> None:
    noticed = {"ioto_mode": "manual", "ioto_outcome": {"changed": True, "notices": ["It \x1bforgets."]}}

    lines = summarize({"a": noticed, "b": CHANGED, "c": noticed}, [], check=False).lines

    assert lines[1] == "a, c: It forgets."


def test_check_mode_does_not_claim_to_have_done_anything() -> None:
    assert "1 would be done" in summarize({"a": CHANGED}, [], check=True).lines[0]


def test_a_unit_without_its_label_is_not_done_and_what_is_in_doubt_is_told() -> None:
    labels = {
        "msg": "Labels: 1 made, 0 there already, 1 missing.",
        "not_labelled": {"b": "The printer is\x1b[31m out."},
        "notices": ["The label of SN-1 may be there twice."],
    }
    batch = {"a": {**CHANGED, "_ioto_labels": labels}, "b": {**UNCHANGED, "_ioto_labels": labels}}

    summary = summarize(batch, [], check=False)

    assert summary.lines[0] == "2 devices: 1 done, 1 already done, 0 failed, 0 unreachable."
    assert summary.lines[1:3] == [
        "Labels: 1 made, 0 there already, 1 missing.",
        "The label of SN-1 may be there twice.",
    ]
    assert summary.not_done == {"b": "It has no label yet. The printer is [31m out."}
    assert "b: It has no label yet. The printer is [31m out." in summary.lines
