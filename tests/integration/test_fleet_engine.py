# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet engine on real devices: the truth for each, and nothing lost when it is killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import DeviceSpec, Fleet
from tests.support.ansible import ROOT as REPOSITORY
from tests.support.ansible import Run, command, copy_with_a_defect, environment, provision

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")
pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]


def run_fleet(home: Path, fleet: Fleet, *arguments: str | Path) -> Run:
    return provision(home, "-i", fleet.inventory, "-e", "ioto_engine=fleet", *arguments)


def ledger_of(home: Path) -> Ledger:
    return Ledger(home / ".local/share/ioto/ledger.db", read_only=True)


def records(home: Path) -> dict[str, State]:
    with ledger_of(home) as ledger:
        return {claim.claim_id: claim.state for claim in ledger.claims()}


def assert_all_done(fleet: Fleet, home: Path) -> None:
    ids = [device.claim_id() for device in fleet.devices]
    assert all(is_valid(claim_id) for claim_id in ids)
    assert len(set(ids)) == len(ids)
    assert records(home) == dict.fromkeys(ids, State.VERIFIED)
    for device in fleet.devices:
        assert [name for name in device.listdir("/etc/ioto") if ".ioto-" in name] == []


def test_one_task_does_all_flows_and_a_second_run_changes_nothing(tmp_path: Path, home: Path) -> None:
    groups = {"manual": 4, "auto": 2, "factory": 2}
    with Fleet.start(tmp_path / "fleet", groups=groups, kind="dropbear", factory=True) as fleet:
        first = run_fleet(home, fleet)
        assert first.status == 0, first.output
        assert "8 devices: 8 done, 0 already done, 0 failed, 0 unreachable." in first.output
        assert_all_done(fleet, home)
        for device in fleet.devices:
            assert device.claim_id() not in first.output

        second = run_fleet(home, fleet)
        assert second.status == 0, second.output
        assert "8 devices: 0 done, 8 already done" in second.output
        assert second.changed == 0
        assert_all_done(fleet, home)


def test_check_mode_says_what_a_run_does_and_changes_nothing(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        before = [device.read("/etc/ioto/device.json5") for device in fleet.devices]
        run = run_fleet(home, fleet, "--check", "--diff")
        assert run.status == 0, run.output
        assert "2 devices: 2 would be done" in run.output
        assert run.output.count('+    id: "**********"') + run.output.count("+    id: '**********'") == 2
        assert [device.read("/etc/ioto/device.json5") for device in fleet.devices] == before
        assert not (home / ".local/share/ioto/ledger.db").exists()


def test_a_dead_and_a_broken_device_fail_alone_and_limit_takes_them_up(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 5}, kind="dropbear") as fleet:
        dead, broken, *good = fleet.devices
        dead.stop()
        sound = broken.read("/etc/ioto/device.json5")
        broken.write("/etc/ioto/device.json5", "{ product: ")

        run = run_fleet(home, fleet)

        assert run.status == 4, run.output
        assert "5 devices: 3 done, 0 already done, 1 failed, 1 unreachable." in run.output
        assert run.failed == {broken.name}
        assert run.unreachable == {dead.name}
        assert all(is_valid(device.claim_id()) for device in good)

        dead.restart()
        broken.write("/etc/ioto/device.json5", sound)
        again = run_fleet(home, fleet, "--limit", f"{dead.name},{broken.name}")
        assert again.status == 0, again.output
        assert_all_done(fleet, home)


DEFECT = """

_without_defect = run_flow


def run_flow(device, *arguments, **more):
    if device.name == "manual-2":
        raise KeyError("JT08FFQXWQ")
    return _without_defect(device, *arguments, **more)
"""


def test_a_defect_shows_on_its_device_alone_and_its_trace_to_who_asks(tmp_path: Path, home: Path) -> None:
    clone = copy_with_a_defect(tmp_path, "plugins/plugin_utils/flows/flow.py", DEFECT)
    playbook = clone / "playbooks/provision.yml"
    engine = "-e", "ioto_engine=fleet"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 4}, kind="dropbear") as fleet:
        quiet = provision(home, "-i", fleet.inventory, *engine, "-vv", playbook=playbook)
        asked = provision(home, "-i", fleet.inventory, *engine, "-vvv", playbook=playbook)

    assert quiet.status == asked.status == 2
    assert quiet.failed == asked.failed == {"manual-2"}
    assert "4 devices: 3 done, 0 already done, 1 failed, 0 unreachable." in quiet.output
    assert "manual-2: The fleet engine has a defect that shows on manual-2 (KeyError: '********WQ'); report it" in (
        quiet.output
    )
    assert "Traceback" not in quiet.output
    assert asked.output.count("Traceback (most recent call last)") == 1
    assert 'raise KeyError("********WQ")' in asked.output
    assert "JT08FFQXWQ" not in quiet.output + asked.output


def test_a_shell_that_ends_and_one_that_never_does_fail_alone_each_with_its_reason(tmp_path: Path, home: Path) -> None:
    playbook = tmp_path / "fleet.yml"
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ioto.serialization.serialize_fleet:\n",
        encoding="utf-8",
    )
    with Fleet.start(tmp_path / "fleet", groups={"manual": 4}, kind="dropbear") as fleet:
        ends, drips, complains, good = fleet.devices
        for device, script in (
            (ends, "echo no such thing >&2; exit 127"),
            (drips, "while :; do printf .; sleep 0.3; done"),
            (complains, "echo out of order >&2; sleep 60"),
        ):
            shell = device.root / "bin/sh"
            shell.unlink()
            shell.write_text(f"#!/usr/bin/busybox sh\n{script}\n", encoding="utf-8")
            shell.chmod(0o755)

        collections = str(REPOSITORY / "playbooks/collections")
        # Those alone that never end: the others have time, however busy the machine is.
        limits = {name: {"ioto_device_timeout": 5} for name in (drips.name, complains.name)}
        (tmp_path / "limits.json").write_text(json.dumps({"manual": {"hosts": limits}}), encoding="utf-8")
        arguments = "-i", fleet.inventory, "-i", tmp_path / "limits.json"
        run = provision(home, *arguments, playbook=playbook, ANSIBLE_COLLECTIONS_PATH=collections)

        assert run.status == 2, run.output
        assert "4 devices: 1 changed, 0 already done, 1 failed, 2 unreachable." in run.output
        assert f"{ends.name} did not finish our script (exit status 127); it said: no such thing." in run.output
        assert f"{drips.name} was not done within 5 s (ioto_device_timeout). See whether" in run.output
        assert f"{complains.name} was not done within 5 s (ioto_device_timeout); it said: out of order." in run.output
        assert is_valid(good.claim_id())


def test_what_cannot_be_honoured_is_refused_by_name_before_a_device_is_touched(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        before = [device.read("/etc/ioto/device.json5") for device in fleet.devices]
        run = run_fleet(
            home, fleet, "-e", "ansible_become=true", "-e", "ansible_ssh_extra_args='-o ProxyCommand=nc -D 1'"
        )
        assert run.status == 2
        for name in ("become", "proxycommand nc", "dynamicforward 1", "ioto_engine: ansible", "manual-1, manual-2"):
            assert name in run.output
        assert [device.read("/etc/ioto/device.json5") for device in fleet.devices] == before


def test_a_password_does_as_well_as_a_key(tmp_path: Path, home: Path) -> None:
    specs = [DeviceSpec(password=True), DeviceSpec(password=True)]
    with Fleet.start(tmp_path / "fleet", specs=specs, kind="dropbear") as fleet:
        run = run_fleet(home, fleet)
        assert run.status == 0, run.output
        assert fleet.password not in run.output
        assert_all_done(fleet, home)


def test_a_jump_host_leads_to_a_device(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        # As for ssh, what the jump host wants is said for itself, in the configuration.
        way = fleet.devices[0]
        configuration = tmp_path / "ssh_config"
        configuration.write_text(
            f"Host way\n  HostName {way.address}\n  IdentityFile {way.key}\n  StrictHostKeyChecking no\n",
            encoding="utf-8",
        )
        arguments = f"-F {configuration} -J {way.user}@way:{way.port}"
        run = run_fleet(home, fleet, "-e", f"ansible_ssh_extra_args='{arguments}'")
        assert run.status == 0, run.output
        assert_all_done(fleet, home)


def test_a_unit_whose_host_key_has_changed_is_refused_unless_that_is_said(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        assert run_fleet(home, fleet).status == 0
        with ledger_of(home) as ledger:
            keys = {str(claim.details["host_key"]) for claim in ledger.claims()}
        assert len(keys) == 2
        assert all(key.startswith("SHA256:") for key in keys)

        changed = fleet.devices[0]
        changed.stop()
        for name in changed.listdir("/etc/dropbear"):
            changed.remove(f"/etc/dropbear/{name}")
        changed.restart()
        refused = run_fleet(home, fleet)
        assert refused.status == 2, refused.output
        old = re.search(r"-e (ioto_accept_board=SHA256:\S+) -e ioto_reason=WHY", refused.output)
        assert old is not None, refused.output
        assert refused.failed == {changed.name}

        accepted = run_fleet(home, fleet, "-e", old[1], "-e", "ioto_reason=reflashed")
        assert accepted.status == 0, accepted.output
        with ledger_of(home) as ledger:
            assert [event.reason for event in ledger.events(kinds=[EventKind.HOST_KEY])] == ["reflashed"]
        assert run_fleet(home, fleet).status == 0


def test_killed_in_the_middle_of_sixty_devices_and_run_again_sixty_have_their_ids(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 60}, kind="dropbear") as fleet:
        process = subprocess.Popen(
            command(REPOSITORY / "playbooks/provision.yml", "-i", fleet.inventory, "-e", "ioto_engine=fleet"),
            cwd=home,
            env=environment(home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        database = home / ".local/share/ioto/ledger.db"
        while not (database.exists() and len(records(home)) >= 10):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        drawn = set(records(home))

        told = provision(home, playbook=REPOSITORY / "playbooks/report.yml")
        assert told.status == 0, told.output
        assert "That run has not come to its end: this is how far it went." in told.output
        assert len((home / "ioto-report.jsonl").read_text().splitlines()) >= len(drawn)

        run = run_fleet(home, fleet)

        assert len(drawn) < 60, "it was killed too late to show anything"
        assert run.status == 0, run.output
        assert "60 devices: " in run.output
        assert " 0 failed, 0 unreachable." in run.output
        assert_all_done(fleet, home)
        assert drawn <= set(records(home))
