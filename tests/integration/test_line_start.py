# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a station refuses before its first board: all at once, check as start, and slots that another one watches."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.errors import LineError
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.exclusive import hold_slots
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.settings_file import load
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.slots import read_slots
from tests.fleet import Fleet
from tests.fleet.jig import Jig
from tests.services.line_station import RunningStation

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180.0
"""Seconds, for what takes a few."""
SLOTS = "slots:\n  hosts:\n    slot-1: {ansible_host: 192.0.2.1, ioto_mode: manual}\n"


def said(folder: Path, *settings: str, arguments: Sequence[str] = ("--check",), **environment: str) -> tuple[int, str]:
    """Write settings, and return the status of a station with them, and what it says."""
    (folder / "line.toml").write_text("\n".join(settings), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "plugins.plugin_utils.line", *arguments, str(folder / "line.toml")],
        cwd=ROOT,
        env={**os.environ, "HOME": str(folder), "LANG": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_check_and_the_start_refuse_the_same_and_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "slots.yml").write_text("slots:\n  hosts:\n    slot-?: {}\n    slot-2: {ansible_host: null}\n")
    (tmp_path / "token").write_text("a-token-of-more-than-24-characters\n", encoding="ascii")
    (tmp_path / "token").chmod(0o644)
    settings = (
        *(
            'inventory = ["slots.yml"]',
            'playbook = "nowhere.yml"',
            'leases = "nowhere.leases"',
            "speed = 9",
            "operator = '{{ x }}'",
        ),
        *('service_url = "http://127.0.0.1:1"', 'token_file = "token"', 'ca_file = "nowhere.pem"'),
    )

    checked, started = said(tmp_path, *settings), said(tmp_path, *settings, arguments=())

    assert checked == started
    assert checked[0] == 1
    for sentence in (
        "hold 'speed', which the station does not know",
        "leases names",
        "A run takes no such name as the setting operator",
        "station_tokens",  # the remedy for a station's token, which no restart of the service makes again
        f"The CA file {tmp_path}/nowhere.pem cannot be used (No such file or directory)",
        "The slot 'slot-?' has a name that cannot stand in a limit",
        "The slot slot-2 has ansible_host None",
        "The playbook nowhere.yml cannot be run (the playbook: nowhere.yml could not be found)",
    ):
        assert sentence in checked[1]
    assert "Traceback" not in checked[1]


@pytest.mark.parametrize("text", ["[1, 2", "- a"])
def test_variables_that_are_none_are_told_by_their_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "slots.yml").write_text(SLOTS)
    (tmp_path / "labels.yml").write_text(text)
    status, output = said(tmp_path, 'inventory = ["slots.yml"]', 'extra_vars = ["labels.yml"]')
    assert (status, output.count("\n")) == (1, 1)
    assert output.startswith(f"The variables {tmp_path}/labels.yml (extra_vars) cannot be read (")


def test_a_machine_without_an_ssh_client_is_told_before_a_board_fails(tmp_path: Path) -> None:
    (tmp_path / "slots.yml").write_text(SLOTS)
    status, output = said(tmp_path, 'inventory = ["slots.yml"]', ANSIBLE_SSH_EXECUTABLE="no-such-ssh")
    assert (status, output) == (
        1,
        "There is no no-such-ssh on this machine; install an SSH client (Debian: openssh-client).\n",
    )


def test_settings_are_checked_before_they_are_in_their_place(tmp_path: Path) -> None:
    place, draft = tmp_path / "place", tmp_path / "draft"
    place.mkdir()
    draft.mkdir()
    (place / "slots.yml").write_text(SLOTS)
    inventory = 'inventory = ["slots.yml"]'
    assert said(draft, inventory, arguments=("--check", "--folder", str(place))) == (0, "The settings can be used.\n")
    assert said(draft, inventory)[0] == 1


def test_what_would_fail_with_every_board_is_told_before_the_first(tmp_path: Path) -> None:
    variables = {
        "slot-1": "ioto_mode: none",
        "slot-2": "ioto_mode: manual, ioto_product: nonsense",
        "slot-3": "ioto_mode: manual, ioto_label_printr: x, ioto_properties: {a: \"{{ lookup('pipe', 'false') }}\"}",
        "slot-4": "ioto_claim_id_length: many",
        "slot-5": "ioto_mode: \"{{ 'man' ~ 'ual' }}\"",
    }
    lines = [f"    {slot}: {{ansible_host: 192.0.2.{slot[-1]}, {said}}}" for slot, said in variables.items()]
    text = "\n".join(["slots:", "  vars: {ansible_ssh_private_key_file: key}", "  hosts:", *lines])
    (tmp_path / "slots.yml").write_text(text, encoding="utf-8")
    (tmp_path / "key").touch(mode=0o600)
    status, output = said(tmp_path, 'inventory = ["slots.yml"]', SSH_AUTH_SOCK="")
    assert status == 1
    told = output.splitlines()
    for sentence in (
        f"'{tmp_path}/key' is no key that ssh can use (",
        "slot-1: ioto_mode is 'none', and nothing would be done",
        "slot-2: The product 'nonsense' is not a product ID",
        "slot-3: the variable ioto_label_printr is unknown: did you mean ioto_label_printer?",
        "slot-4: it has no ioto_mode",
        "slot-4: ioto_claim_id_length is many",
    ):
        assert [line for line in told if line.startswith(sentence)], output
    assert len(told) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that end with whoever holds them")
def test_slots_that_a_station_watches_are_refused_by_any_other_inventory_until_it_is_gone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        jig = Jig(fleet, slots=2)
        shutil.copy(jig.inventory, other / "slots.yml")
        (other / "line.toml").write_text('inventory = ["slots.yml"]\nstation = "line-2"\n')
        slots = read_slots(load(other / "line.toml"))
        with RunningStation(tmp_path, jig) as station:
            with pytest.raises(LineError, match=r"Another station or rulebook on this machine watches slot-1 \(127\."):
                hold_slots(slots, 0.2)
            jig.plug("slot-1", fleet.devices[0])
            station.wait_for("slot-1 WORKING Checking")
            station.kill()
            held = hold_slots(slots, PATIENCE)  # what the run has left of them ends with its station
            for one in held:
                one.close()


WITHOUT_A_NAME = """
import codecs, os, runpy, sys
from pathlib import Path
sys.path[:0] = [os.getcwd()]
line = runpy.run_path("tools/line.py")
from plugins.plugin_utils.errors import IotoError
from plugins.plugin_utils.ansible_adapter import action
from plugins.plugin_utils.line.preparation import prepare
from plugins.plugin_utils.option_table import VARIABLES_OF_ALL
codecs.lookup("ascii")  # what is loaded late may lie where another user does not come in
os.setgid({user})
os.setuid({user})
for start in (line["main"], lambda: prepare(Path("{settings}"), None, VARIABLES_OF_ALL)):
    try:
        start()
    except (line["FleetError"], IotoError) as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_user_without_a_name_is_told_before_ssh_refuses_it() -> None:
    named = {user.pw_uid for user in pwd.getpwall()}
    nobody = next(number for number in range(12345, 65000) if number not in named)
    with tempfile.TemporaryDirectory(prefix="ioto-nobody-") as folder:  # pytest's own may be entered by root alone
        os.chown(folder, nobody, nobody)
        (Path(folder) / "slots.yml").write_text(SLOTS)
        (Path(folder) / "line.toml").write_text('inventory = ["slots.yml"]')
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_A_NAME.format(user=nobody, settings=f"{folder}/line.toml")],
            cwd=ROOT,
            env={**os.environ, "HOME": folder, "STATE": f"{folder}/state", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.stderr == ""
    sentence = f"ssh works for no user without a name, and this one is the number {nobody}; add a line for it to"
    assert done.stdout.count(sentence) == 2
