# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The factory service seals what it has committed, while it runs and when it stops, and a command of it checks."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import AllocationRequest
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import START, last_seal, seal_events
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.cli import main
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.ledger_handle import LedgerHandle
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.metrics import Metrics
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.seals import PeriodicSealer
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.support.ledgers import CONTEXT, PRODUCT, fill

__all__ = ["service_with"]


def test_a_service_that_stops_leaves_everything_sealed(service_with: ServiceMaker, location: str) -> None:
    service = service_with(location)
    for number in range(5):
        service.claim(f"SN-{number}")
    service.stop()

    with Ledger(location, read_only=True) as ledger:
        report = check_integrity(ledger.database)
    assert (report.findings, report.claims, report.unsealed) == ([], 5, 0)


def test_while_it_runs_it_seals_after_each_commit_and_not_without_one(location: str) -> None:
    async def run(handle: LedgerHandle, metrics: Metrics) -> None:
        sealer = PeriodicSealer(handle, metrics, seconds=0.01)
        sealer.start()
        with handle.use() as ledger:
            for number in range(2):
                ledger.allocate(AllocationRequest(PRODUCT, f"SN-{number}", "service", CONTEXT))
                before = last_seal(ledger.database)
                metrics.committed(1, 0.01)
                async with asyncio.timeout(30):
                    while last_seal(ledger.database) == before:
                        await asyncio.sleep(0.01)
            ledger.allocate(AllocationRequest(PRODUCT, "SN-of another process", "service", CONTEXT))
        await sealer.stop(seconds=5)

    handle = LedgerHandle(location)
    asyncio.run(run(handle, Metrics()))
    with handle.use() as ledger:
        assert last_seal(ledger.database).seq == 2
        assert check_integrity(ledger.database).unsealed == 1
    handle.close()


def test_what_was_cut_off_is_sealed_though_nothing_is_committed_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look is cut off after its first seals, as by a slow disk; those after it have all the time."""
    monkeypatch.setattr(f"{seal_events.__module__}._SEALS_AT_ONCE", 1)
    limits = iter([0.0, 1e-9])
    monkeypatch.setattr(
        f"{PeriodicSealer.__module__}.seal_events",
        lambda database, *, seconds: seal_events(database, seconds=next(limits, seconds)),
    )

    async def run(handle: LedgerHandle, metrics: Metrics) -> None:
        sealer = PeriodicSealer(handle, metrics, seconds=0.01)
        metrics.committed(1, 0.01)
        sealer.start()
        with handle.use() as ledger:
            async with asyncio.timeout(30):
                while check_integrity(ledger.database).unsealed:
                    await asyncio.sleep(0.01)
        await sealer.stop(seconds=5)

    handle = LedgerHandle(str(tmp_path / "ledger.db"))
    with handle.use() as ledger:
        fill(ledger, 200)
    asyncio.run(run(handle, Metrics()))
    handle.close()


def test_the_command_checks_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        fill(ledger, 20)
        seal_events(ledger.database)
        assert last_seal(ledger.database) != START
    assert main(["check-ledger", "--ledger", str(path)]) == 0
    assert f"The ledger {path} is sound: 26 claims, " in capsys.readouterr().out

    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE ioto_claims SET unit = unit || 'X' WHERE seq = 5")
    connection.close()
    assert main(["check-ledger", "--ledger", str(path)]) == 1
    assert "\nRow 5 of ioto_claims: its unit is not what its events say" in capsys.readouterr().err


def test_the_command_checks_no_ledger_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-ledger", "--ledger", str(tmp_path / "none.db")]) == 1
    assert "There is no ledger" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
