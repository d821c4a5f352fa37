# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger on PostgreSQL is migrated when somebody says so: who may, who waits, and what is told."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
from pathlib import Path

import pytest
from sqlalchemy import make_url

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations import on_postgresql
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.command import migrate_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.steps import SCHEMA_VERSION
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
    State,
    StateChange,
)
from tests.services.migration_kills import kill_on_postgresql
from tests.services.postgresql import PostgresqlServer, wait_until_somebody_waits
from tests.support.ansible import ROOT, environment
from tests.support.old_ledger import execute, lay_down, rows

psycopg = pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")


@pytest.fixture
def old(postgresql_url: str) -> str:
    lay_down(postgresql_url)
    return postgresql_url


def user_of(url: str, name: str, *rights: str) -> str:
    """Make a user with these rights, and return the URL by which it comes to the same schema."""
    parsed = make_url(url)
    schema = str(parsed.query["options"]).removeprefix("-csearch_path=")
    user = f"{schema}_{name}"
    execute(url, f"CREATE USER {user}; GRANT USAGE ON SCHEMA {schema} TO {user}")
    for right in rights:
        execute(url, f"GRANT {right} TO {user}")
    return parsed.set(username=user).render_as_string(hide_password=False)


@pytest.mark.parametrize("read_only", [False, True])
def test_opening_migrates_nothing_and_says_what_to_type(old: str, read_only: bool) -> None:
    with pytest.raises(
        LedgerError, match=rf"older version \(schema 1, .* needs {SCHEMA_VERSION}\); when all lines can"
    ) as caught:
        Ledger(old, read_only=read_only)
    assert "ansible localhost -m ioto.serialization.ledger_entry -a " in str(caught.value)
    assert rows(old, "ioto_ledger") == [(1,)]


@pytest.mark.ansible
def test_the_command_of_the_sentence_can_be_typed_as_it_stands(old: str, home: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger(old)
    typed = re.search(r"ansible localhost .*", str(caught.value))
    assert typed is not None
    around = environment(home, ANSIBLE_COLLECTIONS_PATH=str(ROOT / "playbooks/collections"))
    for more in (["--check"], []):
        done = subprocess.run(
            [*shlex.split(typed[0]), *more], capture_output=True, text=True, check=False, env=around, cwd=home
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"from schema 1 to schema {SCHEMA_VERSION}" in done.stdout
        assert rows(old, "ioto_ledger", "version") == [(1 if more else SCHEMA_VERSION,)]


def test_the_sentence_holds_no_password(old: str) -> None:
    url = make_url(old).set(password="s3cret/@").update_query_dict({"sslpassword": "hidden", "sslmode": "prefer"})
    with pytest.raises(LedgerError) as caught:
        Ledger(url.render_as_string(hide_password=False))
    assert "s3cret" not in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "PGPASSWORD" in str(caught.value)


def test_a_line_works_on_with_the_rights_that_it_had(old: str) -> None:
    line = user_of(
        old, "line", "SELECT, INSERT, UPDATE ON ioto_claims", "SELECT, INSERT ON ioto_events", "SELECT ON ioto_ledger",
        "USAGE ON SEQUENCE ioto_claims_seq_seq, ioto_events_id_seq",
    )  # fmt: skip
    reader = user_of(old, "reader", "SELECT ON ioto_claims, ioto_events, ioto_ledger")
    migrate_ledger(old)
    with Ledger(line) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-new", "generated", CONTEXT))
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, CONTEXT))
    with psycopg.connect(line) as connection:
        for statement in (
            "INSERT INTO ioto_seals (first_event, last_event, events, at, hash) VALUES (1, 1, 1, now(), 'x')",
            "INSERT INTO ioto_counts VALUES ('p', 's', 0, 1, 1)",
            "UPDATE ioto_counts SET number = 2 WHERE product = 'p'",
            "INSERT INTO ioto_open_conflicts VALUES (9999)",
            "DELETE FROM ioto_open_conflicts WHERE event = 9999",
            "INSERT INTO ioto_boards VALUES ('mac 00:1b:21:aa:00:01', 'JT08FFQXWQ')",
            "DELETE FROM ioto_boards WHERE claim_id = 'JT08FFQXWQ'",
        ):
            connection.execute(statement)
    with psycopg.connect(reader) as connection:
        connection.execute("SELECT * FROM ioto_seals, ioto_counts, ioto_open_conflicts, ioto_boards")
    with Ledger(reader, read_only=True) as ledger:
        assert ledger.live_claim(PRODUCT, "SN-new") is not None


def test_who_is_not_the_owner_is_told_who_is(old: str) -> None:
    line = user_of(old, "line", "ALL ON ioto_claims, ioto_events, ioto_ledger")
    with pytest.raises(LedgerError, match=r"may not alter its tables, so its owner postgres has to migrate it") as told:
        Ledger(line)
    assert "ledger=postgresql://postgres@" in str(told.value)
    with pytest.raises(LedgerError, match=r"by its owner only; .* its owner postgres"):
        migrate_ledger(line)
    assert rows(old, "ioto_ledger") == [(1,)]


def test_an_administrator_migrates_it_for_its_owner(postgresql_url: str, postgresql_server: PostgresqlServer) -> None:
    owner = user_of(postgresql_url, "owner")
    schema = str(make_url(postgresql_url).query["options"]).removeprefix("-csearch_path=")
    name = str(make_url(owner).username)
    lay_down(postgresql_url)
    for table in ("ioto_claims", "ioto_events", "ioto_ledger"):
        execute(postgresql_url, f"ALTER TABLE {table} OWNER TO {name}")
    with pytest.raises(LedgerError, match=r"may not create tables .* GRANT CREATE ON SCHEMA"):
        migrate_ledger(postgresql_url)
    execute(postgresql_url, f"GRANT CREATE ON SCHEMA {schema} TO {name}")
    migrate_ledger(postgresql_url)
    with Ledger(owner) as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-new", "generated", CONTEXT))
    tables = f"pg_tables WHERE schemaname = '{schema}'"
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute(f"SELECT DISTINCT tableowner FROM {tables}").fetchall() == [(name,)]


def test_it_does_not_wait_for_ever_behind_an_idle_transaction(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_postgresql, "PATIENCE", 1)
    with psycopg.connect(old) as idle:
        idle.execute("SELECT 1 FROM ioto_claims")
        with pytest.raises(LedgerError, match=r"is in use: .* did not end within 1 s, so nothing was migrated;"):
            migrate_ledger(old)
    assert rows(old, "ioto_ledger") == [(1,)]
    migrate_ledger(old)


def test_a_writer_under_way_is_let_finish_and_the_next_one_sees_the_new_version(old: str) -> None:
    """As one of schema 1 does it: it holds the claims, and looks at no version."""
    with psycopg.connect(old) as writer:
        writer.execute("SELECT 1 FROM ioto_claims WHERE seq = 1 FOR UPDATE")
        migration = threading.Thread(target=migrate_ledger, args=(old,))
        migration.start()
        wait_until_somebody_waits(old)
        writer.execute("INSERT INTO ioto_events (at, action, actor) VALUES (now(), 'checked', 'ann')")
        writer.commit()
        migration.join(60)
        assert rows(old, "ioto_ledger", "version") == [(SCHEMA_VERSION,)]
        assert len(rows(old, "ioto_events")) == 91
        writer.execute("UPDATE ioto_claims SET host = 'x' WHERE seq = 1")
        with pytest.raises(psycopg.errors.NotNullViolation, match='"key"'):
            writer.execute("INSERT INTO ioto_events (at, action, actor) VALUES (now(), 'checked', 'ann')")
        writer.rollback()
    assert rows(old, "ioto_claims", "seq, host")[0] == (1, "bench-1")


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_a_writer_that_waited_for_a_migration_sees_the_new_version(postgresql_url: str, isolation: str) -> None:
    url = make_url(postgresql_url)
    options = f"{url.query['options']} -cdefault_transaction_isolation={isolation.replace(' ', chr(92) + ' ')}"
    place = url.update_query_dict({"options": options}).render_as_string()
    errors: list[str] = []

    def write() -> None:
        try:
            ledger.allocate(AllocationRequest(PRODUCT, "SN-2", "generated", CONTEXT))
        except LedgerError as error:
            errors.append(str(error))

    with Ledger(place) as ledger, psycopg.connect(postgresql_url) as newer:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
        newer.execute("LOCK TABLE ioto_ledger IN ACCESS EXCLUSIVE MODE")
        newer.execute("UPDATE ioto_ledger SET version = version + 1")
        writer = threading.Thread(target=write)
        writer.start()
        wait_until_somebody_waits(postgresql_url)
        newer.commit()
        writer.join(60)
    assert len(errors) == 1
    assert "migrated by a newer" in errors[0]
    assert len(rows(postgresql_url, "ioto_claims")) == 1


def test_looking_at_the_version_is_no_question_more(postgresql_url: str, tmp_path: Path) -> None:
    """It goes with what each transaction asks anyway, also when the driver has come to prepare what it often asks."""
    with Ledger(postgresql_url) as ledger, (tmp_path / "trace").open("w+") as trace:
        with ledger._database.read() as connection:
            connection.connection.driver_connection.pgconn.trace(trace.fileno())
        for number in range(20):
            ledger.allocate(AllocationRequest(PRODUCT, f"SN-{number}", "generated", CONTEXT))
        with ledger._database.read() as connection:
            connection.connection.driver_connection.pgconn.untrace()
        trace.seek(0)
        asked = [line for line in trace if "ioto_ledger" in line or "enable_seqscan" in line]
    assert all("enable_seqscan" in line and "SELECT version" in line for line in asked)
    parsed = [line.partition("\tParse\t")[2] for line in asked]
    assert sum('"" "SELECT version' in line for line in parsed) == 5
    assert len(parsed) == 6


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("schema", [1, 2])
def test_killed_at_any_instant_it_is_the_old_one_or_the_new_one(
    postgresql_server: PostgresqlServer, schema: int
) -> None:
    found = kill_on_postgresql(postgresql_server, 6, times=20, schema=schema)
    found += kill_on_postgresql(postgresql_server, 1, times=20, of_server=True, schema=schema)
    assert found["old"] + found["new"] == 7
