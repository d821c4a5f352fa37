# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a ledger that was damaged by a hand which knows the database: each is a finding, never a traceback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import (
    IntegrityReport,
    check_integrity,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import LedgerError, NewEvent, State
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import MOST_EVENTS, seal_events
from tests.services.postgresql import START_TIMEOUT, PostgresqlServer
from tests.support.ledgers import CONTEXT, damage, fill


@pytest.mark.parametrize(
    ("statements", "finding"),
    [
        (
            ["UPDATE ioto_claims SET reason = 'x' WHERE seq = 11"],
            "Row 11 of ioto_claims: its reason is not what its events say (row 301).",
        ),
        (
            [
                "UPDATE ioto_claims SET seq = -1 WHERE seq = 11",
                "UPDATE ioto_claims SET seq = 11 WHERE seq = 12",
                "UPDATE ioto_claims SET seq = 12 WHERE seq = -1",
            ],
            "Row 11 of ioto_claims: it came to be after row 12, by the events.",
        ),
        (
            ["UPDATE ioto_counts SET number = number + 0.5 WHERE number > 0"],
            "The table ioto_counts holds a value that is not a number of claims.",
        ),
        (
            ["UPDATE ioto_counts SET number = 9e999 WHERE rowid = 1"],
            "The table ioto_counts holds a value that is not a number of claims.",
        ),
        (
            [
                "INSERT INTO ioto_events (id, at, action, actor, key) "
                "SELECT -9223372036854775808, at, 'checked', actor, 'new' FROM ioto_events WHERE id = 1"
            ],
            "Row -9223372036854775808 of ioto_events: its number is below 1, which is given to no row.",
        ),
    ],
)
def test_what_only_sqlite_can_hold_is_named(tmp_path: Path, statements: list[str], finding: str) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        fill(ledger, 100)
        seal_events(ledger.database)
        for statement in statements:
            damage(ledger.database, statement)
        assert finding in check_integrity(ledger.database).findings


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "UPDATE ioto_events SET id = 9223372036854775807 WHERE id = 12",
            "Row 9223372036854775807 of ioto_events: it comes after row 11: events between them are missing, or its "
            "number was changed.",
        ),
        (
            "DELETE FROM ioto_events WHERE id IN (5, 6)",
            "Row 7 of ioto_events: it comes after row 4: events between them are missing, or its number was changed.",
        ),
        (
            "DELETE FROM ioto_events WHERE id = 1",
            "Row 2 of ioto_events: it comes after row 0: events between them are missing, or its number was changed.",
        ),
    ],
)
def test_a_gap_in_what_is_not_sealed_is_named_on_sqlite(tmp_path: Path, statement: str, finding: str) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record_many([NewEvent(EventKind.CHECKED, CONTEXT)] * 12)
        assert check_integrity(ledger.database).findings == []
        damage(ledger.database, statement)
        assert check_integrity(ledger.database).findings == [finding]


def test_a_schema_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        fill(ledger, 10)
    # SQLite quotes a definition that it cannot read, with the byte that is not UTF-8.
    path.write_bytes(path.read_bytes().replace(b"CREATE INDEX ioto_events_at ON", b"CREATE INDEX ioto_events_at \xf3N"))

    with pytest.raises(LedgerError, match="is damaged; restore it from its backup"):
        Ledger(path, read_only=True)


@pytest.fixture
def sealed_long_ago(location: str) -> Iterator[Database]:
    """A ledger of two runs in three seals, of which the last covers the end of one."""
    with Ledger(location) as ledger:
        fill(ledger, 200)
        damage(ledger.database, "UPDATE ioto_events SET at = '2026-01-01 00:00:00.000000'")
        damage(ledger.database, "UPDATE ioto_claims SET created_at = '2026-01-01 00:00:00.000000'")
        seal_events(ledger.database)
        report = check_integrity(ledger.database)
        assert (report.findings, report.seals) == ([], 3)
        yield ledger.database


@pytest.mark.parametrize(("condition", "first"), [("seq > 0", 1), ("seq > 1", MOST_EVENTS + 1)])
def test_seals_that_two_runs_must_have_written_are_missed(
    sealed_long_ago: Database, condition: str, first: int
) -> None:
    damage(sealed_long_ago, f"DELETE FROM ioto_seals WHERE {condition}")

    report = check_integrity(sealed_long_ago)
    assert report.findings == [
        f"Rows {first} to {report.events} of ioto_events: 2 runs ended there more than an hour ago, and no seal covers "
        "them; the last rows of ioto_seals are missing, or none could be written."
    ]


def test_a_last_seal_that_may_never_have_been_written_is_a_notice(sealed_long_ago: Database) -> None:
    damage(sealed_long_ago, "DELETE FROM ioto_seals WHERE seq = 3")

    report = check_integrity(sealed_long_ago)
    assert report.findings == []
    rows = f"Rows {2 * MOST_EVENTS + 1} to {report.events} of ioto_events"
    assert any(f"{rows} are not sealed after more than an hour" in notice for notice in report.notices)


def test_what_was_written_within_the_hour_may_wait_for_its_seal(location: str) -> None:
    with Ledger(location) as ledger:
        fill(ledger, 200)
        report = check_integrity(ledger.database)
    assert report.findings == []
    assert not any("sealed" in notice for notice in report.notices)


def test_one_of_each_is_counted_in_the_singular() -> None:
    one = IntegrityReport(events=1, claims=1, seals=1, unsealed=0, findings=[], notices=[], seconds=0)
    assert str(one) == "1 claim, 1 event, 1 seal"
    assert str(replace(one, claims=2, unsealed=1)) == "2 claims, 1 event, 1 of them not sealed yet, 1 seal"


def test_a_trigger_that_is_none_of_ours_is_named_on_sqlite(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        damage(
            ledger.database,
            "CREATE TRIGGER evil AFTER INSERT ON IOTO_CLAIMS BEGIN DELETE FROM ioto_counts; END",
        )
        assert check_integrity(ledger.database).findings == [
            "The trigger evil stands on a table of the ledger, and is not one of its guards."
        ]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "ALTER TABLE ioto_events ENABLE REPLICA TRIGGER ioto_events_fixed",
            "The trigger ioto_events_fixed is missing from the database, or disabled.",
        ),
        (
            "ALTER TABLE ioto_events DISABLE TRIGGER ioto_events_kept_whole",
            "The trigger ioto_events_kept_whole is missing from the database, or disabled.",
        ),
        (
            "CREATE OR REPLACE FUNCTION ioto_claims_kept() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN OLD; END $$",
            "The trigger ioto_claims_kept is not defined in the database as it was made, or its function is not.",
        ),
        (
            "DROP TRIGGER ioto_claims_fixed ON ioto_claims; CREATE TRIGGER ioto_claims_fixed BEFORE UPDATE "
            "ON ioto_claims FOR EACH ROW WHEN (OLD.state = 'retired') EXECUTE FUNCTION ioto_claims_fixed()",
            "The trigger ioto_claims_fixed is not defined in the database as it was made, or its function is not.",
        ),
        (
            "CREATE TRIGGER evil BEFORE INSERT ON ioto_claims FOR EACH ROW EXECUTE FUNCTION ioto_claims_kept()",
            "The trigger evil stands on the table ioto_claims, and is not one of its guards.",
        ),
        (
            "CREATE RULE evil AS ON UPDATE TO ioto_claims DO INSTEAD NOTHING",
            "The rule evil stands on the table ioto_claims, which has none.",
        ),
        (
            "DROP INDEX ioto_claims_live; "
            "CREATE INDEX ioto_claims_live ON ioto_claims (unit, product) WHERE state <> 'retired'",
            "The index ioto_claims_live is missing from the database, not valid, or not defined as it was made.",
        ),
        (
            "ALTER TABLE ioto_claims DROP CONSTRAINT ioto_claims_state",
            "The table ioto_claims lacks its check ioto_claims_state.",
        ),
        (
            "ALTER TABLE ioto_claims DROP CONSTRAINT ioto_claims_state, "
            "ADD CONSTRAINT ioto_claims_state CHECK (state IN ('allocated', 'burnt'))",
            "The table ioto_claims lacks its check ioto_claims_state.",
        ),
        (
            "ALTER TABLE ioto_claims DROP CONSTRAINT ioto_claims_claim_id_key",
            "The table ioto_claims lacks its UNIQUE (claim_id).",
        ),
        (
            "ALTER TABLE ioto_events DROP CONSTRAINT ioto_events_pkey",
            "The table ioto_events lacks its PRIMARY KEY (id).",
        ),
        (
            "ALTER TABLE ioto_events ALTER key DROP NOT NULL",
            "The column key of ioto_events is missing, or not defined as it was made.",
        ),
        (
            "ALTER TABLE ioto_counts SET UNLOGGED",
            "The table ioto_counts is not defined in the database as it was made.",
        ),
    ],
)
def test_a_rule_that_postgresql_no_longer_keeps_is_named(postgresql_url: str, statement: str, finding: str) -> None:
    with Ledger(postgresql_url) as ledger:
        with ledger.database.read() as connection:
            connection.exec_driver_sql(statement)
            connection.commit()
        found = check_integrity(ledger.database).findings
    assert finding in found
    assert len(found) == (2 if statement.endswith("RETURN OLD; END $$") else 1)


def test_what_postgresql_lacks_hides_nothing_else_and_is_told_once(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger:
        fill(ledger, 100)
        summary = ledger.summary()
        with ledger.database.read() as connection:
            connection.exec_driver_sql("DROP TABLE ioto_origin_seals")
            connection.exec_driver_sql("UPDATE ioto_counts SET number = number + 1 WHERE state = 'labelled'")
            connection.commit()
        report = check_integrity(ledger.database)
    assert [sentence.split(" where ")[0] for sentence in report.findings] == [
        "The table ioto_origin_seals is missing from the database.",
        "The seals of the ledgers that were merged cannot be checked: the database reports 42P01.",
        f"The table ioto_counts says {summary.states[State.LABELLED] + 1}",
    ]
    assert report.claims == summary.total


def test_a_reader_without_a_right_is_not_told_that_the_ledger_is_damaged(postgresql_server: PostgresqlServer) -> None:
    url = postgresql_server.asking_for("secret", "check_reader")
    schema = url.rpartition("search_path%3D")[2]
    with Ledger(url.replace("//check_reader@", "//postgres@")) as ledger:
        fill(ledger, 10)
    postgresql_server.sql(f"ALTER SCHEMA {schema} OWNER TO postgres; GRANT USAGE ON SCHEMA {schema} TO check_reader")
    tables = ", ".join(f"{schema}.ioto_{name}" for name in ("ledger", "claims", "events", "seals"))
    postgresql_server.sql(f"GRANT SELECT ON {tables} TO check_reader")

    with (
        Ledger(url.replace("//check_reader@", "//check_reader:secret@"), read_only=True) as ledger,
        pytest.raises(LedgerError, match="does not let this user read it; grant the user SELECT on its tables"),
    ):
        check_integrity(ledger.database)


def test_a_check_that_an_administrator_ends_finds_no_damage(postgresql_server: PostgresqlServer) -> None:
    if not postgresql_server.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"):
        pytest.skip("PostgreSQL has no amcheck here")
    url = postgresql_server.new_url()
    schema = url.rpartition("search_path%3D")[2]
    postgresql_server.sql(f"CREATE EXTENSION amcheck SCHEMA {schema}")
    try:
        with Ledger(url) as ledger, Ledger(url) as other, ThreadPoolExecutor(1) as thread:
            with other.database.read() as connection:
                connection.exec_driver_sql("LOCK TABLE ioto_events IN ACCESS EXCLUSIVE MODE")
                checking = thread.submit(check_integrity, ledger.database)
                ended = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                deadline = time.monotonic() + START_TIMEOUT
                while not postgresql_server.sql(ended):  # amcheck is the first that waits for the table
                    assert time.monotonic() < deadline
                    threading.Event().wait(0.01)  # between two questions, not in place of the answer
            with pytest.raises(LedgerError, match="had its work ended by the server"):
                checking.result()
    finally:
        postgresql_server.sql("DROP EXTENSION amcheck")
