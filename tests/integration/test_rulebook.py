# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line by the real ansible-rulebook and Java: boards get their IDs, others are left alone, and SIGTERM waits."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import dropbear
from tests.fleet.devices import Device
from tests.fleet.fleet import Fleet
from tests.fleet.jig import Jig
from tests.support.rulebook import DEADLINE, NO_JAVA, NO_RULEBOOK, RULEBOOK, java, rulebook, write_settings

FOR_ALL_EVENTS = """
- name: A rule that forgets to ask whether a board came
  hosts: ioto_line_nobody
  execution_strategy: parallel
  sources:
    - name: boards
      ioto.serialization.arrivals:
        settings: "{{ ioto_line_settings }}"
  rules:
    - name: Anything
      condition: event.line is defined
      action:
        run_playbook:
          name: told.yml
"""
TOLD = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.lineinfile:
        path: "{{ lookup('env', 'HOME') }}/told"
        line: "{{ inventory_hostname }}"
        create: true
      delegate_to: localhost
"""


pytestmark = [
    pytest.mark.ansible,
    pytest.mark.skipif(RULEBOOK is None, reason=NO_RULEBOOK),
    pytest.mark.skipif(java() is None, reason=NO_JAVA),
    pytest.mark.skipif(not dropbear.available(), reason="the boards need root, dropbear and BusyBox"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, for the names of ssh's sockets."""
    with tempfile.TemporaryDirectory(prefix="ioto-eda-") as folder:
        yield Path(folder)


@pytest.fixture
def fleet(folder: Path) -> Iterator[Fleet]:
    with Fleet.start(folder / "fleet", groups={"manual": 3}) as fleet:
        yield fleet


@pytest.fixture
def jig(folder: Path, fleet: Fleet) -> Jig:
    jig = Jig(fleet, slots=2, ioto_ledger=str(folder / "ledger.db"))
    write_settings(jig, folder)
    return jig


def claim_id(device: Device) -> str | None:
    found = re.search(rb"(?m)^ *id: '([0-9A-Z]{10})'", device.read(f"{device.config_dir}/device.json5"))
    return found[1].decode() if found else None


def test_boards_get_their_ids_and_sigterm_waits_for_the_last(folder: Path, fleet: Fleet, jig: Jig) -> None:
    there, plugged, last = fleet.devices
    jig.plug("slot-1", there)
    with rulebook("ioto.serialization.line", jig, folder) as running:
        running.wait_for(lambda: claim_id(there) is not None)
        jig.plug("slot-2", plugged)
        running.wait_for(lambda: claim_id(plugged) is not None)
        running.wait_for(lambda: running.printed.count("PLAY RECAP") == 2)
        jig.pull("slot-1")
        jig.plug("slot-1", last)
        running.wait_for(lambda: running.printed.count("PLAY [Check the batch]") == 3)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(DEADLINE) == 0
        assert claim_id(last) is not None
    assert len({claim_id(device) for device in fleet.devices}) == 3


def test_an_event_without_a_host_runs_nothing(folder: Path, fleet: Fleet, jig: Jig) -> None:
    (folder / "rules").mkdir()  # ansible-rulebook copies the whole folder of a playbook for each run
    (folder / "rules/all.yml").write_text(FOR_ALL_EVENTS)
    (folder / "rules/told.yml").write_text(TOLD)
    jig.plug("slot-1", fleet.devices[0])
    with rulebook("all.yml", jig, folder, folder / "rules") as running:
        running.wait_for(lambda: "PLAY RECAP" in running.printed)
        jig.pull("slot-1")
        running.wait_for(lambda: "no hosts to target" in running.printed)
    assert (folder / "told").read_text() == "slot-1\n"
