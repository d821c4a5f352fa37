# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory that an audit takes, by the number of devices that answer it.

    PYTHONPATH=playbooks/collections python -m tests.benchmark.audit [NUMBER...]

The answers are made here, and go the way of those of the fleet engine from where it hands them over; the ledger is a
real one of as many units. Each audit is a process of its own. `strangers`: the ledger knows no device, so each is a
finding.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.task import AuditedDevices, make_audit
from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import generate
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events

ROOT = Path(__file__).parents[2]
PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
_BATCH = 500
_CONTEXT = Context("ann@line-1")


def main() -> int:
    """Measure, and print a line for each number and kind."""
    numbers = [int(text) for text in sys.argv[1:]] or [1_000, 10_000]
    for kind in ("known", "strangers"):
        for number in numbers:
            with tempfile.TemporaryDirectory(prefix="ioto-audit-") as folder:
                path = Path(folder) / "ledger.db"
                fill(path, number)
                print(f"{kind}, {number:,} devices: {measured(path, number, kind)}", flush=True)
    return 0


def fill(path: Path, number: int) -> None:
    """Make a ledger of `number` units that are done."""
    with Ledger(path) as ledger:
        for start in range(0, number, _BATCH):
            serials = [f"SN-{unit:06d}" for unit in range(start, min(start + _BATCH, number))]
            requests = [AllocationRequest(PRODUCT, serial, "generated", _CONTEXT) for serial in serials]
            claims = [claim for claim in ledger.allocate_many(requests) if isinstance(claim, Claim)]
            ledger.advance_many([StateChange(claim.claim_id, State.VERIFIED, _CONTEXT) for claim in claims])
        seal_events(ledger.database)


def measured(path: Path, number: int, kind: str) -> str:
    """Run an audit in a process of its own, and return what it took."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmark.audit", "--audit", str(path), str(number), kind],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks/collections")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    return (
        f"{figures['peak']:.1f} MB at the peak, {figures['before']:.1f} MB of them before the first answer, "
        f"{figures['seconds']:.1f} s, {figures['findings']:,} findings"
    )


def audit(path: Path, number: int, kind: str) -> dict[str, Any]:
    """Feed `number` answers to an audit of the ledger at `path`, and return what it took."""
    before = _peak()
    began = time.monotonic()
    answers = known(path) if kind == "known" else strangers(number)
    hosts = range(number)  # as many as an inventory has; who they are says each answer
    options = {
        **{"dest": str(path.with_suffix(".html")), "ledger": str(path), "devices": True, "images": None},
        **{"scans": None, "ledgers": None, "unverified_hours": 24.0, "title": "", "reveal": False},
        **{"qr": None, "layout": None, "checkpoints": None, "public_key": None},
    }
    result = make_audit(options, AuditedDevices(hosts, answers), check=False)  # type: ignore[arg-type]
    return {
        "before": before,
        "peak": _peak(),
        "seconds": time.monotonic() - began,
        "findings": sum(result["findings"].values()),
    }


def known(path: Path) -> Iterator[dict[str, Any]]:
    """Answer for each unit of the ledger as its device does."""
    with Ledger(path, read_only=True) as ledger:
        for claim in ledger.claims():
            yield answer(f"device-{claim.unit}", claim.claim_id, str(claim.unit))


def strangers(number: int) -> Iterator[dict[str, Any]]:
    """Answer for devices that no ledger knows."""
    return (answer(f"device-{unit}", generate(), f"ST-{unit:06d}") for unit in range(number))


def answer(host: str, claim_id: str, serial: str) -> dict[str, Any]:
    """Return what the fleet engine yields for a device."""
    return {
        **{"host": host, "changed": False, "claim_id": claim_id, "id_place": None, "product": PRODUCT},
        "serial": serial,
    }


def _peak() -> float:
    """Return the peak of this program's memory in MB; `getrusage` begins with that of the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--audit"]:
        print(json.dumps(audit(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
        sys.exit(0)
    sys.exit(main())
