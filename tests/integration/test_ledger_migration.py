# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger of an older version becomes one of today's, and nothing of it is lost."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, text

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import sqlite_file
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.command import migrate_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.steps import (
    SCHEMA_VERSION,
    version_of,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
    NewEvent,
)
from tests.support.old_ledger import execute, lay_down, rows, schema_of

psycopg = pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")
CLAIM = "seq, claim_id, product, unit, state, source, created_at, updated_at, host, reason, details"
EVENT = "id, at, action, claim_id, product, unit, actor, host, detail"

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
_fork = multiprocessing.get_context("fork")


@pytest.fixture
def old(location: str) -> str:
    """Where a ledger of schema 1 is."""
    lay_down(location)
    return location


@pytest.fixture
def fresh(request: pytest.FixtureRequest, location: str, tmp_path: Path) -> str:
    """Where a ledger is that was made today, in the same database system."""
    if location.startswith("postgresql"):
        place: str = request.getfixturevalue("postgresql_server").new_url()
    else:
        place = str(tmp_path / "fresh.db")
    Ledger(place).close()
    return place


def migrate(location: str) -> Database:
    database = Database(Location.parse(location), migrate=True)
    database.close()
    return database


def test_nothing_is_lost(old: str) -> None:
    claims, events = rows(old, "ioto_claims", CLAIM), rows(old, "ioto_events", EVENT)
    assert len(claims) == 38
    assert len(events) == 90
    migrate(old)
    assert rows(old, "ioto_claims", CLAIM) == claims
    assert rows(old, "ioto_events", EVENT) == events
    assert [row[:3] for row in rows(old, "ioto_events", "run, operator, reason")] == [(None, None, None)] * 90


def test_the_schema_is_that_of_a_fresh_ledger(old: str, fresh: str) -> None:
    migrate(old)
    assert schema_of(old) == schema_of(fresh)


def test_what_is_counted_is_what_is_there(old: str) -> None:
    before = rows(
        old,
        "ioto_claims",
        "product, state, CASE WHEN unit IS NULL AND state <> 'retired' THEN 1 ELSE 0 END, 0",
    )
    migrate(old)
    counts = rows(old, "ioto_counts", "product, state, reserved, slot, number")
    assert {count[:4]: count[4] for count in counts} == {kind: before.count(kind) for kind in set(before)}
    with Ledger(old, read_only=True) as ledger:
        conflicts = [conflict.event for conflict in ledger.conflicts()]
    assert len(conflicts) == 5
    assert rows(old, "ioto_open_conflicts", "event, claim_id, product, unit") == [
        (event.id, event.claim_id, event.product, event.unit) for event in conflicts
    ]


def test_the_guards_refuse_afterwards(old: str) -> None:
    migrate(old)
    database = Database(Location.parse(old))
    for statement in (
        "UPDATE ioto_events SET detail = 'x' WHERE id = 1",
        "DELETE FROM ioto_events WHERE id = 1",
        "DELETE FROM ioto_claims WHERE seq = 1",
        "UPDATE ioto_claims SET reason = 'x' WHERE state = 'retired'",
        "UPDATE ioto_claims SET claim_id = 'x' WHERE seq = 1",
        "UPDATE ioto_claims SET state = 'lost' WHERE seq = 1",
    ):
        with pytest.raises(LedgerError, match=r"never (changed|deleted)|ioto_claims_state"):
            database.write(lambda connection, statement=statement: connection.execute(text(statement)))
    database.write(lambda connection: connection.execute(text(
        "INSERT INTO ioto_seals (first_event, last_event, events, at, hash) VALUES (1, 1, 1, CURRENT_TIMESTAMP, 'x')"
    )))  # fmt: skip
    for statement in ("UPDATE ioto_seals SET hash = 'y'", "DELETE FROM ioto_seals"):
        with pytest.raises(LedgerError, match=r"never (changed|deleted)"):
            database.write(lambda connection, statement=statement: connection.execute(text(statement)))
    database.close()


def test_it_works_on_afterwards(old: str) -> None:
    migrate(old)
    with Ledger(old) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-new", "generated", CONTEXT))
        assert [event.kind for event in ledger.events(claim_id=claim.claim_id)] == ["allocated"]
        assert ledger.live_claim(PRODUCT, "SN-0") is not None
        assert max(event.id for event in ledger.events()) == 91
    assert migrate(old).migration is None


def test_two_copies_that_are_migrated_apart_agree(old: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """And so do the two databases: a key follows from what the event says, not from where it is stored."""
    other = str(tmp_path / "other.db")
    if old.startswith("postgresql"):
        other = request.getfixturevalue("postgresql_server").new_url()
    lay_down(other)
    for location in (old, other):
        migrate(location)
    assert rows(old, "ioto_events", "id, key") == rows(other, "ioto_events", "id, key")
    assert rows(old, "ioto_ledger", "identity") == rows(other, "ioto_ledger", "identity")
    keys = [key for _number, key in rows(old, "ioto_events", "id, key")]
    assert len(set(keys)) == 90


def test_the_key_of_an_event_is_the_same_on_both_databases(postgresql_url: str, tmp_path: Path) -> None:
    on_file = str(tmp_path / "ledger.db")
    lay_down(on_file)
    lay_down(postgresql_url)
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("TRUNCATE ioto_ledger")  # it is no table of events
        connection.execute("INSERT INTO ioto_ledger VALUES (1)")
        connection.execute("ALTER TABLE ioto_events DISABLE TRIGGER USER")
        connection.execute("DELETE FROM ioto_events")
        connection.execute("ALTER TABLE ioto_events ENABLE TRIGGER USER")
        with connection.cursor() as cursor:
            marks = f"%s, %s::timestamp AT TIME ZONE 'UTC', {', '.join(['%s'] * 7)}"
            cursor.executemany(
                f"INSERT INTO ioto_events ({EVENT}) VALUES ({marks})", rows(on_file, "ioto_events", EVENT)
            )
    migrate(on_file)
    migrate(postgresql_url)
    assert rows(postgresql_url, "ioto_events", "id, key") == rows(on_file, "ioto_events", "id, key")


def test_an_empty_ledger_is_migrated(old: str, fresh: str) -> None:
    if old.startswith("postgresql"):
        with psycopg.connect(old) as connection:
            for table in ("ioto_events", "ioto_claims"):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                connection.execute(f"DELETE FROM {table}")
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    else:
        connection = sqlite3.connect(old)
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _sql in guards:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM ioto_events")
        connection.execute("DELETE FROM ioto_claims")
        for _name, sql in guards:
            connection.execute(sql)
        connection.commit()
        connection.close()
    migrate(old)
    assert schema_of(old) == schema_of(fresh)
    ((identity,),) = rows(old, "ioto_ledger", "identity")
    assert len(identity) == 16


def test_a_process_that_still_holds_a_migrated_ledger_is_told_and_writes_nothing(location: str) -> None:
    with Ledger(location) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
        execute(location, "UPDATE ioto_ledger SET version = version + 1")
        with pytest.raises(LedgerError, match=r"migrated by a newer .*nothing was recorded; update the collection"):
            ledger.allocate(AllocationRequest(PRODUCT, "SN-2", "generated", CONTEXT))
        # Nor does it what the tables would take.
        with pytest.raises(LedgerError, match="migrated by a newer"):
            ledger.record(NewEvent(EventKind.CHECKED, CONTEXT, claim_id=claim.claim_id))
    assert len(rows(location, "ioto_claims")) == len(rows(location, "ioto_events")) == 1


def test_many_at_once_migrate_it_once(old: str, tmp_path: Path) -> None:
    processes = 6
    start, answers = _fork.Barrier(processes), _fork.Queue()

    def run() -> None:
        start.wait(60)
        answers.put(migrate_ledger(old).migration is not None)

    children = [_fork.Process(target=run, daemon=True) for _n in range(processes)]
    for child in children:
        child.start()
    assert sorted(answers.get(timeout=60) for _child in children) == [False] * 5 + [True]
    for child in children:
        child.join(60)
    assert len(rows(old, "ioto_events")) == 90
    assert len(list(tmp_path.glob("*.schema-1.*"))) == (0 if old.startswith("postgresql") else 1)


def test_a_file_that_is_migrated_while_its_version_is_asked_is_not_damaged(tmp_path: Path) -> None:
    """Nothing holds a file between two questions; on PostgreSQL, the first one has a migration wait."""
    old = str(tmp_path / "ledger.db")
    lay_down(old)
    questions: list[str] = []

    def migrate_after_the_first(*_of_the_cursor: object) -> None:
        questions.append("asked")
        if len(questions) == 1:
            migrate(old)

    with sqlite_file.connect(Path(old)) as connection:
        event.listen(connection, "after_cursor_execute", migrate_after_the_first)
        assert version_of(connection, old) == SCHEMA_VERSION


def test_a_newer_ledger_is_migrated_by_nobody(location: str) -> None:
    Ledger(location).close()
    execute(location, "UPDATE ioto_ledger SET version = version + 1")
    with pytest.raises(LedgerError, match=r"newer .*update the collection"):
        migrate_ledger(location)


def test_what_is_not_there_is_not_migrated(location: str) -> None:
    with pytest.raises(LedgerError, match=r"There is no ledger in .* to migrate; correct its path"):
        migrate_ledger(location)
    with Ledger(location, read_only=True) as ledger:
        assert ledger.is_absent


def damage(location: str, version: str) -> None:
    """Have the ledger say this of its version, as a bit or a hand that flips."""
    if version == "NULL":
        execute(location, "DELETE FROM ioto_ledger")
    elif version == "'two'":  # what SQLite returns where a type in its schema was changed, too
        execute(location, "ALTER TABLE ioto_ledger RENAME TO before")
        execute(location, "CREATE TABLE ioto_ledger (version TEXT, identity TEXT)")
        execute(location, "INSERT INTO ioto_ledger VALUES ('two', 'x')")
    elif version == "two rows":
        execute(location, "INSERT INTO ioto_ledger (version, identity) VALUES (99, 'x')")
    else:
        execute(location, f"UPDATE ioto_ledger SET version = {version}")


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("0", "its version is 0"),
        ("-7", "its version is -7"),
        ("NULL", "its version is missing"),
        ("'two'", "its version is not a number"),
        ("two rows", "its version is missing"),
        ("1", "its version is 1, but it has what schema 2 brought"),
        ("2", "its version is 2, but it has what schema 3 brought"),
        ("3", "its version is 3, but it has what schema 4 brought"),
        ("4", "its version is 4, but it has what schema 5 brought"),
    ],
)
@pytest.mark.parametrize("how", ["open", "read", "migrate", "write"])
def test_a_version_that_no_release_made_is_damage(location: str, version: str, told: str, how: str) -> None:
    ledger = Ledger(location)
    damage(location, version)
    pattern = f"is damaged: {told}; restore its backup"
    if how == "write" and version not in (
        "1",
        "2",
        "3",
        "4",
        "two rows",
    ):  # an older one; what is not looked at in each transaction
        with ledger, pytest.raises(LedgerError, match=pattern):
            ledger.record(NewEvent(EventKind.RUN, CONTEXT))
        return
    ledger.close()
    with pytest.raises(LedgerError, match=pattern):
        if how == "migrate":
            migrate_ledger(location)
        else:
            Ledger(location, read_only=how == "read").close()
