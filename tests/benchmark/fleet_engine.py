# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what a device costs the controller: `python -m tests.benchmark.fleet_engine --sizes 10,100,1000`.

For each size one SSH server plays the devices on 127.0.0.0/8, and every peer takes all of them through its job, one
peer after the other, in as many rounds as are wanted: a machine that others use as well is faster now and slower then.
Results go to DIR/results.json (every run), and their medians to DIR/results.md and DIR/results.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from tests.benchmark.meter import run_metered
from tests.benchmark.peers import PEERS, ROOT, Peer, Run
from tests.benchmark.report import medians, plot, table
from tests.fleet.crowd import Crowd
from tests.fleet.fleet import Fleet

FORKS = 10


def main() -> int:
    """Run the benchmark that the arguments describe; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.fleet_engine", description=__doc__)
    parser.add_argument("--sizes", default="10,100", help="numbers of devices, with commas (default: %(default)s)")
    parser.add_argument("--peers", default=",".join(PEERS), help="with commas (default: all)")
    parser.add_argument(
        "--rounds", type=int, default=1, help="of all peers, one after the other (default: %(default)s)"
    )
    parser.add_argument("--forks", type=int, default=FORKS, help="devices at a time (default: %(default)s)")
    parser.add_argument("--dir", type=Path, default=ROOT / "build/benchmark", help="for the results")
    arguments = parser.parse_args()
    if "pyinfra" in arguments.peers:
        prepare_pyinfra()
    arguments.dir.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    for size in map(int, arguments.sizes.split(",")):
        for result in _measure(size, arguments.peers.split(","), arguments.rounds, arguments.forks):
            results.append(result)
            print(json.dumps(result), flush=True)
            (arguments.dir / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    text = table(medians(results))
    (arguments.dir / "results.md").write_text(text, encoding="utf-8")
    plot(medians(results), arguments.dir / "results.svg")
    print(text)
    return int(any(result.get("status") for result in results))


def prepare_pyinfra() -> None:
    """Install pyinfra, which wants another paramiko than the fleet engine, so it lives by itself."""
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(ROOT / ".venv-pyinfra")}
    command = ("uv", "sync", "--quiet", "--locked", "--only-group", "bench-pyinfra")
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _measure(size: int, names: list[str], rounds: int, forks: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="ioto-bench-") as folder:
        state = Path(folder) / "fleet"
        with Fleet.start(state, groups={"manual": size}, kind="crowd") as fleet:
            for number, name in product(range(rounds), names):
                peer = PEERS[name]
                result = {"peer": name, "devices": size, "round": number + 1}
                if size > peer.most:
                    yield {**result, "left_out": f"it takes too long above {peer.most} devices"}
                    continue
                run = run_over(fleet, Path(folder), forks, f"{name.replace(' ', '-')}-{number}")
                fleet.forget_ids()
                yield {**result, **once(peer, run, fleet)}
                if peer.again:
                    yield {**result, "peer": f"{name}, again", **once(peer, run, fleet)}


def run_over(fleet: Fleet, folder: Path, forks: int, name: str) -> Run:
    """Return a run over all devices, so many at a time, with a ledger of that name in the folder."""
    addresses = folder / "addresses"
    addresses.write_text("".join(f"{device.address}\n" for device in fleet.devices), encoding="utf-8")
    return Run(
        folder=folder,
        inventory=fleet.inventory,
        key=fleet.devices[0].key,
        port=fleet.devices[0].port,
        addresses=addresses,
        ledger=folder / f"{name}.db",
        forks=forks,
    )


def once(peer: Peer, run: Run, fleet: Fleet) -> dict[str, Any]:
    """Take the fleet through one peer's job, and return what it cost: seconds, bytes, and counts a device."""
    # Nobody's sync has to wait for what others wrote: who syncs would pay for who does not.
    os.sync()
    log = fleet.state_dir / "log/sshd.log"
    begin = log.stat().st_size
    done = run_metered(peer.command(run), run.folder, env=_environment())
    figures = done.figures
    if figures["status"]:
        print(done.said[-2000:], file=sys.stderr)
    crowd = fleet.devices[0].kind
    assert isinstance(crowd, Crowd)
    crowd.wait_until_left()
    with log.open(encoding="utf-8", errors="replace") as lines:
        lines.seek(begin)
        text = lines.read()
    count = len(fleet.devices)
    figures["cpu_ms_per_device"] = round(figures["cpu"] / count * 1000, 2)
    figures["connections_per_device"] = round(text.count("Connection from ") / count, 2)
    figures["channels_per_device"] = round(text.count("Starting session: ") / count, 2)
    return figures


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    # Without compiled modules every start would compile them again, which nobody's installation does.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections"), "ANSIBLE_NOCOLOR": "1"}


if __name__ == "__main__":
    sys.exit(main())
