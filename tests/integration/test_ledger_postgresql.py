# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a server can do to a ledger: be gone, come back, and refuse."""

from __future__ import annotations

import os
import signal

import pytest
from sqlalchemy import make_url

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    LedgerError,
    State,
    StateChange,
)
from tests.services.postgresql import PostgresqlServer, running_postgresql

psycopg = pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")


def test_a_ledger_works_on_after_the_server_was_restarted(
    postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    with Ledger(postgresql_url) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT))
        postgresql_server.stop()
        try:
            with pytest.raises(LedgerError, match=r"cannot be reached: .*check that the server runs"):
                ledger.live_claim(PRODUCT, "SN-1")
        finally:
            postgresql_server.start()
        assert ledger.live_claim(PRODUCT, "SN-1") == claim


def test_a_database_or_a_user_that_does_not_exist_is_one_sentence(postgresql_url: str) -> None:
    url = make_url(postgresql_url).set(database="nowhere")
    with pytest.raises(LedgerError, match=r"refused by its server: database .nowhere. does not exist"):
        Ledger(url.render_as_string())
    with pytest.raises(LedgerError, match=r"refused by its server: role .nobody. does not exist"):
        Ledger(url.set(username="nobody", password="s3cret").render_as_string(hide_password=False))


def test_a_server_that_shuts_down_is_no_wrong_url() -> None:
    with running_postgresql() as server:
        url = server.new_url()
        with psycopg.connect(url):  # which it waits for
            os.kill(server.processes()[0], signal.SIGTERM)
            with pytest.raises(LedgerError, match="is shutting down or starting; run again when the server is up"):
                while True:
                    Ledger(url).close()


@pytest.mark.parametrize("exists", [True, False])
def test_a_user_without_rights_is_told_what_to_grant(postgresql_url: str, exists: bool) -> None:
    if exists:
        Ledger(postgresql_url).close()
    url = make_url(postgresql_url)
    schema = str(url.query["options"]).removeprefix("-csearch_path=")
    user = f"{schema}_guest"
    with psycopg.connect(url.render_as_string(), autocommit=True) as connection:
        connection.execute(f"CREATE USER {user}; GRANT USAGE ON SCHEMA {schema} TO {user}")
    with pytest.raises(LedgerError, match=r"grant the user"):
        Ledger(url.set(username=user).render_as_string())


def test_a_ledger_that_grows_is_never_read_from_end_to_end_to_find_a_unit(postgresql_url: str) -> None:
    """PostgreSQL keeps the plan that it made while the table was empty: it must be one for a table that is not."""
    with Ledger(postgresql_url) as ledger:
        for number in range(40):
            requests = [AllocationRequest(PRODUCT, f"SN-{number}-{unit}", "generated", CONTEXT) for unit in range(25)]
            answers = ledger.allocate_many(requests)
            # So is what somebody confirms.
            ledger.advance_many(
                [StateChange(a.claim_id, State.VERIFIED, CONTEXT) for a in answers if isinstance(a, Claim)]
            )
    query = "SELECT n_tup_ins, idx_scan, seq_scan FROM pg_stat_user_tables WHERE relid = 'ioto_claims'::regclass"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        # The server counts when a session has ended, a little later.
        for _unused in range(3000):
            inserted, by_index, end_to_end = connection.execute(query).fetchone()
            if inserted == 1000:
                break
            connection.execute("SELECT pg_sleep(0.02)")
    assert inserted == 1000
    assert by_index >= 80
    assert end_to_end <= 5  # when its five indexes were made


def test_a_session_in_another_time_zone_reads_the_same_moment(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT))
    url = make_url(postgresql_url)
    tokyo = url.update_query_dict({"options": f"{url.query['options']} -cTimeZone=Asia/Tokyo"})
    with Ledger(tokyo.render_as_string(hide_password=False)) as ledger:
        assert ledger.live_claim(PRODUCT, "SN-1") == claim
        assert list(ledger.claims(since=claim.updated_at)) == [claim]


def test_a_server_that_demands_serializable_transactions_is_served(postgresql_url: str) -> None:
    url = make_url(postgresql_url)
    strict = url.update_query_dict({"options": f"{url.query['options']} -cdefault_transaction_isolation=serializable"})
    with Ledger(strict.render_as_string()) as one, Ledger(strict.render_as_string()) as other:
        claim = one.allocate(AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT))
        assert other.allocate(AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT)) == claim
