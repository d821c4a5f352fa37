# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provision and audit a large fleet over SSH, as root.

    PYTHONPATH=playbooks/collections python -m tests.benchmark.whole_fleet --devices 10000

One SSH server plays all devices. Each gets its ID from the fleet engine, an audit finds everything as it has to be, and
after three faults were made by hand, another one finds those three. Prints what each run cost with all its processes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmark.meter import run_metered
from tests.fleet import Fleet
from tests.fleet.devices import Device
from tests.support.ansible import ROOT, command, environment

_AT_A_TIME = "20"
_FAULTS = 3


def main() -> int:
    """Do it with as many devices as the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.whole_fleet", description=__doc__)
    parser.add_argument("--devices", type=int, default=1000, help="at least 10 (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.devices < 10:
        parser.error("--devices is a number of 10 or more.")
    with tempfile.TemporaryDirectory(prefix="ioto-whole-fleet-") as folder:
        with Fleet.start(Path(folder) / "fleet", groups={"manual": arguments.devices}, kind="crowd") as fleet:
            bench = Path(folder), fleet.inventory
            provisioned = _run("provision", *bench, ioto_engine="fleet")
            sound = _run("audit", *bench, ioto_audit_dest=f"{folder}/sound.html")
            _make_faults(fleet.devices)
            found = _run("audit", *bench, ioto_audit_dest=f"{folder}/faults.html")
        if f"{arguments.devices} devices: {arguments.devices} done" not in provisioned:
            return 1
        return int("Everything agrees" not in sound or f"The audit has {_FAULTS} findings" not in found)


def _run(playbook: str, folder: Path, inventory: Path, **variables: str) -> str:
    """Run a playbook over all devices, print what it cost, and return what it said."""
    given = json.dumps({"ioto_ledger": str(folder / "ledger.db"), **variables})
    surroundings = {**environment(folder), "PYTHONPATH": str(ROOT / "playbooks/collections")}
    words = command(ROOT / f"playbooks/{playbook}.yml", "-i", inventory, "-f", _AT_A_TIME, "-e", given)
    done = run_metered(words, folder, env=surroundings)
    text, cost = done.said, done.figures
    print(
        f"{playbook}: exit status {cost['status']}, {cost['wall']:.0f} s, {cost['cpu']:.0f} s of CPU, "
        f"{cost['memory'] / 1e6:.0f} MB at the peak",
        *[line for line in text.splitlines() if re.search(r"\d+ (devices: |findings|claims, )", line)],
        sep="\n  ",
        flush=True,
    )
    return text


def _make_faults(devices: Sequence[Device]) -> None:
    """Give one device the file of another, one an ID of nobody, and one none."""
    twin, original, stranger, empty = (device.root / "etc/ioto/device.json5" for device in devices[:4])
    twin.write_bytes(original.read_bytes())
    stranger.write_text(re.sub(r"id: '.{10}'", "id: 'BENCHMARK0'", stranger.read_text("utf-8")), encoding="utf-8")
    empty.unlink()


if __name__ == "__main__":
    sys.exit(main())
