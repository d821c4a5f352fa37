# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playbooks/rework.yml` and what follows it: the unit's new board, its label, its chain, its report, its check."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
import zxingcpp

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.options import OPTIONS
from tests.fleet import Fleet
from tests.fleet.devices import Device
from tests.support.ansible import ROOT, Run, provision, sampled
from tests.support.labels import pdf_pages

pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]
REWORK = ROOT / "playbooks/rework.yml"
SERIAL = "CASE-1"
CASE = f"ioto_serial={SERIAL}"
REASON = {"ioto_reason": "no radio", "ioto_operator": "ann"}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as started:
        yield started


def label(home: Path, fleet: Fleet) -> Run:
    """Provision the unit and label it; the case has a serial of its own, which the inventory says."""
    dest = f"ioto_label_dest={home}/labels-{len(list(home.glob('*.pdf')))}.pdf"
    return provision(home, "-i", fleet.inventory, "-e", f"{dest} ioto_label_brand=X {CASE}")


def verify(home: Path, fleet: Fleet, scan: str) -> Run:
    said = f"ioto_scan={scan} {CASE}"
    return provision(home, "-i", fleet.inventory, "-e", said, playbook=ROOT / "playbooks/verify.yml")


def rework(home: Path, act: str, serial: str, *options: str, **more: object) -> Run:
    said = {"ioto_rework": act, "ioto_rework_serial": serial, **REASON, **more}
    return provision(home, "-e", json.dumps(said), *options, playbook=REWORK)


def swap_board(device: Device) -> None:
    """Put another board into the case: blank, with a serial and an address of its own."""
    blank = {key: value for key, value in device.document().items() if key != "id"}
    device.write("/etc/ioto/device.json5", json.dumps(blank))
    for path, text in (
        ("proc/device-tree/serial-number", "BOARD-2\0"),
        ("sys/class/net/eth0/address", "00:1b:21:0a:0b:0c\n"),
    ):
        device.remove(f"/{path}")
        device.write(f"/{path}", text)


def test_a_new_board_gets_its_id_its_label_and_its_place_in_the_chain(home: Path, fleet: Fleet) -> None:
    (device,) = fleet.devices
    assert label(home, fleet).status == 0
    old = str(device.claim_id())

    foretold = rework(home, "new-board", SERIAL, "--check")
    assert foretold.status == 0 and "Would be done: The unit" in foretold.output
    done = rework(home, "new-board", SERIAL)
    assert (done.status, done.changed) == (0, 1), done.output
    assert "waits for its new board" in done.output and old not in done.output
    assert rework(home, "new-board", SERIAL).changed == 0
    swap_board(device)
    run = label(home, fleet)

    assert run.status == 0, run.output
    new = str(device.claim_id())
    assert f"takes the place of ********{old[-2:]}" in run.output, run.output
    with Ledger(home / ".local/share/ioto/ledger.db", read_only=True) as ledger:
        claim = ledger.find(new)
        assert claim is not None and (claim.replaces, claim.state, claim.unit) == (old, "labelled", SERIAL)
    chain = provision(
        home, "-e", f"ioto_ledger_job=chain ioto_ledger_serial={SERIAL}", playbook=ROOT / "playbooks/ledger.yml"
    )
    assert chain.status == 0
    assert "new-board by" in chain.output and f"in its place: ********{new[-2:]}" in chain.output
    page = home / "report.html"
    report = provision(home, "-e", f"ioto_report_dest={page}", playbook=ROOT / "playbooks/report.yml")
    assert report.status == 0, report.output
    assert "new-board by" in page.read_text(encoding="utf-8")
    assert old not in page.read_text(encoding="utf-8")
    check = verify(home, fleet, old)
    assert check.status != 0
    assert f"in its place is ********{new[-2:]} of unit" in check.output
    assert verify(home, fleet, new).status == 0


@pytest.mark.parametrize(
    ("act", "more", "serial"),
    [
        ("scrap", {}, SERIAL),
        ("new-case", {"ioto_rework_new_serial": "CASE-2", "ioto_rework_keep_id": False}, "CASE-2"),
    ],
)
def test_a_board_that_still_has_a_retired_id_gets_its_new_one_as_the_guide_says(
    home: Path, fleet: Fleet, act: str, more: dict[str, object], serial: str
) -> None:
    (device,) = fleet.devices
    assert provision(home, "-i", fleet.inventory, "-e", CASE).status == 0
    old = str(device.claim_id())
    assert rework(home, act, SERIAL, **more).status == 0
    said = {"ioto_serial": serial}
    assert provision(home, "-i", fleet.inventory, "-e", json.dumps(said)).status == 2

    run = provision(home, "-i", fleet.inventory, "-e", json.dumps({**said, **REASON, "ioto_replace_id": old}))

    assert run.status == 0, run.output
    assert device.claim_id() not in {old, None}


def test_a_new_label_is_due_once_after_the_old_one_is_void(home: Path, fleet: Fleet) -> None:
    (device,) = fleet.devices
    assert label(home, fleet).status == 0
    labels = ROOT / "playbooks/labels.yml"
    said = {"ioto_label_dest": f"{home}/again.pdf", "ioto_label_brand": "X", "ioto_label_qr": "{claim_id}/{number}"}
    dest = "-e", json.dumps(said)
    assert provision(home, *dest, playbook=labels).status != 0  # none is due

    assert rework(home, "relabel", SERIAL).status == 0

    made = provision(home, *dest, playbook=labels)
    assert made.status == 0, made.output
    (page,) = pdf_pages((home / "again.pdf").read_bytes(), 300)
    assert f"{device.claim_id()}/2" in {code.text for code in zxingcpp.read_barcodes(page.convert("L"))}
    assert provision(home, *dest, playbook=labels).status != 0


@pytest.mark.parametrize(
    ("said", "sentence"),
    sampled(
        [
            ({"ioto_rework": "scarp", "ioto_rework_claim_id": "JT08FFQXWQ"}, "scarp"),
            (
                {"ioto_rework": "scrap", "ioto_rework_serial": ["SN-1", "SN-2"]},
                "serial is a list, and one text is wanted",
            ),
            ({"ioto_rework": "scrap", "ioto_rework_sreial": "SN-1"}, "did you mean ioto_rework_serial"),
            ({"ioto_rework": "scrap", "ioto_rework_serial": "SN-1"}, "There is no ledger"),
        ]
    ),
)
def test_a_mistake_is_refused_in_words(home: Path, said: dict[str, object], sentence: str) -> None:
    run = provision(home, "-e", json.dumps({**REASON, **said}), playbook=REWORK)
    assert run.status != 0
    assert sentence in run.output and "Traceback" not in run.output
    assert "JT08FFQXWQ" not in run.output


def test_every_variable_of_the_table_is_in_the_playbook() -> None:
    (play,) = yaml.safe_load(REWORK.read_text(encoding="utf-8"))
    assert [option.variable for option in OPTIONS if str(option.variable) not in str(play)] == []
