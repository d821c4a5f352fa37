# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some rounds of the failover campaign with a fixed seed; `make campaign-failover` does many of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.failover import FAULTS, missing, run, stage
from tests.services.factory_service import RunningService
from tests.services.postgresql_hosts import PostgresqlHosts

SEED = 22
# A round has three runs of the playbook or four. After these faults another server is the primary, whether
# the former one is dead, unreachable, or serves on.
IN_CI = ("killed", "cut off", "not told")


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgresqlHosts, RunningService]]:
    """Two hosts and a service, for all faults: starting them takes longer than a fault."""
    if reason := missing():
        pytest.skip(reason)
    with stage(tmp_path_factory.mktemp("failover")) as running:
        yield running


@pytest.mark.parametrize("fault", IN_CI)
def test_a_job_outlives_the_server_of_its_ledger(
    fault: str, on: tuple[PostgresqlHosts, RunningService], tmp_path: Path
) -> None:
    result = run(fault, on, tmp_path, seed=SEED, rounds=1)

    print(result)
    assert FAULTS[fault].__doc__
    assert result.counts["rounds"] == 1
    assert result.violations == []
