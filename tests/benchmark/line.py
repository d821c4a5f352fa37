# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a board waits at a hands-free line, beside one plain `provision.yml` in the same run.

`PYTHONPATH=playbooks/collections python -m tests.benchmark.line`, as root or not. In each round a device is provisioned
by `ansible-playbook` alone, then one board is plugged into a line, then eight at once. Time is from when SSH answers to
when the page's data say PASS; CPU is that of whoever runs Ansible, its children and theirs included. The devices take
the same two cores. Where IOTO_ANSIBLE_RULEBOOK names an ansible-rulebook, a line that it runs is measured as well.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from plugins.plugin_utils.ledger.ledger import Ledger
from plugins.plugin_utils.service.secret_hashes import hash_secret, new_secret
from tests.fleet import Device, Fleet
from tests.fleet.jig import Jig
from tests.services.factory_service import RunningService
from tests.services.line_station import RunningStation, eventually
from tests.support.ansible import provision

from .line_rulebook import measure_rulebook, missing

SLOTS = 8
PATIENCE = 120.0
LOOK_SECONDS = 0.03


class PageWatch(threading.Thread):
    """Looks at what the page shows, and notes when each arrival was first PASS there."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._over = threading.Event()
        self._passed: dict[tuple[str, int], float] = {}
        self._taken: set[tuple[str, int]] = set()

    def run(self) -> None:
        """Look until it is stopped."""
        while not self._over.wait(LOOK_SECONDS):
            with urllib.request.urlopen(self._url) as answer:
                shown = json.loads(answer.read())
            for slot in shown["slots"]:
                if slot["state"] == "pass":
                    self._passed.setdefault((slot["slot"], slot["arrival"]), time.monotonic())

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self.join()

    def next_pass(self, slot: str) -> float:
        """Return when the next board of `slot` was PASS."""

        def found() -> tuple[str, int] | None:
            return next((key for key in [*self._passed] if key[0] == slot and key not in self._taken), None)

        key = eventually(found, PATIENCE, lambda: f"the board in {slot} is not PASS on the page")
        self._taken.add(key)
        return self._passed[key]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", type=int, default=200, help="how many in all (default: %(default)s)")
    rounds = max(1, parser.parse_args().boards // (SLOTS + 2))
    state = Path(tempfile.mkdtemp(prefix="ioto-line-"))
    try:
        with ExitStack() as opened:
            return measure(state, rounds, opened)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def measure(state: Path, rounds: int, opened: ExitStack) -> int:
    """Run the rounds, print the figures, and return 0 where nothing was lost or there twice."""
    ledger = state / ".local/share/ioto/ledger.db"
    ledger.parent.mkdir(parents=True)
    token, token_file = new_secret(), state / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(token, encoding="ascii")
    with_rulebook = "IOTO_ANSIBLE_RULEBOOK" in os.environ and missing() is None
    number = rounds * (SLOTS + 2) + (1 + 2 * rounds if with_rulebook else 0)
    fleet = opened.enter_context(Fleet.start(state / "fleet", groups={"manual": number}))
    service = opened.enter_context(RunningService(ledger, state / "service.log", station_tokens=[hash_secret(token)]))
    bench, jig = Jig(fleet, 1, "bench"), Jig(fleet, SLOTS)
    page = f"http://127.0.0.1:{service.port}"
    station = opened.enter_context(RunningStation(state, jig, service_url=page, token_file=str(token_file)))
    watch = PageWatch(f"{page}/line/v1/slots")
    watch.start()
    boards = iter(fleet.devices)
    figures: dict[str, list[float]] = {name: [] for name in ("plain", "one", "eight", *CPU)}
    for _ in range(rounds):
        plain(state, bench, next(boards), figures)
        at_the_line(station, jig, watch, {"slot-1": next(boards)}, "one", figures)
        at_the_line(station, jig, watch, {slot: next(boards) for slot in jig.places}, "eight", figures)
    watch.stop()
    station.stop()
    show(figures)
    if with_rulebook:
        alone: dict[str, list[float]] = {"plain": [], CPU[0]: []}
        show(measure_rulebook(state, fleet, boards, rounds, lambda device: plain(state, bench, device, alone)))
    else:
        print(f"The line by a rulebook is not measured: {missing() or 'IOTO_ANSIBLE_RULEBOOK names none'}")
    with Ledger(ledger, read_only=True) as closed:
        known = sorted(claim.claim_id for claim in closed.claims())
    is_true = known == sorted({str(device.claim_id()) for device in fleet.devices})
    verdict = "none lost, none twice" if is_true else "NOT AS IT SHOULD BE"
    print(f"{len(fleet.devices)} boards, {len(known)} IDs: {verdict}")
    return 0 if is_true else 1


CPU = ("CPU of plain", "CPU of one", "CPU of eight, a board")


def plain(state: Path, bench: Jig, device: Device, figures: Mapping[str, list[float]]) -> float:
    """Provision `device` by ansible-playbook alone, and return the seconds."""
    bench.plug("slot-1", device)
    began, cpu = time.monotonic(), children_seconds()
    run = provision(state, "-i", bench.inventory)
    figures["plain"].append(time.monotonic() - began)
    figures[CPU[0]].append(children_seconds() - cpu)
    assert run.status == 0, run.output
    bench.pull("slot-1")
    return figures["plain"][-1]


def at_the_line(
    station: RunningStation,
    jig: Jig,
    watch: PageWatch,
    boards: Mapping[str, Device],
    name: str,
    figures: Mapping[str, list[float]],
) -> None:
    """Plug `boards` at once, wait until all are PASS on the page, and pull them."""
    cpu = station.cpu_seconds()
    before = time.monotonic()
    jig.plug_all(boards)
    # Of one, when it answered is known; of eight the first answered before the last.
    began = time.monotonic() if len(boards) == 1 else before
    figures[name].extend(watch.next_pass(slot) - began for slot in boards)
    station.wait_for("ended after")
    eventually(lambda: None if station.has_run() else True, PATIENCE, lambda: "a run does not end")
    figures[CPU[1 if len(boards) == 1 else 2]].append((station.cpu_seconds() - cpu) / len(boards))
    for slot in boards:
        jig.pull(slot)
    station.wait_for_each({f"{slot} EMPTY" for slot in boards})


def show(figures: Mapping[str, Sequence[float]]) -> None:
    """Print medians, 95th percentiles, and what they are of the plain run."""
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, values in figures.items():
        base = statistics.median(figures["CPU of plain" if name.startswith("CPU") else "plain"])
        middle = statistics.median(values)
        high = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else middle
        times = f"{middle / base:.2f} times the plain one, p95 {high / base:.2f}"
        print(f"{name:22} {len(values):4}  median {middle:6.2f} s  p95 {high:6.2f} s  {times}")


def children_seconds() -> float:
    """Return the CPU time of the children of this process that have ended, and of theirs."""
    used = os.times()
    return used.children_user + used.children_system


if __name__ == "__main__":
    sys.exit(main())
