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

    summary = summarize(batch, check=False)

    assert summary.lines[0] == "5 devices: 2 done, 1 already done, 1 failed, 1 unreachable."
    assert summary.not_done == {"d": "The disk [31m is full.", "e": "no route"}
    assert summary.lines[-1] == "1 more host was left alone (ioto_mode: none)."


def test_a_device_whose_flow_failed_is_failed_with_its_reason() -> None:
    host = {"ioto_mode": "auto", "ioto_outcome": {"failed": True, "msg": "no configuration"}}
    assert summarize({"a": host}, check=False).not_done == {"a": "no configuration"}


def test_a_device_of_which_nothing_is_known_is_never_counted_as_done() -> None:
    summary = summarize({"a": {"ioto_mode": "firmware"}}, check=False)

    assert "1 failed" in summary.lines[0]
    assert summary.not_done["a"].endswith("run again.")


def test_what_was_unusual_about_devices_that_are_done_is_said_once_for_all_with_the_same() -> None:
    noticed = {"ioto_mode": "manual", "ioto_outcome": {"changed": True, "notices": ["It \x1bforgets."]}}

    lines = summarize({"a": noticed, "b": CHANGED, "c": noticed}, check=False).lines

    assert lines[1] == "a, c: It forgets."


def test_what_was_done_beside_the_usual_is_counted_and_void_labels_are_listed_all() -> None:
    def outcome(**more: object) -> dict[str, object]:
        return {"ioto_mode": "manual", "ioto_outcome": {"changed": True, **more}}

    batch = {f"r{number}": outcome(replaced={"retired_claim_id": f"********{number:02}"}) for number in range(7)}
    batch |= {
        "adopted": outcome(adopted=True),
        "rewritten": outcome(rewritten=True),
        "told": outcome(not_confirmed="no route"),
        "board": outcome(replaced={"board": "00:1b:21:33:44:55", "product": "P-1"}),
        "copy": outcome(replaced={"foreign_claim_id": "********AA"}),
        "failed": {"ioto_mode": "manual", "ioto_outcome": {"failed": True, "msg": "no", "adopted": True}},
    }

    said = "\n".join(summarize(batch, check=False).lines)

    for line in (
        "Adopted: the claim ID of 1 device, which had it, and the ledger did not know it: adopted.",
        "Written again: the claim ID of 1 device: rewritten.",
        "Not confirmed to the factory service, which the next run makes up for: 1 device: told.",
        "Replaced: the board or host key of 1 device: board (00:1b:21:33:44:55).",
        "Replaced: the product of 1 device; labels that say the old one are void: board (P-1).",
        "Replaced: what 1 device had as claim ID, which was another unit's or none: copy (********AA).",
        "Replaced: the claim ID of 7 devices; labels with the old one are void: r0 (********00), ",
    ):
        assert line in said
    assert "r6 (********06)" in said
    assert "Would be replaced: the product of 1 device" in "\n".join(summarize(batch, check=True).lines)


def test_the_summary_names_the_images_and_label_files_that_were_written() -> None:
    image = {"ioto_mode": "firmware", "ioto_outcome": {"changed": True, "path": "/out/SN-1.img"}}
    labels = {"msg": "Labels: 1 made.", "not_labelled": {}, "notices": [], "files": ["/labels.pdf"]}

    lines = summarize({"a": {**image, "_ioto_labels": labels}, "b": CHANGED}, check=False).lines

    assert "1 image is in /out." in lines and "The labels are in /labels.pdf." in lines


def test_check_mode_does_not_claim_to_have_done_anything() -> None:
    assert "1 would be done" in summarize({"a": CHANGED}, check=True).lines[0]


def test_a_unit_without_its_label_is_not_done_and_what_is_in_doubt_is_told() -> None:
    labels = {
        "msg": "Labels: 1 made, 0 there already, 1 missing.",
        "not_labelled": {"b": "The printer is\x1b[31m out."},
        "notices": ["The label of SN-1 may be there twice."],
    }
    batch = {"a": {**CHANGED, "_ioto_labels": labels}, "b": {**UNCHANGED, "_ioto_labels": labels}}

    summary = summarize(batch, check=False)

    assert summary.lines[0] == "2 devices: 1 done, 1 already done, 0 failed, 0 unreachable."
    assert summary.lines[1:3] == [
        "Labels: 1 made, 0 there already, 1 missing.",
        "The label of SN-1 may be there twice.",
    ]
    assert summary.not_done == {"b": "It has no label yet. The printer is [31m out."}
    assert "b: It has no label yet. The printer is [31m out." in summary.lines
