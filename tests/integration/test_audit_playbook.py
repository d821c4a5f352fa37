# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playbooks/audit.yml` over real devices, images, scans and ledgers: what is wrong is found, and nothing beside."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.benchmark import audit as memory
from tests.campaign.audit_scene import Scene, differences
from tests.fleet import Device, Fleet
from tests.support.ansible import ROOT, Run, provision
from tests.support.browser import CONTRASTS, LEAST_CONTRAST, Browser

AUDIT = ROOT / "playbooks/audit.yml"
SEED = 21
pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]


def audit(home: Path, *arguments: str | Path, **variables: object) -> Run:
    return provision(home, *arguments, "-e", json.dumps(variables), playbook=AUDIT)


def contents(device: Device) -> Mapping[str, tuple[bytes, int, int]]:
    """What is below the configuration directory of a device, with the times of it."""
    folder = device.path("/etc/ioto")
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns, path.stat().st_ctime_ns)
        for path in sorted((folder, *folder.rglob("*")))
    }


# 20 s: it makes three ledgers and 400 units with all that can be wrong with them, and reads 12 devices over SSH.
def test_each_seeded_fault_is_found_and_nothing_beside(tmp_path: Path, home: Path) -> None:
    pytest.importorskip("cryptography", reason="checkpoints need the Python package cryptography")
    scene = Scene(tmp_path / "scene", size=400, devices=12, each=1, seed=SEED)
    page = tmp_path / "audit.html"
    with scene.build() as fleet:
        assert fleet is not None
        before = [contents(device) for device in fleet.devices]
        run = audit(home, "-i", fleet.inventory, ioto_audit_dest=str(page), **scene.variables)

        assert [contents(device) for device in fleet.devices] == before
    assert run.status == 2, run.output
    assert differences(scene, page.with_suffix(".jsonl")) == []
    assert f"The audit has {sum(scene.expected.values()) + len(scene.seals)} findings (" in run.output
    assert {"two-devices": 3, "unknown": 3, "checkpoint": 3, "in-doubt": 3}.items() <= counts(scene).items()
    with Ledger(scene.ledger_path, read_only=True) as ledger:
        ids = {claim.claim_id for claim in ledger.claims()}
    assert ids.isdisjoint(re.findall(r"[0-9A-Z]{10}", run.output + page.read_text(encoding="utf-8")))


def counts(scene: Scene) -> dict[str, int]:
    found: dict[str, int] = {}
    for (kind, _where, _serial), number in scene.expected.items():
        found[kind] = found.get(kind, 0) + number
    return found


def test_devices_that_were_provisioned_agree_and_what_changes_later_is_found(tmp_path: Path, home: Path) -> None:
    page = tmp_path / "audit.html"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 3}, kind="dropbear") as fleet:
        assert provision(home, "-i", fleet.inventory).status == 0
        clean = audit(home, "-i", fleet.inventory, ioto_audit_dest=str(page))
        one, two, three = fleet.devices
        two.write("/etc/ioto/device.json5", one.read("/etc/ioto/device.json5"))
        three.stop()
        wrong = audit(home, "-i", fleet.inventory, ioto_audit_dest=str(page))
        nobody = audit(home, "-i", fleet.inventory, ioto_mode="none", ioto_audit_dest=str(page))
        two_ledgers = audit(
            home, "-i", fleet.inventory, ioto_audit_dest=str(page), ioto_ledger="{{ inventory_hostname }}.db"
        )

    assert clean.status == 0, clean.output
    assert "Everything agrees with the ledger" in clean.output
    assert "Looked at: 3 devices, 3 claims, " in clean.output
    assert wrong.status == 2, wrong.output
    assert f"- {one.name}, {two.name}: each device has the claim ID ********" in wrong.output
    assert f"- {three.name}: the device {three.name} cannot be reached at " in wrong.output
    assert nobody.status == 2
    assert "The audit has nothing to compare with the ledger" in nobody.output
    assert two_ledgers.status == 2
    assert "The hosts have 3 ledgers (ioto_ledger)" in two_ledgers.output


def test_without_an_inventory_other_things_are_audited_and_a_mistyped_variable_is_refused(
    tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "ledger.db"
    memory.fill(path, 20)
    scans = tmp_path / "scans.csv"
    with Ledger(path, read_only=True) as ledger:
        lines = [f"{claim.unit},{claim.claim_id}" for claim in ledger.claims()]
    scans.write_text("\n".join(["serial,scan", *lines]), encoding="utf-8")
    given = {"ioto_ledger": str(path), "ioto_audit_dest": str(tmp_path / "audit.html")}

    clean = audit(home, ioto_audit_scans=str(scans), **given)
    nothing = audit(home, **given)
    alone = audit(home, ioto_audit_devices=False, **given)
    mistyped = audit(home, ioto_audit_scan=str(scans), **given)

    assert clean.status == 0, clean.output
    assert "Looked at: 20 scans, 20 claims, 60 events, " in clean.output
    assert nothing.status == 2
    assert "The audit has nothing to compare with the ledger" in nothing.output
    assert alone.status == 0, alone.output
    assert mistyped.status == 2
    assert "ioto_audit_scan" in mistyped.output


# 9 s: what grows with the number of devices shows at thousands alone.
@pytest.mark.one_series
def test_memory_does_not_grow_with_the_number_of_devices(tmp_path: Path) -> None:
    peaks = []
    for number in (500, 3000):
        path = tmp_path / f"{number}.db"
        memory.fill(path, number)
        peaks.append(memory.measured(path, number, "strangers"))
    few, many = (float(told.split(" ")[0]) for told in peaks)
    assert many - few < 20, peaks


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an audit that has findings of most kinds."""
    folder = tmp_path_factory.mktemp("page")
    scene = Scene(folder / "scene", size=60, devices=0, each=1, seed=SEED)
    assert scene.build() is None
    run = audit(folder, ioto_audit_dest=str(folder / "audit.html"), **scene.variables)
    assert run.status == 2, run.output
    return folder / "audit.html"


@pytest.mark.one_series
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (390, "light")])
def test_the_page_is_read_at_any_width_and_in_any_light(tmp_path: Path, page: Path, width: int, scheme: str) -> None:
    with Browser(tmp_path / "browser") as browser:
        browser.prefer(scheme)
        browser.resize(width, 900)
        browser.open(page.as_uri())
        assert browser.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        poor = {name: number for name, number in browser.run(CONTRASTS).items() if number < LEAST_CONTRAST}
        assert poor == {}
        told = browser.text()
    assert "What was looked at" in told
    assert "An ID on two devices: 2" in told
    assert "To do: " in told
