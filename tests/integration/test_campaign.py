# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short campaign of faults with a fixed seed; `make campaign` runs it for long, and with another seed each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.campaign import run
from tests.campaign.faults import FAULTS

SEED = 15
# All of them together take less than two minutes of one core, whatever else the machine does.
SECONDS = 90.0 / sum(fault.costs for fault in FAULTS.values())
ROUNDS = 50

# Controllers are forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_reported_as_done_under_a_fault_is_so(
    fault: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if missing := FAULTS[fault].missing:
        pytest.skip(missing)
    on_postgresql = FAULTS[fault].database == "postgresql"
    ledger = request.getfixturevalue("postgresql_url") if on_postgresql else str(tmp_path / "ledger.db")

    result = run(fault, ledger, tmp_path / "rounds", seed=SEED, rounds=ROUNDS, seconds=SECONDS * FAULTS[fault].costs)

    print(result)
    assert result.rounds > 0
    assert result.violations == []
