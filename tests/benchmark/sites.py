# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the way to a ledger at another site costs a run: `python -m tests.benchmark.sites`, as root.

For each engine, number of devices and delay, `provision.yml` does new devices of one SSH server (a crowd), with its
ledger on a PostgreSQL server that answers so much later. Round trips are counted on the way, connecting among them;
without a delay an answer may overtake what is still sent, and that counts as another one. After each run the ledger has
to be what is on the devices.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from plugins.plugin_utils.ledger.ledger import Ledger
from plugins.plugin_utils.ledger.records import State
from tests.fleet import Fleet
from tests.services.distant_proxy import DistantProxy
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.support.ansible import provision

_COLUMNS = "engine", "devices", "delay (ms)", "wall (s)", "round trips", "a device", "connections"


def main() -> int:
    """Measure, print the table, and return 0 where devices and ledger always agreed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", default="100,300", help="with commas (default: %(default)s)")
    parser.add_argument("--delays", default="0,50,200", help="in ms, with commas (default: %(default)s)")
    parser.add_argument("--engines", default="fleet", help="fleet, ansible, or both (default: %(default)s)")
    parser.add_argument("--forks", type=int, default=50, help="devices at a time (default: %(default)s)")
    arguments = parser.parse_args()
    delays = [int(delay) / 1000 for delay in arguments.delays.split(",")]
    print(" | ".join(_COLUMNS))
    with running_postgresql(durable=True) as server:
        for size in map(int, arguments.devices.split(",")):
            for row in _measure(server, size, arguments.engines.split(","), delays, arguments.forks):
                print(" | ".join(map(str, row)), flush=True)
    return 0


def _measure(
    server: PostgresqlServer, size: int, engines: Sequence[str], delays: Sequence[float], forks: int
) -> Iterator[tuple[object, ...]]:
    with (
        tempfile.TemporaryDirectory(prefix="ioto-sites-") as folder,
        Fleet.start(Path(folder) / "fleet", groups={"manual": size}, kind="crowd") as fleet,
    ):
        for engine, delay in product(engines, delays):
            fleet.forget_ids()
            with DistantProxy(server.socket, delay) as proxy:
                url = server.url_by_tcp(proxy.port)
                Ledger(url).close()
                proxy.forget()
                began = time.monotonic()
                run = provision(
                    Path(folder),
                    *("-i", fleet.inventory, "--forks", str(forks)),
                    *("-e", f"ioto_ledger={url}", "-e", f"ioto_engine={engine}"),
                )
                wall = time.monotonic() - began
                trips, connections = proxy.round_trips, proxy.connections
                _check(run.status, run.output, fleet, url)
            yield (engine, size, round(delay * 1000), f"{wall:.1f}", trips, f"{trips / size:.2f}", connections)


def _check(status: int, output: str, fleet: Fleet, url: str) -> None:
    if status:
        sys.exit(output)
    with Ledger(url, read_only=True) as ledger:
        known = {claim.claim_id: claim.state for claim in ledger.claims()}
    if known != dict.fromkeys([device.claim_id() for device in fleet.devices], State.VERIFIED):
        sys.exit("Devices and ledger do not agree.")


if __name__ == "__main__":
    sys.exit(main())
