# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.postgresql import postgresql_server, postgresql_url

__all__ = ["postgresql_server", "postgresql_url"]


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
