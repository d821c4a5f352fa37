# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for a running factory service. A test file imports them, or its conftest does."""

from __future__ import annotations

import shutil
import subprocess
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


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """Return a folder with a CA, a certificate of it for 127.0.0.1, and another CA that signed nothing."""
    if shutil.which("openssl") is None:
        pytest.skip("the Debian package openssl is not installed")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign", "-keyout", f"{name}.key"),
            *("-out", f"{name}.pem"),
        )
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=station"),
        *("-keyout", "station.key", "-out", "station.csr"),
    )
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1\n", encoding="ascii")
    openssl(
        *("x509", "-req", "-in", "station.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2"),
        *("-extfile", "names", "-out", "station.pem"),
    )
    return tmp_path
