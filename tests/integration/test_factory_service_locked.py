# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody holds the row of one unit on PostgreSQL: that unit has to ask again, and the line goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.services.factory_service import PRODUCT, Reply, RunningService
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.services.postgresql import PostgresqlServer

__all__ = ["service_with"]

OTHERS = 12
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ioto_claims%'"


def ask(service: RunningService, serial: str) -> Reply:
    return service.ask({"product": PRODUCT, "serial": serial})


def test_a_unit_that_another_session_holds_is_refused_alone(
    service_with: ServiceMaker, postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    psycopg = pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")
    service = service_with(postgresql_url)
    held = {serial: service.claim(serial) for serial in ("SN-first", "SN-second")}
    known = service.claim("SN-known")
    with psycopg.connect(postgresql_url) as holder, ThreadPoolExecutor(OTHERS + 3) as pool:
        holder.execute("SELECT 1 FROM ioto_claims WHERE unit IN ('SN-first', 'SN-second') FOR UPDATE")
        first = pool.submit(ask, service, "SN-first")
        while not postgresql_server.sql(WAITING):
            assert not first.done()
        # These gather behind the first one, and are one group.
        second, again = pool.submit(ask, service, "SN-second"), pool.submit(ask, service, "SN-known")
        others = [pool.submit(ask, service, f"SN-{number}") for number in range(OTHERS)]
        for refused in (first.result(), second.result()):
            assert refused.status == 503
            assert refused.body["error"].startswith("Another session of the ledger's server holds the unit")
            assert refused.headers["retry-after"] == "2"
        assert again.result().body == {"id": known}
        given = {reply.result().body["id"] for reply in others}
        assert len(given) == OTHERS
        # Who is held up asks again, and holds up nobody.
        pool.submit(ask, service, "SN-first")
        assert ask(service, "SN-next").status == 200
        holder.rollback()
    assert {serial: service.claim(serial) for serial in held} == held
    assert service.counter("ioto_service_requests_total", kind="issue", outcome="locked") >= 2
    assert service.counter("ioto_service_failed_commits_total") == 0
