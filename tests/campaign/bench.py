# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bench of units with real shells and a ledger, controllers that can be killed, and what must hold after a round."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import json5

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Device
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.source import ClaimSource
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.fleet import processes
from tests.support.shell_device import PRODUCT, SHELLS, ShellDevice, available_shells, link_applets
from tests.support.write_races import wait_for_session

DEADLINE_SECONDS = 120.0
COMMENT = "// of the line, which stays"

_DONE = {State.VERIFIED, State.LABELLED}
# Forked as Ansible forks its workers.
_NAMED = f"{{\n    product: '{PRODUCT}',\n}}\n".encode()
_NAMES = re.compile(
    r"('[^']*'|\bbench-[0-9]|/[^ ,:;]*|\bSN-[0-9A-Z-]+|\*+\w\w|[0-9a-f]{2}(:[0-9a-f]{2}){5}|\b\w+\.json5)"
)
_fork = multiprocessing.get_context("fork")


class Violation(AssertionError):
    """What must never be."""


@dataclass(frozen=True)
class Report:
    """What a controller said of a unit: its ID where it is verified, else a sentence; neither where it was killed."""

    serial: str | None
    claim_id: str | None = None
    said: str | None = None

    @property
    def kind(self) -> str:
        """A word for it."""
        if self.claim_id is not None:
            return "verified"
        return "killed" if self.said is None else "refused"


@dataclass
class Unit:
    """A unit, with what was in its file at first (None: it had none)."""

    device: ShellDevice
    first: bytes | None
    serial: str | None
    saved: bytes | None = None
    """What its agent may have saved."""
    gone: bool = False
    """Whether nobody can read it any more."""

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return str(self.device.root)

    def held(self) -> bytes | None:
        """Return what is in its file."""
        with suppress(FileNotFoundError):
            return self.device.file.read_bytes()
        return None

    def litter(self) -> list[str]:
        """Return what is anywhere on it that nobody but a run of ours would have made."""
        return [str(path) for path in self.device.root.rglob("*") if ".ioto-" in path.name]


@dataclass
class Bench:
    """The units of a round: their folder, the ledger of all rounds, and the round's own chance."""

    folder: Path
    ledger: str
    chance: Random
    number: str
    counts: Counter[str]
    sayings: Counter[str]
    holders: dict[str, str]
    """Which unit holds an ID, of all rounds of a ledger."""
    typical: float = 0.2
    units: list[Unit] = field(default_factory=list)

    def unit(self, *, root: Path | None = None, serial: str | None = "", size: int = 0) -> Unit:
        """Make a unit. It has a serial of its own, unless `serial` says which, or None for none in the inventory."""
        index = len(self.units)
        root = root or self.folder / f"unit-{index}"
        device = ShellDevice(root, SHELLS[self.chance.choice(available_shells())])
        without = self.chance.choice(["nothing", "dd", "fsync"])
        tools = self.folder.parent / f"tools-without-{without}"
        if self.chance.random() < 0.4 and (tools.exists() or link_applets(tools, without)):
            device.path = str(tools)
            device.shell = (f"{tools}/sh", "-s")
        (root / "etc/ioto").mkdir(parents=True)
        (root / "proc").mkdir()
        (root / "etc/ioto/ioto.json5").write_text("{ services: { serialize: 'auto' } }\n")
        first: bytes | None = None
        if size or self.chance.random() < 0.8:
            filler = f"//{' ' * size}\n" if size else ""
            first = f"{COMMENT}\n{filler}{{\n    product: '{PRODUCT}',\n    name: 'pump',\n}}\n".encode()
            place = device.file
            if self.chance.random() < 0.25:
                place = root / "persist/device.json5"
                place.parent.mkdir()
                device.file.symlink_to("../../persist/device.json5")
            place.write_bytes(first)
            place.chmod(0o600)
        made = Unit(device, first, f"SN-{self.number}-{index}" if serial == "" else serial)
        self.units.append(made)
        return made

    def hardware(self, unit: Unit, serial: str | None, mac: str | None) -> None:
        """Have a unit's board say who it is, and that its storage is a disk."""
        machine = unit.device.machine = self.folder / f"machine-{self.units.index(unit)}"
        facts = {
            "proc/mounts": f"/dev/root {unit.device.root} ext4 rw 0 0\n",
            "proc/device-tree/serial-number": serial and f"{serial}\0",
            "sys/class/net/eth0/address": mac and f"{mac}\n",
            "sys/class/net/eth0/addr_assign_type": mac and "0\n",
        }
        for path, text in facts.items():
            if text:
                (machine / path).parent.mkdir(parents=True, exist_ok=True)
                (machine / path).write_text(text)

    def mac(self) -> str:
        """Return an address that no other board has."""
        tail = ":".join(f"{byte:02x}" for byte in self.chance.randbytes(3))
        return f"00:1b:21:{tail}"

    def work(
        self,
        unit: Unit,
        *,
        serial: str | None = "",
        device: Device | None = None,
        source: ClaimSource | None = None,
        restart: Sequence[str] = (),
        host: str = "bench-1",
        run: str | None = None,
    ) -> Work:
        """Return the work of a controller at a unit, or at the `device` that answers for it."""
        name = unit.serial if serial == "" else serial
        request = Request(source or Generated(), PRODUCT, name, config_dir=unit.device.config_dir, restart=restart)
        return Work(self.ledger, device or unit.device, request, Context("tester@bench", host, run=run))

    def check(self, reports: Mapping[str, Sequence[Report]], *, alive: bool = True) -> None:
        """Raise `Violation` where something is not as it must be after a round.

        `reports` are by the name of the unit that was to be done. Where a run was just killed, something `alive` may
        have to come first, which sweeps; then nothing is said of litter.
        """
        on: dict[str, str | None] = {}
        for unit in self.units:
            on[unit.name] = None if unit.gone else held_id(unit)
            if alive and (litter := unit.litter()):
                raise Violation(f"litter: {litter}")
        for name, held in on.items():
            if held is not None and self.holders.setdefault(held, name) != name:
                raise Violation(f"one ID is on {name} and on {self.holders[held]}")
        with Ledger(self.ledger) as ledger:
            for name, said in reports.items():
                for report in said:
                    self.counts[report.kind] += 1
                    self._check_report(ledger, report, on[name])

    def _check_report(self, ledger: Ledger, report: Report, held: str | None) -> None:
        if report.said is not None:
            check_sentence(report.said, self.holders)
            self.sayings[_NAMES.sub("…", report.said)[:100]] += 1
        if report.claim_id is None:
            return
        if held != report.claim_id:
            raise Violation(f"{report.serial} was reported verified, and its storage holds something else")
        (claim,) = ledger.holders([held]).values()
        if not claim.is_live or claim.state not in _DONE or claim.unit != report.serial:
            raise Violation(f"{report.serial} was reported verified, and the ledger says {claim.state}, {claim.unit}")


@dataclass(frozen=True)
class Work:
    """What a controller does: one unit, with a ledger that it opens itself."""

    ledger: str
    device: Device
    request: Request
    context: Context

    def do(self) -> Report:
        """Do it, and report."""
        try:
            with Ledger(self.ledger) as ledger:
                outcome = serialize(self.device, self.request, ledger, self.context)
        except IotoError as error:
            return Report(self.request.serial, said=str(error))
        except Exception:
            return Report(self.request.serial, said=traceback.format_exc())
        if outcome.state not in {state.value for state in _DONE}:
            return Report(outcome.serial, said=f"It is {outcome.state} and was no error")
        return Report(outcome.serial, outcome.claim_id)


class Controller:
    """A controller in a process of its own, which leads a session, and what it has started is in that."""

    def __init__(self, work: Work, begin: Callable[[], object] | None = None) -> None:
        self._work = work
        self._answer, answer = _fork.Pipe(duplex=False)
        self._process = _fork.Process(target=_lead, args=(work, answer, begin), daemon=True)
        self._process.start()
        answer.close()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self, what: str) -> bool:
        """Kill the `controller`, its `shell`, or `everything`; return whether there was such a thing."""
        victims = processes.children(self.pid) if what == "shell" else [self.pid]
        for pid in victims:
            with suppress(ProcessLookupError):
                (os.killpg if what == "everything" else os.kill)(pid, signal.SIGKILL)
        return bool(victims)

    def report(self) -> Report:
        """Return what it says when it and all that it started have ended."""
        self._process.join(DEADLINE_SECONDS)
        if self._process.is_alive():
            self.kill("everything")
            raise Violation(f"a controller did not end within {DEADLINE_SECONDS:.0f} s")
        wait_for_session(self.pid)
        with suppress(EOFError):
            if self._answer.poll():
                return Report(*json.loads(self._answer.recv_bytes()))
        return Report(self._work.request.serial)


def _lead(work: Work, answer: Connection, begin: Callable[[], object] | None) -> None:
    os.setsid()
    if begin is not None:
        begin()
    report = work.do()
    answer.send_bytes(json.dumps([report.serial, report.claim_id, report.said]).encode())


def at_once(works: Sequence[Work]) -> list[Report]:
    """Have a controller for each, which begin together, and return what they say."""
    barrier = _fork.Barrier(len(works))
    controllers = [Controller(work, partial(barrier.wait, DEADLINE_SECONDS)) for work in works]
    return [controller.report() for controller in controllers]


def timed(work: Work) -> tuple[Report, float]:
    """Have a controller do it undisturbed; return what it says, and the seconds."""
    began = time.monotonic()
    return Controller(work).report(), time.monotonic() - began


def held_id(unit: Unit) -> str | None:
    """Return the ID in a unit's file. Raises `Violation` unless that is what was there, or that with an ID."""
    data = unit.held()
    if data == unit.first:
        return None
    if data is None:
        raise Violation(f"{unit.name} has lost its file")
    if unit.saved is not None and data == _NAMED and unit.first is None:
        return None  # its product is there before its agent is asked for an ID
    return id_in(data, unit.saved if data == unit.saved else unit.first)


def id_in(data: bytes, first: bytes | None) -> str:
    """Return the ID in a file that was `first`. Raises `Violation` where it is not the whole of that, with an ID."""
    first = first or b"{}"
    try:
        members = json5.loads(data.decode())
        before = json5.loads(first.decode())
        claim_id = members.pop("id")
    except (ValueError, KeyError, AttributeError) as error:
        raise Violation(f"a half-written file: {data!r}") from error
    before.pop("id", None)
    whole = members == {**before, "product": PRODUCT} and (COMMENT.encode() in data or COMMENT.encode() not in first)
    if not whole or not is_valid(claim_id) or not data.endswith(b"}\n"):
        raise Violation(f"a file that is not what was there, with an ID: {data[:300]!r}")
    return str(claim_id)


def check_sentence(said: str, ids: Mapping[str, str]) -> None:
    """Raise `Violation` where what a failure says is no sentence, or says a whole ID."""
    # Or with the name of a host, as people write it.
    begins = said[:1].isupper() or said.startswith("bench-")
    if not begins or not said.endswith((".", ")")) or "\n" in said:
        raise Violation(f"no sentence: {said}")
    if any(claim_id in said for claim_id in ids):
        raise Violation(f"a whole ID: {said}")
