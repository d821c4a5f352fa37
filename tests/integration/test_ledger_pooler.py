# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger behind PgBouncer: in session mode it is as good as the server, in the other modes it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy.engine import Connection

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
)
from tests.services.pgbouncer import running_pgbouncer
from tests.services.postgresql import PostgresqlServer

psycopg = pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
REFUSED = r"lends a session of the server for one transaction at a time, and nothing .*pool_mode=session"


def allocate(ledger: Ledger, unit: str) -> str:
    return ledger.allocate(AllocationRequest(PRODUCT, unit, "generated", Context("ann@line-1"))).claim_id


def open_and_write(url: str) -> None:
    with Ledger(url) as ledger:
        allocate(ledger, "SN-1")


def tables(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'ioto%'").fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def session_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """A database behind a PgBouncer that lends a session for as long as a connection lasts."""
    with running_pgbouncer(postgresql_server, "session") as url:
        yield url


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_session_for_less_than_a_connection_is_refused_before_anything_is_made(
    mode: str, postgresql_server: PostgresqlServer
) -> None:
    with running_pgbouncer(postgresql_server, mode) as url:
        with pytest.raises(LedgerError, match=REFUSED):
            Ledger(url)
        # Also while others use what it lends.
        with ThreadPoolExecutor(8) as pool:
            tried = [pool.submit(open_and_write, url) for _ in range(24)]
        for each in tried:
            with pytest.raises(LedgerError, match=REFUSED):
                each.result()
        assert tables(url) == 0


def test_another_session_than_at_the_start_is_written_to_by_nobody(session_url: str) -> None:
    """As where PgBouncer is given another mode while we are connected."""
    with Ledger(session_url) as ledger:
        allocate(ledger, "SN-1")
    database = Database(Location.parse(session_url))
    server = database._postgresql

    def write(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE ioto_ledger SET moved_to = 'nowhere'")

    with server.connection() as connection:
        connection.info["pooled_number"] += 1
    try:
        with pytest.raises(LedgerError, match=REFUSED):
            database.write(write)
        with pytest.raises(LedgerError, match=REFUSED), database.alone(["SN-1"]):
            pass
    finally:
        database.close()
    with Ledger(session_url) as ledger:
        allocate(ledger, "SN-1")


def test_by_sessions_all_works_as_with_the_server_itself(session_url: str, postgresql_server: PostgresqlServer) -> None:
    with ExitStack() as stack:
        ledger, other = (stack.enter_context(Ledger(session_url)) for _ in range(2))
        with ThreadPoolExecutor(2) as pool:
            first = list(pool.map(lambda number: allocate(ledger, f"SN-{number}"), range(40)))
            assert list(pool.map(lambda number: allocate(other, f"SN-{number}"), range(40))) == first
        with ThreadPoolExecutor(1) as pool:
            with ledger.database.alone(["SN-1"]):
                waiting = pool.submit(enter, other)
                while not postgresql_server.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                    assert not waiting.done()
            waiting.result(20)
        with ledger.database.read() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "15s"


def enter(ledger: Ledger) -> None:
    with ledger.database.alone(["SN-1"]):
        pass


def test_sessions_that_were_used_by_others_are_clean(session_url: str) -> None:
    """PgBouncer lends the same few again and again."""
    for _ in range(12):
        with Ledger(session_url) as ledger:
            allocate(ledger, "SN-1")
