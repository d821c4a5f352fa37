# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim IDs that somebody types: one that a slip makes is refused by name, and never given, replaced or passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.fleet import Fleet
from tests.support.ansible import ROOT, Run, provision
from tests.support.shell_device import PRODUCT

pytestmark = pytest.mark.ansible

LONGER = "7QK4XW7QK4X"
"""A claim ID of eleven characters, as ten and a slip make one."""


def extra(folder: Path, hosts: dict[str, dict[str, object]]) -> Path:
    """An inventory that adds variables to hosts."""
    path = folder / "extra.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return path


def said(run: Run) -> str:
    """What a run printed, without the ends of its lines."""
    return " ".join(run.output.split())


def test_what_is_to_be_replaced_is_that_very_id(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        one, other = fleet.devices
        assert provision(home, "-i", fleet.inventory).status == 0
        before, theirs = str(one.claim_id()), str(other.claim_id())
        sentences = {
            "ABC": "is not a claim ID",
            f"{before[:-1]}!": "is not a claim ID",
            before[:-1]: "is not a claim ID",
            f"{before}0": "Neither the device nor the ledger has the claim ID",
            theirs: "that is to be replaced is that of unit ",
        }
        for typed, sentence in sentences.items():
            named = extra(tmp_path, {one.name: {"ioto_replace_id": typed, "ioto_reason": "scratched"}})
            run = provision(home, "-i", fleet.inventory, "-i", named)
            assert (run.status, run.failed) == (2, {one.name}), (typed, run.output)
            assert sentence in said(run) and "correct ioto_replace_id" in said(run), run.output
            assert (one.claim_id(), other.claim_id()) == (before, theirs)

        grouped = extra(
            tmp_path, {one.name: {"ioto_replace_id": f"{before[:5]}-{before[5:]} ".lower(), "ioto_reason": "scratched"}}
        )
        run = provision(home, "-i", fleet.inventory, "-i", grouped)
        assert run.status == 0 and one.claim_id() != before, run.output


def test_an_id_of_another_length_than_the_lines_is_refused_with_the_setting(tmp_path: Path, home: Path) -> None:
    sentence = "The claim ID *********4X that was given has 11 characters, and those of this line have 10"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        (device,) = fleet.devices
        for engine in ("ansible", "fleet"):
            typed = extra(tmp_path, {device.name: {"ioto_claim_id": LONGER, "ioto_engine": engine}})
            run = provision(home, "-i", fleet.inventory, "-i", typed)
            assert run.status == 2 and sentence in said(run), run.output
            assert "give ioto_claim_id_length: 11. (ioto_claim_id)" in said(run)
            assert device.claim_id() is None and not (home / ".local/share/ioto/ledger.db").exists()

        done = provision(home, "-i", fleet.inventory, "-i", typed, "-e", "ioto_claim_id_length=11")
        assert done.status == 0 and device.claim_id() == LONGER, done.output
        # What the ledger knows is nobody's slip.
        again = provision(home, "-i", fleet.inventory, "-i", typed)
        assert again.status == 0 and "1 already done" in again.output, again.output


def test_an_order_of_images_goes_by_the_same_rule(tmp_path: Path, home: Path) -> None:
    (tmp_path / "order.csv").write_text(f"serial,mode,claim_id\nSN-1,firmware,{LONGER}\nSN-2,firmware,JT08FFQXWQ\n")
    order = tmp_path / "manifest.yml"
    order.write_text("{plugin: ioto.serialization.manifest, path: order.csv}")
    made = tmp_path / "out"
    options = ("-i", order, "-e", f"ioto_product={PRODUCT} ioto_firmware_dest={made}")

    refused = provision(home, *options)
    done = provision(home, *options, "-e", "ioto_claim_id_length=11")

    assert refused.status == 2 and "SN-1: The claim ID *********4X" in said(refused), refused.output
    assert done.status == 2 and "SN-2: The claim ID ********WQ" in said(done), done.output
    assert not made.exists()


def test_a_roll_has_ids_of_the_lines_length_and_they_are_bound(tmp_path: Path, home: Path) -> None:
    roll = {"ioto_label_preprint": 1, "ioto_label_roll": "A", "ioto_label_layout": "preprinted"}
    settings = {**roll, "ioto_product": PRODUCT, "ioto_claim_id_length": 12, "ioto_label_dest": str(tmp_path / "a.pdf")}
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        (device,) = fleet.devices
        printed = provision(home, "-e", json.dumps(settings), playbook=ROOT / "playbooks/labels.yml")
        assert printed.status == 0, printed.output
        with Ledger(home / ".local/share/ioto/ledger.db", read_only=True) as ledger:
            (claim,) = ledger.claims()
        assert len(claim.claim_id) == 12

        # On a bench that nobody has told of the length: the ledger knows the ID.
        scanned = extra(tmp_path, {device.name: {"ioto_scan": claim.claim_id, "ioto_product": PRODUCT}})
        bound = provision(home, "-i", fleet.inventory, "-i", scanned, playbook=ROOT / "playbooks/bind.yml")
        assert bound.status == 0 and device.claim_id() == claim.claim_id, bound.output
