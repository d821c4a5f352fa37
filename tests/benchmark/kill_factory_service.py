# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill the factory service under load, and look whether anything was lost: `make kill-service`.

`python -m tests.benchmark.kill_factory_service --units 100000 --kills 10 --clients 64`
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from plugins.plugin_utils.ledger.ledger import Ledger
from tests.services.factory_load import claim_all, claim_under_kills
from tests.services.factory_service import RunningService


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clients", type=int, default=64)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ioto-kill-") as folder:
        path = Path(folder) / "ledger.db"
        with RunningService(path, Path(folder) / "log") as service:
            began = time.monotonic()
            answered = claim_under_kills(service, given.units, given.kills, given.clients)
            seconds = time.monotonic() - began
            again = asyncio.run(claim_all([service.port], answered, clients=given.clients))
        with Ledger(path) as ledger:
            held = {claim.unit: claim.claim_id for claim in ledger.claims()}
    assert len(answered) == given.units
    assert held == answered, "the ledger and the answers differ"
    assert len(set(held.values())) == given.units, "an ID was given twice"
    assert again == answered, "a unit got another ID"
    print(f"{given.units} units, {given.kills} kills, {given.clients} clients: nothing lost, in {seconds:.0f} s")


if __name__ == "__main__":
    main()
