# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what a device costs where one worker of ansible-runner does a job, and where two do half of it each.

    PYTHONPATH=playbooks/collections python -m tests.benchmark.slices --devices 2000 --rounds 3

Both are on this machine, with the fleet engine and the ledger on a PostgreSQL of its own. CPU is user + system of the
worker and of all that it started, neither of the devices nor of PostgreSQL. Slices of a few devices, as many at once,
show what the starts cost, which is taken off before the rest is divided. What two workers did is finished, and audited
with all devices. Each worker has so many devices under way as `--forks` says, as the slices of a template have. Needs
root, sshd, dash and PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.benchmark.meter import metered
from tests.fleet import Fleet
from tests.fleet.crowd import Crowd
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.support.ansible import ROOT
from tests.support.runner import Done, Sender, Worker

FEW = 32
"""Devices of the slice that shows what a start costs: enough for the engine to start a process on each of two cores."""
PATIENCE = 3600.0
_TICKS = os.sysconf("SC_CLK_TCK")
_FILE = "etc/ioto/device.json5"
_READING = 'exec "$@" <"$0"'


@dataclass(frozen=True)
class Cost:
    """What a provision step took: seconds of all its workers together, of the slowest, and of PostgreSQL; bytes."""

    cpu: float
    wall: float
    database: float
    memory: int


@dataclass(frozen=True)
class Bench:
    """Where it all is; `new` are the devices' files as they were."""

    folder: Path
    fleet: Fleet
    server: PostgresqlServer
    forks: int
    new: Mapping[Path, str]

    def job(self, name: str, devices: int, workers: int) -> Cost:
        """Have so many workers do the first so many devices, and return what the provision step took."""
        for path, text in self.new.items():
            path.write_text(text, encoding="utf-8")
        os.sync()
        hosts = [device.name for device in self.fleet.devices[:devices]]
        home = self.folder / name
        home.mkdir()
        variables = {"ioto_ledger": self.server.new_url(), "ioto_engine": "fleet"}
        variables["ioto_job"] = self._step(home, "job_check", hosts, variables).handed_on["ioto_job"]
        cost = self._provisioned(home, hosts, variables, workers)
        print(f"{name}, {devices} devices, {workers} workers: {cost}", flush=True)
        if devices > workers * FEW and workers > 1:
            self._audit(home, hosts, variables)
        return cost

    def _audit(self, home: Path, hosts: Sequence[str], variables: Mapping[str, str]) -> None:
        """Finish the job, and hold its devices and the ledger against each other."""
        self._step(home, "job_finish", hosts, variables)
        audited = {name: value for name, value in variables.items() if name != "ioto_job"}
        done = self._step(home, "audit", hosts, {**audited, "ioto_audit_dest": str(home / "audit.html")})
        print("\n".join(line.strip() for line in done.output.splitlines() if " device" in line), flush=True)

    def _step(self, home: Path, playbook: str, hosts: Sequence[str], variables: Mapping[str, str]) -> Done:
        sender = Sender(home, home)
        stream = sender.transmit(playbook, f"ioto.serialization.{playbook}", self._some(hosts), variables=variables)
        done = sender.process(Worker(stream, home).wait(PATIENCE))
        if done.status:
            raise SystemExit(f"{playbook} failed:\n{done.output[-3000:]}")
        return done

    def _provisioned(self, home: Path, hosts: Sequence[str], variables: Mapping[str, str], workers: int) -> Cost:
        sender = Sender(home, home)
        slices = [hosts[number::workers] for number in range(workers)]  # as AWX deals them out
        streams = [
            sender.transmit(
                f"slice-{number}", "ioto.serialization.job_provision", self._some(members), variables=variables
            )
            for number, members in enumerate(slices, 1)
        ]
        before = cpu_of(self.server)
        running = [
            Worker(
                stream,
                home,
                within=(
                    *metered(stream.with_suffix(".json")),
                    *("sh", "-c", _READING, stream),
                ),
                PYTHONPATH=str(ROOT),
                ANSIBLE_FORKS=str(self.forks),
            )
            for stream in streams
        ]
        for worker in running:
            done = sender.process(worker.wait(PATIENCE))
            if done.status:
                raise SystemExit(f"A slice failed:\n{done.output[-3000:]}")
        crowd = self.fleet.devices[0].kind
        assert isinstance(crowd, Crowd)
        crowd.wait_until_left()
        figures = [json.loads(stream.with_suffix(".json").read_bytes()) for stream in streams]
        return Cost(
            cpu=sum(one["cpu"] for one in figures),
            wall=max(one["wall"] for one in figures),
            database=cpu_of(self.server) - before,
            memory=sum(one["memory"] for one in figures),
        )

    def _some(self, hosts: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = yaml.load(self.fleet.inventory.read_text(encoding="utf-8"), yaml.CSafeLoader)
        (group,) = found["all"]["children"].values()
        group["hosts"] = {host: group["hosts"][host] for host in hosts}
        return found


def main() -> int:
    """Measure, and print one table; return 1 where two workers cost more than 1.05 times what one does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1, help="of one worker and two, in turns (default: %(default)s)")
    parser.add_argument(
        "--forks", type=int, default=50, help="devices at a time for each worker (default: %(default)s)"
    )
    given = parser.parse_args()
    starts: dict[int, list[Cost]] = {1: [], 2: []}
    costs: dict[int, list[Cost]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="ioto-slices-") as temporary, running_postgresql(durable=True) as server:
        folder = Path(temporary)
        with Fleet.start(folder / "fleet", groups={"manual": given.devices}, kind="crowd") as fleet:
            new = {device.root / _FILE: (device.root / _FILE).read_text("utf-8") for device in fleet.devices}
            bench = Bench(folder, fleet, server, given.forks, new)
            bench.job("warm", FEW, 1)
            for number in range(1, given.rounds + 1):
                for workers, found in costs.items():
                    starts[workers].append(bench.job(f"start-{number}-{workers}", workers * FEW, workers))
                    found.append(bench.job(f"job-{number}-{workers}", given.devices, workers))
    ratio = show(given.devices, starts, costs)
    return int(ratio > 1.05)


def show(devices: int, starts: Mapping[int, Sequence[Cost]], costs: Mapping[int, Sequence[Cost]]) -> float:
    """Print medians, and return what a device costs with two workers, in what it costs with one."""
    print(f"\n{devices:,} devices, {len(starts[1])} rounds; a start is a slice of {FEW}, or two of them at once\n")
    print("| workers | wall | CPU | CPU of the starts | CPU of a device, starts apart | CPU of PostgreSQL | memory |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    each: dict[int, list[float]] = {}
    for workers, found in costs.items():
        each[workers] = [
            (one.cpu - begun.cpu) / (devices - workers * FEW) for one, begun in zip(found, starts[workers], strict=True)
        ]
        begun = statistics.median(one.cpu for one in starts[workers])
        cpu, wall, database, memory = (
            statistics.median(getattr(one, name) for one in found) for name in ("cpu", "wall", "database", "memory")
        )
        print(
            f"| {workers} | {wall:.1f} s | {cpu:.1f} s | {begun:.1f} s | "
            f"{statistics.median(each[workers]) * 1000:.2f} ms | {database:.1f} s | {memory / 1e6:.0f} MB |"
        )
    ratios = [two / one for one, two in zip(each[1], each[2], strict=True)]
    print(
        f"\nTwo workers: {statistics.median(ratios):.3f} times the CPU of one ({', '.join(f'{r:.3f}' for r in ratios)})"
    )
    return statistics.median(ratios)


def cpu_of(server: PostgresqlServer) -> float:
    """Return the seconds that a server and those of its processes that have ended have used."""
    fields = Path(f"/proc/{server.processes()[0]}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


if __name__ == "__main__":
    sys.exit(main())
