# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The station of a hands-free line, with simulated devices that are plugged into its slots and pulled out of them."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet, processes
from tests.fleet.jig import Jig
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.services.label_printer import READY, LabelPrinter
from tests.services.line_station import PATIENCE, RunningStation, eventually
from tests.support.slots import service_of_a_line

__all__ = ["service_with"]

SILENT_SECONDS = 40.0
"""Within which a board that says nothing is FAIL, on a machine with other things to do."""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 4}) as fleet:
        yield fleet


def states(folder: Path) -> dict[str, State]:
    """The state of each ID that the ledger knows."""
    with Ledger(folder / ".local/share/ioto/ledger.db", read_only=True) as ledger:
        return {claim.claim_id: claim.state for claim in ledger.claims()}


def test_a_board_is_done_once_and_pass_again_when_it_is_plugged_again(tmp_path: Path, fleet: Fleet) -> None:
    pytest.importorskip("reportlab", reason="labels need the Python package reportlab")
    first, second, *_others = fleet.devices
    with LabelPrinter(tmp_path / "printer", status=READY) as printer:
        jig = Jig(fleet, slots=2, ioto_label_printer=printer.address)
        jig.plug("slot-2", first)  # is there before the station
        with RunningStation(tmp_path, jig) as station:
            assert first.serial in station.wait_for("slot-2 PASS")
            claim_id = first.claim_id()
            jig.pull("slot-2")
            station.wait_for("slot-2 EMPTY")

            jig.plug("slot-1", first)
            assert first.serial in station.wait_for("slot-1 PASS")
            jig.pull("slot-1")
            jig.plug("slot-1", second)  # no empty slot was seen
            assert second.serial in station.wait_for("slot-1 PASS")
            station.stop()

        assert first.claim_id() == claim_id != second.claim_id()
        assert states(tmp_path) == {claim_id: State.LABELLED, second.claim_id(): State.LABELLED}
        assert len(printer.labels()) == 2
        assert str(claim_id) not in station.log_text


def test_a_board_that_is_pulled_in_the_middle_hangs_nobody(tmp_path: Path, fleet: Fleet) -> None:
    pulled, other, *_others = fleet.devices
    jig = Jig(fleet, slots=2)
    with RunningStation(tmp_path, jig) as station:
        jig.plug("slot-1", pulled)
        station.wait_for("slot-1 WORKING Checking")
        jig.pull("slot-1")
        station.wait_for("slot-1 EMPTY")
        jig.plug("slot-1", other)
        jig.plug("slot-2", pulled)
        station.wait_for_each({f"slot-1 PASS {other.serial}", f"slot-2 PASS {pulled.serial}"})
        station.stop()
    assert sorted(states(tmp_path)) == sorted(str(device.claim_id()) for device in (pulled, other))


def test_a_silent_board_fails_in_its_time_and_the_next_one_in_its_slot_passes(tmp_path: Path, fleet: Fleet) -> None:
    if fleet.kind != "dropbear":
        pytest.skip("needs root and the Debian packages dropbear-bin and busybox")
    silent, following, beside, *_others = fleet.devices
    jig = Jig(fleet, slots=2)
    with RunningStation(tmp_path, jig) as station:
        jig.plug("slot-1", silent)
        station.wait_for("run for slot-1")
        for pid in processes.members(silent.root):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        jig.plug("slot-2", beside)
        # The other slot does not wait for it.
        station.wait_for("slot-2 PASS")
        station.wait_for("slot-1 FAIL", SILENT_SECONDS)
        jig.pull("slot-1")
        jig.plug("slot-1", following)
        assert following.serial in station.wait_for("slot-1 PASS")
        station.stop()
    assert silent.claim_id() is None


def test_boards_in_place_are_finished_after_the_station_was_killed_and_none_twice(tmp_path: Path, fleet: Fleet) -> None:
    jig = Jig(fleet, slots=4)
    with RunningStation(tmp_path, jig) as station:
        for number, device in enumerate(fleet.devices, start=1):
            jig.plug(f"slot-{number}", device)
        station.wait_for("WORKING Writing")
        tree = processes.descendants(station.pid)
        station.kill()
        # With it goes its run, in which each worker of Ansible is a session of its own.
        assert tree
        eventually(lambda: not any(map(is_alive, tree)) or None, PATIENCE, lambda: f"{tree} live on")

        station.start()
        station.wait_for_each({f"PASS {device.serial}" for device in fleet.devices})
        station.stop()
    ids = [str(device.claim_id()) for device in fleet.devices]
    assert states(tmp_path) == dict.fromkeys(ids, State.VERIFIED)
    assert len(set(ids)) == len(ids)
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["lock"]


def test_a_board_whose_run_was_killed_gets_another_one(tmp_path: Path, fleet: Fleet) -> None:
    jig = Jig(fleet, slots=2)
    with RunningStation(tmp_path, jig) as station:
        jig.plug("slot-1", fleet.devices[0])
        station.wait_for("WORKING Writing")
        # The leash, and the playbook that it holds.
        _leash, playbook, *_workers = processes.descendants(station.pid)
        os.kill(playbook, signal.SIGKILL)
        station.wait_for("The run for slot-1 was killed; the board gets another one")
        station.wait_for("slot-1 PASS")
        station.stop()
    assert states(tmp_path) == {fleet.devices[0].claim_id(): State.VERIFIED}


def test_a_slot_with_more_boards_than_a_person_plugs_is_stopped_until_somebody_says_so(
    tmp_path: Path, fleet: Fleet
) -> None:
    device, other, *_others = fleet.devices
    jig = Jig(fleet, slots=2)
    with RunningStation(tmp_path, jig, most_arrivals=2) as station:
        for _ in range(2):
            jig.plug("slot-1", device)
            station.wait_for("slot-1 PASS")
            jig.pull("slot-1")
            station.wait_for("slot-1 EMPTY")
        jig.plug("slot-1", device)
        line = station.wait_for("slot-1 FAIL")
        assert "Slot slot-1 had more than 2 boards within an hour and is stopped: look at its plug" in line
        assert "Call the technician" in line
        jig.plug("slot-2", other)
        station.wait_for("slot-2 PASS")
        assert len(re.findall(r"run for slot-1$", station.log_text, re.MULTILINE)) == 2

        station.signal(signal.SIGHUP)
        station.wait_for("slot-1 PASS")  # the board that is in it, as it is
        jig.pull("slot-1")
        station.wait_for("slot-1 EMPTY")
        station.stop()


def test_a_key_that_is_gone_is_no_fault_of_the_board(tmp_path: Path, fleet: Fleet) -> None:
    key = tmp_path / "key"
    shutil.copy(fleet.devices[0].key, key)
    jig = Jig(fleet, slots=1, ansible_ssh_private_key_file=str(key))
    with RunningStation(tmp_path, jig) as station:
        key.unlink()
        jig.plug("slot-1", fleet.devices[0])
        line = station.wait_for("slot-1 FAIL")
        assert "not set up right. Stop, and call the technician." in line and f"{key}', which opens the boards" in line
        station.stop()


def test_a_failed_board_is_not_tried_again_until_it_is_plugged_again(tmp_path: Path, fleet: Fleet) -> None:
    device, other, *_others = fleet.devices
    jig = Jig(fleet, slots=2)
    text = device.read("/etc/ioto/device.json5")
    device.write("/etc/ioto/device.json5", "{ no JSON5")
    with RunningStation(tmp_path, jig) as station:
        jig.plug("slot-1", device)
        station.wait_for("slot-1 FAIL")
        jig.plug("slot-2", other)
        station.wait_for("run for slot-2 ended")
        assert len(re.findall(r"run for slot-1$", station.log_text, re.MULTILINE)) == 1

        jig.pull("slot-1")
        device.write("/etc/ioto/device.json5", text)
        jig.plug("slot-1", device)
        station.wait_for("slot-1 PASS")
        station.stop()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_page_that_does_not_let_the_station_in_is_told_once_with_the_remedy(
    tmp_path: Path, fleet: Fleet, service_with: ServiceMaker
) -> None:
    service = service_of_a_line(service_with)
    token = tmp_path / "token"
    token.write_text("not the token of this line", encoding="utf-8")
    token.chmod(0o600)
    page = {"service_url": f"http://127.0.0.1:{service.port}", "token_file": str(token)}
    with RunningStation(tmp_path, Jig(fleet, slots=1), **page) as station:
        station.wait_for("does not let the station in; put the hash of its token in station_tokens")
        station.stop()
    told = re.findall(r"The page is not told: (.*)", station.log_text)
    # On a machine that does other things it may have been too late for another reason before.
    assert told and all(one != other for one, other in pairwise(told))
