# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job is checked once, done in slices that may be on several machines, and finished as one run."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet
from tests.support.ansible import ROOT, Run, command, environment, provision

pytestmark = pytest.mark.ansible
needs_boards = pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
    reason="needs root and the Debian packages dropbear-bin and busybox",
)
JOB = re.compile(r"This is the job (\S+);")
SLICE = re.compile(r"This is the slice (\S+) of the job")


def step(home: Path, name: str, *options: str | Path, **more: str) -> Run:
    return provision(home, *options, playbook=ROOT / f"playbooks/job_{name}.yml", **more)


def ledger_of(home: Path) -> Ledger:
    return Ledger(home / ".local/share/ioto/ledger.db", read_only=True)


def inventory_of(fleet: Fleet, path: Path, *names: str) -> Path:
    """An inventory with these devices of the fleet alone, in this order, as AWX gives one to a slice."""
    whole = yaml.safe_load(fleet.inventory.read_text())
    path.write_text(yaml.safe_dump(only(whole, names), sort_keys=False))
    return path


def only(node: object, names: tuple[str, ...]) -> object:
    if not isinstance(node, dict):
        return node
    kept = {key: only(value, names) for key, value in node.items() if key != "hosts"}
    if "hosts" in node:
        kept["hosts"] = {name: node["hosts"][name] for name in names if name in node["hosts"]}
    return kept


def twins(fleet: Fleet, *names: str) -> None:
    """Have these devices be boards with one address, which is all that names them."""
    for name in names:
        root = fleet.state_dir / "devices" / name
        (root / "proc/device-tree/serial-number").unlink()
        address = root / "sys/class/net/eth0/address"
        address.unlink()
        address.write_text("00:1b:21:3a:40:03\n")


@needs_boards
def test_slices_on_several_machines_are_one_run(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 6}, kind="dropbear") as fleet:
        twins(fleet, "manual-5", "manual-6")
        options: tuple[str, ...] = (
            *("-e", f"ioto_label_dest={home}/labels.pdf ioto_label_brand=X ioto_label_product_name=Y"),
            *("-e", f"ioto_report_dest={home}/report.html"),
        )
        # The order of the line is another than that of the names, and than the one in which the slices come.
        whole = inventory_of(fleet, tmp_path / "whole.yml", *(f"manual-{number}" for number in (3, 1, 5, 2, 6, 4)))
        checked = step(home, "check", "-i", whole, *options, ANSIBLE_SHOW_CUSTOM_STATS="1")
        assert checked.status == 0, checked.output
        job = JOB.findall(checked.output)[0]
        assert f'RUN: {{ "ioto_job": "{job}"}}' in checked.output  # what AWX hands on to the next step
        options = (*options, "-e", f"ioto_job={job}")

        tried = step(home, "provision", "-i", whole, *options, "--limit", "manual-1", "--check")
        assert tried.status == 0 and "1 device: 1 would be done" in tried.output, tried.output
        first = step(home, "provision", "-i", whole, *options, "--limit", "manual-1,manual-2,manual-5")
        assert first.status == 0 and "3 devices: 3 done" in first.output, first.output
        part = inventory_of(fleet, tmp_path / "part.yml", "manual-6", "manual-4", "manual-3")
        second = step(home, "provision", "-i", part, *options, "-e", "ioto_engine=fleet")
        assert second.status == 2 and "3 devices: 2 done, 0 already done, 1 failed" in second.output, second.output
        assert "manual-5 and manual-6 both say that they are" in second.output
        with ledger_of(home) as ledger:
            slices = SLICE.findall(first.output + second.output)
            told = [json.loads(event.detail or "") for event in ledger.events(run=job, kinds=[EventKind.SLICE])]
            assert [one["slice"] for one in told] == slices

        finished = step(home, "finish", "-i", whole, *options)
        again = step(home, "finish", "-i", whole, *options)

    for finish in (finished, again):
        assert finish.status == 2 and finish.failed == {"manual-5", "manual-6"}, finish.output
        assert "6 devices: 4 done, 0 already done, 2 failed, 0 unreachable." in finish.output
        assert "It and manual-6 say that they are the same unit" in finish.reasons["manual-5"]
        assert "It and manual-5 say that they are the same unit" in finish.reasons["manual-6"]
        assert f"under the run {job}." in finish.output and "The report of 6 units is in" in finish.output
    assert "Labels: 4 made, 0 there already" in finished.output
    assert "Labels: 0 made, 4 there already" in again.output and again.changed == 0
    assert "The job was finished before, at" in again.output and "nothing has changed since" in again.output
    report = {line["host"]: line for line in map(json.loads, (home / "report.jsonl").read_text().splitlines())}
    assert list(report) == ["manual-3", "manual-1", "manual-5", "manual-2", "manual-6", "manual-4"]
    assert {host for host, line in report.items() if line["result"] == "done"} == {*report} - {"manual-5", "manual-6"}
    with ledger_of(home) as ledger:
        assert [event.host for event in ledger.events(run=job, kinds=[EventKind.LABELLED])] == [
            *("manual-3", "manual-1", "manual-2", "manual-4")
        ]
        (end,) = ledger.events(run=job, kinds=[EventKind.RUN])
        begun = next(ledger.events(run=job))
        assert json.loads(end.detail or "")["started"] < begun.at.isoformat()
        assert {event.run for event in ledger.events()} == {job}
        assert not check_integrity(ledger.database).findings


@pytest.fixture
def stopped_slice(tmp_path: Path, home: Path) -> Iterator[tuple[Fleet, str, str, subprocess.Popen[bytes]]]:
    """A slice of a job that is held in the middle: one of its four devices has its ID; a fifth is in no slice."""
    said = tmp_path / "said"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 5}) as fleet, said.open("wb") as stream:
        job = JOB.findall(step(home, "check", "-i", fleet.inventory).output)[0]
        options = ("-i", fleet.inventory, "-e", f"ioto_job={job}", "--limit", "all:!manual-5", "-f", "1")
        process = subprocess.Popen(
            command(ROOT / "playbooks/job_provision.yml", *options),
            cwd=home,
            env=environment(home, PYTHONUNBUFFERED="1"),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 120
            while not any(device.claim_id() for device in fleet.devices):
                assert process.poll() is None and time.monotonic() < deadline, said.read_text()
            os.killpg(process.pid, signal.SIGSTOP)
            yield fleet, job, SLICE.findall(said.read_text())[0], process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=60)


def test_a_slice_keeps_its_hosts_until_it_dies_and_is_replaced(
    home: Path, stopped_slice: tuple[Fleet, str, str, subprocess.Popen[bytes]]
) -> None:
    fleet, job, number, process = stopped_slice
    options = ("-i", fleet.inventory, "-e", f"ioto_job={job}")

    refused = step(home, "provision", *options, "--limit", "manual-4,manual-5")
    assert refused.status == 2, refused.output
    assert "1 host of this slice (manual-4) is in another one that has not ended" in refused.output
    assert f"the slice {number} (" in refused.output and "it runs on this machine" in refused.output
    assert f"-e ioto_replaces_slice={number}" in refused.output
    assert fleet["manual-5"].claim_id() is None

    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    labels = ("-e", f"ioto_label_dest={home}/labels.pdf ioto_label_brand=X ioto_label_product_name=Y")
    early = step(home, "finish", *options, *labels)
    assert early.status == 2 and "5 devices: 0 done, 0 already done, 5 failed" in early.output, early.output
    assert f"the slice {number} (" in early.reasons["manual-1"] and "has not ended" in early.reasons["manual-1"]
    assert "no slice came to it" in early.reasons["manual-5"]
    assert "No labels are made before each host of the job has had its slice" in early.output

    replaced = step(home, "provision", *options)
    assert replaced.status == 0 and f"It took the place of the slice {number} (" in replaced.output, replaced.output
    done = step(home, "finish", *options, *labels)
    assert done.status == 0 and "Labels: 5 made" in done.output, done.output
    assert "5 devices: 5 done, 0 already done" in done.output  # whichever of the slices did each
    assert "what has changed since is recorded now" in done.output
    assert len({device.claim_id() for device in fleet.devices} - {None}) == 5
    with ledger_of(home) as ledger:
        assert [claim.state for claim in ledger.claims()] == [State.LABELLED] * 5


def test_a_step_that_is_not_of_the_job_is_refused_before_any_device_is_touched(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "hosts.yml"
    variables = {"ioto_mode": "manual", "ioto_product": "01G8YJKKRNTHW213TRZYX3YH0M"}
    path.write_text(yaml.safe_dump({"all": {"hosts": {"pump": {"ansible_host": "192.0.2.1"}}, "vars": variables}}))

    tried = step(home, "check", "-i", path, "--check")
    assert tried.status == 0 and not JOB.findall(tried.output), tried.output
    assert not (home / ".local/share/ioto/ledger.db").exists()
    without = step(home, "provision", "-i", path)
    assert without.status == 2 and "nothing says which job this step is of; give -e ioto_job=NUMBER" in without.output
    assert "\n- pump: " in without.output.replace("\\n", "\n")
    whole = provision(home, "-i", path, "-e", "ioto_job=20261127T143210-7QK4XW")
    assert whole.status == 2 and "this playbook does all three steps by itself; leave it out" in whole.output
    nobody = step(home, "finish", "-i", path, "-e", "ioto_mode=none ioto_job=20261127T143210-7QK4XW")
    assert nobody.status == 2 and "There is nothing to do: no host of this inventory has a flow" in nobody.output
