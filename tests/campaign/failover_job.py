# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of several controllers at one ledger, and agents that ask the service meanwhile."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Claim, State
from tests.fleet import Fleet
from tests.fleet.devices import Device
from tests.services.factory_load import Client
from tests.services.factory_service import RunningService
from tests.support.ansible import ROOT, Run, command, environment

DEVICES = 4
"""Of each controller."""
_RUN_SECONDS = 180
_CLIENTS = 2
_SUMMARY = f"{DEVICES} devices: "
_LOCKED = "is locked by another session, which did not end in time; see pg_stat_activity"


class Controller:
    """One `ansible-playbook` for its own part of the devices."""

    def __init__(self, folder: Path, inventory: Path, ledger: str, engine: str, devices: Sequence[Device]) -> None:
        self.devices = devices
        self.engine = engine
        self.last = Run(-1, "")
        self._folder = folder
        (folder / "home").mkdir(parents=True)
        extra = json.dumps({"ioto_ledger": ledger, "ioto_engine": engine})
        limit = ",".join(device.name for device in devices)
        self._command = command(ROOT / "playbooks/provision.yml", "-i", inventory, "-e", extra, "--limit", limit)
        self._process: subprocess.Popen[str] | None = None
        self._output = folder / "output"

    def start(self) -> None:
        """Start a run."""
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder / "home",
                env=environment(self._folder / "home"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether the run goes on."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> Run:
        """Return how the run ended. Raises `TimeoutExpired`."""
        assert self._process is not None
        try:
            self.last = Run(self._process.wait(_RUN_SECONDS), self._output.read_text())
        finally:
            self.end()
        return self.last

    def end(self) -> None:
        """Kill a run that goes on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@dataclass
class Job:
    """Devices, and the controllers among which they are divided."""

    ledger: str
    devices: list[Device]
    controllers: list[Controller]
    counts: Counter[str] = field(default_factory=Counter)
    _told: list[str] = field(default_factory=list)
    _done_first: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def of_controllers(cls, folder: Path, ledger: str, engines: Sequence[str], chance: Random) -> Iterator[Self]:
        """Have new units, and a controller for each of `engines`, for the time of the block."""
        size = len(engines) * DEVICES
        with Fleet.start(folder / "fleet", groups={"manual": size}, kind="dropbear") as fleet:
            for device in fleet.devices:
                _make_new(device, f"{folder.name}-{device.name}", chance)
            controllers = [
                Controller(
                    folder / f"controller-{at}", fleet.inventory, ledger, engine, fleet.devices[at :: len(engines)]
                )
                for at, engine in enumerate(engines)
            ]
            try:
                yield cls(ledger, fleet.devices, controllers)
            finally:
                for controller in controllers:
                    controller.end()

    @property
    def size(self) -> int:
        """How many devices there are."""
        return len(self.devices)

    def start(self) -> None:
        """Start all runs."""
        for controller in self.controllers:
            controller.start()

    def wait_until_done(self, count: int) -> None:
        """Return when so many devices have an ID, or no run goes on any more."""
        while any(controller.is_running for controller in self.controllers):
            if sum(device.claim_id() is not None for device in self.devices) >= count:
                return
            time.sleep(0.02)

    def wait(self) -> None:
        """Return when all runs are over, and note what each has reported as done."""
        for controller in self.controllers:
            run = controller.wait()
            self._look(controller, run)
            failed = run.failed | run.unreachable
            if _SUMMARY not in run.output:
                continue  # it was not even begun, and has reported nothing
            for device in controller.devices:
                if device.name not in failed:
                    self._done_first[device.name] = device.claim_id()
        self.counts["devices done at once"] += len(self._done_first)
        self.counts["devices done later"] += self.size - len(self._done_first)

    def run_again(self, end_idle_sessions: Callable[[], int]) -> None:
        """Run once more what has failed, which has to succeed now.

        A run that is told of a lock is had a third time after `end_idle_sessions`, which somebody would do by hand:
        a server that was cut off in a transaction holds its locks for minutes.
        """
        for is_last in (False, True):
            again = [controller for controller in self.controllers if controller.last.status]
            for controller in again:
                controller.start()
            for controller in again:
                self._look(controller, controller.wait())
                self.counts[f"runs again ({controller.engine})"] += 1
            failed = [controller for controller in again if controller.last.status]
            if is_last or not all(_LOCKED in controller.last.output for controller in failed):
                break
            if failed:
                self.counts["sessions ended that were cut off"] += end_idle_sessions()
        for controller in failed:
            self._told.append(f"the run by {controller.engine} has failed again: {controller.last.output[-3000:]}")

    def _look(self, controller: Controller, run: Run) -> None:
        self.counts[f"runs ({controller.engine})"] += 1
        if "Traceback" in run.output:
            self._told.append(f"a traceback by {controller.engine}: {run.output[-3000:]}")

    def violations(self, answered: dict[str, str]) -> Iterator[str]:
        """Say what is wrong; `answered` is what the service gave to units meanwhile."""
        yield from self._told
        held = {device.name: device.claim_id() for device in self.devices}
        for device, claim_id in self._done_first.items():
            if claim_id is None or held[device] != claim_id:
                yield f"{device} was reported as done, and its ID is another one now"
        with Ledger(self.ledger) as ledger:
            live = [claim for claim in ledger.claims() if claim.is_live]
            yield from (str(finding) for finding in check_integrity(ledger.database).findings)
        by_unit: dict[str, list[Claim]] = {}
        for claim in live:
            by_unit.setdefault(claim.unit or "", []).append(claim)
        for device in self.devices:
            claims = by_unit.get(_serial(device), [])
            if [(claim.claim_id, claim.state) for claim in claims] != [(held[device.name], State.VERIFIED)]:
                yield f"{device.name} is not in the ledger as on the device: {[claim.state for claim in claims]}"
            if litter := [path for path in device.listdir("/etc/ioto") if ".ioto-" in path]:
                yield f"litter on {device.name}: {litter}"
        for unit, claim_id in answered.items():
            if [claim.claim_id for claim in by_unit.get(unit, [])] != [claim_id]:
                yield f"the answer to {unit} is not in the ledger, or not it alone"
        ids = [*filter(None, held.values()), *answered.values()]
        if len({*ids}) < len(ids):
            yield "an ID was given to two"


class Load:
    """Agents that ask the service for IDs of ever new units, as long as the block takes."""

    def __init__(self, service: RunningService, name: str) -> None:
        self.answered: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self._service = service
        self._name = name
        self._met: Counter[str] = Counter()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask_all()), name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join(60)

    def wait_for_another_answer(self, seconds: float) -> None:
        """Return when one more unit was answered, or after so many seconds."""
        before, deadline = len(self.answered), time.monotonic() + seconds
        while len(self.answered) == before and time.monotonic() < deadline:
            time.sleep(0.01)

    def end(self) -> None:
        """Ask no more, and ask once more for some of the units that were answered."""
        self._is_over.set()
        self._thread.join(60)
        if self._thread.is_alive():
            self.violations.append("an agent was not answered in the end")
        for unit in list(self.answered)[::50]:
            if self._service.claim(unit) != self.answered[unit]:
                self.violations.append(f"{unit} was given another ID")
        self.counts["answers"] += len(self.answered)
        self.counts.update(self._met)

    async def _ask_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(_CLIENTS):
                group.create_task(self._ask(number))

    async def _ask(self, number: int) -> None:
        client = Client([self._service.port], counts=self._met)
        count = 0
        try:
            while not self._is_over.is_set():
                unit = f"{self._name}-agent-{number}-{count}"
                self.answered[unit] = await client.claim(unit)
                count += 1
                await asyncio.sleep(0.05)  # the machine is for the runs
        finally:
            client.close()


def _serial(device: Device) -> str:
    return (device.root / "proc/device-tree/serial-number").read_text().rstrip("\0")


def _make_new(device: Device, serial: str, chance: Random) -> None:
    for path, text in (
        ("proc/device-tree/serial-number", f"{serial}\0"),
        ("sys/class/net/eth0/address", "02:" + ":".join(f"{chance.randrange(256):02x}" for _ in range(5)) + "\n"),
    ):
        place = device.root / path
        place.unlink()
        place.write_text(text)
