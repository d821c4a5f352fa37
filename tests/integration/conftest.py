# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tests.services.postgresql import postgresql_server, postgresql_url

__all__ = ["postgresql_server", "postgresql_url"]

LONG = {
    "test_campaign.py",
    "test_checkpoint_playbook.py",
    "test_failover_campaign.py",
    "test_line_script.py",
    "test_readme.py",
    "test_service_campaigns.py",
}
"""Files with tests that take half a minute or more, also where they only wait."""


@pytest.hookimpl(trylast=True)  # when those that do not run are left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have each worker begin with long tests: one that begins when all others end keeps a single core busy."""
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    long = [item for item in items if item.path.name in LONG]
    others = iter([item for item in items if item.path.name not in LONG])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        # xdist gives each worker this many, one after the other.
        share = (len(items) - len(ordered)) // (workers - worker)
        mine = long[worker::workers][:share]
        ordered += [*mine, *islice(others, share - len(mine))]
    items[:] = dict.fromkeys([*ordered, *items])  # where nearly all are long, some are left


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of its own, where the default ledger is."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


# No ansible-core sees which of them its ledger is on.
@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.one_series)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger is that is not there yet: a file, and a database of a real server."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    return request.getfixturevalue("postgresql_url")
