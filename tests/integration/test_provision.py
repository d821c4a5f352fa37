# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playbooks/provision.yml` over real SSH: every device ends with its own ID, and the run tells the truth about it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import DeviceSpec, Fleet
from tests.support.ansible import command, environment, provision, provision_here

pytestmark = pytest.mark.ansible

FILE = "/etc/ioto/device.json5"

needs_chroot = pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
    reason="needs root and the Debian packages dropbear-bin and busybox",
)


def ledger_of(home: Path) -> Path:
    return home / ".local/share/ioto/ledger.db"


def records(home: Path) -> dict[str, State]:
    """The state of each claim ID that the ledger knows."""
    with Ledger(ledger_of(home), read_only=True) as ledger:
        return {claim.claim_id: claim.state for claim in ledger.claims()}


def extra(folder: Path, hosts: dict[str, dict[str, object]]) -> Path:
    """An inventory that adds variables to hosts."""
    path = folder / "extra.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return path


def assert_all_done(fleet: Fleet, home: Path) -> None:
    ids = [device.claim_id() for device in fleet.devices]
    assert all(is_valid(claim_id) for claim_id in ids)
    assert records(home) == dict.fromkeys(ids, State.VERIFIED)
    assert len(set(ids)) == len(ids)
    for device in fleet.devices:
        assert [name for name in device.listdir("/etc/ioto") if ".ioto-" in name] == []


@pytest.fixture(params=["dropbear", "python-ssh"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "dropbear" and needs_chroot.args[0]:
        pytest.skip(needs_chroot.kwargs["reason"])
    return str(request.param)


def test_a_whole_inventory_is_done_by_its_groups_and_a_second_run_changes_nothing(
    tmp_path: Path, home: Path, kind: str
) -> None:
    groups = {"manual": 3, "auto": 3, "factory": 3}
    with Fleet.start(tmp_path / "fleet", groups=groups, kind=kind, factory=True) as fleet:
        originals = {device.name: device.read(FILE) for device in fleet.devices}

        predicted = provision(home, "-i", fleet.inventory, "--check", "--diff")
        assert predicted.status == 0, predicted.output
        assert {device.name: device.read(FILE) for device in fleet.devices} == originals
        assert not ledger_of(home).exists()
        assert f"There is no ledger in {ledger_of(home)} yet; a run makes a new one there." in predicted.output
        assert "The records are in" not in predicted.output

        first = provision(home, "-i", fleet.inventory, "-v", "--diff")
        assert first.status == 0, first.output
        assert "9 devices: 9 done, 0 already done, 0 failed, 0 unreachable." in first.output
        assert "A new ledger was made in " in first.output and "The records are in " in first.output
        assert str(ledger_of(home)) in first.output
        assert_all_done(fleet, home)
        assert ledger_of(home).stat().st_mode & 0o777 == 0o600
        for device in fleet.devices:
            assert device.claim_id() not in first.output
            assert device.mode(FILE) == 0o600
            if device.group != "auto":
                lines = device.read(FILE).splitlines(keepends=True)
                added = str(device.claim_id()).encode()
                assert b"".join(line for line in lines if added not in line) == originals[device.name]

        second = provision(home, "-i", fleet.inventory)
        assert (second.status, second.changed) == (0, 0), second.output
        assert "9 devices: 0 done, 9 already done, 0 failed, 0 unreachable." in second.output
        assert "A new ledger" not in second.output


def test_an_id_is_replaced_by_its_name_and_once(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        (device,) = fleet.devices
        assert provision(home, "-i", fleet.inventory).status == 0
        old = str(device.claim_id())
        named = "-e", f"ioto_replace_id={old}", "-e", "ioto_reason=scratched"

        refused = provision(home, "-i", fleet.inventory, "-e", "ioto_force=true", *named[:2])
        assert refused.status != 0
        assert "the variable ioto_force is gone: name what is to be replaced in" in refused.output
        assert "with ioto_replace_id the ledger keeps why; give ioto_reason." in refused.output

        void = f"the claim ID of 1 device; labels with the old one are void: {device.name} (********{old[-2:]})."
        predicted = provision(home, "-i", fleet.inventory, "--check", *named)
        assert f"Would be replaced: {void}" in predicted.output, predicted.output
        assert device.claim_id() == old
        replaced = provision(home, "-i", fleet.inventory, *named)
        assert f"Replaced: {void}" in replaced.output, replaced.output
        new = str(device.claim_id())
        assert new != old
        left = provision(home, "-i", fleet.inventory, *named)
        assert (left.status, left.changed, device.claim_id()) == (0, 0, new)
        assert "ioto_replace_id replaced nothing" in left.output
        assert not any(text in run.output for run in (predicted, replaced, left) for text in (old, new))


def test_a_batch_with_mistakes_touches_no_device_and_lists_them_all(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 4}) as fleet:
        taken = provision(home, "-i", fleet.inventory, "--limit", "manual-1")
        assert taken.status == 0, taken.output
        untouched = {device.name: device.read(FILE) for device in fleet.devices}
        foreign = fleet["manual-1"].claim_id()
        mistakes = extra(
            tmp_path,
            {
                "manual-2": {"ioto_claim_id": "JT08FFQXWQ"},
                "manual-3": {"ioto_claim_id": "JT08FFQXWQ"},
                "manual-4": {"ioto_claim_id": "JT08FUQXWQ"},
                "more": {"ioto_mode": "manual", "ioto_claim_id": foreign, "ioto_serial": "SN-X", "ansible_host": "::1"},
            },
        )

        run = provision(home, "-i", fleet.inventory, "-i", mistakes)

        assert run.status != 0
        assert "The batch has 3 problems, and no device was touched:" in run.output
        assert "- manual-2, manual-3: " in run.output
        assert "- manual-4: " in run.output
        assert "- more: " in run.output
        assert foreign not in run.output and "JT08FFQXWQ" not in run.output
        assert {device.name: device.read(FILE) for device in fleet.devices} == untouched
        assert len(records(home)) == 1


@needs_chroot
def test_devices_that_fail_each_say_why_and_stop_no_other(tmp_path: Path, home: Path) -> None:
    specs = [
        DeviceSpec(group="manual", name="good"),
        DeviceSpec(group="manual", name="broken", files={"device.json5": "{ product: 'x'\n name: 'y' }"}),
        DeviceSpec(group="manual", name="full", storage="full"),
        DeviceSpec(group="manual", name="readonly", storage="readonly"),
        DeviceSpec(group="manual", name="copied", claim_id="JT08FFQXWQ"),
        DeviceSpec(group="manual", name="copy", claim_id="JT08FFQXWQ"),
        DeviceSpec(group="manual", name="gone"),
        DeviceSpec(group="auto", name="forgetful", agent="3.0.0"),
        DeviceSpec(group="factory", name="late"),
    ]
    with Fleet.start(tmp_path / "fleet", specs=specs, factory=True) as fleet:
        before = {device.name: device.read(FILE) for device in fleet.devices}
        fleet["gone"].stop()
        waits = extra(tmp_path, {"forgetful": {"ioto_agent_wait": 2}})

        run = provision(home, "-i", fleet.inventory, "-i", waits, ANSIBLE_TIMEOUT="3")

        assert run.status == 4, run.output
        assert "9 devices: 3 done, 0 already done, 5 failed, 1 unreachable." in run.output
        said = run.reasons
        assert "line 1" in said["broken"]
        assert "No space left on device" in said["full"]
        assert "Read-only file system" in said["readonly"] or "may not be written" in said["readonly"]
        assert "2.8 to 3.0.0" in said["forgetful"]
        assert len({"copied", "copy"} & set(said)) == 1
        assert run.unreachable == {"gone"}
        assert run.failed == set(said) - {"gone"}
        assert "Traceback" not in run.output
        for name in ("broken", "full", "readonly", "forgetful"):
            assert fleet[name].read(FILE) == before[name]
            assert [entry for entry in fleet[name].listdir("/etc/ioto") if ".ioto-" in entry] == []

        fleet["gone"].restart()
        rest = provision(
            home, "-i", fleet.inventory, "-i", waits, "--limit", "gone,forgetful", "-e", "ioto_agent_fallback=generated"
        )
        assert rest.status == 0, rest.output
        assert is_valid(fleet["gone"].claim_id()) and is_valid(fleet["forgetful"].claim_id())


@needs_chroot
def test_groups_whose_devices_all_fail_do_not_end_the_run(tmp_path: Path, home: Path) -> None:
    broken = {"device.json5": "{"}
    specs = [DeviceSpec(group="manual", name="broken", files=broken), DeviceSpec(group="auto", name="good")]
    with Fleet.start(tmp_path / "fleet", specs=specs) as fleet:
        run = provision(home, "-i", fleet.inventory)

        assert run.status == 2
        assert "2 devices: 1 done, 0 already done, 1 failed, 0 unreachable." in run.output
        assert is_valid(fleet["good"].claim_id())


@needs_chroot
def test_password_logins_and_other_users_work(tmp_path: Path, home: Path) -> None:
    specs = [
        DeviceSpec(group="manual", name="password", password=True),
        DeviceSpec(group="manual", name="operator", user="operator", password=True),
    ]
    with Fleet.start(tmp_path / "fleet", specs=specs) as fleet:
        become = extra(
            tmp_path,
            {
                "operator": {
                    "ansible_become": True,
                    "ansible_become_method": "su",
                    "ansible_become_password": fleet.password,
                }
            },
        )
        run = provision(home, "-i", fleet.inventory, "-i", become)

        assert run.status == 0, run.output
        assert_all_done(fleet, home)
        assert fleet["operator"].owner(FILE) == 0
        assert fleet.password not in run.output


@needs_chroot
def test_a_link_the_owner_and_the_mode_stay(tmp_path: Path, home: Path) -> None:
    specs = [
        DeviceSpec(group="manual", name="linked", linked=True),
        DeviceSpec(group="manual", name="owned", owner=1000, mode=0o640),
    ]
    with Fleet.start(tmp_path / "fleet", specs=specs) as fleet:
        run = provision(home, "-i", fleet.inventory)

        assert run.status == 0, run.output
        assert_all_done(fleet, home)
        assert (fleet["owned"].owner(FILE), fleet["owned"].mode(FILE)) == (1000, 0o640)
        assert fleet["linked"].ssh("ls -l /etc/ioto/device.json5").stdout.startswith("l")


@needs_chroot
@pytest.mark.parametrize("configuration", ["ioto.json5", "config.json5"])
def test_an_agent_that_asks_the_service_itself_is_configured_awaited_and_compared(
    tmp_path: Path, home: Path, configuration: str
) -> None:
    specs = [DeviceSpec(group="factory", name="asking", configuration=configuration, agent_delay=1.0)]
    with Fleet.start(tmp_path / "fleet", specs=specs, factory=True) as fleet:
        run = provision(home, "-i", fleet.inventory, "-e", "ioto_factory_delivery=agent")

        assert run.status == 0, run.output
        assert_all_done(fleet, home)
        assert provision(home, "-i", fleet.inventory, "-e", "ioto_factory_delivery=agent").changed == 0


def test_values_that_no_flow_takes_are_told_together_before_the_first_device(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 4, "auto": 1}) as fleet:
        untouched = {device.name: device.read(FILE) for device in fleet.devices}
        mistakes = extra(
            tmp_path,
            {
                "manual-1": {"ioto_serial": "{{ nowhere }}"},
                "manual-2": {"ioto_properties": {"site": "{{ nowhere }}"}},
                "manual-3": {"ioto_properties": {"id": "JT08FFQXWQ"}},
                "auto-1": {"ioto_agent_wait": "abc"},
            },
        )

        run = provision(home, "-i", fleet.inventory, "-i", mistakes)

        assert run.status != 0
        assert "The batch has 4 problems, and no device was touched:" in run.output
        for sentence in (
            "manual-1: ioto_serial has no value: 'nowhere' is undefined.",
            "manual-2: ioto_properties has no value: 'nowhere' is undefined.",
            "manual-3: ioto_properties holds id, which is reserved;",
            "auto-1: ioto_agent_wait is abc; give a whole number from 0 to 86400.",
        ):
            assert sentence in run.output
        assert {device.name: device.read(FILE) for device in fleet.devices} == untouched


def test_the_local_connection_works(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "etc/ioto"
    folder.mkdir(parents=True)
    inventory = extra(
        tmp_path,
        {
            "here": {
                "ansible_connection": "local",
                "ioto_mode": "manual",
                "ioto_config_dir": str(folder),
                "ioto_serial": "SN-1",
                "ioto_product": "01K9F1EETDEV1CEPR0DVCT0001",
            }
        },
    )
    assert provision_here(home, "-i", inventory).changed == 1
    assert provision_here(home, "-i", inventory).changed == 0


@needs_chroot
def test_a_controller_that_is_killed_in_the_middle_loses_and_repeats_nothing(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 60}) as fleet:
        for target in (1, 20, 40):
            process = subprocess.Popen(
                command("-i", fleet.inventory, str(Path(__file__).parents[2] / "playbooks/provision.yml")),
                cwd=home,
                env=environment(home),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            deadline = time.monotonic() + 120
            while not ledger_of(home).exists() or len(records(home)) < target:
                assert process.poll() is None and time.monotonic() < deadline, "the batch ended before it was killed"
                time.sleep(0.005)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        drawn = set(records(home))

        run = provision(home, "-i", fleet.inventory)

        assert run.status == 0, run.output
        assert "60 devices: " in run.output and " 0 failed, 0 unreachable." in run.output
        assert_all_done(fleet, home)
        assert drawn <= set(records(home))
