# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a change of product, the summary says which labels are void, and what stands on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet
from tests.fleet.contents import PRODUCT
from tests.support.ansible import provision

pytestmark = pytest.mark.ansible

OTHER = "01K9F1EETDEV1CEPR0DVCT0002"


def test_a_unit_that_becomes_another_product_has_its_void_labels_named(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        (device,) = fleet.devices
        there = "-e", f"ioto_ledger={tmp_path}/ledger.db"
        assert provision(home, "-i", fleet.inventory, *there).status == 0
        old = str(device.claim_id())
        change = {"ioto_product": OTHER, "ioto_accept_product": PRODUCT, "ioto_replace_id": old, "ioto_reason": "sold"}

        run = provision(home, "-i", fleet.inventory, *there, "-e", json.dumps(change))

        assert run.status == 0, run.output
        assert device.claim_id() != old and device.document()["product"] == OTHER
        assert (
            f"Replaced: the claim ID of 1 device; labels with the old one are void: {device.name} (********{old[-2:]})."
        ) in run.output
        assert (
            f"Replaced: the product of 1 device; labels that say the old one are void: {device.name} ({PRODUCT})."
        ) in run.output
        assert "another unit's" not in run.output and old not in run.output
        with Ledger(tmp_path / "ledger.db", read_only=True) as ledger:
            former = ledger.find(old)
            assert former is not None and (former.state, former.reason) == (State.RETIRED, "sold")
            live = ledger.live_claim(OTHER, former.unit or "")
            assert live is not None and live.claim_id == device.claim_id()
