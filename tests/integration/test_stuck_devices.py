# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that hold us up, flood us or break off: nobody waits for them, and all others are done. Both engines.

The whole campaign is `python -m tests.benchmark.hostile_devices`; here stand one manner of each state, and one run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.services.hostile_ssh import STATES, HostileServers, host_name
from tests.services.reserved_port import refusing_port
from tests.support.ansible import ROOT, provision

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")
pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]

_SECONDS = 8
_KINDS = [
    *((state, "silence") for state in STATES),
    *((state, "drip") for state in ("banner", "exec", "script", "answer")),
    *((state, "flood") for state in ("banner", "login", "answer", "complaint")),
    *((state, "reset") for state in ("key exchange", "exec", "answer")),
]


@pytest.fixture(scope="module")
def servers() -> Iterator[HostileServers]:
    with HostileServers(_KINDS) as servers:
        yield servers


@pytest.fixture
def controls() -> Iterator[Path]:
    """Where ssh keeps its connections, in a path that is short enough for it."""
    with tempfile.TemporaryDirectory(prefix="cp-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("engine", ["ansible", "fleet"])
def test_nobody_waits_for_a_device_that_holds_us_up(
    tmp_path: Path, home: Path, servers: HostileServers, controls: Path, engine: str
) -> None:
    labels = tmp_path / "labels.zpl"
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        # What ends by itself, or is done, has time for it, however busy the machine is.
        patience = dict.fromkeys(set(_KINDS) - {("banner", "flood"), ("answer", "flood")}, _SECONDS)
        inventory = servers.inventory(tmp_path / "hostile.json", fleet.devices[0], seconds=patience)
        started = time.monotonic()
        run = provision(
            home,
            *("-i", fleet.inventory, "-i", inventory, "-e", f"ioto_engine={engine}"),
            *("-e", f"ioto_label_dest={labels}", "-e", "ioto_label_format=zpl"),
            ANSIBLE_FORKS=str(len(_KINDS) + 2),
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(controls),
        )
        took = time.monotonic() - started

        hostile = len(_KINDS)
        assert f"{hostile + 2} devices: 2 done, 0 already done" in run.output, run.output
        assert "Labels: 2 made" in run.output
        assert all(device.claim_id() for device in fleet.devices)
        # All at once: one after the other would take twice as long at the least.
        assert took < _SECONDS * hostile / 2
        said = run.reasons
        assert len(said) == hostile
        assert run.failed | run.unreachable == set(said)
        late = [name for name in said if name.endswith(("-drip", "-silence")) and not name.startswith("end-")]
        for name in late:
            assert name in run.unreachable
            assert f"was not done within {_SECONDS} s (ioto_device_timeout)" in said[name], said[name]
        assert "answers without end (more than 4 MiB)" in said["answer-flood"]
        assert "cannot be reached at 127.0.0.1:" in said["banner-flood"]
        assert "defect" not in run.output
        assert "Traceback" not in run.output
        left = subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True).stdout.splitlines()
        masters = [line for line in left if "[mux]" in line and str(controls) in line]
        assert len(masters) <= 2 + 1, masters  # those of the devices that are done, and of the one that ended well


def test_a_connection_that_ssh_keeps_and_that_is_stuck_itself_is_gone_when_its_device_is_given_up(
    tmp_path: Path, home: Path, controls: Path
) -> None:
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 1}, kind="dropbear") as fleet,
        HostileServers([("script", "unread")]) as servers,
    ):
        inventory = servers.inventory(tmp_path / "hostile.json", fleet.devices[0])
        run = provision(
            home,
            *("-i", inventory, "-e", "ioto_device_timeout=3"),
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(controls),
        )
        left = subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True).stdout
    assert run.unreachable == {"script-unread"}
    assert "was not done within 3 s" in run.reasons["script-unread"]
    assert str(controls) not in left
    assert not list(controls.iterdir())


_REFUSALS = {
    ("login", "refuse"): "unreachable: The device login-refuse at 127.0.0.1:PORT does not let root in (",
    ("session", "refuse"): "unreachable: The device session-refuse lets us in and runs no command (",
    ("exec", "refuse"): "unreachable: The device exec-refuse lets us in and runs no command (it refuses the request)",
    ("script", "refuse"): (
        "failed: The device script-refuse did not finish our script (exit status 255); it said: This account is locked."
    ),
    ("nobody", "there"): (
        "unreachable: The device nobody-there cannot be reached at 127.0.0.1:PORT (Connection refused); check its "
        "address, power and network, then run again."
    ),
}


def test_both_engines_say_the_same_of_a_device_that_refuses(tmp_path: Path, home: Path) -> None:
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 1}, kind="dropbear") as fleet,
        HostileServers([kind for kind in _REFUSALS if kind[1] == "refuse"]) as servers,
        refusing_port() as nobody,
    ):
        gone = {("nobody", "there"): nobody}
        ports = {**servers.ports, **gone}
        inventory = servers.inventory(tmp_path / "hostile.json", fleet.devices[0], more=gone)
        for engine in ("ansible", "fleet"):
            run = provision(home, "-i", inventory, "-e", f"ioto_engine={engine} ioto_device_timeout=20")
            said = run.reasons
            for kind, sentence in _REFUSALS.items():
                name = host_name(kind)
                fate = "unreachable" if name in run.unreachable else "failed"
                assert f"{fate}: {said[name]}".startswith(sentence.replace("PORT", str(ports[kind]))), engine


_GONE = "unreachable: The device NAME cannot be reached at 127.0.0.1:PORT (it hung up"
_LOST = "unreachable: The connection to NAME was lost (it hung up, and said: "
_SAYINGS = {
    ("banner", "ssh-1"): "unreachable: The device NAME cannot be reached at 127.0.0.1:PORT (it speaks SSH 1 alone, ",
    ("banner", "words"): f"{_GONE})",
    ("banner", "reset"): f"{_GONE})",
    ("login", "reset"): f"{_GONE})",
    ("key exchange", "farewell"): f"{_GONE}, and said: ",
    ("login", "farewell"): f"{_GONE}, and said: [2Jno more \ufffd of ********TB); check its address",
    ("exec", "farewell"): _LOST,
    ("answer", "farewell"): _LOST,
}


def test_what_a_peer_says_of_itself_is_told_alike_and_is_no_defect_of_ours(tmp_path: Path, home: Path) -> None:
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 1}, kind="dropbear") as fleet,
        HostileServers(list(_SAYINGS)) as servers,
    ):
        inventory = servers.inventory(tmp_path / "hostile.json", fleet.devices[0])
        found: dict[str, dict[str, str]] = {}
        for engine in ("ansible", "fleet"):
            run = provision(home, "-i", inventory, "-e", f"ioto_engine={engine} ioto_device_timeout=20")
            assert "defect" not in run.output
            assert "7K3M9QX2TB" not in run.output
            assert "\x1b" not in run.output
            said = run.reasons
            for kind, sentence in _SAYINGS.items():
                name = host_name(kind)
                fate = "unreachable" if name in run.unreachable else "failed"
                found.setdefault(name, {})[engine] = f"{fate}: {said[name]}"
                expected = sentence.replace("PORT", str(servers.ports[kind])).replace("NAME", name)
                assert found[name][engine].startswith(expected), (engine, found[name])
                if kind[1] == "farewell":
                    assert "no more" in said[name] and len(said[name]) < 500
        assert {name: of["ansible"] for name, of in found.items()} == {name: of["fleet"] for name, of in found.items()}


_NO_STATUS = "failed: The device NAME did not finish our script (ended without an exit status); it said: nothing."
_NO_SSH = "unreachable: The device NAME cannot be reached at 127.0.0.1:PORT (it does not speak SSH); "
_STATUS = "failed: The device NAME did not finish our script (exit status {}); it said: nothing."
_ENDS = {
    ("script", "no status"): _NO_STATUS,
    ("script", "no end"): _NO_STATUS,
    ("script", "no session"): _NO_STATUS,
    ("script", "requests"): _NO_STATUS,
    ("script", f"status {0xFFFFFFFF}"): _NO_STATUS,
    ("script", f"status {0xFFFFFFFE}"): _STATUS.format(254),
    ("script", "status 256"): _STATUS.format(0),
    ("script", "status 511"): _STATUS.format(255),
    ("script", "status 200"): _STATUS.format(200),
    ("script", "unknown"): "unreachable: The connection to NAME was lost (it hung up); ",
    ("banner", "lines"): _NO_SSH,
    ("banner", "version"): _NO_SSH,
    ("banner", "size"): _NO_SSH,
    ("login", "proofs"): "unreachable: The device NAME at 127.0.0.1:PORT does not let root in (it wants more than one ",
    ("key exchange", "drip"): "unreachable: The device NAME was not done within 13 s (ioto_device_timeout). See ",
}


@pytest.mark.parametrize("kept", ["kept", "closed"])
def test_both_engines_judge_an_end_alike(tmp_path: Path, home: Path, controls: Path, kept: str) -> None:
    with (
        Fleet.start(tmp_path / "fleet", groups={"manual": 1}, kind="dropbear") as fleet,
        HostileServers(list(_ENDS)) as servers,
    ):
        inventory = servers.inventory(tmp_path / "hostile.json", fleet.devices[0])
        persist = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none"} if kept == "closed" else {}
        wrong = {}
        for engine in ("ansible", "fleet"):
            run = provision(
                home,
                *("-i", inventory, "-e", f"ioto_engine={engine} ioto_device_timeout=13"),
                ANSIBLE_FORKS=str(len(_ENDS)),
                ANSIBLE_SSH_CONTROL_PATH_DIR=str(controls),
                **persist,
            )
            assert "7K3M9QX2TB" not in run.output
            for kind, sentence in _ENDS.items():
                name = host_name(kind)
                fate = "unreachable" if name in run.unreachable else "failed"
                expected = sentence.replace("PORT", str(servers.ports[kind])).replace("NAME", name)
                if kind == ("script", "no end") and (engine, kept) == ("ansible", "closed"):
                    expected = f"unreachable: The device {name} was not done within 13 s"  # ssh waits for the end
                if not f"{fate}: {run.reasons[name]}".startswith(expected):
                    wrong[engine, name] = f"{fate}: {run.reasons[name]}"
        assert wrong == {}


def test_both_engines_say_the_same_of_a_host_that_is_not_known(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}, kind="dropbear") as fleet:
        (device,) = fleet.devices
        strict = f"-F none -o StrictHostKeyChecking=yes -o UserKnownHostsFile={tmp_path}/none -o IdentityAgent=none"
        for engine in ("ansible", "fleet"):
            variables = {"ioto_engine": engine, "ansible_ssh_common_args": strict}
            run = provision(home, "-i", fleet.inventory, "-e", json.dumps(variables))
            assert run.unreachable == {device.name}, run.output
            assert (
                f"The host at {device.address}:{device.port} for {device.name} is not trusted: its host key "
                in run.output
            )


@pytest.mark.parametrize("engine", ["ansible", "fleet"])
def test_a_device_that_was_stuck_and_is_well_again_is_done_by_the_next_run(
    tmp_path: Path, home: Path, engine: str
) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}, kind="dropbear") as fleet:
        device = fleet.devices[0]
        sound = device.replace_shell("echo wedged >&2; exec sleep 600")
        arguments = "-i", fleet.inventory, "-e", f"ioto_engine={engine}"

        stuck = provision(home, *arguments, "-e", "ioto_device_timeout=5")

        assert stuck.status == 4, stuck.output
        assert stuck.unreachable == {device.name}
        assert (
            f"The device {device.name} was not done within 5 s (ioto_device_timeout); it said: wedged." in stuck.output
        )

        sound.replace(device.root / "bin/sh")
        # Over a connection that was left it would wait for the wedged shell, for longer than a device has.
        well = provision(home, *arguments)

        assert well.status == 0, well.output


def test_no_claim_id_is_shown_at_any_verbosity_and_an_open_file_is_mentioned(tmp_path: Path, home: Path) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}, kind="dropbear") as fleet:
        device, other = fleet.devices
        device.path("/etc/ioto/device.json5").chmod(0o644)
        first = provision(home, "-i", fleet.inventory)
        shown = provision(home, "-i", fleet.inventory, "-vvvvv")

        assert first.status == shown.status == 0, first.output
        assert "may read, and with it the claim ID: manual-1; chmod 600 it there" in first.output
        assert str(device.claim_id()) not in shown.output
        assert str(other.claim_id()) not in shown.output


@pytest.mark.parametrize("engine", ["ansible", "fleet"])
@pytest.mark.parametrize("callback", ["ansible.builtin.default", "ioto.serialization.progress"])
def test_a_device_that_is_not_done_is_told_where_that_happened_and_in_the_summary(
    tmp_path: Path, home: Path, callback: str, engine: str
) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 3}, kind="dropbear") as fleet:
        good, locked, gone = fleet.devices
        locked.replace_shell("echo locked >&2; exit 255")
        gone.stop()
        run = provision(
            home,
            *("-i", fleet.inventory, "-e", f"ioto_engine={engine}"),
            ANSIBLE_STDOUT_CALLBACK=callback,
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / "playbooks/collections"),
        )
        assert good.claim_id()
    assert run.status == 4, run.output
    assert run.output.count("it said: locked.") == run.output.count("(Connection refused)") == 2, run.output
    assert "[ERROR]" not in run.output
    assert "Origin:" not in run.output
    if callback == "ansible.builtin.default":
        assert (run.failed, run.unreachable) == ({locked.name}, {gone.name})
    else:
        assert "1 failed" in run.output and "1 unreachable" in run.output
