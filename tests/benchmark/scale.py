# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What grows with the inventory: batch check, summary and report by the number of hosts, and an order by its rows.

    PYTHONPATH=playbooks/collections python -m tests.benchmark.scale [--sizes 100,1000,10000] [--rounds 5]

No device is touched: what became of the hosts is given to the summary as the fleet engine would give it. Each part is
a playbook that has one play more than the one before it, in a process of its own, measured with all that it starts; a
host costs what it costs more than an inventory of one host does. Of the order, `csv` reads the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order.order import read

ROOT = Path(__file__).parents[2]
PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
PARTS = ("inventory alone", "batch check", "results", "summary", "report")
"""Each with those before it."""
_ONE = 1
_ROWS = 100_000
_PLAYS = (
    """
- name: Read the inventory
  hosts: all
  gather_facts: false
  tasks:
    - name: Say something once
      ansible.builtin.debug: {msg: read}
      run_once: true
""",
    """
- name: Check the batch
  hosts: "{{ query('ioto.serialization.batch_hosts', 'all') }}"
  gather_facts: false
  tasks:
    - name: Check all hosts
      ioto.serialization.preflight:
      register: _ioto_batch
      run_once: true
""",
    """
- name: Say what became of the hosts
  hosts: unit-0
  gather_facts: false
  tasks:
    - name: Take the results
      ansible.builtin.set_fact:
        _ioto_fleet: "{{ lookup('ansible.builtin.file', results) | from_json }}"
      no_log: true
""",
    """
- name: Sum up
  hosts: "{{ query('ioto.serialization.batch_hosts', 'batch') }}"
  gather_facts: false
  tasks:
    - name: Count what was done
      ioto.serialization.summary:
        started: "{{ _ioto_batch.started }}"
      run_once: true
""",
    """
    - name: Report the run
      ioto.serialization.report:
        dest: "{{ _ioto_batch.report.dest }}"
        started: "{{ _ioto_batch.started }}"
      run_once: true
""",
)


def main() -> int:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.scale", description=__doc__)
    parser.add_argument("--sizes", default="100,1000,10000", help="numbers of hosts (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="of all sizes, one after the other (default: 1)")
    arguments = parser.parse_args()
    sizes = [_ONE, *map(int, arguments.sizes.split(","))]
    found: dict[tuple[int, str], list[tuple[float, int]]] = {}
    with tempfile.TemporaryDirectory(prefix="ioto-scale-") as folder:
        for _round in range(arguments.rounds):
            for size in sizes:
                for part in PARTS:
                    found.setdefault((size, part), []).append(_measured(Path(folder), size, part))
    print("| hosts | part | CPU | CPU a host | beside the smallest | peak memory |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    first: dict[str, float] = {}
    for size in sizes[1:]:
        for part in PARTS:
            whole, fixed = (median(cpu for cpu, _memory in found[number, part]) for number in (size, _ONE))
            each = (whole - fixed) / (size - _ONE)
            ratio = each / first.setdefault(part, each)
            memory = max(memory for _cpu, memory in found[size, part]) / 1e6
            print(f"| {size:,} | {part} | {whole:.2f} s | {each * 1000:.2f} ms | {ratio:.2f} | {memory:.0f} MB |")
    _measure_order(arguments.rounds)
    return 0


def _measured(folder: Path, size: int, part: str) -> tuple[float, int]:
    """Return CPU in seconds and peak memory in bytes of the parts up to `part`. Raises where they fail."""
    place = folder / f"{size}"
    place.mkdir(exist_ok=True)
    ledger, results, inventory, playbook, result = (
        place / name for name in ("ledger.db", "results.json", "inventory.json", "play.yml", "meter.json")
    )
    for file in place.glob("ledger.db*"):
        file.unlink()
    serials = {f"unit-{number}": f"SN-7{number:06}" for number in range(size)}
    outcomes = [
        {"host": host, "product": PRODUCT, "serial": serial, "changed": True, "hardware": {"serial": serial}}
        for host, serial in serials.items()
    ]
    results.write_text(json.dumps({"results": outcomes}), encoding="utf-8")
    hosts = {
        host: {"ioto_serial": serial, "ansible_host": f"127.1.{number // 250}.{number % 250 + 1}"}
        for number, (host, serial) in enumerate(serials.items())
    }
    of_all = {"ioto_product": PRODUCT, "ioto_mode": "manual", "ioto_engine": "fleet", "ioto_ledger": str(ledger)}
    of_all["ioto_report_dest"] = str(place / "report.html")
    inventory.write_text(json.dumps({"all": {"vars": of_all, "hosts": hosts}}), encoding="utf-8")
    playbook.write_text("---" + "".join(_PLAYS[: PARTS.index(part) + 1]), encoding="utf-8")
    command = ("ansible-playbook", "-i", str(inventory), "-e", f"results={results}", str(playbook))
    meter = (sys.executable, "-m", "tests.benchmark.meter", str(result))
    done = subprocess.run((*meter, *command), cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    figures = json.loads(result.read_text(encoding="utf-8"))
    return figures["cpu"], figures["memory"]


def _measure_order(rounds: int) -> None:
    rows = "".join(
        f"10.{number // 65536}.{number // 256 % 256}.{number % 256},SN-7{number:06},{PRODUCT},manual,,B{number % 7}\n"
        for number in range(_ROWS)
    )
    data = ("address,serial,product,mode,claim_id,batch\n" + rows).encode()

    def text() -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")

    readers: dict[str, Callable[[], object]] = {
        "csv.reader": lambda: list(csv.reader(text())),
        "csv.DictReader": lambda: list(csv.DictReader(text())),
        "the order's reader": lambda: read(data, "order.csv"),
    }
    took: dict[str, list[float]] = {}
    for _round in range(rounds):
        for name, work in readers.items():
            began = time.process_time()
            work()
            took.setdefault(name, []).append(time.process_time() - began)
    ours = median(took["the order's reader"])
    print(f"\n| {_ROWS:,} rows of an order | CPU | the order's reader takes |\n| --- | ---: | ---: |")
    for name, values in took.items():
        print(f"| {name} | {median(values):.2f} s | {ours / median(values):.1f} times |")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    # Without compiled modules every start would compile them again, which nobody's installation does.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**kept, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections")}


if __name__ == "__main__":
    sys.exit(main())
