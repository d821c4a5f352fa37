# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playbooks/verify.yml`: labels that are scanned, typed and photographed, against real devices and a real ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.compose import Composer
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.fields import Fields
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_png import png
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.camera import read_picture
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import Scan, ScanError
from tests.fleet import Fleet
from tests.support.ansible import ROOT, Run, command, environment, provision
from tests.support.terminal import Terminal, plain

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CLAIM_ID = "JT08FFQXWQ"
URL = "https://app.example.com/?p={product}&id={claim_id}"


def label(claim_id: str, serial: str, *, qr: str | None = None, product: str = PRODUCT) -> Image.Image:
    fields = Fields(claim_id, product, serial, brand="Ioto", product_name="Heat pump 30")
    return Image.open(BytesIO(png(Composer(layout.load().with_qr(qr)).compose(fields)))).convert("L")


def photograph(path: Path, *labels: Image.Image, angle: float = 17, noise: float = 60) -> Path:
    """A picture as a phone takes it: on a dark bench, turned, blurred, with noise, in a bad light, as a JPEG."""
    bench = Image.new("L", (1500, 1100 * len(labels)), 60)
    for number, one in enumerate(labels):
        bench.paste(one, (330, 250 + 1000 * number))
    turned = bench.rotate(angle, Image.Resampling.BICUBIC, fillcolor=60).filter(ImageFilter.GaussianBlur(1.2))
    grain = Image.effect_noise(turned.size, noise)
    Image.blend(turned, grain, 0.3).save(path, quality=60)
    return path


def test_a_photograph_of_a_label_is_read_turned_blurred_and_with_noise(tmp_path: Path) -> None:
    for angle in (0, 17, 95, 200):
        path = photograph(tmp_path / f"{angle}.jpg", label(CLAIM_ID, "SN-0001"), angle=angle)
        assert read_picture(str(path), ["{claim_id}"]) == Scan(CLAIM_ID, None, "SN-0001")


def test_a_photograph_of_a_label_with_a_url_says_product_and_serial_too(tmp_path: Path) -> None:
    path = photograph(tmp_path / "url.jpg", label(CLAIM_ID, "SN-0001", qr=URL))
    assert read_picture(str(path), [URL]) == Scan(CLAIM_ID, PRODUCT, "SN-0001")


def test_a_photograph_that_shows_two_labels_none_or_is_no_picture_is_refused(tmp_path: Path) -> None:
    both = photograph(tmp_path / "both.jpg", label(CLAIM_ID, "SN-0001"), label("BBBBBBBBBB", "SN-0002"), angle=3)
    Image.new("L", (800, 600), 90).save(tmp_path / "dark.png")
    (tmp_path / "text.png").write_text("{{ 7 * 7 }}")
    for path, why in (
        (both, "several labels"),
        (tmp_path / "dark.png", "no QR code"),
        (tmp_path / "text.png", "cannot"),
    ):
        with pytest.raises(ScanError, match=why):
            read_picture(str(path), ["{claim_id}"])


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Fleet]]:
    """Four devices that were provisioned, and the home where their ledger is."""
    home = tmp_path_factory.mktemp("home")
    with Fleet.start(tmp_path_factory.mktemp("fleet") / "fleet", groups={"manual": 4}) as fleet:
        run = provision(home, "-i", fleet.inventory)
        assert run.status == 0, run.output
        yield home, fleet


def ledger_of(home: Path) -> Ledger:
    return Ledger(home / ".local/share/ioto/ledger.db")


def verify(home: Path, fleet: Fleet, *arguments: str | Path) -> Run:
    return provision(home, "-i", fleet.inventory, *arguments, playbook=ROOT / "playbooks/verify.yml")


def verdicts(output: str) -> dict[str, str]:
    """The line of each host, as it stands on the screen by itself."""
    return {match[2]: match[1] for match in re.finditer(r"^(PASS|FAIL)  ([\w-]+)[,:]", plain(output), re.MULTILINE)}


def scans(folder: Path, texts: Sequence[str]) -> str:
    (folder / "scans.txt").write_text("\n".join(texts) + "\n")
    return f"ioto_scans={folder}/scans.txt"


@pytest.mark.ansible
def test_a_file_of_scans_passes_what_agrees_and_fails_swapped_and_hostile_labels(
    tmp_path: Path, line: tuple[Path, Fleet]
) -> None:
    home, fleet = line
    ids = [str(device.claim_id()) for device in fleet.devices]
    hostile = "{{ lookup('ansible.builtin.pipe', 'touch " + str(tmp_path / "owned") + "') }}"

    run = verify(home, fleet, "-v", "-e", scans(tmp_path, [ids[0].lower(), ids[2], ids[1], hostile]))

    assert run.status == 2, run.output
    passed = {"manual-1": "PASS", "manual-2": "FAIL", "manual-3": "FAIL", "manual-4": "FAIL"}
    assert verdicts(run.output) == passed
    assert run.failed == {"manual-2", "manual-3", "manual-4"}
    assert "4 units: 1 PASS, 3 FAIL." in run.output
    assert f"the label belongs to unit '{fleet['manual-3'].serial}'" in run.output
    assert not (tmp_path / "owned").exists()
    assert not any(claim_id in run.output for claim_id in ids)
    with ledger_of(home) as ledger:
        assert len(list(ledger.events(kinds=[EventKind.MISMATCH]))) == 3
        assert {conflict.event.unit for conflict in ledger.conflicts()} == {fleet.devices[n].serial for n in (1, 2)}

    good = verify(home, fleet, "-e", scans(tmp_path, ids))
    assert good.status == 0, good.output
    assert set(verdicts(good.output).values()) == {"PASS"}
    assert "4 units: 4 PASS, 0 FAIL." in good.output
    with ledger_of(home) as ledger:
        assert ledger.conflicts() == []


@pytest.mark.ansible
def test_photographs_and_a_device_that_is_gone_each_have_their_verdict(
    tmp_path: Path, line: tuple[Path, Fleet]
) -> None:
    home, fleet = line
    for device in fleet.devices:
        serial = "SN-9999" if device.name == "manual-1" else device.serial
        picture = label(str(device.claim_id()), serial, qr=URL, product=device.product)
        photograph(tmp_path / f"{device.name}.jpg", picture)
    fleet["manual-4"].stop()

    images = "ioto_scan_image=" + str(tmp_path) + "/{{ inventory_hostname }}.jpg"
    run = verify(home, fleet, "-e", images, "-e", json.dumps({"ioto_label_qr": URL}), "-T", "3")
    fleet["manual-4"].restart()

    assert run.status == 4, run.output
    assert verdicts(run.output) == {"manual-1": "FAIL", "manual-2": "PASS", "manual-3": "PASS"}
    assert "the label says S/N 'SN-9999'" in run.output
    assert "FAIL  manual-4: The device manual-4 cannot be reached at " in run.output
    assert "4 units: 2 PASS, 2 FAIL." in run.output


@pytest.mark.ansible
def test_a_scanner_types_at_the_prompt_for_one_unit_after_the_other(line: tuple[Path, Fleet]) -> None:
    home, fleet = line
    arguments = command(ROOT / "playbooks/verify.yml", "-v", "-i", fleet.inventory, "--limit", "manual-1,manual-2")
    terminal = Terminal(arguments, home, {**environment(home), "TERM": "xterm"})
    try:
        typed = {name: str(fleet[name].claim_id()) for name in ("manual-1", "manual-2")}
        for name, text in (("manual-1", typed["manual-1"].lower()), ("manual-2", typed["manual-1"])):
            terminal.answer(f"Scan the label of {name}", text.encode() + b"\r")
        status = terminal.finish()
    finally:
        terminal.close()

    assert verdicts(terminal.written) == {"manual-1": "PASS", "manual-2": "FAIL"}
    assert status == 2
    assert not any(claim_id.lower() in terminal.written.lower() for claim_id in typed.values())
