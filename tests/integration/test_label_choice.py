# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which labels somebody asks for, by serial, host, product or run, and once more; and what blocks no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    State,
    StateChange,
)
from tests.support.ansible import ROOT, Run, provision
from tests.support.labels import labels_of

PUMP, VALVE = "01K9F1EETDEV1CEPR0DVCT0001", "01K9F1EETDEV1CEPR0DVCT0002"
MORNING, EVENING = "20261127T080000-7QK4XW", "20261127T180000-7QK4XW"
UNITS = {
    "P-1": (PUMP, "pump-1", MORNING),
    "P-2": (PUMP, "pump-2", EVENING),
    "V-1": (VALVE, "bench", MORNING),
    "V-2": (VALVE, "bench", EVENING),
}


@pytest.fixture
def book(home: Path) -> Path:
    path = home / ".local/share/ioto/ledger.db"
    with Ledger(path) as ledger:
        for serial, (product, host, run) in UNITS.items():
            context = Context("tester@bench", host, run=run)
            claim = ledger.allocate(AllocationRequest(product, serial, source="generated", context=context))
            ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context))
    return path


def label(home: Path, **variables: object) -> Run:
    said = {f"ioto_label_{name}": value for name, value in variables.items()}
    said |= {"ioto_label_dest": str(home / "labels.zpl"), "ioto_label_format": "zpl"}
    (home / "labels.zpl").unlink(missing_ok=True)
    run = provision(home, "-e", json.dumps(said), playbook=ROOT / "playbooks/labels.yml")
    assert "Traceback" not in run.output
    return run


def are_labels_of(home: Path, book: Path, serials: Sequence[str]) -> bool:
    with Ledger(book, read_only=True) as ledger:
        return (home / "labels.zpl").read_bytes() == b"".join(labels_of(ledger, serials))


@pytest.mark.parametrize(
    ("asked", "serials"),
    [
        ({"serials": ["V-1", "P-1"]}, ["V-1", "P-1"]),
        ({"hosts": "pump-2"}, ["P-2"]),
        ({"product": VALVE}, ["V-1", "V-2"]),
        ({"run": EVENING}, ["P-2", "V-2"]),
        ({"run": EVENING, "product": PUMP}, ["P-2"]),
    ],
)
def test_labels_are_made_of_those_alone_that_are_named(
    home: Path, book: Path, asked: dict[str, object], serials: list[str]
) -> None:
    run = label(home, **asked)
    assert run.status == 0, run.output
    assert are_labels_of(home, book, serials)


def test_a_label_is_made_again_with_a_reason_that_the_ledger_keeps(home: Path, book: Path) -> None:
    assert label(home).status == 0

    refused = label(home, serials=["P-1"])
    assert refused.status == 2 and "give a reason to print it again (ioto_label_reason)." in refused.output
    refused = label(home, reprint=True, run=EVENING)
    assert refused.status == 2 and "reprint needs a reason (ioto_label_reason)" in refused.output
    refused = label(home, reprint=True, reason="smudged")
    assert refused.status == 2 and "reprint needs a product or a run" in refused.output

    assert label(home, serials=["P-1"], reason="smudged").status == 0
    assert are_labels_of(home, book, ["P-1"])
    assert label(home, run=EVENING, reprint=True, reason="torn").status == 0
    assert are_labels_of(home, book, ["P-2", "V-2"])
    with Ledger(book, read_only=True) as ledger:
        again = [
            (event.unit, str(event.detail).rpartition(": ")[2]) for event in ledger.events(kinds=[EventKind.REPRINT])
        ]
    assert again == [("P-1", "smudged"), ("P-2", "torn"), ("V-2", "torn")]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"serials": ["P-9"]}, "has no unit with the serial P-9"),
        ({"hosts": ["bench"]}, "2 units were last seen as the host bench; give ioto_label_serials: V-1, V-2"),
        ({"run": "20260101T080000-AAAAAA"}, "has no unit of the run 20260101T080000-AAAAAA"),
        ({"run": MORNING, "preprint": 3, "roll": "A", "product": PUMP}, "run has no meaning with preprint"),
    ],
)
def test_a_name_by_which_there_is_no_one_unit_is_told(
    home: Path, book: Path, asked: dict[str, object], sentence: str
) -> None:
    run = label(home, **asked)
    assert run.status == 2 and sentence in run.output, run.output
    assert not (home / "labels.zpl").exists()


def test_the_label_of_a_retired_id_is_called_void(home: Path, book: Path) -> None:
    with Ledger(book) as ledger:
        (claim,) = ledger.claims(unit="P-1")
        ledger.retire(claim.claim_id, reason="scrapped", context=Context("tester@bench"))
    for asked in ({"serials": ["P-1"]}, {"claim_ids": [claim.claim_id]}):
        run = label(home, **asked)
        assert run.status == 2
        assert f"{claim.masked} of unit P-1 is retired (scrapped), so that a label with it is void" in run.output


def test_a_unit_whose_text_has_no_glyph_blocks_no_other_and_is_named(home: Path, book: Path) -> None:
    run = label(home, product_names={"P-2": "Pump \ue000"})
    assert run.status == 2
    assert "3 labels were made" in run.output and "1 has none:" in run.output
    assert "P-2: " in run.output and "U+E000" in run.output
    assert are_labels_of(home, book, ["P-1", "V-1", "V-2"])

    mended = label(home)
    assert mended.status == 0, mended.output
    assert are_labels_of(home, book, ["P-2"])


def test_a_run_of_the_flows_prints_its_labels_again_with_a_reason_and_goes_on_past_a_bad_text(home: Path) -> None:
    said = {
        "ioto_firmware_count": 3,
        "ioto_firmware_dest": str(home / "images"),
        "ioto_product": PUMP,
        "ioto_label_dest": str(home / "labels.zpl"),
        "ioto_label_format": "zpl",
    }

    def flow(**more: object) -> Run:
        (home / "labels.zpl").unlink(missing_ok=True)
        return provision(home, "-e", json.dumps({**said, **more}), playbook=ROOT / "playbooks/firmware.yml")

    book = home / ".local/share/ioto/ledger.db"
    run = flow(ioto_label_product_names={"SN-000002": "Pump \ue000"})
    assert run.failed == {"SN-000002"}, run.output
    assert "One unit gets no label, and the others go on: SN-000002" in " ".join(run.output.split())
    assert are_labels_of(home, book, ["SN-000001", "SN-000003"])

    refused = flow(ioto_label_reprint=True)
    assert refused.status == 2 and "reprint needs a reason (ioto_label_reason)" in refused.output
    run = flow(ioto_label_reprint=True, ioto_label_reason="smudged")
    assert run.status == 0, run.output
    assert "Labels: 3 made, 0 there already, 0 missing." in run.output
    assert are_labels_of(home, book, ["SN-000001", "SN-000002", "SN-000003"])
    with Ledger(book, read_only=True) as ledger:
        assert [event.unit for event in ledger.events(kinds=[EventKind.REPRINT])] == ["SN-000001", "SN-000003"]
