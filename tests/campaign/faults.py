# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults: a function is one round of one, and says itself what else must hold after it."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import ALPHABET
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import ALL_FILES, Answer
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.agent import Agent
from tests.support import block_devices
from tests.support.shell_device import PRODUCT

from . import mounts, playbook_runs
from .bench import Bench, Controller, Report, Unit, Violation, at_once, id_in, timed

_DATABASES = ("sqlite", "postgresql")


def _no_block_devices() -> str | None:
    return None if block_devices.available() else "storage that fails needs root, loop devices and e2fsprogs"


@dataclass(frozen=True)
class Fault:
    """A kind of rounds: what one is, on which database, and what says why it cannot be had here.

    `costs` is how many rounds of another fault have room where one of it has.
    """

    round: Callable[[Bench], None]
    database: str = "sqlite"
    why_not: Callable[[], str | None] = lambda: None
    costs: int = 1

    @property
    def missing(self) -> str | None:
        """Why it cannot be had here, beside its database."""
        return self.why_not()


# --- the storage ---


def read_error(bench: Bench) -> None:
    """A file of the device cannot be read to its end: it is not an empty one, and nothing is written."""
    with block_devices.storage(bench.folder / "storage") as storage:
        unit = bench.unit(root=storage.root / "device", size=bench.chance.choice([100, 5000]))
        name = bench.chance.choice(ALL_FILES)
        if name != unit.device.file.name:
            (unit.device.root / "etc/ioto" / name).write_text("{ name: 'pump' }\n")
        storage.lose(name)
        before = _names(unit)
        report = bench.work(unit).do()
        # Whatever else drops the machine's memory meanwhile, has more files be lost than this one.
        if report.kind != "refused" or not any(f"{each} on" in str(report.said) for each in ALL_FILES):
            raise Violation(f"{name} could not be read, and: {report}")
        if _names(unit) != before:
            raise Violation(f"{name} could not be read, and something was written")
        unit.gone = True
        bench.check({unit.name: [report]})


def sync_error(bench: Bench) -> None:
    """The storage takes no more, of which the file system knows nothing; what counts is what outlives a power cut."""
    after = bench.folder / "after"
    with block_devices.storage(bench.folder / "storage") as storage:
        unit = bench.unit(root=storage.root / "device", size=bench.chance.choice([1, 3000, 30_000, 200_000]))
        bench.hardware(unit, None, None)
        # Its links lead to where this storage is mounted.
        place = unit.device.file.resolve().relative_to(storage.root.resolve())
        subprocess.run(["sync", "-f", storage.root], check=True)
        if bench.chance.random() < 0.9:
            storage.fill(leave=4096 * bench.chance.choice([0, 0, *range(12)]))
        report = bench.work(unit).do()
        # Where the file system has given up, nothing can be removed either.
        bench.check({unit.name: [report]}, alive=_can_be_written(unit.device.root))
        storage.copy(after)
    with block_devices.unwritten_ext4(after, bench.folder / "rest") as root:
        data = (root / place).read_bytes()
        if data != unit.first and id_in(data, unit.first) != report.claim_id and report.claim_id is not None:
            raise Violation("another ID is on the storage than was reported")
        if report.claim_id is not None and report.claim_id.encode() not in data:
            raise Violation("it was reported verified, and a power cut takes it away")
    after.unlink()


def _can_be_written(folder: Path) -> bool:
    with suppress(OSError):
        (folder / "written").touch()
        return True
    return False


def _names(unit: Unit) -> list[str]:
    return sorted(str(path) for path in unit.device.root.rglob("*"))


# --- the board ---


class Address:
    """An address at which one board answers `scripts` scripts, and another one all that come after them."""

    name = "bench-1"
    host_key = None

    def __init__(self, first: Unit, second: Unit, scripts: int) -> None:
        self._boards = (first, second)
        self._left = scripts

    def run(self, script: str) -> Answer:
        """Run a script on the board that is there."""
        first, second = self._boards
        board = first if self._left > 0 else second
        self._left -= 1
        # Both have their files at one place, as boards have.
        return board.device.run(script.replace(str(first.device.root), str(board.device.root)))


def exchange(bench: Bench) -> None:
    """The board at an address is exchanged between two scripts: nothing is written to the one that comes."""
    first, second = bench.unit(serial=None), bench.unit(serial=None)
    differ = bench.chance.choice(["serial", "address", "both", "one says nothing"])
    serial, mac = f"B-{bench.number}", bench.mac()
    bench.hardware(first, serial, mac)
    if differ == "one says nothing":
        bench.hardware(second, None, None)
    else:
        bench.hardware(
            second,
            serial if differ == "address" else f"{serial}-B",
            mac if differ == "serial" else bench.mac(),
        )
    before = second.held()
    by_agent = bench.chance.random() < 0.3
    address = Address(first, second, bench.chance.choice([1, 1, 1, 2]))
    source, restart = (Agent(seconds=5), _saves(first, bench.chance)) if by_agent else (None, ())
    report = bench.work(first, device=address, source=source, restart=restart).do()
    if second.held() != before:
        raise Violation("the board that came was written to")
    bench.check({first.name: [Report(report.serial or serial, report.claim_id, report.said)]})


def _saves(unit: Unit, chance: Random) -> tuple[str, ...]:
    """Return a command that does what an agent does that makes an ID and saves it."""
    claim_id = "".join(chance.choices(ALPHABET, k=10))
    file = shlex.quote(str(unit.device.file))
    text = f"{{ id: '{claim_id}', product: '{PRODUCT}' }}"
    unit.saved = f"{text}\n".encode()
    return ("sh", "-c", f'printf "%s\\n" "{text}" >{file}.tmp; mv {file}.tmp {file}')


# --- two controllers ---


def two_serials(bench: Bench) -> None:
    """Two controllers give one device two serials: at most one is verified, and the other one says why not."""
    unit = bench.unit()
    serials = [f"{unit.serial}-A", f"{unit.serial}-B"]
    reports = at_once([bench.work(unit, serial=serial) for serial in serials])
    if len([report for report in reports if report.claim_id]) > 1:
        raise Violation(f"one device was verified under two serials: {[report.serial for report in reports]}")
    bench.check({unit.name: reports})
    if not any(report.claim_id for report in reports):
        bench.counts["none of two"] += 1
        again = [bench.work(unit, serial=serial).do() for serial in serials]
        if len([report for report in again if report.claim_id]) != 1:
            raise Violation(f"nobody has the device, one after the other either: {again}")
        bench.check({unit.name: again})


def two_boards(bench: Bench) -> None:
    """Two controllers give one serial to two boards: at most one of those is verified."""
    serial = f"SN-{bench.number}"
    boards = [bench.unit(serial=serial), bench.unit(serial=serial)]
    facts = bench.chance.choice(["serials", "addresses", "both"])
    one, other = (f"{serial}-board", bench.mac()), (f"{serial}-other", bench.mac())
    bench.hardware(boards[0], one[0] if facts != "addresses" else None, one[1] if facts != "serials" else None)
    bench.hardware(boards[1], other[0] if facts != "addresses" else None, other[1] if facts != "serials" else None)
    reports = at_once([bench.work(board) for board in boards])
    if all(report.claim_id for report in reports):
        raise Violation("one serial was verified on two boards")
    bench.check({board.name: [report] for board, report in zip(boards, reports, strict=True)})
    if not any(report.claim_id for report in reports):
        bench.counts["none of two"] += 1


def twins(bench: Bench) -> None:
    """Two hosts of a run say that they are one unit: one at most is verified here, and the sentence names both.

    That the first is not done either is said by whoever has the run as a whole.
    """
    fact = bench.chance.choice(["serial", "address", "both", "inventory"])
    serial = f"SN-{bench.number}" if fact == "inventory" else None
    facts = None if fact == "address" else f"T-{bench.number}", None if fact == "serial" else bench.mac()
    boards = [bench.unit(serial=serial), bench.unit(serial=serial)]
    works = []
    for number, board in enumerate(boards, 1):
        bench.hardware(board, *facts)
        device = replace(board.device, name=f"bench-{number}")
        works.append(bench.work(board, device=device, host=device.name, run=f"R-{bench.number}"))
    reports = at_once(works) if bench.chance.random() < 0.7 else [work.do() for work in works]
    if all(report.claim_id for report in reports):
        raise Violation(f"two devices of one run are one unit ({fact})")
    bench.check({board.name: [report] for board, report in zip(boards, reports, strict=True)})
    for report in reports:
        if report.said is not None and not all(f"bench-{number}" in report.said for number in (1, 2)):
            raise Violation(f"twins that are not named: {report.said}")


def one_unit(bench: Bench) -> None:
    """Two controllers do the same unit: whoever is done has the same ID."""
    unit = bench.unit()
    reports = at_once([bench.work(unit), bench.work(unit)])
    if len({report.claim_id for report in reports if report.claim_id}) > 1:
        raise Violation("one unit has two IDs")
    bench.check({unit.name: reports})
    again = bench.work(unit).do()
    if again.claim_id is None:
        raise Violation(f"the next run does not complete it: {again.said}")
    bench.check({unit.name: [again]})


# --- kill -9 ---


def kill(bench: Bench) -> None:
    """A controller, the shell that it started, or both are killed at some instant; the next run completes the unit."""
    unit = bench.unit()
    controller = Controller(bench.work(unit))
    time.sleep(bench.chance.uniform(0, 1.1 * bench.typical))  # the instant is what is drawn
    if not controller.kill(bench.chance.choice(["controller", "shell", "everything"])):
        bench.counts["no shell to kill"] += 1
    report = controller.report()
    bench.check({unit.name: [report]}, alive=False)
    bench.counts["left blank" if unit.held() == unit.first else "left with an ID"] += 1
    held = {holder: claim_id for claim_id, holder in bench.holders.items()}.get(unit.name)
    again, seconds = timed(bench.work(unit))
    bench.typical = (9 * bench.typical + seconds) / 10
    if again.claim_id is None or held not in {None, again.claim_id}:
        raise Violation(f"the next run does not complete it: {again}")
    bench.check({unit.name: [again]})


_ON_EACH_DATABASE: Mapping[str, Callable[[Bench], None]] = {
    "two serials, one device": two_serials,
    "one serial, two boards": two_boards,
    "twins": twins,
    "one unit, two controllers": one_unit,
    "kill -9": kill,
}

FAULTS: Mapping[str, Fault] = {
    "read error": Fault(read_error, why_not=_no_block_devices),
    "sync error": Fault(sync_error, why_not=_no_block_devices),
    "ways of mounting": Fault(mounts.mounts, why_not=mounts.missing),
    "exchanged board": Fault(exchange),
    **{
        f"{name} ({database})": Fault(round_, database)
        for name, round_ in _ON_EACH_DATABASE.items()
        for database in _DATABASES
    },
    **{
        f"twins in whole runs ({engine})": Fault(playbook_runs.twins(engine), why_not=playbook_runs.missing, costs=4)
        for engine in ("ansible", "fleet")
    },
}
