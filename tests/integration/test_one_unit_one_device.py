# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that say that they are the same unit are never both done in one run, by either engine, and get no label."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, State
from tests.fleet import Fleet
from tests.support.ansible import ROOT, Run, provision

pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]
MACS = [f"00:1b:21:3a:40:0{number}" for number in range(10)]


@pytest.fixture(params=["ansible", "fleet"])
def engine(request: pytest.FixtureRequest) -> str:
    """Which engine does the devices."""
    if request.param == "fleet":
        pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")
    return str(request.param)


def board(fleet: Fleet, name: str, serial: str | None, mac: str) -> None:
    """Have a device be a board with that serial and that address."""
    root = fleet.state_dir / "devices" / name
    told = root / "proc/device-tree/serial-number"
    told.unlink(missing_ok=True)
    if serial is not None:
        told.write_text(f"{serial}\0")
    address = root / "sys/class/net/eth0/address"
    address.unlink()
    address.write_text(f"{mac}\n")


def run(home: Path, fleet: Fleet, engine: str, *arguments: str) -> Run:
    labels = f"ioto_label_dest={home}/labels-{len(list(home.iterdir()))}.pdf ioto_label_brand=X"
    extra = f"ioto_engine={engine} ioto_label_product_name=Y {labels}"
    return provision(home, "-i", fleet.inventory, "-e", extra, *arguments)


def ledger_of(home: Path) -> Ledger:
    return Ledger(home / ".local/share/ioto/ledger.db", read_only=True)


def test_twins_of_a_run_fail_and_name_each_other(tmp_path: Path, home: Path, engine: str) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 8}, kind="dropbear") as fleet:
        board(fleet, "manual-1", "0123456789ABCDEF", MACS[1])  # every board of this maker says it
        board(fleet, "manual-2", "0123456789ABCDEF", MACS[2])
        board(fleet, "manual-3", None, MACS[3])  # one default address
        board(fleet, "manual-4", None, MACS[3])
        board(fleet, "manual-5", "7-BOARD", MACS[5])  # what differs is not excused
        board(fleet, "manual-6", "7-BOARD", MACS[6])
        board(fleet, "manual-7", "8-BOARD", MACS[7])  # two serials and one address
        board(fleet, "manual-8", "9-BOARD", MACS[7])

        first = run(home, fleet, engine)

        assert first.status != 0
        assert "8 devices: 2 done, 0 already done, 6 failed, 0 unreachable." in first.output
        assert "Labels: 2 made" in first.output
        for one, other in ((3, 4), (5, 6), (7, 8)):
            assert f"It and manual-{other} say" in first.output and f"It and manual-{one} say" in first.output
        with ledger_of(home) as ledger:
            labelled = {claim.unit for claim in ledger.claims() if claim.state is State.LABELLED}
            assert labelled == {MACS[1], MACS[2]}
            refused = {event.unit for event in ledger.events(kinds=[EventKind.CONFLICT])}
            assert refused in ({MACS[3], "7-BOARD", "8-BOARD"}, {MACS[3], "7-BOARD", "9-BOARD"})
        for pair in ((3, 4), (5, 6), (7, 8)):
            assert len([n for n in pair if fleet[f"manual-{n}"].claim_id()]) == 1

        # They are told of again, also the one that has an ID, and a jig's address is no mark of a unit.
        again = run(home, fleet, engine, "--limit", "manual-7,manual-8")
        assert "2 devices: 0 done, 0 already done, 2 failed" in again.output
        # What was read back before its twin was seen counts no more, until somebody has found out which of them it is.
        for alone in ("manual-7", "manual-8"):
            assert run(home, fleet, engine, "--limit", alone).status != 0
        where = f"ioto_label_dest={home}/late.pdf ioto_label_brand=X ioto_label_product_name=Y"
        labels = provision(home, "-e", where, playbook=ROOT / "playbooks/labels.yml")
        assert "No label is due" in labels.output, labels.output
        assert not (home / "late.pdf").exists(), labels.output
        with Ledger(home / ".local/share/ioto/ledger.db") as ledger:
            doubted = [claim for claim in ledger.claims() if claim.doubt is not None]
            assert {claim.unit for claim in doubted} in (
                {MACS[3], "7-BOARD", "8-BOARD"},
                {MACS[3], "7-BOARD", "9-BOARD"},
            )
            for claim in doubted:
                ledger.resolve(claim.claim_id, reason="they are on one jig", context=Context.here())
        jig = run(home, fleet, engine, "--limit", "manual-7,manual-8", "-e", f"{{ioto_shared_hardware: ['{MACS[7]}']}}")
        assert jig.status == 0 and "2 devices: 1 done, 1 already done" in jig.output


def test_a_board_that_is_a_unit_gets_no_second_id_in_another_run(tmp_path: Path, home: Path, engine: str) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 3}, kind="dropbear") as fleet:
        board(fleet, "manual-1", None, MACS[1])
        board(fleet, "manual-2", None, MACS[2].replace(":", "-").upper())
        board(fleet, "manual-3", "0x00000000", MACS[3])

        def given(serials: dict[str, str], *more: str) -> Run:
            variables = {"serials": serials, "ioto_serial": "{{ serials[inventory_hostname] }}"}
            return run(home, fleet, engine, "-e", json.dumps(variables), *more)

        first = given({"manual-1": "SN-1", "manual-2": MACS[2], "manual-3": "SN-3"})
        assert first.status == 0, first.output
        ids = [device.claim_id() for device in fleet.devices]
        for device in fleet.devices:
            (fleet.state_dir / "devices" / device.name / "etc/ioto/device.json5").unlink()

        # Blank boards: one under another serial, one under another notation of its own.
        other = {"manual-1": "SN-9", "manual-2": MACS[2].replace(":", "").upper(), "manual-3": "SN-3"}
        for more in (["--check"], []):
            again = given(other, *more)
            assert again.status != 0
            assert f"The board with mac {MACS[1]} is unit 'SN-1' of product" in again.output
            assert "would be unit 'SN-9' as well: correct the serial" in again.output
        assert "3 devices: 2 done (2 re-written), 0 already done, 1 failed" in again.output
        assert not (fleet.state_dir / "devices/manual-1/etc/ioto/device.json5").exists()
        assert [device.claim_id() for device in fleet.devices[1:]] == ids[1:]
        with ledger_of(home) as ledger:
            assert {claim.unit for claim in ledger.claims()} == {"SN-1", MACS[2], "SN-3"}
            assert "SN-9" in {event.unit for event in ledger.events(kinds=[EventKind.CONFLICT])}
        assert not any(f"{claim_id}" in again.output for claim_id in ids)


def test_a_unit_that_comes_blank_is_done_again_and_one_that_is_only_an_address_is_asked_about(
    tmp_path: Path, home: Path, engine: str
) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        board(fleet, "manual-1", "7-BOARD", MACS[1])
        board(fleet, "manual-2", None, MACS[2])
        assert run(home, fleet, engine).status == 0
        before = [device.claim_id() for device in fleet.devices]
        for name in ("manual-1", "manual-2"):
            (fleet.state_dir / "devices" / name / "etc/ioto/device.json5").unlink()

        again = run(home, fleet, engine)

        assert "2 devices: 1 done (1 re-written), 0 already done, 1 failed, 0 unreachable." in again.output
        assert "ioto_rewrite: true" in again.output
        meant = run(home, fleet, engine, "-e", "ioto_rewrite=true")
        assert meant.status == 0
        assert "2 devices: 1 done (1 re-written), 1 already done, 0 failed, 0 unreachable." in meant.output
        assert [device.claim_id() for device in fleet.devices] == before
