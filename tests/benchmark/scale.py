# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What grows with the inventory: batch check, summary and report by the number of hosts, and an order by its rows.

    PYTHONPATH=playbooks/collections python -m tests.benchmark.scale [--sizes 100,1000,10000] [--rounds 5]

No device is touched: a new ledger knows a verified claim of each host, and what became of the hosts is given to the
summary as the fleet engine would give it, so that all are found done and the report is of them all. A round is one
`ansible-playbook` for each size; a callback notes after each play what CPU it took, workers included. A host costs what
it costs more than an inventory of one host does. The floor is a play of the same hosts with
one `debug` for all of them. Of the order, `csv` reads the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events
from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order.order import read
from tests.benchmark.meter import run_metered

ROOT = Path(__file__).parents[2]
PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
START = "start and inventory"
FLOOR = "one debug"
OURS = ("batch check", "summary", "report")
"""Names of plays, as those above."""
LARGE = 2_000
SMALL = 200
SMALL_ROUNDS = 3
"""Rounds of so few hosts for one of more: what a hundred cost is hardly more than what a start differs from another."""
_ONE = 1
_ROWS = 100_000
OUR_READER = "the order's reader"
_AT_ONCE = 100
"""Claims that are made together, as the fleet engine makes those of devices that are done together."""
_PLAYS = """---
- name: one debug
  hosts: all
  gather_facts: false
  tasks:
    - name: Say something once
      ansible.builtin.debug: {msg: read}
      run_once: true

- name: batch check
  hosts: "{{ query('ioto.serialization.batch_hosts', 'all') }}"
  gather_facts: false
  tasks:
    - name: Check all hosts
      ioto.serialization.preflight:
      register: _ioto_batch
      run_once: true

- name: results
  hosts: unit-0
  gather_facts: false
  tasks:
    - name: Take the results
      ansible.builtin.set_fact:
        _ioto_fleet: "{{ lookup('ansible.builtin.file', results) | from_json }}"
      no_log: true

- name: summary
  hosts: "{{ query('ioto.serialization.batch_hosts', 'batch') }}"
  gather_facts: false
  tasks:
    - name: Count what was done
      ioto.serialization.summary:
        started: "{{ _ioto_batch.started }}"
      register: _ioto_summary
      run_once: true

- name: report
  hosts: "{{ query('ioto.serialization.batch_hosts', 'report') }}"
  gather_facts: false
  tasks:
    - name: Report the run
      ioto.serialization.report:
        dest: "{{ _ioto_batch.report.dest }}"
        pictures: "{{ _ioto_batch.report.pictures }}"
        started: "{{ _ioto_batch.started }}"
      register: _ioto_report
      run_once: true
"""

Costs = dict[str, list[float]]
"""CPU in seconds of each part, a figure for each round."""


def main() -> int:
    """Measure, and print two tables in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.scale", description=__doc__)
    parser.add_argument("--sizes", default="100,1000,10000", help="numbers of hosts (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of all sizes, one after the other (default: 5)")
    parser.add_argument("--large-rounds", type=int, default=3, help=f"of more than {LARGE:,} hosts (default: 3)")
    arguments = parser.parse_args()
    sizes = [_ONE, *map(int, arguments.sizes.split(","))]
    costs: dict[int, Costs] = {size: {} for size in sizes}
    memory = dict.fromkeys(sizes, 0)
    with tempfile.TemporaryDirectory(prefix="ioto-scale-") as folder:
        for size in sizes:
            prepare(Path(folder) / f"{size}", size)
        for number in range(arguments.rounds * SMALL_ROUNDS):
            for size in sizes:
                if number < _rounds(size, arguments.rounds, arguments.large_rounds):
                    memory[size] = max(memory[size], measure(Path(folder) / f"{size}", costs[size]))
    _print_parts(costs, memory)
    _measure_order(arguments.rounds)
    return 0


def _rounds(size: int, rounds: int, large_rounds: int) -> int:
    if size > LARGE:
        return min(rounds, large_rounds)
    return rounds * SMALL_ROUNDS if size <= SMALL else rounds


def prepare(place: Path, size: int) -> None:
    """Write what a run needs: inventory, playbook, ledger, and what became of the hosts."""
    place.mkdir()
    serials = {f"unit-{number}": f"SN-7{number:06}" for number in range(size)}
    outcomes = [
        {"host": host, "product": PRODUCT, "serial": serial, "changed": False, "hardware": {"serial": serial}}
        for host, serial in serials.items()
    ]
    hosts = {
        host: {"ioto_serial": serial, "ansible_host": f"127.1.{number // 250}.{number % 250 + 1}"}
        for number, (host, serial) in enumerate(serials.items())
    }
    of_all = {"ioto_product": PRODUCT, "ioto_mode": "manual", "ioto_engine": "fleet"}
    of_all |= {"ioto_ledger": str(place / "ledger.db"), "ioto_report_dest": str(place / "report.html")}
    # A report has a thousand at most, so that they would weigh more where there are few hosts.
    of_all |= {"ioto_report_pictures": 0}
    (place / "results.json").write_text(json.dumps({"results": outcomes}), encoding="utf-8")
    (place / "inventory.json").write_text(json.dumps({"all": {"vars": of_all, "hosts": hosts}}), encoding="utf-8")
    (place / "play.yml").write_text(_PLAYS, encoding="utf-8")
    _fill(place / "full.db", serials)


def _fill(location: Path, serials: Mapping[str, str]) -> None:
    """Make a ledger that knows a verified claim of each unit; `serials` are by host."""
    hosts = list(serials)
    with Ledger(str(location)) as ledger:
        for start in range(0, len(hosts), _AT_ONCE):
            contexts = [Context("line@station", host) for host in hosts[start : start + _AT_ONCE]]
            asked = [AllocationRequest(PRODUCT, serials[one.host or ""], "generated", one) for one in contexts]
            given = ledger.allocate_many(asked)
            ledger.advance_many(
                [
                    StateChange(claim.claim_id, State.VERIFIED, context)
                    for claim, context in zip(given, contexts, strict=True)
                    if isinstance(claim, Claim)
                ]
            )
        seal_events(ledger.database)


def measure(place: Path, costs: Costs) -> int:
    """Run the playbook once, add to `costs`, and return the peak of memory in bytes. Raises where it fails."""
    size = int(place.name)
    for file in place.glob("ledger.db*"):
        file.unlink()
    shutil.copy(place / "full.db", place / "ledger.db")
    (place / "costs").unlink(missing_ok=True)
    command = ("ansible-playbook", "-i", str(place / "inventory.json"), "-e", f"results={place}/results.json")
    done = run_metered((*command, str(place / "play.yml")), place, env=_environment(place))
    if done.figures["status"]:
        raise RuntimeError(f"a run over {size:,} hosts failed\n{done.said[-4000:]}")
    reported = (place / "report.csv").read_text(encoding="utf-8").count("already done")
    if reported != size:
        raise RuntimeError(f"The report has {reported} hosts that were found done, of {size}.")
    noted = [json.loads(line) for line in (place / "costs").read_text(encoding="utf-8").splitlines()]
    for (part, before), (_next, after) in pairwise([(START, 0.0), *noted]):
        costs.setdefault(part, []).append(after - before)
    return int(done.figures["memory"])


def _print_parts(costs: Mapping[int, Costs], memory: Mapping[int, int]) -> None:
    print("| hosts | part | rounds | CPU | CPU a host | beside the smallest | beside one debug | peak memory |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    first: dict[str, float] = {}
    for size, found in costs.items():
        if size == _ONE:
            continue
        # The three together are what is to grow no faster than the inventory; one alone is short where hosts are few.
        for parts in ((START,), (FLOOR,), *((part,) for part in OURS), OURS):
            whole, floor, fixed = (
                median(map(sum, zip(*which, strict=True)))
                for which in ([found[part] for part in parts], [found[FLOOR]], [costs[_ONE][part] for part in parts])
            )
            each = (whole - fixed) / (size - _ONE)
            part = " + ".join(parts)
            ratio = each / first.setdefault(part, each)
            print(
                f"| {size:,} | {part} | {len(found[FLOOR])} | {whole:.2f} s | {each * 1000:.2f} ms | {ratio:.2f} "
                f"| {whole / floor:.1f} times | {memory[size] / 1e6:.0f} MB |"
            )


def order_cpu(count: int = _ROWS) -> dict[str, float]:
    """Return the seconds of CPU that each reader takes for an order of so many rows."""
    rows = "".join(
        f"10.{number // 65536}.{number // 256 % 256}.{number % 256},SN-7{number:06},{PRODUCT},manual,,B{number % 7}\n"
        for number in range(count)
    )
    data = ("address,serial,product,mode,claim_id,batch\n" + rows).encode()

    def text() -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")

    readers: dict[str, Callable[[], object]] = {
        "csv.reader": lambda: list(csv.reader(text())),
        "csv.DictReader": lambda: list(csv.DictReader(text())),
        OUR_READER: lambda: read(data, "order.csv"),
    }
    took = {}
    for name, work in readers.items():
        began = time.process_time()
        work()
        took[name] = time.process_time() - began
    return took


def _measure_order(rounds: int) -> None:
    took: dict[str, list[float]] = {}
    for _round in range(rounds):
        for name, seconds in order_cpu().items():
            took.setdefault(name, []).append(seconds)
    ours = median(took[OUR_READER])
    print(f"\n| {_ROWS:,} rows of an order | CPU | the order's reader takes |\n| --- | ---: | ---: |")
    for name, values in took.items():
        print(f"| {name} | {median(values):.2f} s | {ours / median(values):.1f} times |")


def _environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    # Without compiled modules every start would compile them again, which nobody's installation does.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "play_costs",
        "IOTO_PLAY_COSTS": str(place / "costs"),
    }


if __name__ == "__main__":
    sys.exit(main())
