# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run says its number when it begins, by which a report tells of all its hosts, however far it came."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fleet import Fleet
from tests.support.ansible import ROOT, command, environment, provision

pytestmark = pytest.mark.ansible

CALLBACKS = ("default", "ioto.serialization.progress")
NUMBER = re.compile(r"This is the run (\S+);")


def reported(home: Path, page: Path, run: str) -> dict[str, dict[str, Any]]:
    """What the report of a run says of each host."""
    variables = json.dumps({"ioto_report_dest": str(page), "ioto_report_run": run})
    done = provision(home, "-e", variables, playbook=ROOT / "playbooks/report.yml")
    assert done.status == 0, done.output
    return {line["host"]: line for line in map(json.loads, page.with_suffix(".jsonl").read_text().splitlines())}


@pytest.mark.parametrize("callback", CALLBACKS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_cut_off_is_reported_by_the_number_that_it_began_with(
    tmp_path: Path, home: Path, callback: str, how: signal.Signals
) -> None:
    said = tmp_path / "said"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 6}) as fleet, said.open("wb") as stream:
        process = subprocess.Popen(
            command(ROOT / "playbooks/provision.yml", "-i", fleet.inventory, "-f", "1"),
            cwd=home,
            env=environment(home, ANSIBLE_STDOUT_CALLBACK=callback, PYTHONUNBUFFERED="1"),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while not any(device.claim_id() for device in fleet.devices):
            assert process.poll() is None and time.monotonic() < deadline, said.read_text()
        os.killpg(process.pid, how)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            # Seen once: the interrupt left a lock of Ansible's own queue taken, and it waited for ever.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        names = {device.name for device in fleet.devices}

    numbers = NUMBER.findall(said.read_text())
    assert len(numbers) == 1, said.read_text()
    told = reported(home, tmp_path / "page.html", numbers[0])
    assert set(told) == names
    results = {line["result"] for line in told.values()}
    assert "not reached" in results and results & {"done", "unfinished", "failed"}, told
    assert {line["flow"] for line in told.values()} == {"manual"}


@pytest.mark.parametrize("engine", ["ansible", "fleet"])
def test_devices_that_a_killed_run_had_found_done_are_reported_so(tmp_path: Path, home: Path, engine: str) -> None:
    said = tmp_path / "said"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 4}) as fleet, said.open("wb") as stream:
        *done, last = fleet.devices
        options = ("-i", fleet.inventory, "-e", json.dumps({"ioto_engine": engine}))
        first = provision(home, *options, "--limit", ",".join(device.name for device in done))
        assert first.status == 0, first.output
        process = subprocess.Popen(
            command(ROOT / "playbooks/provision.yml", *options, "-f", "1"),
            cwd=home,
            env=environment(home, PYTHONUNBUFFERED="1"),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while last.claim_id() is None:  # with one at a time, the others have passed by then
            assert process.poll() is None and time.monotonic() < deadline, said.read_text()
        os.killpg(process.pid, signal.SIGKILL)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            # Seen once: the interrupt left a lock of Ansible's own queue taken, and it waited for ever.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    (number,) = NUMBER.findall(said.read_text())
    told = reported(home, tmp_path / "page.html", number)
    assert list(told) == [device.name for device in fleet.devices]
    assert {told[device.name]["result"] for device in done} == {"already done"}, told
    assert all(told[device.name]["serial"] == device.serial for device in done), told
    assert told[last.name]["result"] in {"done", "unfinished"}, told


@pytest.mark.parametrize("callback", CALLBACKS)
def test_runs_that_change_nothing_are_reported_with_their_units(tmp_path: Path, home: Path, callback: str) -> None:
    page = tmp_path / "own.html"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1, "auto": 1}) as fleet:
        runs = [
            provision(
                home,
                "-i",
                fleet.inventory,
                "-e",
                f"ioto_report_dest={page}",
                ANSIBLE_STDOUT_CALLBACK=callback,
            )
            for _time in range(3)
        ]
        checked = provision(home, "-i", fleet.inventory, "--check")

    assert not NUMBER.search(checked.output), checked.output
    for run, result in zip(runs, ("done", "already done", "already done"), strict=True):
        assert run.status == 0, run.output
        assert f"The report of 2 units is in {page}." in run.output
        (number,) = NUMBER.findall(run.output)
        assert f"under the run {number}." in run.output
        told = reported(home, tmp_path / "later.html", number)
        assert {host: line["result"] for host, line in told.items()} == {"manual-1": result, "auto-1": result}


def test_the_command_for_the_report_works_as_it_is_told_for_another_ledger(tmp_path: Path, home: Path) -> None:
    ledger = tmp_path / "the line's ledger.db"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        run = provision(home, "-i", fleet.inventory, "-e", json.dumps({"ioto_ledger": str(ledger)}))
        told = re.search(r"to report it: ansible-playbook ioto.serialization.report (.*)", run.output)
        default = provision(home, "-i", fleet.inventory)

    assert told, run.output
    page = tmp_path / "report.html"
    arguments = shlex.split(told[1])
    done = provision(home, *arguments, "-e", f"ioto_report_dest={page}", playbook=ROOT / "playbooks/report.yml")
    assert done.status == 0, done.output
    assert page.exists()
    assert re.search(r"-e ioto_report_run=\S+$", default.output, re.MULTILINE), default.output


@pytest.mark.parametrize("engine", ["ansible", "fleet"])
def test_a_device_that_another_ledgers_run_did_meanwhile_is_adopted_and_told(
    tmp_path: Path, home: Path, engine: str
) -> None:
    playbooks = ROOT / "playbooks"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        (device,) = fleet.devices
        other = " ".join(map(str, command(playbooks / "provision.yml", "-i", fleet.inventory)))
        meanwhile = tmp_path / "meanwhile.yml"
        meanwhile.write_text(
            yaml.safe_dump(
                [
                    {
                        "name": "Another run with another ledger, after this one has begun",
                        "hosts": "all",
                        "gather_facts": False,
                        "tasks": [
                            {"ioto.serialization.preflight": {}, "run_once": True},
                            {
                                "ansible.builtin.command": f"{other} -e ioto_ledger={tmp_path}/other.db",
                                "delegate_to": "localhost",
                                "vars": {"ansible_connection": "local"},
                            },
                        ],
                    },
                    {"import_playbook": str(playbooks / "provision.yml")},
                ]
            )
        )
        options = ("-i", fleet.inventory, "-e", f"ioto_engine={engine}")
        collections = {"ANSIBLE_COLLECTIONS_PATH": str(playbooks / "collections")}
        run = provision(home, *options, playbook=meanwhile, **collections)
        claim_id = device.claim_id()
        assert run.status == 0, run.output
        assert "Adopted: the claim ID of 1 device" in run.output
        told = f"{device.name}: Its claim ID was written while this run went on, and is not from this ledger"
        assert told in run.output, run.output

        # Long after, it is a device that had its ID, and no more.
        os.utime(device.path("/etc/ioto/device.json5"), (1, 1))
        later = provision(home, *options, "-e", f"ioto_ledger={tmp_path}/third.db")
        assert later.status == 0 and "Adopted: " in later.output, later.output
        assert "while this run went on" not in later.output and device.claim_id() == claim_id
