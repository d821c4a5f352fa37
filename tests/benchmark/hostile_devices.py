# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch with one device of each hostile kind, beside the same batch without them: who waits, and what it costs.

`python -m tests.benchmark.hostile_devices --good 20 --forks 10 --seconds 10`

A kind is a state of the SSH dialogue, and silence, drip, flood or reset from there on. All good devices have to be
done, labelled and summed up, each hostile one is named with its reason, and the run takes at most as many deadlines
longer as the hostile devices fill the forks. Memory is that of all processes of the controller.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections import Counter
from pathlib import Path

from tests.benchmark.meter import run_metered
from tests.fleet import Fleet
from tests.services.hostile_ssh import MANNERS, STATES, HostileServers, host_name
from tests.support.ansible import ROOT, Run, command, environment

_MOST_MEMORY = 150_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--good", type=int, default=20)
    parser.add_argument("--forks", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=10, help="what a device may take in all")
    parser.add_argument("--engines", default="ansible,fleet")
    given = parser.parse_args()
    for engine in given.engines.split(","):
        with tempfile.TemporaryDirectory(prefix="ioto-hostile-") as folder, HostileServers() as servers:
            _compare(Path(folder), servers, engine, given)


def _compare(folder: Path, servers: HostileServers, engine: str, given: argparse.Namespace) -> None:
    found = []
    for name in ("good", "all"):
        with Fleet.start(folder / f"fleet-{name}", groups={"manual": given.good}, kind="dropbear") as fleet:
            inventories = [
                fleet.inventory,
                *([servers.inventory(folder / "hostile.json", fleet.devices[0])] if name == "all" else []),
            ]
            found.append(_measure(folder / name, inventories, engine, given))
            done = [device for device in fleet.devices if device.claim_id()]
            assert len(done) == given.good, f"{given.good - len(done)} good devices are not done"
    (_run, alone), (run, beside) = found
    hostile = len(servers.ports)
    said = run.unreachable | run.failed
    assert len(said) == hostile, f"{len(said)} of {hostile} hostile devices have failed or are unreachable"
    assert f"Labels: {given.good} made" in run.output, "not all good devices have a label"
    assert "defect" not in run.output and "Traceback" not in run.output
    print(f"{engine}: {given.good} good and {hostile} hostile devices, {given.forks} at a time, {given.seconds} s each")
    fates = Counter(
        (kind[1], "unreachable" if host_name(kind) in run.unreachable else "failed") for kind in servers.ports
    )
    for manner in MANNERS:
        counts = ", ".join(f"{fates[manner, fate]} {fate}" for fate in ("unreachable", "failed"))
        print(f"  {manner:8} {len(STATES)} states: {counts}, none held anybody up")
    most = math.ceil(hostile / given.forks) * given.seconds
    longer = beside["wall"] - alone["wall"]
    memory = beside["memory"] - alone["memory"]
    print(f"  {beside['wall']:.1f} s in place of {alone['wall']:.1f} s: {longer:.1f} s longer, and may be {most} s")
    print(f"  {memory / 1e6:.0f} MB more than the {alone['memory'] / 1e6:.0f} MB without them, and may be 150 MB")
    assert longer <= most, f"{longer:.1f} s longer"
    assert memory < _MOST_MEMORY


def _measure(
    home: Path, inventories: list[Path], engine: str, given: argparse.Namespace
) -> tuple[Run, dict[str, float]]:
    home.mkdir()
    variables = {
        "ioto_engine": engine,
        "ioto_device_timeout": given.seconds,
        "ioto_label_dest": str(home / "labels.zpl"),
        "ioto_label_format": "zpl",
    }
    words = [word for inventory in inventories for word in ("-i", inventory)]
    done = run_metered(
        command(ROOT / "playbooks/provision.yml", *words, "-e", json.dumps(variables)),
        home,
        env=environment(home, ANSIBLE_FORKS=str(given.forks)),
    )
    return Run(done.figures["status"], done.said), done.figures


if __name__ == "__main__":
    main()
