# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody with a scanner at the prompts of `bind.yml` and `verify.yml`, who scans what does not fit first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, ReserveRequest, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.keyboard_layout import exchanged
from tests.fleet import Fleet
from tests.support.ansible import ROOT, command, environment, provision
from tests.support.terminal import Terminal

pytestmark = pytest.mark.ansible

CONTEXT = Context("test", "bench-1")
ANOTHER_LAYOUT = "with Y and Z exchanged"


@contextmanager
def at_the_prompt(home: Path, playbook: str, *arguments: str | Path) -> Iterator[Terminal]:
    line = command(ROOT / "playbooks" / playbook, *arguments)
    terminal = Terminal(line, home, {**environment(home), "TERM": "xterm"}, columns=250)
    try:
        yield terminal
    finally:
        terminal.close()


def scan(terminal: Terminal, scans: Sequence[tuple[str, str]]) -> None:
    for prompt, text in scans:
        terminal.answer(prompt, text.encode() + b"\r")


def test_a_label_that_does_not_fit_is_asked_for_again_and_a_bound_unit_is_skipped(tmp_path: Path, home: Path) -> None:
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet,
        Ledger(home / ".local/share/ioto/ledger.db") as ledger,
    ):
        product = fleet.devices[0].product
        roll = [claim.claim_id for claim in ledger.reserve(ReserveRequest(product, 40, context=CONTEXT))]
        spoiled, other, *_rest = roll
        ledger.retire(spoiled, reason="smudged", context=CONTEXT)
        ours = next(claim_id for claim_id in roll[2:] if exchanged(claim_id) not in (None, *roll))
        arguments = ("-i", fleet.inventory)
        with at_the_prompt(home, "bind.yml", *arguments, "--limit", "manual-1") as terminal:
            scan(
                terminal,
                [
                    ("Scan the label that is on manual-1", "4006381333931"),
                    ("that was scanned", "https://elsewhere.example/"),
                    ("neither a claim ID nor", spoiled),
                    ("is retired (smudged)", str(exchanged(ours))),
                    (ANOTHER_LAYOUT, ours.lower()),
                ],
            )
            assert terminal.finish() == 0, terminal.written
        assert "1 device: 1 done, 0 already done, 0 failed" in terminal.written
        assert fleet["manual-1"].claim_id() == ours

        with at_the_prompt(home, "bind.yml", *arguments) as terminal:
            scan(
                terminal,
                [
                    ("Scan the label that is on manual-2", ours),
                    (f"belongs to unit '{fleet['manual-1'].serial}'", other),
                ],
            )
            assert terminal.finish() == 0, terminal.written
        assert "2 devices: 1 done, 1 already done, 0 failed" in terminal.written
        assert "Scan the label that is on manual-1" not in terminal.written
        assert fleet["manual-2"].claim_id() == other
        assert not any(claim_id in terminal.written for claim_id in roll)
        assert {claim.claim_id for claim in ledger.claims(states=[State.LABELLED])} == {ours, other}
        assert ledger.conflicts() == []


def test_a_device_is_left_out_with_enter_alone_and_the_others_go_on(tmp_path: Path, home: Path) -> None:
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet,
        Ledger(home / ".local/share/ioto/ledger.db") as ledger,
    ):
        (label,) = ledger.reserve(ReserveRequest(fleet.devices[0].product, 1, context=CONTEXT))
        with at_the_prompt(home, "bind.yml", "-i", fleet.inventory) as terminal:
            scan(terminal, [("label that is on manual-1", ""), ("label that is on manual-2", label.claim_id)])
            assert terminal.finish() == 2
        assert "2 devices: 1 done, 0 already done, 1 failed" in terminal.written
        assert "manual-1: Nothing was scanned" in terminal.written
        assert [device.claim_id() for device in fleet.devices] == [None, label.claim_id]


@pytest.fixture
def line(tmp_path: Path, home: Path) -> Iterator[Fleet]:
    """Two devices that were provisioned, one with an ID that has a Y."""
    hosts = {"manual-1": {"ioto_claim_id": "YQ7M2KQWX4"}}
    (tmp_path / "given.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        run = provision(home, "-i", fleet.inventory, "-i", tmp_path / "given.yml")
        assert run.status == 0, run.output
        yield fleet


def test_a_scan_that_is_no_label_is_no_verdict_and_is_asked_for_again(home: Path, line: Fleet) -> None:
    first, second = line.devices
    with at_the_prompt(home, "verify.yml", "-i", line.inventory) as terminal:
        scan(
            terminal,
            [
                ("Scan the label of manual-1", first.serial),
                ("barcode of the serial number", "ZQ7M2KQWX4"),
                (ANOTHER_LAYOUT, str(first.claim_id())),
                ("Scan the label of manual-2", str(second.claim_id())),
            ],
        )
        assert terminal.finish() == 0, terminal.written
    assert "2 units: 2 PASS, 0 FAIL." in terminal.written
    assert "FAIL  manual" not in terminal.written
    with Ledger(home / ".local/share/ioto/ledger.db") as ledger:
        assert list(ledger.events(kinds=[EventKind.MISMATCH])) == []


def test_the_guides_test_code_says_what_stands_below_it() -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    guides = ROOT / "docs/docsite/rst"
    (code,) = zxingcpp.read_barcodes(Image.open(guides / "scanner-test-code.png").convert("L"))
    assert f"\n   {code.text}\n" in (guides / "labels.rst").read_text(encoding="utf-8")
    assert {"Y", "Z"} <= set(code.text)


def test_a_fault_of_a_file_of_scans_is_told_once_for_the_run_and_as_the_files(
    tmp_path: Path, home: Path, line: Fleet
) -> None:
    file = tmp_path / "scans.csv"

    def verify() -> str:
        run = provision(home, "-i", line.inventory, "-e", f"ioto_scans={file}", playbook=ROOT / "playbooks/verify.yml")
        assert run.status == 2, run.output
        assert "network" not in run.output and "cannot be reached" not in run.output
        return run.output

    def told_once(fault: str) -> None:
        output = verify()
        assert output.count(f"The file of scans {file}{fault}") == 1, output
        assert "The batch has 1 problem, and nothing was done:" in output, output
        assert "FAIL  " not in output and "TASK [Fail]" not in output and "manual-2" not in output, output

    told_once(" cannot be read (No such file or directory); correct its name")
    file.write_bytes(b"")
    told_once(" is empty")
    file.write_bytes(b"ZQ7M2\x00KQWX4\nJT08\xffFQXWQ\n")
    told_once(" cannot be read, line 2")
    file.write_text("ZQ7M2KQWX4\n")
    told_once(" has 1 scan for 2 units; give one scan for each")
    file.write_text("host,scan\nmanual-1,ZQ7M2KQWX4\nmanual-1,ZQ7M2KQWX4\n")
    told_once(", line 3, names a second time its host")
    with Ledger(home / ".local/share/ioto/ledger.db") as ledger:
        assert list(ledger.events(kinds=[EventKind.MISMATCH])) == []

    file.write_text("host,scan\nmanual-1,ZQ7M2KQWX4\n")
    output = verify()
    assert ANOTHER_LAYOUT in output
    assert f"the file of scans {file} has no scan for the host manual-2; add a line with it" in output


def test_pictures_that_are_none_are_told_at_once_and_as_the_files(tmp_path: Path, home: Path, line: Fleet) -> None:
    (tmp_path / "manual-1.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    images = "ioto_scan_image=" + str(tmp_path) + "/{{ inventory_hostname }}.jpg"
    arguments = ("-i", line.inventory, "-e", images)
    run = provision(home, *arguments, playbook=ROOT / "playbooks/verify.yml")
    assert run.status == 2, run.output
    assert "The batch has 2 problems, and nothing was done:" in run.output
    for fault in (
        f"- The picture '{tmp_path}/manual-1.jpg' cannot be read (it is not a PNG or JPEG, or it is broken)",
        f"- There is no picture '{tmp_path}/manual-2.jpg'; correct its path.",
    ):
        assert run.output.count(fault) == 1, run.output
    assert "FAIL  " not in run.output

    # The module by itself, too, blames no unit.
    play = {"hosts": "manual-1", "gather_facts": False, "tasks": [{"ioto.serialization.verify": None}]}
    (tmp_path / "own.yml").write_text(json.dumps([play]))
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections")}
    alone = provision(home, *arguments, playbook=tmp_path / "own.yml", **collections)
    assert alone.status == 2 and "The picture " in alone.output and "FAIL  " not in alone.output, alone.output
    with Ledger(home / ".local/share/ioto/ledger.db") as ledger:
        assert list(ledger.events(kinds=[EventKind.MISMATCH])) == []
