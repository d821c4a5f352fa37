# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of eight slots to look at, into which a script plugs simulated boards, and out of which it pulls them.

`make line` runs it for two minutes: boards are pulled when they have passed, now and then in the middle, swapped, and
plugged again. The page is at the URL that it prints; at the end come a report, and what was looked after: each board
left in is PASS, device and ledger agree, no ID and no label is there twice. SECONDS and SEED say how long and which
script; KILLS=1 also kills station, playbook and service now and then; STATE is the folder. It needs no root; as root
the boards are real dropbear and BusyBox.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "playbooks/collections")]

from plugins.plugin_utils.claim_ids import mask  # noqa: E402
from plugins.plugin_utils.ledger.ledger import Ledger  # noqa: E402
from plugins.plugin_utils.service.secret_hashes import hash_secret, new_secret  # noqa: E402
from tests.fleet import Device, Fleet, FleetError, processes, removal  # noqa: E402
from tests.fleet.jig import Jig  # noqa: E402
from tests.services.factory_service import RunningService  # noqa: E402
from tests.services.label_printer import READY, LabelPrinter  # noqa: E402
from tests.services.line_station import RunningStation  # noqa: E402

SLOTS, BOARDS = 8, 24
IN_THE_MIDDLE, AGAIN, KILL = 0.15, 0.25, 0.05
"""How often a board is pulled before it is done, one that was done is plugged once more, and something is killed."""
PAUSE = (0.2, 1.2)
LAST_SECONDS = 90.0
_VERDICT = re.compile(r" (slot-\d+) (EMPTY|WORKING|PASS|FAIL|NO LABEL)")


Killed = tuple[str, Callable[[], None]]


class LineShow:
    """The line, and the script that plays the operator."""

    def __init__(
        self, jig: Jig, boards: list[Device], station: RunningStation, seed: int, killed: Sequence[Killed] = ()
    ) -> None:
        """`killed` are what is killed now and then, each by a function that also starts it again."""
        self._jig = jig
        self._fresh = list(boards)
        self._used: list[Device] = []
        self._station = station
        self._random = random.Random(seed)  # noqa: S311  # a script, no secret
        self._killed = killed
        self._shown = 0
        self.states = dict.fromkeys(jig.places, "EMPTY")
        self.deeds: Counter[str] = Counter()

    def play(self, seconds: float) -> None:
        """Plug and pull for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._act()
            self.follow(self._random.uniform(*PAUSE))

    def settle(self) -> None:
        """Return when each board that is in a slot has its verdict. Raises `FleetError`."""
        until = time.monotonic() + LAST_SECONDS
        while open_slots := [slot for slot in self._jig.inside if self.states[slot] in {"EMPTY", "WORKING"}]:
            if time.monotonic() > until:
                raise FleetError(f"No verdict came for {', '.join(open_slots)}; look into {self._station.log}.")
            self.follow(0.2)

    def follow(self, seconds: float) -> None:
        """Show what the station says meanwhile."""
        until = time.monotonic() + seconds
        while True:
            data = self._station.log.read_bytes()
            end = data.rfind(b"\n") + 1
            for line in data[self._shown : end].decode().splitlines():
                print(f"  {line}", flush=True)
                if found := _VERDICT.search(line):
                    self.states[found[1]] = found[2]
            self._shown = max(self._shown, end)
            if (left := until - time.monotonic()) <= 0:
                return
            time.sleep(min(left, 0.1))

    def _act(self) -> None:
        done = [slot for slot in self._jig.inside if self.states[slot] in {"PASS", "FAIL", "NO LABEL"}]
        working = [slot for slot in self._jig.inside if self.states[slot] == "WORKING"]
        empty = [slot for slot in self._jig.places if slot not in self._jig.inside]
        if self._killed and self._random.random() < KILL:
            name, kill = self._random.choice(self._killed)
            print(f"* kill -9 of the {name}", flush=True)
            self.deeds[f"kills of the {name}"] += 1
            kill()
        elif working and self._random.random() < IN_THE_MIDDLE:
            self._pull(self._random.choice(working), "pulled in the middle")
        elif done and (not empty or self._random.random() < 0.5):
            slot = self._random.choice(done)
            self._pull(slot, "pulled")
            if self._random.random() < 0.5:
                self._plug(slot, "swapped")
        elif empty:
            self._plug(self._random.choice(empty), "plugged")

    def _pull(self, slot: str, deed: str) -> None:
        device = next(board for board in self._used if board.root == self._jig.inside[slot].root)
        self._jig.pull(slot)
        self.deeds[deed] += 1
        print(f"* {device.serial} is {deed} out of {slot}", flush=True)

    def _plug(self, slot: str, deed: str) -> None:
        inside = {board.root for board in self._jig.inside.values()}
        idle = [board for board in self._used if board.root not in inside]
        if self._fresh and not (idle and self._random.random() < AGAIN):
            device = self._fresh.pop(0)
            self._used.append(device)
        elif idle:
            device, deed = self._random.choice(idle), "plugged again"
        else:
            return
        self.deeds[deed] += 1
        print(f"* {device.serial} is {deed} into {slot}", flush=True)
        self._jig.plug(slot, device)


def main() -> int:
    seed = int(os.environ.get("SEED") or 20)
    seconds = float(os.environ.get("SECONDS") or 120)
    state = Path(os.environ.get("STATE") or ROOT / ".cache" / "line").absolute()
    removal.remove(state / "fleet")
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True, mode=0o700)
    ledger = state / ".local/share/ioto/ledger.db"  # the default one of whoever has the folder as their home
    ledger.parent.mkdir(parents=True, mode=0o700)
    token, token_file = new_secret(), state / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(token, encoding="ascii")
    say(f"1. {BOARDS} boards, a label printer, the factory service with its page; the script is SEED={seed}")
    with ExitStack() as opened:
        fleet = opened.enter_context(Fleet.start(state / "fleet", groups={"manual": BOARDS}))
        printer = opened.enter_context(LabelPrinter(state / "printer", status=READY))
        service = opened.enter_context(
            RunningService(ledger, state / "service.log", station_tokens=[hash_secret(token)])
        )
        jig = Jig(fleet, SLOTS, ioto_label_printer=printer.address, ioto_label_product_name="Heat pump 30")
        page = f"http://127.0.0.1:{service.port}"
        station = opened.enter_context(
            RunningStation(state, jig, service_url=page, token_file=str(token_file), operator="ann")
        )
        say(f"2. Eight slots for {seconds:g} s. The page of the line: {page}/line")
        killed: list[Killed] = []
        if os.environ.get("KILLS"):
            killed = [
                ("station", lambda: again(station)),
                ("playbook", lambda: kill_playbook(station)),
                ("service", lambda: again(service)),
            ]
        show = LineShow(jig, fleet.devices, station, seed, killed)
        show.play(seconds)
        say("3. The script ends; what is in a slot gets its verdict")
        show.settle()
        station.stop()
        show.follow(0.0)
        say("4. The report")
        report(state, ledger, jig.inventory)
        print(f"\nThe report: {state / 'report.html'}")
        return judge(fleet, jig, show, ledger, printer)


def again(program: RunningStation | RunningService) -> None:
    """Kill `program` as a power cut would, and start it again."""
    program.kill()
    program.start()


def kill_playbook(station: RunningStation) -> None:
    """Kill a playbook that runs for `station`, where there is one."""
    for pid in processes.descendants(station.pid):
        with suppress(OSError):
            if b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1]:
                os.kill(pid, signal.SIGKILL)
                return


def report(state: Path, ledger: Path, inventory: Path) -> None:
    """Write the report of today."""
    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/report.yml", "-i", str(inventory)),
            *("-e", f"ioto_ledger={ledger}", "-e", f"ioto_report_dest={state / 'report.html'}"),
            *("-e", "ioto_report_since=2000-01-01", "-e", "ioto_report_title='A line of eight slots'"),
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "HOME": str(state)},
        check=True,
    )


def judge(fleet: Fleet, jig: Jig, show: LineShow, ledger: Path, printer: LabelPrinter) -> int:
    """Print what came of the boards; return 0 where ledger, devices and labels agree, and the page told the truth."""
    with Ledger(ledger, read_only=True) as opened:
        claims = {claim.claim_id: claim for claim in opened.claims()}
    ids = {device.serial: device.claim_id() for device in fleet.devices}
    troubles = [f"{slot} says {show.states[slot]}" for slot in jig.inside if show.states[slot] != "PASS"]
    checks: list[tuple[str, Callable[[], bool]]] = [
        (
            "a board has an ID that the ledger does not know",
            lambda: {one for one in ids.values() if one} <= set(claims),
        ),
        ("a unit has two IDs", lambda: len({claim.unit for claim in claims.values()}) == len(claims)),
        ("two boards have one ID", lambda: len({*filter(None, ids.values())}) == len([*filter(None, ids.values())])),
        ("a label was printed twice", lambda: len(set(printer.labels())) == len(printer.labels())),
        ("a board that passed has no ID", lambda: all(inside.claim_id() for inside in jig.inside.values())),
    ]
    troubles += [sentence for sentence, holds in checks if not holds()]
    done = ", ".join(f"{number} {deed}" for deed, number in sorted(show.deeds.items()))
    print(f"\nThe script: {done}.")
    print(
        f"{len(claims)} boards have their IDs, such as {mask(next(iter(claims), ''))}, {len(printer.labels())} labels."
    )
    for trouble in troubles:
        print(f"Not as it should be: {trouble}.")
    return 1 if troubles else 0


def say(text: str) -> None:
    """Print a headline."""
    print(f"\n\033[1m{text}\033[0m", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FleetError as error:
        sys.exit(str(error))
