# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The factory service outlives its database; that it loses nothing meanwhile is shown by its campaigns."""

from __future__ import annotations

import asyncio

from tests.services.factory_load import claim_all
from tests.services.factory_service import PRODUCT
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.services.postgresql import PostgresqlServer

__all__ = ["service_with"]


def test_a_database_that_goes_away_is_a_503_and_comes_back_without_a_restart(
    service_with: ServiceMaker, postgresql_server: PostgresqlServer
) -> None:
    service = service_with(postgresql_server.new_url())
    claim_id = service.claim("SN-1")
    postgresql_server.kill()
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
