# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what a run costs with a playbook of one `debug`: `python -m tests.benchmark.start_up --rounds 5`.

First for one device, where a run is little but its start, then for many by the default engine, a task for each. Beside
`debug`, which reaches no device, stands `raw: true`, which does nothing on one: what of a device's CPU is SSH. Each
round runs all of them, one after the other, since a machine that others use as well is faster now and slower then; the
figures are medians, and what counts are their ratios to `debug`. Without compiled modules nothing of this is true, so
the first round, which compiles them, does not count.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from tests.benchmark.meter import run_metered
from tests.fleet.fleet import Fleet

ROOT = Path(__file__).parents[2]
FORKS = 10
_PEERS = {"debug": {"ansible.builtin.debug": {"msg": "hello"}}, "raw": {"ansible.builtin.raw": "true"}}
"""Playbooks of one task: the least that Ansible does for a host, and the least that it does over SSH."""
_ID = re.compile(r"""^\s*id:\s*'([^']*)'""", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One run: a playbook of ours (none is the `peer`), for a device of that group, new or `done` before."""

    playbook: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    group: str = "manual"
    done: bool = False
    fails: bool = False
    for_many: bool = False
    peer: str = "debug"


CASES: Mapping[str, Case] = {
    "debug": Case(for_many=True),
    "raw: true": Case(for_many=True, peer="raw"),
    "provision.yml, a new device": Case("provision", for_many=True),
    "provision.yml, a device that is done": Case("provision", done=True, for_many=True),
    "provision.yml, refused": Case("provision", {"ioto_prodduct": "x"}, fails=True),
    "provision.yml by the fleet engine": Case("provision", {"ioto_engine": "fleet"}),
    "provision.yml with the factory service": Case("provision", group="factory"),
    "verify.yml": Case("verify", {"ioto_scan": "{claim_id}"}, done=True),
    "ledger.yml": Case("ledger", {"ioto_ledger_job": "find"}, done=True),
}


@dataclass(frozen=True)
class Bench:
    """The devices, and a folder for what the runs leave."""

    fleet: Fleet
    folder: Path
    devices: int

    def measure(self, name: str, number: int) -> dict[str, Any]:
        """Run one case, in the round `number`. Raises `RuntimeError` where it ends otherwise than it has to."""
        case = CASES[name]
        group = [device for device in self.fleet.devices if device.group == case.group][: self.devices]
        ledger = self.folder / f"{case.group}-{self.devices}-{number}.db"
        inventory = self.folder / f"{case.group}-{self.devices}.yml"
        inventory.write_text(self._inventory({device.name for device in group}), encoding="utf-8")
        files = [device.root / "etc/ioto/device.json5" for device in group]
        if not case.done:
            for file in files:
                _forget(file)
            ledger.unlink(missing_ok=True)
        peer = [{"hosts": "all", "gather_facts": False, "tasks": [_PEERS[case.peer]]}]
        playbook = ROOT / f"playbooks/{case.playbook}.yml" if case.playbook else self.folder / f"{case.peer}.yml"
        if not case.playbook:
            playbook.write_text(yaml.safe_dump(peer), encoding="utf-8")
        extra = {"ioto_ledger": str(ledger), **case.extra}
        if "{claim_id}" in extra.values():
            found = _ID.search(files[0].read_text(encoding="utf-8"))
            extra = {key: found[1] if found and value == "{claim_id}" else value for key, value in extra.items()}
        given = [part for key, value in extra.items() for part in ("-e", f"{key}={value}")]
        return self._run(case, ("-i", str(inventory), "-f", str(FORKS), *given, str(playbook)))

    def _run(self, case: Case, arguments: tuple[str, ...]) -> dict[str, Any]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        # As for a user: without the ansible.cfg of this folder, without its environment, and with compiled modules.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        environment = {**kept, "ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(ROOT)}
        done = run_metered((program, *arguments), self.folder, env=environment, cwd=self.folder)
        if bool(done.figures["status"]) != case.fails:
            raise RuntimeError(f"the run ended with {done.figures['status']}\n{done.said[-6000:]}")
        return done.figures

    def _inventory(self, names: set[str]) -> str:
        found = yaml.safe_load(self.fleet.inventory.read_text(encoding="utf-8"))
        for members in found["all"]["children"].values():
            members["hosts"] = {name: host for name, host in members["hosts"].items() if name in names}
        return yaml.safe_dump(found)


def main() -> int:
    """Measure what the arguments say, and print it as a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.start_up", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="beside the one that is left out (default: %(default)s)")
    parser.add_argument("--devices", type=int, default=60, help="by the default engine (default: %(default)s)")
    parser.add_argument("--dir", type=Path, default=ROOT / "build/benchmark", help="for start-up.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ioto-start-up-") as folder:
        groups = {"manual": arguments.devices, "factory": 1}
        with Fleet.start(Path(folder) / "fleet", groups=groups, kind="crowd", factory=True) as fleet:
            text = "\n\n".join(
                "\n".join(_table(Bench(fleet, Path(folder), devices), arguments.rounds))
                for devices in dict.fromkeys((1, arguments.devices))
            )
    print(text)
    arguments.dir.mkdir(parents=True, exist_ok=True)
    (arguments.dir / "start-up.md").write_text(f"{text}\n", encoding="utf-8")
    return 0


def _table(bench: Bench, rounds: int) -> Iterator[str]:
    names = [name for name, case in CASES.items() if case.for_many or bench.devices == 1]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number, name in product(range(rounds + 1), names):
        figures = bench.measure(name, number)
        if number:
            found[name].append(figures)
    told = {
        name: {key: median(one[key] for one in figures) for key in ("cpu", "wall")} for name, figures in found.items()
    }
    yield f"| devices: {bench.devices} | CPU | times debug | CPU a device | wall | times debug |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, one in told.items():
        cpu, wall = (one[key] / told["debug"][key] for key in ("cpu", "wall"))
        each = one["cpu"] / bench.devices * 1000
        yield f"| {name} | {one['cpu']:.2f} s | {cpu:.2f} | {each:.0f} ms | {one['wall']:.2f} s | {wall:.2f} |"


def _forget(file: Path) -> None:
    """Make a device new: without an ID."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.lstrip().startswith("id:")), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
