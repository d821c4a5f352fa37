# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flows label what they have verified, in the order of the line, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet, processes
from tests.services.label_printer import READY, LabelPrinter
from tests.support.ansible import ROOT, command, environment, provision
from tests.support.labels import labels_of

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")
pytestmark = pytest.mark.ansible

FILE = "/etc/ioto/device.json5"


def ledger_of(home: Path) -> Path:
    return home / ".local/share/ioto/ledger.db"


def states(home: Path) -> dict[str | None, State]:
    """The state of each unit's claim."""
    with Ledger(ledger_of(home), read_only=True) as ledger:
        return {claim.unit: claim.state for claim in ledger.claims()}


def labelled_at(home: Path) -> dict[str | None, str | None]:
    """At which host the ledger says that each unit was labelled."""
    with Ledger(ledger_of(home), read_only=True) as ledger:
        return {event.unit: event.host for event in ledger.events(kinds=[EventKind.LABELLED])}


def expected(home: Path, serials: Sequence[str]) -> list[bytes]:
    """The very labels of those units, as the printer has to get them."""
    with Ledger(ledger_of(home), read_only=True) as ledger:
        return labels_of(ledger, serials)


def test_each_flow_and_engine_labels_its_units_once_and_in_the_order_of_the_inventory(
    tmp_path: Path, home: Path
) -> None:
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 3, "auto": 2, "factory": 2}, factory=True) as fleet,
        LabelPrinter(tmp_path / "printer", status=READY) as printer,
    ):
        by_fleet = {"ioto_engine": "fleet"}
        image = {"ioto_mode": "firmware", "ioto_serial": "FW-1", "ioto_product": fleet.devices[0].product}
        line: dict[str, dict[str, str]] = {
            "factory-2": by_fleet,
            "manual-3": {},
            "auto-1": by_fleet,
            "image": image,
            "manual-1": {},
            "auto-2": {},
            "factory-1": {},
            "manual-2": by_fleet,
        }
        more = {"all": {"vars": {"ioto_label_printer": printer.address}, "hosts": line}}
        serials = ["FW-1" if name == "image" else fleet[name].serial for name in line]
        (tmp_path / "more.yml").write_text(yaml.safe_dump(more, sort_keys=False))
        broken = fleet["auto-2"]
        sound = broken.read(FILE)
        broken.write(FILE, "{ product: ")
        inventory = ("-i", fleet.inventory, "-i", tmp_path / "more.yml", "-e", f"ioto_firmware_dest={tmp_path}/images")

        predicted = provision(home, *inventory, "--check")
        assert "Labels: 7 would be made, 0 there already, 0 missing." in predicted.output, predicted.output
        assert printer.labels() == []

        first = provision(home, *inventory)
        assert first.status == 2, first.output
        assert first.failed == {"auto-2"}
        assert "Labels: 7 made, 0 there already, 0 missing." in first.output
        done = [serial for serial in serials if serial != broken.serial]
        assert printer.labels() == expected(home, done)
        assert states(home) == dict.fromkeys(done, State.LABELLED)

        broken.write(FILE, sound)
        second = provision(home, *inventory)
        assert second.status == 0, second.output
        assert "Labels: 1 made, 7 there already, 0 missing." in second.output
        assert printer.labels()[7:] == expected(home, [broken.serial])
        # One task labels them all; each event names the host of its own unit.
        assert labelled_at(home) == dict(zip(serials, line, strict=True))


def test_units_that_are_images_alone_are_labelled_by_their_own_playbook_and_only_once(
    tmp_path: Path, home: Path
) -> None:
    variables = {
        "ioto_firmware_count": 2,
        "ioto_firmware_dest": str(tmp_path / "images"),
        "ioto_product": "01G8YJKKRNTHW213TRZYX3YH0M",
        "ioto_label_dest": str(tmp_path / "labels.zpl"),
        "ioto_label_format": "zpl",
        "ioto_report_dest": str(tmp_path / "report.html"),
    }
    for made, there in ((2, 0), (0, 2)):
        run = provision(home, "-e", json.dumps(variables), playbook=ROOT / "playbooks/firmware.yml")
        assert run.status == 0, run.output
        assert f"Labels: {made} made, {there} there already, 0 missing." in run.output
        report = map(json.loads, (tmp_path / "report.jsonl").read_text().splitlines())
        result = "done" if made else "already done"
        assert [(row["serial"], row["flow"], row["result"]) for row in report] == [
            ("SN-000001", "firmware", result),
            ("SN-000002", "firmware", result),
        ]
    assert run.changed == 0
    assert (tmp_path / "labels.zpl").read_bytes() == b"".join(expected(home, ["SN-000001", "SN-000002"]))
    assert not (tmp_path / "labels-2.zpl").exists()


def test_after_a_printer_was_killed_half_way_the_next_run_prints_exactly_the_missing_labels(
    tmp_path: Path, home: Path
) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 7}) as fleet:
        serials = [device.serial for device in fleet.devices]
        with LabelPrinter(tmp_path / "first", dies_in=4, status=READY) as dying:
            run = provision(home, "-i", fleet.inventory, "-e", f"ioto_label_printer={dying.address}")
            assert dying.died

        assert run.status == 2, run.output
        assert "7 devices: 7 done, 0 already done, 0 failed, 0 unreachable." in run.output
        assert "Labels: 3 made, 0 there already, 4 missing." in run.output
        assert run.failed == {f"manual-{number}" for number in range(4, 8)}
        assert "did not take the label (it broke off after it had the label); see to it" in run.output
        assert [states(home)[serial] for serial in serials] == [State.LABELLED] * 3 + [State.VERIFIED] * 4
        assert "Traceback" not in run.output

        with LabelPrinter(tmp_path / "second", status=READY) as sound:
            again = provision(home, "-i", fleet.inventory, "-e", f"ioto_label_printer={sound.address}")
            assert again.status == 0, again.output
            assert "Labels: 4 made, 3 there already, 0 missing." in again.output
            # Nobody knows whether it had the fourth one whole.
            assert again.output.count("may be there twice") == 2  # in the task, and in the summary
            assert f"The label of {serials[3]} may be there twice" in again.output
            assert dying.labels() + sound.labels() == expected(home, serials)


@pytest.mark.parametrize("callback", ["default", "ioto.serialization.progress"])
def test_a_printer_that_is_not_there_fails_the_units_that_lack_their_label_alone(
    tmp_path: Path, home: Path, callback: str
) -> None:
    page = tmp_path / "page.html"
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 3}) as fleet,
        LabelPrinter(tmp_path / "printer", status=READY) as printer,
    ):
        options = ("-i", fleet.inventory, "-e", f"ioto_report_dest={page}")
        first = provision(home, *options, "-e", f"ioto_label_printer={printer.address}", "--limit", "manual-1,manual-2")
        assert first.status == 0, first.output
        run = provision(
            home,
            *(*options, "-e", "ioto_label_printer=socket://127.0.0.1:1", "--limit", "manual-1,manual-3"),
            ANSIBLE_STDOUT_CALLBACK=callback,
        )

    assert run.status == 2, run.output
    assert "2 devices: 1 done, 1 already done, 0 failed, 0 unreachable." in run.output
    assert "Labels: 0 made, 1 there already, 1 missing." in run.output
    assert "manual-3: It has no label yet. " in run.output and "127.0.0.1:1" in run.output
    assert f"The report of 2 units is in {page}." in run.output
    if callback == "default":
        assert run.failed == {"manual-3"}


@pytest.mark.parametrize("dead", ["the controller's main process", "all of the controller"])
def test_a_controller_that_is_killed_while_it_prints_leaves_no_unit_without_a_label_and_says_what_is_in_doubt(
    tmp_path: Path, home: Path, dead: str
) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 3}) as fleet:
        serials = [device.serial for device in fleet.devices]
        with LabelPrinter(tmp_path / "first", hangs_at=2) as printer:
            arguments = ("-i", fleet.inventory, "-e", f"ioto_label_printer={printer.address}")
            controller = subprocess.Popen(
                command(ROOT / "playbooks/provision.yml", *arguments),
                cwd=home,
                env=environment(home),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
            )
            printer.wait_for(2)
            workers = processes.children(controller.pid)
            assert workers
            for process in [controller.pid, *(workers if dead == "all of the controller" else [])]:
                os.kill(process, signal.SIGKILL)
            controller.wait()
        # The printer is gone with the second label in its hands: a worker that still lives knows that it was taken.
        wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in workers))
        one, two, three = expected(home, serials)
        assert printer.labels() == [one, two]
        is_in_doubt = dead == "all of the controller"
        second = State.VERIFIED if is_in_doubt else State.LABELLED
        assert states(home) == dict(zip(serials, (State.LABELLED, second, State.VERIFIED), strict=True))

        with LabelPrinter(tmp_path / "second", status=READY) as printer:
            run = provision(home, "-i", fleet.inventory, "-e", f"ioto_label_printer={printer.address}")
            assert run.status == 0, run.output
            assert printer.labels() == ([two, three] if is_in_doubt else [three])
        assert (f"The label of {serials[1]} may be there twice" in run.output) == is_in_doubt
        assert f"The label of {serials[2]} may be there twice" not in run.output


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
