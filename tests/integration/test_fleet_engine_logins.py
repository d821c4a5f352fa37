# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the fleet engine proves who it is, whom it believes, and where it writes down what it did."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_keys import KeyFileError, load_key
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet
from tests.support.ansible import ROOT, Run, provision

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")
pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]

_PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - ioto.serialization.serialize_fleet:
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        yield fleet


@pytest.fixture
def locked_key(fleet: Fleet, tmp_path: Path) -> Path:
    """The fleet's key under the passphrase `open sesame`."""
    key = tmp_path / "locked"
    shutil.copy(fleet.devices[0].key, key)
    subprocess.run(("ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", str(key)), check=True)
    return key


@pytest.fixture
def agent(fleet: Fleet, tmp_path: Path) -> Iterator[str]:
    """The socket of an SSH agent that holds the fleet's key."""
    with agent_with(fleet, tmp_path) as socket:
        yield socket


@contextmanager
def agent_with(fleet: Fleet, tmp_path: Path) -> Iterator[str]:
    socket = str(tmp_path / "agent")
    process = subprocess.Popen(("ssh-agent", "-D", "-a", socket), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        process.stdout.readline()  # it tells where it listens when it does
        environment = {**os.environ, "SSH_AUTH_SOCK": socket}
        subprocess.run(("ssh-add", "-q", str(fleet.devices[0].key)), env=environment, check=True)
        yield socket
    finally:
        process.kill()
        process.communicate()


def run_fleet(home: Path, fleet: Fleet, *variables: str, **environment: str) -> Run:
    # The engine's task alone: what provision.yml does around it is the subject of test_fleet_engine.py.
    playbook = home / "fleet.yml"
    playbook.write_text(_PLAYBOOK, encoding="utf-8")
    arguments = [word for variable in variables for word in ("-e", variable)]
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections"), **environment}
    return provision(home, "-i", fleet.inventory, *arguments, playbook=playbook, **environment)


def trusting(policy: str, known_hosts: Path) -> str:
    options = f"-o StrictHostKeyChecking={policy} -o UserKnownHostsFile={known_hosts} -o GlobalKnownHostsFile=none"
    return f"ansible_ssh_common_args='{options}'"


def known(fleet: Fleet, number: int) -> str:
    device = fleet.devices[number]
    scan = ("ssh-keyscan", "-t", "ed25519", "-p", str(device.port), device.address)
    lines = subprocess.run(scan, capture_output=True, text=True, check=True).stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#"))  # OpenSSH 10 also says there what it asked


def test_an_agent_opens_the_devices_where_no_key_file_is_named(fleet: Fleet, home: Path, agent: str) -> None:
    # The inventory of the fleet keeps agents out.
    no_key = "ansible_ssh_private_key_file=", "ansible_ssh_common_args='-o StrictHostKeyChecking=no'"
    without = run_fleet(home, fleet, *no_key)
    assert without.status != 0
    assert "2 unreachable" in without.output

    run = run_fleet(home, fleet, *no_key, SSH_AUTH_SOCK=agent)
    assert run.status == 0, run.output
    assert all(is_valid(device.claim_id()) for device in fleet.devices)


def test_an_agent_is_asked_by_many_threads_at_a_time(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 24}, kind="dropbear") as fleet:
        with agent_with(fleet, tmp_path) as socket:
            no_key = "ansible_ssh_private_key_file=", "ansible_ssh_common_args='-o StrictHostKeyChecking=no'"
            run = run_fleet(home, fleet, *no_key, SSH_AUTH_SOCK=socket, ANSIBLE_FORKS="24")
        assert run.status == 0, run.output
        assert all(is_valid(device.claim_id()) for device in fleet.devices)


def test_a_new_device_whose_user_has_no_password_yet_lets_him_in(fleet: Fleet, home: Path) -> None:
    for device in fleet.devices:
        device.write("/etc/shadow", "root::19000:0:99999:7:::\n")
    run = run_fleet(home, fleet, "ansible_ssh_private_key_file=")
    assert run.status == 0, run.output
    assert all(is_valid(device.claim_id()) for device in fleet.devices)


def test_a_key_that_others_may_read_is_refused_as_ssh_refuses_it(fleet: Fleet, home: Path) -> None:
    fleet.devices[0].key.chmod(0o644)
    run = run_fleet(home, fleet)
    assert run.status != 0
    assert f"chmod 600 {fleet.devices[0].key}" in run.output
    assert not any(device.claim_id() for device in fleet.devices)


def test_what_nobody_would_see_or_reach_is_refused_before_a_device_is_touched(fleet: Fleet, home: Path) -> None:
    batch = home / "inventory.json"
    hosts: dict[str, object] = {"manual-1": {}, "manual-2": {"ansible_ssh_timeout": "soon"}}
    batch.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    engine = "-e", "ioto_engine=fleet", "-e", "ioto_volatile=maybe"
    run = provision(home, "-i", fleet.inventory, "-i", batch, *engine)
    assert run.status != 0
    for sentence in ("- manual-2: ", "soon", "- manual-1, manual-2: ", "ioto_volatile"):
        assert sentence in run.output

    local = run_fleet(home, fleet, ANSIBLE_TRANSPORT="local")
    assert re.search(r"does not honour the connection (ansible\.builtin\.)?local:", local.output), local.output

    playbook = home / "own.yml"
    playbook.write_text(_PLAYBOOK.replace("tasks:", "vars: {ioto_product: 01K9F1EETDEV1CEPR0DVCT0001}\n  tasks:"))
    collections = str(ROOT / "playbooks/collections")
    inventory = home / "bare.yml"
    inventory.write_text("all: {hosts: {manual-1: {}}}", encoding="utf-8")
    unseen = provision(home, "-i", inventory, playbook=playbook, ANSIBLE_COLLECTIONS_PATH=collections)
    assert "ioto_product: set for the play" in unseen.output
    assert not any(device.claim_id() for device in fleet.devices)


def test_results_that_nobody_wants_in_a_log_are_in_none(fleet: Fleet, home: Path) -> None:
    fleet.devices[0].stop()
    playbook = home / "own.yml"
    playbook.write_text(f"{_PLAYBOOK}      no_log: true\n", encoding="utf-8")
    collections = str(ROOT / "playbooks/collections")
    run = provision(home, "-i", fleet.inventory, playbook=playbook, ANSIBLE_COLLECTIONS_PATH=collections)
    assert run.status != 0
    assert fleet.devices[1].serial not in run.output
    assert "verified" not in run.output


@pytest.mark.one_series
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"], ids=["open", "locked"])
def test_keys_are_read_in_every_form_in_which_they_are_kept(tmp_path: Path, kind: str, passphrase: str) -> None:
    key = tmp_path / kind
    subprocess.run(("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(key)), check=True)
    public = key.with_suffix(".pub").read_text(encoding="utf-8").split()[1]
    # The others of ed25519 ssh-keygen does not write.
    for form in ("RFC4716",) if kind == "ed25519" else ("RFC4716", "PEM", "PKCS8"):
        subprocess.run(
            ("ssh-keygen", "-q", "-p", "-m", form, "-P", passphrase, "-N", passphrase, "-f", str(key)), check=True
        )

        load_key.cache_clear()  # the same file, written anew
        loaded = load_key(str(key), passphrase or None)
        assert loaded is not None and loaded.get_base64() == public
        if passphrase:
            assert load_key(str(key), None) is None
            with pytest.raises(KeyFileError, match="or its passphrase is wrong"):
                load_key(str(key), "wrong")


def test_a_locked_key_without_a_passphrase_is_told_before_a_device_is_touched(
    fleet: Fleet, home: Path, locked_key: Path
) -> None:
    run = provision(
        home, "-i", fleet.inventory, "-e", "ioto_engine=fleet", "-e", f"ansible_ssh_private_key_file={locked_key}"
    )
    assert run.status != 0
    assert f"- manual-1, manual-2: The private key {locked_key} is locked; give its passphrase" in run.output
    assert not any(device.claim_id() for device in fleet.devices)


def test_a_locked_key_is_opened_with_its_passphrase_and_nothing_is_touched_with_another(
    fleet: Fleet, home: Path, locked_key: Path
) -> None:
    key = f"ansible_ssh_private_key_file={locked_key}"
    wrong = run_fleet(home, fleet, key, "ansible_ssh_private_key_passphrase=wrong")
    assert wrong.status != 0
    assert "or its passphrase is wrong" in wrong.output

    run = run_fleet(home, fleet, key, "ansible_ssh_private_key_passphrase='open sesame'")
    assert run.status == 0, run.output
    assert "sesame" not in run.output
    assert all(is_valid(device.claim_id()) for device in fleet.devices)


def test_with_strict_checking_only_known_hosts_are_talked_to(fleet: Fleet, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(known(fleet, 0), encoding="utf-8")
    run = run_fleet(home, fleet, trusting("yes", file))
    assert run.status != 0
    assert "2 devices: 1 changed, 0 already done, 0 failed, 1 unreachable." in run.output
    assert is_valid(fleet.devices[0].claim_id())
    assert not fleet.devices[1].claim_id()


def test_accept_new_takes_unknown_hosts_and_refuses_a_known_one_with_another_key(
    fleet: Fleet, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "known_hosts"
    one, other = known(fleet, 0).split(), known(fleet, 1).split()
    file.write_text(f"{one[0]} {other[1]} {other[2]}\n", encoding="utf-8")
    run = run_fleet(home, fleet, trusting("accept-new", file))
    assert run.status != 0
    assert "is not trusted" in run.output
    assert "2 devices: 1 changed, 0 already done, 0 failed, 1 unreachable." in run.output
    assert not fleet.devices[0].claim_id()
    assert is_valid(fleet.devices[1].claim_id())


def test_lines_that_share_a_ledger_on_postgresql_use_the_engine_as_well(
    fleet: Fleet, home: Path, postgresql_url: str
) -> None:
    run = run_fleet(home, fleet, f"ioto_ledger={postgresql_url}")
    assert run.status == 0, run.output
    ids = [device.claim_id() for device in fleet.devices]
    with Ledger(postgresql_url, read_only=True) as ledger:
        assert {claim.claim_id: claim.state for claim in ledger.claims()} == dict.fromkeys(ids, State.VERIFIED)
    again = run_fleet(home, fleet, f"ioto_ledger={postgresql_url}")
    assert again.status == 0, again.output
    assert again.changed == 0


def test_the_files_of_ssh_count_for_both_engines_alike(fleet: Fleet, home: Path, tmp_path: Path) -> None:
    configuration, included = tmp_path / "ssh_config", tmp_path / "devices.conf"
    blocks, hosts = [], {}
    for number, device in enumerate(fleet.devices):
        alias = f"unit-{number}"
        blocks.append(f"Host {alias}\n  HostName {device.address}\n  HostKeyAlias {alias}\n")
        shutil.copy(device.key, tmp_path / f"{alias}-{device.port}")
        kind, key = known(fleet, number).split()[1:]
        (tmp_path / f"known_{alias}").write_text(f"{alias} {kind} {key}\n", encoding="utf-8")
        hosts[alias] = {"ioto_mode": "manual", "ioto_product": device.product}
    included.write_text("".join(blocks), encoding="utf-8")
    configuration.write_text(
        f"Include {tmp_path}/*.conf\n"
        f'Match exec "test %n = unit-0"\n  Port {fleet.devices[0].port}\n'
        f"Host unit-*\n  Port {fleet.devices[1].port}\n  User root\n  SendEnv LANG\n"
        f"  IdentitiesOnly yes\n  IdentityFile {tmp_path}/%k-%p\n"
        f"  StrictHostKeyChecking yes\n  UserKnownHostsFile {tmp_path}/known_%n\n",
        encoding="utf-8",
    )
    inventory = home / "inventory.json"
    shared = {"ansible_ssh_common_args": f"-F {configuration}"}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}), encoding="utf-8")

    run = provision(home, "-i", inventory, "-e", "ioto_engine=fleet")
    assert run.status == 0, run.output
    assert "2 devices: 2 done, 0 already done, 0 failed, 0 unreachable." in run.output
    other = provision(home, "-i", inventory, "-e", "ioto_engine=ansible")
    assert other.status == 0, other.output
    assert "2 devices: 0 done, 2 already done, 0 failed, 0 unreachable." in other.output


def test_what_one_host_is_given_goes_to_no_other(fleet: Fleet, home: Path) -> None:
    own: dict[str, object] = {"ansible_password": fleet.password, "ansible_ssh_timeout": 5}
    more = home / "more.json"
    more.write_text(json.dumps({"all": {"hosts": {"manual-1": own, "manual-2": {}}}}), encoding="utf-8")
    playbook = home / "own.yml"
    playbook.write_text(_PLAYBOOK, encoding="utf-8")
    run = provision(
        home,
        *("-i", fleet.inventory, "-i", more, "-e", "ansible_ssh_private_key_file="),
        playbook=playbook,
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / "playbooks/collections"),
    )
    assert "2 devices: 1 changed, 0 already done, 0 failed, 1 unreachable." in run.output
    assert "does not let root in (there is neither a key nor a password)" in run.output
    assert is_valid(fleet.devices[0].claim_id())
