# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent that runs while its device gets an ID: real processes, which may overwrite what was written."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.device import agent_process
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.report import report_device
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.scripts import probe
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request, UnitOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.agent import Agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.source import ClaimSource
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.support.shell_device import PRODUCT, SHELLS, ShellDevice, available_shells, make_device

DEADLINE_SECONDS = 10.0

# Tells the device's own folder of processes of itself, does what it is told, says that it runs, and stays.
AGENT = """#!/bin/sh
ln -s "/proc/$$" "{root}/proc/$$"
{behaviour}
echo "$$" >"{root}/agent.pid"
while :; do sleep 0.05; done
"""
OVERWRITES = "echo \"{{id: 'ZZZZZZZZZZ', product: '{product}'}}\" >'{root}/tmp'; mv '{root}/tmp' '{file}'"


class Line:
    """A device with an agent that can be started, and its ledger."""

    def __init__(self, folder: Path) -> None:
        self.device: ShellDevice = make_device(folder / "device")
        self.program = folder / "device/ioto"
        self.pid_file = folder / "device/agent.pid"
        self._ledger = folder / "ledger.db"
        (folder / "device/proc").mkdir()
        self.behave("")

    def behave(self, behaviour: str) -> None:
        """Have agents that start from now on do `behaviour`."""
        self.program.write_text(AGENT.format(root=self.device.root, behaviour=behaviour))
        self.program.chmod(0o755)

    @property
    def pids(self) -> list[int]:
        return [int(path.name) for path in (self.device.root / "proc").iterdir() if is_alive(path)]

    def start(self) -> int:
        """Start the agent, and return its number when it runs."""
        before = set(self.pids)
        # Nobody here waits for it: as on a device, somebody else does.
        subprocess.run(["sh", "-c", f"setsid '{self.program}' >/dev/null 2>&1 &"], check=True)
        return wait_for(lambda: next(iter(set(self.pids) - before), None))

    @property
    def restart(self) -> tuple[str, ...]:
        """The command that ends all agents and starts a new one."""
        proc, pid_file, program = (
            shlex.quote(str(path)) for path in (self.device.root / "proc", self.pid_file, self.program)
        )
        ends = f'for old in {proc}/*; do kill "${{old##*/}}"; done; rm -f {pid_file}'
        script = f"{ends}; setsid {program} & while [ ! -s {pid_file} ]; do :; done"
        return ("sh", "-c", script)

    def serialize(self, *restart: str, source: ClaimSource | None = None) -> UnitOutcome:
        request = Request(
            source or Generated(), PRODUCT, serial="SN-1", config_dir=self.device.config_dir, restart=restart
        )
        with Ledger(self._ledger) as ledger:
            return serialize(self.device, request, ledger, Context("tester@bench", "bench-1"))

    def states(self) -> list[State]:
        with Ledger(self._ledger) as ledger:
            return [claim.state for claim in ledger.claims()]

    def close(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_alive(process: Path) -> bool:
    # Where nobody collects the dead, they are there for ever.
    with suppress(OSError):
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_for(look: Callable[[], int | None]) -> int:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    found = Line(tmp_path)
    yield found
    found.close()


def test_an_agent_that_runs_is_seen_with_its_start_time_and_a_dead_one_is_not(line: Line) -> None:
    pid = line.start()

    (agent,) = probe(line.device, line.device.config_dir).agents
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    assert agent == f"{pid}:{started}"

    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: None if pid in line.pids else 1)
    assert probe(line.device, line.device.config_dir).agents == ()


def test_a_zombie_is_no_agent(line: Line) -> None:
    child = subprocess.Popen([line.program])
    wait_for(lambda: 1 if line.pids else None)
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert Path(f"/proc/{child.pid}/comm").read_text() == "ioto\n"
    assert probe(line.device, line.device.config_dir).agents == ()
    child.wait()


@pytest.mark.parametrize("shell", available_shells())
def test_an_agent_of_a_container_is_not_the_devices(line: Line, shell: str) -> None:
    line.device.shell = SHELLS[shell]
    for number, root in ((4242, line.device.root), (4343, Path("/"))):
        process = line.device.root / f"proc/{number}"
        process.mkdir()
        (process / "comm").write_text("ioto\n")
        (process / "stat").write_text(f"{number} (ioto (a)) S {'1 ' * 18}777 8 9\n")
        (process / "root").symlink_to(root)

    assert probe(line.device, line.device.config_dir).agents == ("4343:777",)


def test_an_agent_that_runs_is_started_again_and_the_file_read_once_more(line: Line) -> None:
    old = line.start()

    outcome = line.serialize(*line.restart)

    assert is_valid(outcome.claim_id)
    assert line.states() == [State.VERIFIED]
    assert old not in line.pids and len(line.pids) == 1
    assert len(line.device.scripts) == 3


def test_a_unit_that_is_done_keeps_its_agent(line: Line) -> None:
    line.start()
    line.serialize(*line.restart)
    new, scripts = line.pids, len(line.device.scripts)

    assert not line.serialize(*line.restart).changed
    assert (line.pids, len(line.device.scripts)) == (new, scripts + 1)


@pytest.mark.parametrize(
    ("restart", "says"), [("false", "failed with status 1"), ("true", "did not end when it was restarted")]
)
def test_a_unit_whose_agent_goes_on_is_written_and_not_done_until_it_was_restarted(
    line: Line, restart: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_process, "PATIENCE", 0)
    line.start()

    for _ in range(2):
        with pytest.raises(IotoError, match=rf"{says}.*ioto_agent_restart.*written and not verified"):
            line.serialize(restart)
        assert line.states() == [State.WRITTEN]

    assert line.serialize(*line.restart).state == "verified"


def test_a_verified_unit_that_is_written_again_is_done_when_its_agent_was_restarted_and_not_before(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_process, "PATIENCE", 0)
    first = line.serialize("true")
    line.device.file.write_text(f"{{product: '{PRODUCT}'}}")
    old = line.start()

    for _ in range(2):
        with pytest.raises(IotoError, match="did not end"):
            line.serialize("true")

    assert line.serialize(*line.restart).claim_id == first.claim_id
    assert old not in line.pids
    scripts = len(line.device.scripts)
    assert not line.serialize("true").changed
    assert len(line.device.scripts) == scripts + 1


def test_an_agent_that_starts_between_look_and_write_is_seen(line: Line) -> None:
    old: list[int] = []

    def booting(number: int) -> None:
        if number == 1:
            old.append(line.start())

    line.device.before_run = booting
    line.serialize(*line.restart)

    assert old and old[0] not in line.pids
    assert line.states() == [State.VERIFIED]


def test_an_id_that_is_adopted_is_not_trusted_to_an_agent_that_ran_before(line: Line) -> None:
    line.device.file.write_text(f"{{id: 'JT08FFQXWQ', product: '{PRODUCT}'}}")
    old = line.start()

    assert line.serialize(*line.restart).claim_id == "JT08FFQXWQ"
    assert old not in line.pids


def test_an_agent_that_overwrites_when_it_starts_again_is_found_out(line: Line) -> None:
    line.start()
    overwrites = OVERWRITES.format(product=PRODUCT, root=line.device.root, file=line.device.file)
    line.behave(overwrites)

    with pytest.raises(IotoError, match="wrote over its device"):
        line.serialize(*line.restart)
    assert line.states() == [State.WRITTEN]


def test_the_agent_that_saved_its_id_goes_on_and_one_that_ran_before_may_not(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_process, "PATIENCE", 0)
    old = line.start()
    saves = OVERWRITES.format(product=PRODUCT, root=line.device.root, file=line.device.file)
    line.behave(saves)

    with pytest.raises(IotoError, match=rf"process {old}"):
        line.serialize("sh", "-c", f"setsid '{line.program}' &", source=Agent(seconds=10))
    assert line.states() == [State.WRITTEN]

    os.kill(old, signal.SIGKILL)
    outcome = line.serialize(*line.restart, source=Agent(seconds=10))
    assert (outcome.claim_id, outcome.state) == ("ZZZZZZZZZZ", "verified")


def test_a_device_without_an_id_whose_agent_waits_for_one_for_ever_is_a_warning(line: Line) -> None:
    said = report_device(line.device, line.device.config_dir, reveal=False)
    assert said["agent"]["mode"] == "none"
    assert "serves nothing before it has one" in said["warnings"][0]

    line.device.file.write_text("{id: 'JT08FFQXWQ', conditional: {profile: {prod: {'=id': 'S9S9D443TP'}}}}")
    said = report_device(line.device, line.device.config_dir, reveal=False)
    assert "warnings" not in said
    assert "JT08FFQXWQ" not in repr(said) and "S9S9D443TP" not in repr(said)
