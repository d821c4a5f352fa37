# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger moves between SQLite and PostgreSQL, and is the same there, to the row; here nobody writes any more."""

from __future__ import annotations

import itertools
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import text

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.backup import back_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.compare import compare
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.exchange_file import dump
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.move import move
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.tasks import import_whole
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import DamagedLedgerError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    LedgerError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.transfer import export_claims
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.collect import collect, last_run
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.records import Report
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.tables import csv_table, json_lines
from tests.services.move_kills import (
    CONTEXT,
    PRODUCT,
    all_rows,
    go_on,
    kill_moves,
    may_be_written,
    problems,
    site,
)
from tests.services.postgresql import PostgresqlServer
from tests.support.ledgers import damage
from tests.support.old_ledger import execute, lay_down, rows

pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

UNITS = 1000
_MANY = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {UNITS})"
OLD_UNITS = (
    # As many units as one was that revision 3462456 read back, each with the ID of its own and the same history.
    f"INSERT INTO ioto_claims (claim_id, product, unit, state, source, created_at, updated_at, host, reason, details) "
    f"{_MANY} SELECT 'M8JN7W' || printf('%04d', i), product, 'SN-' || printf('%04d', i), state, source, created_at, "
    "updated_at, 'host-' || i, reason, details FROM ioto_claims, n WHERE unit = 'state-1-a'",
    "INSERT INTO ioto_events (at, action, claim_id, product, unit, actor, host, detail) "
    f"{_MANY} SELECT at, action, 'M8JN7W' || printf('%04d', i), product, 'SN-' || printf('%04d', i), actor, "
    "'host-' || i, detail FROM n, (SELECT * FROM ioto_events WHERE unit = 'state-1-a' ORDER BY id) ORDER BY i, id",
    "INSERT INTO ioto_events (at, action, actor, detail) SELECT max(at), 'run', 'ann@line-1', "
    """'{"started": "' || replace(min(at), ' ', 'T') || '+00:00", "devices": 1000, "done": 1000}' FROM ioto_events """
    "WHERE unit LIKE 'SN-0%'",
)


def exported(location: str) -> tuple[str, str]:
    found = []
    with Ledger(location, read_only=True) as ledger:
        for fmt in ("csv", "jsonl"):
            stream = StringIO(newline="")
            export_claims(ledger.claims(), stream, fmt)
            found.append(stream.getvalue())
    return found[0], found[1]


def reported(location: str) -> tuple[str, str]:
    """The report of the ledger's last run, but for the ledger's name."""
    with Ledger(location, read_only=True) as ledger:
        period = last_run(ledger)
        assert period is not None
        report = Report("Report", period.since, period.until, ["the ledger"], collect(ledger, period))
        assert len(report.rows) >= UNITS
        return csv_table(report, reveal=True), json_lines(report, reveal=True)


def test_a_ledger_of_revision_3462456_is_the_same_on_postgresql_and_back(tmp_path: Path, postgresql_url: str) -> None:
    old, back = str(tmp_path / "old.db"), str(tmp_path / "back.db")
    lay_down(old)
    for statement in OLD_UNITS:
        execute(old, statement)
    before = exported(old), reported(old)
    assert before[0][0].count("\n") > UNITS

    there = move(old, postgresql_url, check=False)
    assert (exported(postgresql_url), reported(postgresql_url)) == before
    assert problems(postgresql_url) == []
    again = move(postgresql_url, back, check=False)

    assert (exported(back), reported(back)) == before
    assert all_rows(back) == all_rows(postgresql_url) == all_rows(old)
    assert problems(back) == []
    assert (again.claims, again.events, again.seals) == (there.claims, there.events, there.seals)
    assert compare(back, old).is_same


def test_it_comes_back_to_where_it_was_with_all_that_happened_since(location: str, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere.db")
    site(location, "A", 40)
    move(location, elsewhere, check=False)
    with Ledger(elsewhere) as ledger:
        go_on(ledger, "A")

    back = move(elsewhere, location, check=False)

    assert back.is_news
    assert all_rows(location) == all_rows(elsewhere)
    assert problems(location) == []
    with Ledger(location) as ledger:
        assert ledger.allocate(AllocationRequest(PRODUCT, "A-one-more", "generated", CONTEXT)).is_live
    assert problems(location) == []
    with pytest.raises(LedgerError, match="was moved to"), Ledger(elsewhere) as ledger:
        go_on(ledger, "nobody")


def test_whoever_still_writes_to_the_old_place_is_told_the_new_one(location: str, tmp_path: Path) -> None:
    """Also who had it open, and who only sees to it that it could be written to."""
    site(location, "A", 10)
    new = tmp_path / "new.db"
    with Ledger(location) as forgotten:
        assert forgotten.allocate(AllocationRequest(PRODUCT, "A-before", "generated", CONTEXT)).is_live
        move(location, str(new), check=False)
        before = all_rows(location)
        told = (
            rf"The ledger .* was moved to {new}, and nothing is recorded here any more; give that place as ioto_ledger"
        )
        for ledger in (forgotten, Ledger(location)):
            with pytest.raises(LedgerError, match=told):
                ledger.allocate(AllocationRequest(PRODUCT, "A-forgotten", "generated", CONTEXT))
            with pytest.raises(LedgerError, match=told):
                ledger.database.check_usable()
            assert ledger.live_claim(PRODUCT, "A-before")
        ledger.close()
    assert all_rows(location) == before


def test_whoever_looks_into_a_ledger_that_was_moved_is_told_the_new_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, whole = str(tmp_path / "old.db"), tmp_path / "whole.jsonl"
    site(old, "A", 10)
    move(old, str(tmp_path / "new.db"), check=False)
    told = f"The ledger {old} was moved to {tmp_path}/new.db, and nothing is recorded here any more"

    with Ledger(old, read_only=True) as ledger, whole.open("wb") as file:
        dump(ledger.database, file)
    assert [told in record.getMessage() for record in caplog.records] == [True]
    with Ledger(old) as ledger:
        assert not import_whole(ledger.database, whole, check=False)["changed"]
    assert [told in record.getMessage() for record in caplog.records] == [True, True]
    assert told in back_up(old, tmp_path / "backups", keep=3).notices[0]
    assert not back_up(str(tmp_path / "new.db"), tmp_path / "backups", keep=3).notices


def test_a_hard_link_of_a_ledger_is_no_place_to_move_it_to(tmp_path: Path) -> None:
    old, link = str(tmp_path / "old.db"), tmp_path / "link.db"
    site(old, "A", 10)
    link.hardlink_to(old)
    for check in (True, False):
        with pytest.raises(LedgerError, match=r"link\.db is the ledger .*old\.db itself, by a hard link"):
            move(old, str(link), check=check)
    assert may_be_written(old)


def test_moved_twice_is_moved_once_and_check_mode_moves_nothing(location: str, tmp_path: Path) -> None:
    site(location, "A", 10)
    new = str(tmp_path / "new.db")
    before = all_rows(location)

    told = move(location, new, check=True)
    assert told.is_news
    assert all_rows(location) == before
    assert not Path(new).exists()

    done = move(location, new, check=False)
    assert (done.claims, done.events) == (told.claims, told.events)
    with Ledger(new) as ledger:
        go_on(ledger, "A")
    after = all_rows(new)
    assert not move(location, new, check=False).is_news
    assert not move(location, new, check=True).is_news
    assert all_rows(new) == after


def test_nothing_moves_to_where_another_ledger_is(location: str, tmp_path: Path) -> None:
    other = str(tmp_path / "other.db")
    site(location, "A", 10)
    site(other, "B", 10)
    with pytest.raises(LedgerError, match=r"holds another ledger, and nothing was changed; .* or merge the two"):
        move(location, other, check=False)
    assert may_be_written(location)
    assert may_be_written(other)


def test_a_copy_that_went_on_is_no_older_state(tmp_path: Path) -> None:
    one, copy = tmp_path / "one.db", tmp_path / "copy.db"
    site(str(one), "A", 10)
    copy.write_bytes(one.read_bytes())
    with Ledger(copy) as ledger:
        go_on(ledger, "A")
    with pytest.raises(LedgerError, match="with events that are not here, and nothing was changed"):
        move(str(one), str(copy), check=False)
    assert may_be_written(str(one))


def test_damage_moves_nowhere(tmp_path: Path) -> None:
    one, new = str(tmp_path / "one.db"), tmp_path / "new.db"
    site(one, "A", 10)
    with Ledger(one) as ledger:
        damage(ledger.database, "UPDATE ioto_events SET actor = 'eve' WHERE id = 3")
    with pytest.raises(DamagedLedgerError, match="Row 3 of ioto_events: changed since seal 1"):
        move(one, str(new), check=False)
    assert may_be_written(one)
    assert not new.exists()


def test_what_cannot_be_moved_can_be_written_to_again(tmp_path: Path) -> None:
    """The place fails when the ledger has left already: it may be used on."""
    one = str(tmp_path / "one.db")
    site(one, "A", 10)
    (tmp_path / "no-folder").write_text("")
    with pytest.raises(LedgerError):
        move(one, str(tmp_path / "no-folder/new.db"), check=False)
    assert may_be_written(one)


def test_a_move_that_never_went_through_may_be_called_off(tmp_path: Path) -> None:
    one, new = str(tmp_path / "one.db"), tmp_path / "new.db"
    site(one, "A", 10)
    execute(one, f"UPDATE ioto_ledger SET moved_to = '{new}'")  # as a process that was killed leaves it
    with pytest.raises(LedgerError, match="was moved to"):
        move(one, str(tmp_path / "another.db"), check=False)

    move(one, one, check=True)
    assert not may_be_written(one)
    assert move(one, one, check=False).is_news
    assert may_be_written(one)

    move(one, str(new), check=False)
    with pytest.raises(LedgerError, match="To have it here again, move it from there"):
        move(one, one, check=False)


def test_no_ledger_is_no_move(location: str, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"There is no ledger in .* to move; correct its path or URL"):
        move(location, str(tmp_path / "new.db"), check=False)


def test_numbers_that_postgresql_left_out_are_no_loss_on_sqlite(postgresql_url: str, tmp_path: Path) -> None:
    new = str(tmp_path / "new.db")
    site(postgresql_url, "A", 10)
    with Ledger(postgresql_url) as ledger:
        with ledger.database.read() as connection:  # as who was killed before its commit
            connection.execute(text("SELECT nextval('ioto_events_id_seq'), nextval('ioto_claims_seq_seq')"))
        go_on(ledger, "A")
    move(postgresql_url, new, check=False)
    with Ledger(new) as ledger:
        go_on(ledger, "again")
    assert problems(new) == []
    with Ledger(new) as ledger:
        damage(ledger.database, "UPDATE ioto_events SET id = id + 1 WHERE id = (SELECT max(id) FROM ioto_events)")
    assert "events between them are missing" in " ".join(problems(new))


def test_no_password_is_kept_or_shown(tmp_path: Path, postgresql_url: str) -> None:
    one = str(tmp_path / "one.db")
    site(one, "A", 10)
    secret = postgresql_url.replace("postgres@", "postgres:hunter2@")
    done = move(one, secret, check=False)
    with Ledger(one) as ledger, pytest.raises(LedgerError) as told:
        go_on(ledger, "A")
    assert "hunter2" not in f"{done}{told.value}{rows(one, 'ioto_ledger')}"
    assert not move(one, secret, check=False).is_news


@pytest.mark.parametrize("killed", ["the process", "the server's process"])
def test_killed_at_any_instant_it_is_in_one_place_and_goes_on(
    tmp_path: Path, postgresql_server: PostgresqlServer, killed: str
) -> None:
    one = str(tmp_path / "one.db")
    site(one, "A", 60)
    places = (
        str(tmp_path / f"{number}.db") if number % 2 else postgresql_server.new_url() for number in itertools.count()
    )
    found = kill_moves(one, places, 2, server=None if killed == "the process" else postgresql_server, seed=21)
    assert found["kills"] == 2
