# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolls of labels that are printed before their units exist, and the labels that are bound to devices later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import FailureKind, IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import batch
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.options import ARGUMENTS
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.task import make_labels
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.errors import LabelError
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_zpl import zpl
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    ReserveRequest,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import Scan
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request, UnitOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.scanned import Scanned
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.fleet import Fleet
from tests.services.label_printer import LabelPrinter
from tests.support.ansible import ROOT, command, environment, provision
from tests.support.shell_device import PRODUCT, ShellDevice, make_device
from tests.support.terminal import Terminal

OTHER_PRODUCT = "01K9F1EETDEV1CEPR0DVCT0002"
CONTEXT = Context("test", "bench-1")
URL = "https://app.example.com/?p={product}&id={claim_id}"


def make(ledger: Ledger, *, check: bool = False, **options: Any) -> dict[str, Any]:
    defaults = {name: argument.get("default") for name, argument in ARGUMENTS.items()}
    own = {
        "order": "ledger",
        **dict.fromkeys(("claim_ids", "serials", "hosts", "run")),
        "preprint": None,
        "roll": None,
        "length": 10,
        "product": PRODUCT,
        "layout": "preprinted",
    }
    return make_labels(ledger, {**defaults, **own, **options}, context=CONTEXT, check=check)


def on_paper(ledger: Ledger) -> list[bytes]:
    """What the printer has to get for the ledger's claims, in their order."""
    job = batch.LabelJob(layout.load("preprinted"))
    return [zpl(batch.compose(job, claim).drawing) for claim in ledger.claims()]


def test_a_roll_that_broke_off_is_completed_and_never_made_twice(tmp_path: Path) -> None:
    with Ledger.in_memory() as ledger, LabelPrinter(tmp_path / "a", dies_in=4) as dying:
        broken = make(ledger, printer=dying.address, preprint=10, roll="A")
        assert (broken["failed"], broken["missing"]) == (True, 7)

        with LabelPrinter(tmp_path / "b") as sound:
            assert make(ledger, printer=sound.address, preprint=10, roll="A", check=True)["msg"].startswith("7 labels")
            assert sound.labels() == []
            again = make(ledger, printer=sound.address, preprint=10, roll="A")
            assert (len(again["claims"]), again["changed"]) == (7, True)
            assert dying.labels() + sound.labels() == on_paper(ledger)
            assert not make(ledger, printer=sound.address, preprint=10, roll="A")["changed"]

            assert len(make(ledger, printer=sound.address, preprint=12, roll="A")["claims"]) == 2
            assert len(make(ledger, printer=sound.address, preprint=2, roll="B")["claims"]) == 2
            assert dying.labels() + sound.labels() == on_paper(ledger)
            with pytest.raises(LabelError, match=r"'A' was made with 12 labels"):
                make(ledger, printer=sound.address, preprint=5, roll="A")
        assert ledger.summary().reserved == 14


def test_labels_that_are_due_go_by_the_ledger_or_by_serial_number(tmp_path: Path) -> None:
    with Ledger.in_memory() as ledger:
        for serial in ("SN-10", "SN-9", "A-2", "SN-9b"):
            claim = ledger.allocate(AllocationRequest(PRODUCT, serial, source="generated", context=CONTEXT))
            ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT))

        def units(**options: Any) -> list[str]:
            made = make(ledger, dest=str(tmp_path / "a.pdf"), product=None, layout="small", check=True, **options)
            return [claim["serial"] for claim in made["claims"]]

        assert units() == ["SN-10", "SN-9", "A-2", "SN-9b"]
        assert units(order="serial") == ["A-2", "SN-9", "SN-9b", "SN-10"]


@pytest.mark.parametrize("name", ["claim_ids", "serials", "hosts"])
def test_who_names_nobody_does_not_get_the_labels_of_everybody(tmp_path: Path, name: str) -> None:
    with Ledger.in_memory() as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=CONTEXT))
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT))
        with pytest.raises(IotoError, match=f"{name} is an empty list"):
            make(ledger, dest=str(tmp_path / "a.pdf"), product=None, **{name: []})


def test_a_roll_is_printed_again_with_a_reason_but_not_what_is_on_a_unit(tmp_path: Path) -> None:
    paper = tmp_path / "lp0"
    paper.touch()
    with Ledger.in_memory() as ledger:
        make(ledger, printer=f"file:{paper}", preprint=3, roll="A")
        bound, *others = ledger.claims()
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT, claim_id=bound.claim_id))
        once = paper.read_bytes()

        again = make(ledger, printer=f"file:{paper}", preprint=3, roll="A", reason="the roll was lost")

        assert len(again["claims"]) == 2
        assert paper.read_bytes() == once + b"".join(once.splitlines(keepends=True)[1:])
        reprints = list(ledger.events(kinds=[EventKind.REPRINT]))
        assert [event.claim_id for event in reprints] == [claim.claim_id for claim in others]
        assert all("the roll was lost" in str(event.detail) for event in reprints)

        with pytest.raises(LabelError, match="give a reason"):
            make(ledger, printer=f"file:{paper}", claim_ids=[others[0].claim_id])
        make(ledger, printer=f"file:{paper}", claim_ids=[others[0].claim_id], reason="smudged")
        assert next(iter(ledger.events(kinds=[EventKind.REPRINT], newest_first=True))).detail.endswith("smudged")


class Bench:
    """A ledger with a roll, and devices to stick its labels on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ledger = Ledger.in_memory()
        make(self.ledger, dest=str(folder / "roll.pdf"), preprint=3, roll="A")
        self.labels = [claim.claim_id for claim in self.ledger.claims()]

    def device(self, name: str) -> ShellDevice:
        return make_device(self._folder / name)

    def bind(self, device: ShellDevice, serial: str, claim_id: str, *, product: str | None = None) -> UnitOutcome:
        source = Scanned(Scan(claim_id, product))
        request = Request(source, serial=serial, config_dir=device.config_dir)
        return serialize(device, request, self.ledger, CONTEXT)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_scanned_label_becomes_the_identity_of_its_device_and_counts_as_made(bench: Bench) -> None:
    device = bench.device("one")

    outcome = bench.bind(device, "SN-1", bench.labels[1])

    assert (outcome.claim_id, outcome.state, outcome.changed) == (bench.labels[1], "labelled", True)
    assert bench.labels[1].encode() in device.file.read_bytes()
    assert not bench.bind(device, "SN-1", bench.labels[1]).changed
    # What is due does not print it a second time.
    assert make(bench.ledger, dest="unused.pdf")["claims"] == []


def refused(bench: Bench, serial: str, claim_id: str, why: str, *, product: str | None = None) -> None:
    device = bench.device(f"refused-{serial}")
    before = device.file.read_bytes()
    with pytest.raises(IotoError, match=why) as error:
        bench.bind(device, serial, claim_id, product=product)
    assert claim_id not in str(error.value)
    assert device.file.read_bytes() == before
    assert bench.ledger.live_claim(PRODUCT, serial) is None


def test_a_label_that_is_foreign_bound_retired_or_for_another_product_is_refused(bench: Bench) -> None:
    bench.bind(bench.device("one"), "SN-1", bench.labels[0])
    bench.ledger.retire(bench.labels[1], reason="smudged", context=CONTEXT)
    (other,) = bench.ledger.reserve(ReserveRequest(OTHER_PRODUCT, 1, context=CONTEXT))

    refused(bench, "SN-2", "JT08FFQXWQ", "does not know the claim ID .* that was scanned")
    refused(bench, "SN-3", bench.labels[0], "belongs to unit 'SN-1'")
    refused(bench, "SN-4", bench.labels[1], r"is retired \(smudged\)")
    refused(bench, "SN-5", other.claim_id, f"is reserved for product {OTHER_PRODUCT}")
    refused(bench, "SN-6", bench.labels[2], "label that was scanned is for product", product=OTHER_PRODUCT)
    # A second label on a unit that has one.
    with pytest.raises(IotoError, match="another was given") as caught:
        bench.bind(bench.device("again"), "SN-1", bench.labels[2])
    assert caught.value.kind is FailureKind.LABEL
    assert [conflict.event.unit for conflict in bench.ledger.conflicts()] == ["SN-3", "SN-5"]


@pytest.mark.parametrize("scripts_before", [0, 1])
def test_a_bench_that_dies_while_it_binds_goes_on_with_the_same_label_and_no_other(
    bench: Bench, scripts_before: int
) -> None:
    device = bench.device("one")

    class Dead(BaseException):
        pass

    def die(number: int) -> None:
        if number == scripts_before:
            raise Dead

    device.before_run = die
    with pytest.raises(Dead):
        bench.bind(device, "SN-1", bench.labels[0])
    device.before_run = None
    if scripts_before:  # the ledger knows the ID before the device does
        with pytest.raises(IotoError, match="another was given"):
            bench.bind(device, "SN-1", bench.labels[1])

    outcome = bench.bind(device, "SN-1", bench.labels[0])

    assert (outcome.claim_id, outcome.state) == (bench.labels[0], "labelled")
    assert bench.ledger.summary().reserved == 2


def test_a_roll_is_printed_and_its_labels_are_bound_at_the_prompt_and_from_the_inventory(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    location = home / ".local/share/ioto/ledger.db"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 3}) as fleet, LabelPrinter(tmp_path / "paper") as printer:
        product = fleet.devices[0].product
        roll = {
            "ioto_label_printer": printer.address,
            "ioto_label_layout": "preprinted",
            "ioto_label_preprint": 4,
            "ioto_label_roll": "A",
            "ioto_label_qr": URL,
            "ioto_product": product,
        }
        extra = ("-e", yaml.safe_dump(roll, default_flow_style=True, width=10_000).strip())
        predicted = provision(home, *extra, "--check", playbook=ROOT / "playbooks/labels.yml")
        assert f"\n4 labels would be made: {printer.address}.\n" in predicted.output
        assert printer.labels() == [] and not location.exists()
        run = provision(home, *extra, playbook=ROOT / "playbooks/labels.yml")
        assert run.status == 0, run.output
        assert len(printer.labels()) == 4
        assert provision(home, *extra, playbook=ROOT / "playbooks/labels.yml").changed == 0
        assert len(printer.labels()) == 4
        with Ledger(location) as ledger:
            ids = [claim.claim_id for claim in ledger.claims()]

        scanned = [URL.format(product=product, claim_id=claim_id) for claim_id in ids]
        hosts = {"manual-2": {"ioto_scan": scanned[1]}, "manual-3": {"ioto_scan": "JT08FFQXWQ"}}
        (tmp_path / "scans.yml").write_text(yaml.safe_dump({"all": {"vars": {"ioto_label_qr": URL}, "hosts": hosts}}))
        arguments = ("-i", fleet.inventory, "-i", tmp_path / "scans.yml")
        mistaken = provision(home, *arguments, playbook=ROOT / "playbooks/bind.yml")
        assert mistaken.status == 2
        assert "manual-3: the ledger does not know the claim ID on its label" in mistaken.output

        hosts["manual-3"]["ioto_scan"] = ids[2].lower()
        (tmp_path / "scans.yml").write_text(yaml.safe_dump({"all": {"vars": {"ioto_label_qr": URL}, "hosts": hosts}}))
        terminal = Terminal(
            command(ROOT / "playbooks/bind.yml", "-v", *arguments), home, {**environment(home), "TERM": "xterm"}
        )
        try:
            terminal.answer("Scan the label that is on manual-1", scanned[3].encode() + b"\r")
            assert terminal.finish() == 0, terminal.written
        finally:
            terminal.close()

        assert [device.claim_id() for device in fleet.devices] == [ids[3], ids[1], ids[2]]
        assert "3 devices: 3 done, 0 already done, 0 failed, 0 unreachable." in terminal.written
        assert not any(claim_id in terminal.written for claim_id in ids), terminal.written
        with Ledger(location) as ledger:
            states = {claim.claim_id: claim.state for claim in ledger.claims()}
        assert [states[claim_id] for claim_id in ids] == [State.ALLOCATED, *[State.LABELLED] * 3]


def test_binding_refuses_scans_that_it_would_not_read_and_touches_nothing(tmp_path: Path) -> None:
    scans = tmp_path / "scans.csv"
    scans.write_text("host,scan\npump-1,JT08FFQXWQ\npump-2,KT0912345X\n", encoding="utf-8")
    hosts = {
        "pump-1": {"ansible_host": "192.0.2.11", "ioto_mode": "manual", "ioto_scan_image": "label.png"},
        "pump-2": {"ansible_host": "192.0.2.12", "ioto_mode": "manual"},
        "other-flow": {"ansible_host": "192.0.2.13", "ioto_mode": "none"},
    }
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    arguments = ("-i", inventory, "-e", f"ioto_product={PRODUCT}", "-e", f"ioto_scans={scans}")
    run = provision(tmp_path, *arguments, playbook=ROOT / "playbooks/bind.yml")
    assert run.status != 0
    said = " ".join(run.output.split())
    assert (
        "pump-1, pump-2: ioto_scans is given, and this playbook does not read it; remove it, and scan the labels at "
        "the prompt or give each host its ioto_scan."
    ) in said
    assert "pump-1: ioto_scan_image is given, and this playbook does not read it" in said
    assert "2 problems, and no device was touched" in said
