# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices whose shell is none, and devices that talk as ssh does: both engines judge them alike, in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.support.ansible import Run, provision

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")
pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(
        os.getuid() != 0 or not shutil.which("dropbear") or not shutil.which("busybox"),
        reason="needs root and the Debian packages dropbear-bin and busybox",
    ),
]

CLAIM_ID = "7K3M9QX2TB"
_WORDS = (
    """\
echo "Host key verification failed." >&2
echo "root@192.0.2.1: Permission denied (publickey)." >&2
echo "Connection closed by 192.0.2.1 port 22" >&2
echo "Connection to 192.0.2.1 closed by remote host." >&2
echo "debug2: Control master terminated unexpectedly" >&2
printf '\\033[2J\\007id %s\\n' """
    + f"{CLAIM_ID} >&2\n"
)
_NO_SHELL = "did not finish our script ({}); it said: "
SHELLS = {
    "silent": ("exit 255", _NO_SHELL.format("exit status 255") + "nothing. See"),
    "talks": (f"{_WORDS}exit 255", _NO_SHELL.format("exit status 255")),
    "complains": (f"{_WORDS}exit 1", _NO_SHELL.format("exit status 1")),
    "dies": (f"{_WORDS}kill -9 $$", _NO_SHELL.format("ended without an exit status")),
    "floods": ("exec yes >&2", "answers without end (more than 4 MiB)"),
    "repeats": ("exec cat", _NO_SHELL.format("exit status 0")),
    "sorts": ("exec sort", "did not finish our script (exit status 0); "),
    "swallows": ("cat >/dev/null; exit 3", _NO_SHELL.format("exit status 3") + "nothing. See"),
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    groups = {"manual": len(SHELLS)}
    with Fleet.start(tmp_path_factory.mktemp("fleet"), groups=groups, kind="dropbear") as fleet:
        for device, (shell, _sentence) in zip(fleet.devices, SHELLS.values(), strict=True):
            device.replace_shell(shell)
        yield fleet


@pytest.fixture
def controls() -> Iterator[Path]:
    """Where ssh keeps its connections, in a path that is short enough for it."""
    with tempfile.TemporaryDirectory(prefix="cp-") as folder:
        yield Path(folder)


def judged(home: Path, fleet: Fleet, variables: dict[str, object], controls: Path) -> tuple[dict[str, str], Run]:
    """What became of each kind of shell, as `failed: …` or `unreachable: …`, without the device's name."""
    run = provision(
        home,
        *("-i", fleet.inventory, "-e", json.dumps({"ioto_device_timeout": 20, **variables})),
        ANSIBLE_SSH_CONTROL_PATH_DIR=str(controls),
        ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default",
    )
    said = {}
    for kind, device in zip(SHELLS, fleet.devices, strict=True):
        assert device.name in run.reasons, run.output
        fate = "unreachable" if device.name in run.unreachable else "failed"
        said[kind] = f"{fate}: {run.reasons[device.name].replace(device.name, 'NAME')}"
    said["sorts"] = said["sorts"].partition("it said: ")[0]  # what it sorts is not the same
    return said, run


@pytest.fixture(scope="module")
def by_fleet(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    return judged(home, fleet, {"ioto_engine": "fleet"}, home)[0]


@pytest.mark.parametrize("kind", SHELLS)
def test_a_shell_that_is_none_has_failed_with_its_own_words(by_fleet: dict[str, str], kind: str) -> None:
    assert by_fleet[kind].startswith("failed: The device NAME "), by_fleet[kind]
    assert SHELLS[kind][1] in by_fleet[kind]


@pytest.mark.parametrize("kept", ["kept", "again", "closed"])
def test_both_engines_judge_a_shell_alike(
    home: Path, fleet: Fleet, by_fleet: dict[str, str], controls: Path, kept: str
) -> None:
    # Over a connection that ssh makes and keeps, over one that it has kept, and over one of its own for the script.
    variables: dict[str, object] = {"ioto_engine": "ansible"}
    if kept == "closed":
        own = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentityAgent=none"
        variables["ansible_ssh_common_args"] = f"{own} -o ControlMaster=no -o ControlPath=none"
    said, run = judged(home, fleet, variables, controls)
    if kept == "again":
        said, run = judged(home, fleet, variables, controls)
    assert said == by_fleet
    assert CLAIM_ID not in run.output
    assert "\x1b" not in run.output
    assert "Traceback" not in run.output


_ENOUGH = ("failed: The device NAME answers without end", "unreachable: The device NAME was not done within 5 s")
_SUDO: dict[str, tuple[str, str | tuple[str, str]]] = {
    "hangs": ("sleep 600", "unreachable: The device NAME was not done within 5 s (ioto_device_timeout)"),
    "asks": (
        "echo 'sudo: a password is required' >&2; sleep 600",
        "failed: The device NAME does not let root become another user (it wants a password); see ansible_become_user, "
        "ansible_become_method and ansible_become_password.",
    ),
    "talks": (f"{_WORDS}exit 1", "failed: The device NAME did not finish our script (exit status 1); it said: "),
    "ends": (f"{_WORDS}exit 255", "failed: The device NAME did not finish our script (exit status 255); it said: "),
    # Ansible's plugin looks at each line, so that the time may be over before there are too many.
    "floods": ("exec yes", _ENOUGH),
    "complains": ("exec yes >&2", _ENOUGH),
}


def test_whoever_lets_nobody_become_another_user_has_no_more_time_either(
    tmp_path: Path, home: Path, controls: Path
) -> None:
    with Fleet.start(tmp_path / "fleet", groups={"manual": len(_SUDO)}, kind="dropbear") as fleet:
        for device, (sudo, _sentence) in zip(fleet.devices, _SUDO.values(), strict=True):
            device.write("/bin/sudo-of-ours", f"#!/usr/bin/busybox sh\n{sudo}\n", 0o755)
        variables = {"ioto_device_timeout": 5, "ansible_become": True, "ansible_become_exe": "/bin/sudo-of-ours"}
        run = provision(
            home,
            *("-i", fleet.inventory, "-e", json.dumps(variables)),
            ANSIBLE_BECOME_ALLOW_SAME_USER="1",
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(controls),
        )
        for device, (kind, (_sudo, sentence)) in zip(fleet.devices, _SUDO.items(), strict=True):
            fate = "unreachable" if device.name in run.unreachable else "failed"
            said = f"{fate}: {run.reasons[device.name].replace(device.name, 'NAME')}"
            assert said.startswith(sentence), (kind, said)
        assert CLAIM_ID not in run.output
        assert "Traceback" not in run.output

        by_fleet = provision(home, "-i", fleet.inventory, "-e", json.dumps({**variables, "ioto_engine": "fleet"}))
        assert "The fleet engine does not honour become (log in as the user that may" in by_fleet.output
