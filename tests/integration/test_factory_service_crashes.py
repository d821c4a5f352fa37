# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The factory service loses nothing: killed under load, alone and as one of two on a PostgreSQL ledger."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.services.factory_load import answers, claim_all, claim_under_kills
from tests.services.factory_service import PRODUCT
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.services.postgresql import PostgresqlServer

__all__ = ["service_with"]

UNITS = 2_000
KILLS = 3
CLIENTS = 64


def assert_ledger_holds(location: Path | str, answered: dict[str, str]) -> None:
    with Ledger(location) as ledger:
        held = {claim.unit: claim.claim_id for claim in ledger.claims(product=PRODUCT)}
    assert held == answered
    assert len(set(answered.values())) == len(answered)


def test_every_answer_survives_kill_9_and_no_id_is_given_twice(service_with: ServiceMaker, tmp_path: Path) -> None:
    service = service_with()
    answered = claim_under_kills(service, UNITS, KILLS, CLIENTS)
    assert len(answered) == UNITS
    assert_ledger_holds(tmp_path / "ledger.db", answered)
    assert asyncio.run(claim_all([service.port], answered, clients=CLIENTS)) == answered


def test_of_two_instances_on_one_postgresql_the_other_serves_on(
    service_with: ServiceMaker, postgresql_url: str
) -> None:
    first, second = service_with(postgresql_url), service_with(postgresql_url)

    async def kill(answered: dict[str, str]) -> None:
        await answers(answered, UNITS // 4)
        await asyncio.to_thread(first.kill)

    serials = [f"SN-{number}" for number in range(UNITS)]
    # Every serial twice: the same unit may ask both instances at once.
    answered = asyncio.run(claim_all([first.port, second.port], serials * 2, clients=CLIENTS, during=kill))
    assert len(answered) == UNITS
    assert_ledger_holds(postgresql_url, answered)
    assert second.counter("ioto_service_requests_total", kind="issue", outcome="ok") >= UNITS // 2


def test_a_database_that_goes_away_is_a_503_and_comes_back_without_a_restart(
    service_with: ServiceMaker, postgresql_server: PostgresqlServer
) -> None:
    service = service_with(postgresql_server.new_url())
    claim_id = service.claim("SN-1")
    postgresql_server.stop(signal.SIGKILL)
    try:
        reply = service.ask({"product": PRODUCT, "serial": "SN-2"})
        assert (reply.status, reply.headers["retry-after"]) == (503, "2")
        assert service.get("/healthz").status == 503
    finally:
        postgresql_server.start()
    assert service.claim("SN-1") == claim_id


def test_the_service_starts_before_its_database(
    service_with: ServiceMaker, postgresql_server: PostgresqlServer
) -> None:
    url = postgresql_server.new_url()
    postgresql_server.stop()
    try:
        service = service_with(url)
        assert service.ask({"product": PRODUCT, "serial": "SN-1"}).status == 503
    finally:
        postgresql_server.start()
    reply = asyncio.run(claim_all([service.port], ["SN-1"], clients=1))
    assert set(reply) == {"SN-1"}
