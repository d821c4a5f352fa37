# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many rounds of one fault at one ledger. A round has its own seed, so that it can be had again without the others."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger

from .bench import Bench, Violation
from .faults import FAULTS


@dataclass
class Result:
    """What came of the rounds of a fault."""

    fault: str
    rounds: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    sayings: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """What came of them, and below it what was said why not, without names."""
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        head = f"{self.fault}: {self.rounds} rounds, {counts}; {len(self.violations)} violations ({self.seconds:.0f} s)"
        lines = [f"  {count:4} {saying}" for saying, count in self.sayings.most_common()]
        return "\n".join([head, *lines, *(f"  VIOLATION {violation}" for violation in self.violations[:10])])


def run(fault: str, ledger: str, folder: Path, *, seed: int, rounds: int, seconds: float, first: int = 0) -> Result:
    """Do `rounds` rounds of a fault, beginning with the number `first`, or as many as `seconds` have room for."""
    result = Result(fault)
    holders: dict[str, str] = {}
    typical = 0.2
    began = time.monotonic()
    Ledger(ledger).close()
    for number in range(first, first + rounds):
        if time.monotonic() - began >= seconds:
            break
        place = folder / f"round-{number}"
        place.mkdir(parents=True)
        chance = Random(f"{seed}/{fault}/{number}")
        bench = Bench(place, ledger, chance, str(number), result.counts, result.sayings, holders, typical)
        try:
            FAULTS[fault].round(bench)
        except Violation as violation:
            result.violations.append(f"seed {seed}, round {number} of {fault!r}: {violation}")
        typical = bench.typical
        result.rounds += 1
        shutil.rmtree(place)
    with Ledger(ledger) as opened:
        result.violations += [f"seed {seed}, {fault!r}: the ledger: {line}" for line in _findings(opened)]
    result.seconds = time.monotonic() - began
    return result


def _findings(ledger: Ledger) -> list[str]:
    return [str(finding) for finding in check_integrity(ledger.database).findings]
