# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What seals and the check of a whole ledger cost: `python -m tests.benchmark.ledger_check [LEDGER EVENTS]`.

Without a ledger: SQLite, 100,000 and 1,000,000 events.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events
from tests.support.ledgers import CONTEXT, PRODUCT

_AT_ONCE = 1000


def measure(location: str, events: int) -> None:
    """Fill the ledger with units of four events each, seal and check it, and print the rates."""
    with Ledger(location) as ledger:
        for start in range(0, events // 4, _AT_ONCE):
            units = [f"SN-{number:08}" for number in range(start, start + _AT_ONCE)]
            answers = ledger.allocate_many([AllocationRequest(PRODUCT, unit, "generated", CONTEXT) for unit in units])
            claims = [answer for answer in answers if isinstance(answer, Claim)]
            ledger.advance_many([StateChange(claim.claim_id, State.LABELLED, CONTEXT) for claim in claims])
        before = memory()
        began = time.process_time()
        sealed = seal_events(ledger.database).events
        middle = time.process_time()
        report = check_integrity(ledger.database)
        sealing, checking = middle - began, time.process_time() - middle
        print(
            f"{sealed} events: sealed at {sealed / sealing:,.0f}/s, checked at {report.events / checking:,.0f}/s "
            f"of processor time ({report.claims} claims, {report.seconds:.1f} s on the clock); "
            f"memory {before} MB before, {memory()} MB at most; "
            f"findings: {report.findings}"
        )


def memory() -> int:
    """Return the most megabytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Measure the ledger that is named, or both sizes."""
    if len(sys.argv) > 2:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    for events in (100_000, 1_000_000):
        with tempfile.TemporaryDirectory(prefix="ioto-check-") as folder:
            measure(str(Path(folder) / "ledger.db"), events)


if __name__ == "__main__":
    main()
