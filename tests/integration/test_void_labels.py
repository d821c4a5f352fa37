# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a change of product, the summary says which labels are void, and what stands on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.fleet.contents import PRODUCT
from tests.support.ansible import provision

pytestmark = pytest.mark.ansible

OTHER = "01K9F1EETDEV1CEPR0DVCT0002"


def test_a_unit_that_becomes_another_product_has_its_void_labels_named(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        (device,) = fleet.devices
        assert provision(home, "-i", fleet.inventory).status == 0
        old = str(device.claim_id())
        change = {"ioto_product": OTHER, "ioto_accept_product": PRODUCT, "ioto_replace_id": old, "ioto_reason": "sold"}

        run = provision(home, "-i", fleet.inventory, "-e", json.dumps(change))

        assert run.status == 0, run.output
        assert device.claim_id() != old and device.document()["product"] == OTHER
        assert (
            "Replaced: the claim ID of 1 device under its old product; labels with the old one are void, and the "
            f"ledger has it for the unit until it is retired there (ledger_entry): {device.name} (********{old[-2:]})."
        ) in run.output
        assert (
            f"Replaced: the product of 1 device; labels that say the old one are void: {device.name} ({PRODUCT})."
        ) in run.output
        assert "another unit's" not in run.output and old not in run.output
