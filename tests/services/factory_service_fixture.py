# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for a running factory service. A test file imports them, or its conftest does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .factory_service import RunningService

ServiceMaker = Callable[..., RunningService]


@pytest.fixture
def service_with(tmp_path: Path) -> Iterator[ServiceMaker]:
    """Return a function that starts a service with the given settings, by default on a new SQLite ledger."""
    with ExitStack() as stack:
        number = 0

        def start(ledger: Path | str | None = None, **settings: object) -> RunningService:
            nonlocal number
            number += 1
            made = RunningService(ledger or tmp_path / "ledger.db", tmp_path / f"service-{number}.log", **settings)
            return stack.enter_context(made)

        yield start


@pytest.fixture
def service(service_with: ServiceMaker) -> RunningService:
    """Return a service as it is without any setting."""
    return service_with()


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Return a service without any setting that the tests of a file share: each takes serials of its own."""
    folder = tmp_path_factory.mktemp("service")
    with RunningService(folder / "ledger.db", folder / "service.log") as running:
        yield running
