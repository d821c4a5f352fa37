# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals over the events, and the check of a whole ledger, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import (
    DamagedLedgerError,
    check_integrity,
    checked,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.command import migrate_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import AllocationRequest, NewEvent
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import (
    MOST_EVENTS,
    last_seal,
    seal_events,
)
from tests.services.postgresql import START_TIMEOUT
from tests.support import old_ledger
from tests.support.ansible import ROOT
from tests.support.ledgers import CONTEXT, PRODUCT, damage, fill


@pytest.fixture
def database(location: str) -> Database:
    """The database of a ledger with some 750 events, in three seals."""
    with Ledger(location) as ledger:
        fill(ledger, 200)
        seal_events(ledger.database)
    return Database(Location.parse(location))


def test_a_sound_ledger_is_found_sound(database: Database) -> None:
    report = check_integrity(database)

    assert report.findings == []
    assert (report.claims, report.unsealed) == (212, 0)
    assert report.seals == -(-report.events // MOST_EVENTS)


def test_what_is_not_sealed_yet_is_counted_and_checked(database: Database, location: str) -> None:
    with Ledger(location) as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-LATE", "generated", CONTEXT))
        assert check_integrity(database).unsealed == 1
        damage(database, "UPDATE ioto_claims SET unit = 'SN-LATER' WHERE unit = 'SN-LATE'")
        (finding,) = check_integrity(database).findings
        assert "of ioto_claims: its unit is not what its events say" in finding


def test_sealing_again_seals_nothing(database: Database) -> None:
    before = last_seal(database)
    assert seal_events(database) == (0, True)
    assert last_seal(database) == before


@pytest.mark.parametrize(
    ("statement", "sentences"),
    [
        (
            "UPDATE ioto_events SET actor = 'bob@line-1' WHERE id = 300",
            ["Row 300 of ioto_events: changed since seal 2."],
        ),
        ("UPDATE ioto_events SET host = NULL WHERE id = 3", ["Row 3 of ioto_events: changed since seal 1."]),
        (
            "DELETE FROM ioto_events WHERE id IN (301, 302)",
            ["2 events are missing after row 300 of ioto_events, since seal 2."],
        ),
        (
            "INSERT INTO ioto_events (id, at, action, actor, key) "
            "SELECT -5, at, 'checked', actor, 'new' FROM ioto_events WHERE id = 1",
            ["Row -5 of ioto_events: put in since seal 1."],
        ),
        (
            "UPDATE ioto_events SET id = CASE id WHEN 10 THEN -11 ELSE -10 END WHERE id IN (10, 11)",
            [
                "Rows -11, -10 of ioto_events: put in since seal 1.",
                "2 events are missing after row 9 of ioto_events, since seal 1.",
            ],
        ),
        (
            "UPDATE ioto_seals SET at = '2026-01-01 00:00:00.000000' WHERE seq = 2",
            ["Row 2 of ioto_seals: it was changed, or the seal before it; its events agree with their marks."],
        ),
        (
            "UPDATE ioto_seals SET last_event = last_event + 4096 WHERE seq = 1",
            ["Row 1 of ioto_seals: it was changed; its events are what they were."],
        ),
        (
            "UPDATE ioto_seals SET first_event = first_event - 64 WHERE seq = 2",
            ["Row 2 of ioto_seals: it was changed; its events are what they were."],
        ),
        (
            "UPDATE ioto_seals SET hash = hash || '0000' WHERE seq = 1",
            ["Row 1 of ioto_seals: its marks were changed; its events are what they were."],
        ),
        (
            "UPDATE ioto_seals SET hash = 'f00d' || substr(hash, 5) WHERE seq = 1",
            ["Row 1 of ioto_seals: it was changed, or the seal before it; its events agree with their marks."],
        ),
    ],
)
def test_what_changed_since_it_was_sealed_is_named(database: Database, statement: str, sentences: list[str]) -> None:
    damage(database, statement)

    found = [sentence for sentence in check_integrity(database).findings if "seal" in sentence]
    assert found == sentences


def test_a_seal_that_was_removed_is_missed(database: Database) -> None:
    damage(database, "DELETE FROM ioto_seals WHERE seq = 2")

    assert "Row 3 of ioto_seals: the seal before it, row 2, is missing." in check_integrity(database).findings


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE ioto_claims SET unit = 'SN-0X0010' WHERE seq = 11", "its unit is not what its events say"),
        ("UPDATE ioto_claims SET product = '01G8YJKKRNTHW213TRZYX3YH0X' WHERE seq = 11", "its product is not what"),
        ("UPDATE ioto_claims SET state = 'written' WHERE seq = 11", "its state is not what its events say"),
        ("UPDATE ioto_claims SET source = 'given' WHERE seq = 11", "its source is not what its events say"),
        ("UPDATE ioto_claims SET reason = 'lost' WHERE seq = 1", "its reason is not what its events say"),
        ("UPDATE ioto_claims SET claim_id = 'AAAABBBBCC' WHERE seq = 11", "no event tells how the claim came to be"),
        ("UPDATE ioto_claims SET claim_id = 'AAAA-BBBBCC' WHERE seq = 11", "its claim_id cannot be read"),
        ("UPDATE ioto_claims SET unit = ' ' WHERE seq = 11", "its unit cannot be read"),
        ("UPDATE ioto_claims SET product = 'P' WHERE seq = 11", "its product cannot be read"),
        ("UPDATE ioto_claims SET details = '[1]' WHERE seq = 11", "its details cannot be read"),
    ],
)
def test_a_claim_that_is_not_what_it_was_is_named(database: Database, statement: str, problem: str) -> None:
    damage(database, statement)

    findings = check_integrity(database).findings
    row = "1" if statement.endswith("seq = 1") else "11"
    assert any(finding.startswith(f"Row {row} of ioto_claims: {problem}") for finding in findings), findings


def test_a_claim_that_vanished_is_missed(database: Database) -> None:
    damage(database, "DELETE FROM ioto_claims WHERE seq = 12")

    assert any(
        "ioto_claims does not have the claim that it tells of" in line for line in check_integrity(database).findings
    )


def test_a_guard_that_is_gone_is_missed(database: Database) -> None:
    with database.read() as connection:
        on = "" if connection.dialect.name == "sqlite" else " ON ioto_events"
        connection.execute(text(f"DROP TRIGGER ioto_events_fixed{on}"))
        connection.execute(text("DROP INDEX ioto_events_unit"))
        connection.commit()

    guard, index = check_integrity(database).findings
    assert "trigger ioto_events_fixed is missing" in guard or "index ioto_events_unit is missing" in guard
    assert "ioto_events_unit" in guard + index


def test_the_error_names_all_and_shows_no_id(database: Database, location: str) -> None:
    damage(database, "UPDATE ioto_claims SET unit = unit || 'X' WHERE seq IN (7, 8)")

    with Ledger(location, read_only=True) as ledger, pytest.raises(DamagedLedgerError) as caught:
        checked(ledger)
    ids = [claim.claim_id for claim in Ledger(location, read_only=True).claims()]
    assert len(caught.value.findings) >= 2
    assert not any(claim_id in str(caught.value) for claim_id in ids)


def test_two_that_seal_at_once_seal_each_event_once(location: str) -> None:
    with Ledger(location) as ledger:
        fill(ledger, 400)
        barrier = threading.Barrier(4)

        def seal(_number: int) -> int:
            with Ledger(location) as other:
                barrier.wait()
                return seal_events(other.database).events

        with ThreadPoolExecutor(4) as pool:
            sealed = sum(pool.map(seal, range(4)))
        sealed += seal_events(ledger.database).events
        report = check_integrity(ledger.database)
    assert (report.findings, report.unsealed, sealed) == ([], 0, report.events)


def test_an_event_that_is_committed_late_is_sealed_in_its_place(postgresql_url: str) -> None:
    """PostgreSQL: a transaction in flight holds a lower number than the newest event."""
    with Ledger(postgresql_url) as ledger, Ledger(postgresql_url) as slow:
        insert = "INSERT INTO ioto_events (at, action, actor, key) VALUES (now(), 'checked', 'ann', 'slow')"
        with slow.database.read() as connection:
            connection.execute(text(insert))
            ledger.record(NewEvent(EventKind.CHECKED, CONTEXT))
            assert seal_events(ledger.database) == (0, False)
            connection.commit()
        assert seal_events(ledger.database) == (2, True)
        assert check_integrity(ledger.database).findings == []


SEALER_NAME = "sealer"
SEALER = """
import sys
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import seals
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
seals.MOST_EVENTS, seals._SEALS_AT_ONCE = 8, 1
with Ledger(sys.argv[1]) as ledger:
    print("open", flush=True)
    print(seals.seal_events(ledger.database), flush=True)
"""


@pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.06, 0.1])
def test_killed_while_it_seals_it_leaves_whole_seals(location: str, after: float) -> None:
    with Ledger(location) as ledger:
        fill(ledger, 300)
    process = subprocess.Popen(
        [sys.executable, "-c", SEALER, location],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/playbooks/collections", "PGAPPNAME": SEALER_NAME},
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    if location.startswith("postgresql"):
        wait_until_the_server_has_noticed(location)
    with Ledger(location) as ledger:
        report = check_integrity(ledger.database)
        assert report.findings == []
        assert seal_events(ledger.database).events == report.unsealed
        assert check_integrity(ledger.database).findings == []


def wait_until_the_server_has_noticed(url: str) -> None:
    """Return when nothing goes on any more that the sealer asked for: a commit that it sent is done without it."""
    import psycopg  # noqa: PLC0415  # the driver is an extra; without it there is no server to wait for

    with psycopg.connect(url, autocommit=True) as connection:
        deadline = time.monotonic() + START_TIMEOUT
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        while connection.execute(query, (SEALER_NAME,)).fetchone() != (0,):
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)  # between two questions, not in place of the answer


def test_memory_is_bounded_by_the_seal_not_by_its_damage(database: Database) -> None:
    damage(database, "UPDATE ioto_seals SET last_event = 9000000000000000000 WHERE seq = 3")

    assert check_integrity(database).findings == ["Row 3 of ioto_seals: it was changed; its events are what they were."]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "INSERT INTO ioto_counts (product, state, reserved, slot, number) VALUES ('P', 'verified', 0, 0, 3)",
            "The table ioto_counts says 3 where ioto_claims has 0 claims of one product and state.",
        ),
        (
            "INSERT INTO ioto_open_conflicts (event, unit) VALUES (5, 'SN-1')",
            "Row 5 of ioto_open_conflicts: ioto_events has no such conflict.",
        ),
    ],
)
def test_what_is_kept_for_speed_is_compared_with_what_it_follows_from(
    database: Database, statement: str, finding: str
) -> None:
    damage(database, statement)

    assert finding in check_integrity(database).findings


def test_postgresql_looks_at_its_own_files_where_it_can(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger:
        fill(ledger, 20)
        with ledger.database.read() as connection:
            if not connection.execute(text("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'")).first():
                pytest.skip("PostgreSQL has no amcheck here")
            connection.execute(text("CREATE EXTENSION amcheck SCHEMA public"))
            connection.commit()
        report = check_integrity(ledger.database)
        with ledger.database.read() as connection:
            connection.execute(text("DROP EXTENSION amcheck"))
            connection.commit()
        without = check_integrity(ledger.database)

    assert (report.findings, report.notices) == ([], [])
    assert without.findings == []
    assert "amcheck" in without.notices[0]


def test_a_large_ledger_may_take_longer_to_sort_than_any_other_answer(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger:
        fill(ledger, 50)
        with ledger.database.read() as connection:
            connection.execute(text("SET statement_timeout = 1"))
            connection.commit()
        assert check_integrity(ledger.database).findings == []
        with ledger.database.read() as connection:  # it was that connection
            assert connection.execute(text("SHOW statement_timeout")).scalar() == "1ms"


def test_the_first_seal_covers_what_was_there_before_the_migration(location: str) -> None:
    old_ledger.lay_down(location)
    migrate_ledger(location, check=False)
    with Ledger(location) as ledger:
        before = check_integrity(ledger.database)
        assert (before.findings, before.seals) == ([], 0)
        assert seal_events(ledger.database).events == before.unsealed == before.events
        after = check_integrity(ledger.database)
    assert (after.findings, after.unsealed, after.seals) == ([], 0, 1)
