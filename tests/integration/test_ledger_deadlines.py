# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is silent, busy, or not sure: an error in time, and never an answer that was none."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.engine import Connection

from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.board_names import names_of_board
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import (
    abandoned_sessions,
    advisory_locks,
    boards,
    bulk_rows,
    deadlines,
    postgresql,
    raw_rows,
    unit_locks,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.change_set import ChangeSet
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations import on_postgresql
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.command import migrate_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.steps import SCHEMA_VERSION
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.services.reserved_port import reserved_port
from tests.services.silent_proxy import SilentProxy
from tests.support.old_ledger import lay_down

psycopg = pytest.importorskip("psycopg", reason="the Python package psycopg is not installed")

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")
BOARD = {"mac": "02:00:00:00:00:02"}
(LOCK_OF_BOARD,) = boards.lock_numbers(names_of_board(PRODUCT, BOARD))
LATE = 25.0
"""Seconds within which a wait that was made short has to end: the usual ones are longer."""
UNKNOWN = r"no certain answer to a commit, so whether that was recorded is not known; .*run again: what was recorded"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """A server that a test may stop, kill and set up as it likes."""
    with running_postgresql() as running:
        yield running


def allocate(ledger: Ledger, unit: str, board: Mapping[str, str] | None = None) -> str:
    return ledger.allocate(AllocationRequest(PRODUCT, unit, "generated", CONTEXT, details=board or {})).claim_id


def sql(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def wait_for(url: str, condition: str) -> list[tuple[object, ...]]:
    """Return the pids of the sessions that do what `condition` says, as soon as there are any."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := sql(url, f"SELECT pid FROM pg_stat_activity WHERE {condition} AND pid <> pg_backend_pid()"):
            return found
    raise AssertionError(condition)


@contextmanager
def impatient(ledger: Ledger | Database, seconds: float) -> Iterator[None]:
    """Give the server of an open ledger so little time for an answer, as long as the block takes.

    Before and after it has its usual time: a machine that has much to do is no silent one.
    """
    watchdog = (ledger.database if isinstance(ledger, Ledger) else ledger)._postgresql._watchdog

    def give(patience: float) -> float:
        with watchdog._lock:
            before, watchdog.patience = watchdog.patience, patience
            watchdog._lock.notify()  # it looks once in a quarter of that
            return before

    usual = give(seconds)
    try:
        yield
    finally:
        give(usual)


@contextmanager
def stopped(server: PostgresqlServer) -> Iterator[None]:
    """Have the server hang, as long as the block takes."""

    def send(how: signal.Signals) -> None:
        for pid in processes:
            with suppress(ProcessLookupError):  # of a session that was ending
                os.kill(pid, how)

    processes = processes_of(server)
    send(signal.SIGSTOP)
    try:
        yield
    finally:
        send(signal.SIGCONT)


def pid_of(server: PostgresqlServer) -> int:
    return int((server.directory / "data" / "postmaster.pid").read_text().split()[0])


def processes_of(server: PostgresqlServer) -> list[int]:
    postmaster = pid_of(server)
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(postmaster)], check=False, capture_output=True, text=True
    )
    return [postmaster, *map(int, listed.stdout.split())]


def start_again(server: PostgresqlServer) -> None:
    """Start a server that was killed, once the last of its processes has let go of their shared memory."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return server.start()
        except RuntimeError as error:
            if "still in use" not in str(error) or time.monotonic() > deadline:
                raise


# A standby that does not answer


@pytest.fixture
def lonely(server: PostgresqlServer) -> Iterator[str]:
    """A ledger whose server waits at each commit for a standby that is not there."""
    url = server.new_url()
    with Ledger(url) as ledger:
        allocate(ledger, "SN-0")
    wait_for_a_standby(url)
    yield url
    no_more_standby(url)


@pytest.fixture
def lonely_and_old(server: PostgresqlServer) -> Iterator[str]:
    """The same, with a ledger of schema 1."""
    url = server.new_url()
    lay_down(url)
    wait_for_a_standby(url)
    yield url
    no_more_standby(url)


def wait_for_a_standby(url: str) -> None:
    sql(url, "ALTER SYSTEM SET synchronous_standby_names = 'not_there'")
    sql(url, "SELECT pg_reload_conf()")
    deadline = time.monotonic() + 60
    while sql(url, "SHOW synchronous_standby_names") != [("not_there",)]:
        assert time.monotonic() < deadline


def no_more_standby(url: str) -> None:
    sql(url, "ALTER SYSTEM RESET synchronous_standby_names")
    sql(url, "SELECT pg_reload_conf()")
    deadline = time.monotonic() + 60
    while sql(url, "SHOW synchronous_standby_names") != [("",)]:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_commit_that_gave_up_waiting_for_the_standby_is_no_success(lonely: str, how: str) -> None:
    with Ledger(lonely) as ledger, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(allocate, ledger, "SN-1")
        (pid,) = wait_for(lonely, "wait_event = 'SyncRep'")
        sql(lonely, f"SELECT {how}({pid[0]})")
        with pytest.raises(LedgerError, match=UNKNOWN):
            answer.result(60)
        assert ended(lonely, pid[0])
        no_more_standby(lonely)
        allocate(ledger, "SN-1")
        assert len(list(ledger.claims(unit="SN-1"))) == 1


def ended(url: str, pid: object) -> bool:
    deadline = time.monotonic() + 60
    while sql(url, f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid}"):
        if time.monotonic() > deadline:
            return False
    return True


def test_a_commit_that_is_never_answered_ends_in_time(lonely: str) -> None:
    with Ledger(lonely) as ledger:
        with impatient(ledger, 0.7):
            begin = time.monotonic()
            with pytest.raises(LedgerError, match=UNKNOWN):
                allocate(ledger, "SN-1")
            assert 0.6 < time.monotonic() - begin < LATE
        no_more_standby(lonely)
        first = allocate(ledger, "SN-1")
        assert allocate(ledger, "SN-1") == first
        assert len(list(ledger.claims(unit="SN-1"))) == 1


def test_a_migration_that_gave_up_waiting_for_the_standby_is_no_success(lonely_and_old: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(migrate_ledger, lonely_and_old)
        (pid,) = wait_for(lonely_and_old, "wait_event = 'SyncRep'")
        sql(lonely_and_old, f"SELECT pg_cancel_backend({pid[0]})")
        with pytest.raises(LedgerError, match=UNKNOWN):
            answer.result(60)
    no_more_standby(lonely_and_old)
    assert migrate_ledger(lonely_and_old).migration is None


def test_a_migration_that_is_never_answered_ends_in_time_and_lets_go_of_the_tables(
    lonely_and_old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = time.monotonic()
    with monkeypatch.context() as short, pytest.raises(LedgerError, match=UNKNOWN):
        short.setattr(deadlines, "ANSWER_TIMEOUT", 2.0)
        migrate_ledger(lonely_and_old)
    assert time.monotonic() - begin < LATE
    # Who only reads waits for no standby, only for the tables.
    with Ledger(lonely_and_old, read_only=True) as ledger:
        assert ledger.summary().total


# A server that is silent


def test_a_server_that_hangs_is_told_in_time_and_served_by_again(
    server: PostgresqlServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.new_url()
    with Ledger(url) as ledger:
        claim_id = allocate(ledger, "SN-1")
        with stopped(server), impatient(ledger, 0.5):
            begin = time.monotonic()
            with pytest.raises(LedgerError, match=r"did not answer for 0\.5 s.* see whether its server hangs"):
                allocate(ledger, "SN-2")
            assert time.monotonic() - begin < LATE
        assert allocate(ledger, "SN-1") == claim_id
        allocate(ledger, "SN-2")
        assert ledger.summary().total == 2
    assert caplog.records == []  # nor a traceback of the pool's own


@pytest.mark.parametrize("what", ["read", "many", "alone", "open", "seal", "check"])
def test_no_question_waits_for_a_server_that_hangs(
    server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what == "check":  # which has more time than all others
        monkeypatch.setattr(raw_rows, "_PATIENCE", 0.5)
    url = server.new_url()
    with Ledger(url) as ledger:
        allocate(ledger, "SN-1")
        monkeypatch.setattr(deadlines, "ANSWER_TIMEOUT", 0.5)
        monkeypatch.setattr(deadlines, "CONNECT_TIMEOUT", 2)  # the driver knows no shorter one
        with stopped(server), impatient(ledger, 0.5):
            begin = time.monotonic()
            with pytest.raises(LedgerError, match=r"did not answer|cannot be reached: .*time") as caught:
                if what == "read":
                    ledger.summary()
                elif what == "many":  # by the driver, past SQLAlchemy
                    ledger.holders(["JT08FFQXWQ"])
                elif what == "alone":
                    with ledger.alone_with(["JT08FFQXWQ"]):
                        pass
                elif what == "seal":
                    seal_events(ledger.database)
                elif what == "check":
                    check_integrity(ledger.database)
                else:
                    Ledger(url).close()
            assert time.monotonic() - begin < LATE
            assert "\n" not in str(caught.value)
        assert ledger.summary().total == 1


def test_a_server_that_falls_silent_in_a_transaction_is_told_in_time(server: PostgresqlServer) -> None:
    url = server.new_url()

    def stop_and_ask(connection: Connection) -> None:
        (backend,) = bulk_rows.execute(connection, "SELECT pg_backend_pid()", ()).fetchone() or ()
        os.kill(backend, signal.SIGSTOP)
        hanging.append(backend)
        bulk_rows.execute(connection, "SELECT 1", ())

    hanging: list[int] = []
    with Ledger(url) as ledger, ThreadPoolExecutor(1) as pool:
        try:
            with impatient(ledger, 2.0), pytest.raises(LedgerError, match=r"did not answer for 2 s"):
                pool.submit(ledger._database.write, stop_and_ask).result(60)
        finally:
            for pid in hanging:
                os.kill(pid, signal.SIGCONT)
        allocate(ledger, "SN-1")


def test_what_was_locked_when_the_network_fell_silent_is_let_go_of(server: PostgresqlServer) -> None:
    """The server is told of no end: it has to find out by itself that nobody goes on."""
    with (
        SilentProxy(server.socket) as proxy,
        Ledger(
            server.url_by_tcp(proxy.port), deadlines=deadlines.Deadlines.usual()._replace(lock=0.8, idle=2.0)
        ) as ledger,
        ExitStack() as silent,
    ):
        allocate(ledger, "SN-1")

        def allocate_and_be_cut_off(connection: Connection) -> None:
            changes = ChangeSet(connection, units=["SN-1", "SN-2"])
            for unit in ("SN-1", "SN-2"):
                changes.allocate(AllocationRequest(PRODUCT, unit, "generated", CONTEXT))
            changes.save()
            proxy.fall_silent()
            silent.enter_context(impatient(ledger, 1.0))
            watch = ledger.database._postgresql._current.watch
            assert watch is not None
            watch.more = 1.0 - watch.patience  # it has its time since before

        with pytest.raises(LedgerError, match=UNKNOWN):
            ledger.database.write(allocate_and_be_cut_off)
        silent.close()
        proxy.speak()
        begin = time.monotonic()
        for unit in ("SN-1", "SN-2"):
            while True:
                with suppress(LedgerError):
                    allocate(ledger, unit)
                    break
                assert time.monotonic() - begin < 60


def test_who_says_nothing_in_a_transaction_is_told_so(server: PostgresqlServer) -> None:
    database = Database(Location.parse(server.new_url()), deadlines=deadlines.Deadlines.usual()._replace(idle=2.0))

    def work(connection: Connection) -> None:
        (pid,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
        assert ended(server.new_url(), pid)
        connection.exec_driver_sql("SELECT 1")

    try:
        with pytest.raises(
            LedgerError, match="nothing was asked for too long in the middle of a transaction; run again"
        ):
            database.write(work)
    finally:
        database.close()


def test_who_computes_between_two_questions_may_take_its_time(postgresql_url: str) -> None:
    database = Database(Location.parse(postgresql_url))

    def is_watched() -> bool:
        watch = database._postgresql._current.watch
        assert watch is not None and not watch.has_fired
        return watch.until < math.inf

    def work(connection: Connection) -> object:
        assert not is_watched()
        connection.exec_driver_sql("SELECT 1")
        assert not is_watched()
        bulk_rows.execute(connection, "SELECT 1", ())
        assert not is_watched()
        return connection.exec_driver_sql("SELECT 2").scalar()

    assert database.write(work) == 2
    with database.read() as connection:
        assert not is_watched()
        assert connection.exec_driver_sql("SELECT 3").scalar() == 3
        assert not is_watched()
    database.close()


# Locks of others


def test_a_lock_of_another_session_is_waited_for_in_vain(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "LOCK_TIMEOUT", 0.3)
    with Ledger(postgresql_url) as ledger, psycopg.connect(postgresql_url) as holder:
        allocate(ledger, "SN-1")
        holder.execute("LOCK TABLE ioto_claims IN ACCESS EXCLUSIVE MODE")
        for question in (lambda: ledger.live_claim(PRODUCT, "SN-1"), lambda: allocate(ledger, "SN-2")):
            with pytest.raises(LedgerError, match=r"is locked by another session.* pg_stat_activity, and run again\.$"):
                question()
        holder.rollback()
        allocate(ledger, "SN-2")


def test_many_threads_wait_for_a_lock_no_longer_than_one(postgresql_url: str) -> None:
    """Whoever waited in vain looks for sessions whose client is gone, by another connection: all may be taken."""
    threads = 20
    usual = deadlines.Deadlines.usual()._replace(lock=0.5)
    with (
        Ledger(postgresql_url, deadlines=usual) as ledger,
        psycopg.connect(postgresql_url) as holder,
        ThreadPoolExecutor(threads) as pool,
    ):
        allocate(ledger, "SN-1")
        holder.execute("LOCK TABLE ioto_claims IN ACCESS EXCLUSIVE MODE")
        begin = time.monotonic()
        for answer in [pool.submit(ledger.live_claim, PRODUCT, "SN-1") for _ in range(threads)]:
            with pytest.raises(LedgerError, match="is locked by another session"):
                answer.result()
        assert time.monotonic() - begin < LATE


@pytest.mark.parametrize(
    "lock",
    [
        "LOCK TABLE ioto_claims IN EXCLUSIVE MODE",
        f"SELECT pg_advisory_xact_lock({advisory_locks.BOARDS}, {LOCK_OF_BOARD})",
    ],
    ids=["of a table", "of a board, which is the first that a transaction takes"],
)
def test_who_is_cut_off_in_the_middle_of_what_it_sends_loses_its_locks(postgresql_url: str, lock: str) -> None:
    """As behind a firewall that drops a connection: the server hears no end, and no idle time counts in a pipeline."""
    with (
        closing(Ledger(postgresql_url, deadlines=deadlines.Deadlines.usual()._replace(lock=0.8))) as ledger,
        psycopg.connect(postgresql_url) as gone,
        psycopg.connect(postgresql_url) as idle,
    ):
        allocate(ledger, "SN-1")
        idle.execute("SELECT FROM ioto_claims")  # its own business: the server's time for it is another
        with pytest.raises(psycopg.OperationalError), gone.pipeline():
            gone.execute(lock)
            assert gone.execute("SELECT 1").fetchone() == (1,), "asked for by a flush, and no sync"
            refusals = 0
            begin = time.monotonic()
            while True:
                try:
                    allocate(ledger, "SN-2", BOARD)
                    break
                except LedgerError as error:
                    assert "is locked by another session" in str(error)
                    refusals += 1
                    assert "whose client is gone" not in str(error), "it tries again by itself"
                    assert time.monotonic() - begin < 60
        assert refusals > 1, "not before it was silent for some seconds"
        assert idle.execute("SELECT 1").fetchone() == (1,)


@contextmanager
def cut_off(url: str, statement: str) -> Iterator[int]:
    """Lend the number of a session that did `statement`, and whose client was cut off before it said that this is all.

    It is there until somebody ends it.
    """
    with closing(psycopg.connect(url)) as gone, suppress(psycopg.OperationalError), gone.pipeline():
        gone.execute(statement)
        assert gone.execute("SELECT 1").fetchone() == (1,), "asked for by a flush, and no sync"
        pid = gone.info.backend_pid
        administrator = make_url(url).set(username="postgres").render_as_string()
        wait_for(administrator, f"pid = {pid} AND wait_event = 'ClientRead'")
        yield pid


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> deadlines.Deadlines:
    """Have who is cut off be taken for gone soon; return deadlines of somebody who waits a little longer for a lock."""
    monkeypatch.setattr(abandoned_sessions, "SILENT_SECONDS", 0.2)
    return deadlines.Deadlines.usual()._replace(lock=0.5)


def test_who_acts_as_another_user_ends_who_is_cut_off(server: PostgresqlServer, soon: deadlines.Deadlines) -> None:
    url = server.new_url()
    schema = url.rpartition("search_path%3D")[2]
    server.sql(
        f"CREATE ROLE {schema}_owner; CREATE ROLE {schema} LOGIN IN ROLE {schema}_owner; "
        f"ALTER ROLE {schema} SET role = '{schema}_owner'; ALTER SCHEMA {schema} OWNER TO {schema}_owner"
    )
    url = make_url(url).set(username=schema).render_as_string()
    with Ledger(url, deadlines=soon) as ledger:
        allocate(ledger, "SN-1")
        with cut_off(url, "LOCK TABLE ioto_claims IN EXCLUSIVE MODE"):
            allocate(ledger, "SN-2")
        with ledger.database.read() as connection:
            assert connection.exec_driver_sql("SELECT current_user").scalar() == f"{schema}_owner"


def test_a_migration_ends_who_is_cut_off_and_in_its_way(
    postgresql_url: str, soon: deadlines.Deadlines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_postgresql, "PATIENCE", 1)
    lay_down(postgresql_url)
    with cut_off(postgresql_url, "LOCK TABLE ioto_events IN ROW EXCLUSIVE MODE"):
        migration = migrate_ledger(postgresql_url).migration
    assert migration is not None
    assert migration.after == SCHEMA_VERSION


def test_who_seals_ends_a_writer_who_is_cut_off(postgresql_url: str, soon: deadlines.Deadlines) -> None:
    """Else no event would be sealed until somebody needs the very rows that he wrote."""
    with Ledger(postgresql_url, deadlines=soon) as ledger:
        allocate(ledger, "SN-1")
        with cut_off(postgresql_url, "LOCK TABLE ioto_events IN ROW EXCLUSIVE MODE"):
            begin = time.monotonic()
            while not (sealed := seal_events(ledger.database)).is_all:
                assert time.monotonic() - begin < LATE
    assert sealed.events == 1


def test_who_was_cut_off_while_he_became_alone_with_units_is_it_no_longer(
    postgresql_url: str, soon: deadlines.Deadlines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_locks, "ALONE_TIMEOUT", LATE)
    with Ledger(postgresql_url, deadlines=soon) as ledger, closing(psycopg.connect(postgresql_url)) as printing:
        claim_id = allocate(ledger, "SN-1")
        (number,) = unit_locks.lock_numbers([claim_id])
        printing.autocommit = True
        printing.execute("SELECT pg_advisory_lock(%s, %s)", (advisory_locks.UNITS, number + 1))
        with (
            cut_off(postgresql_url, f"SELECT pg_advisory_lock({advisory_locks.UNITS}, {number})"),
            ledger.alone_with([claim_id]),
        ):
            assert printing.execute("SELECT 1").fetchone() == (1,), "who prints says nothing for long, and lives"


def test_who_cannot_be_ended_is_not_waited_for_again_and_again(postgresql_url: str, soon: deadlines.Deadlines) -> None:
    with Ledger(postgresql_url, deadlines=soon) as ledger:
        allocate(ledger, "SN-1")
        with cut_off(postgresql_url, "LOCK TABLE ioto_claims IN EXCLUSIVE MODE") as pid:
            os.kill(pid, signal.SIGSTOP)
            begin = time.monotonic()
            try:
                with pytest.raises(LedgerError, match="a session whose client is gone, which is ended now; run again"):
                    allocate(ledger, "SN-2")
            finally:
                os.kill(pid, signal.SIGCONT)
            assert time.monotonic() - begin < LATE
        allocate(ledger, "SN-2")


def test_who_lives_and_is_ended_is_told_so(postgresql_url: str) -> None:
    def work(connection: Connection) -> None:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        sql(postgresql_url, f"SELECT pg_terminate_backend({pid}, 60000)")
        connection.exec_driver_sql("SELECT 1")

    with (
        Ledger(postgresql_url) as ledger,
        pytest.raises(LedgerError, match=r"ended the session, because somebody had it ended, .*; run again"),
    ):
        ledger.database.write(work)


def test_who_takes_no_answer_any_more_loses_his_locks(soon: deadlines.Deadlines) -> None:
    """As a client that hangs, or behind a proxy that does: the server would wait for ever for room for the rest."""
    with reserved_port() as port, running_postgresql(port=port) as server:
        url = server.url_by_tcp(port)
        with (
            Ledger(url, deadlines=soon) as ledger,
            closing(Database(Location.parse(url), deadlines=soon._replace(answer=1.0))) as hanging,
        ):
            allocate(ledger, "SN-1")
            with suppress(LedgerError), hanging.read() as connection:
                driver = connection.connection.driver_connection
                lock = b"LOCK TABLE ioto_claims IN EXCLUSIVE MODE"
                driver.pgconn.send_query(lock + b"; SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
                driver.pgconn.flush()
                wait_for(server.url_by_tcp(port), "wait_event = 'ClientWrite'")
                begin = time.monotonic()
                while True:
                    try:
                        allocate(ledger, "SN-2")
                        break
                    except LedgerError as error:
                        assert "is locked by another session" in str(error)
                        assert time.monotonic() - begin < LATE
            assert ledger.summary().total == 2


def test_who_waited_for_a_lock_does_not_wait_for_a_server_that_hangs_since(
    server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_url()
    usual = deadlines.Deadlines.usual()._replace(lock=0.3, answer=1.0)
    with Ledger(url, deadlines=usual) as ledger, psycopg.connect(url) as holder, ExitStack() as hung:

        def look_and_hang(*arguments: object) -> None:
            look(*arguments)  # type: ignore[arg-type]
            hung.enter_context(stopped(server))
            late.start()

        look = abandoned_sessions.end_abandoned
        monkeypatch.setattr(abandoned_sessions, "end_abandoned", look_and_hang)
        late = threading.Timer(LATE, hung.close)
        allocate(ledger, "SN-1")
        holder.execute("LOCK TABLE ioto_claims IN EXCLUSIVE MODE")
        begin = time.monotonic()
        with pytest.raises(LedgerError, match="is locked by another session"):
            allocate(ledger, "SN-2")
        assert time.monotonic() - begin < LATE
        late.cancel()


def test_a_statement_that_somebody_cancels_says_so(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger, psycopg.connect(postgresql_url) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("LOCK TABLE ioto_claims IN ACCESS EXCLUSIVE MODE")
        answer = pool.submit(allocate, ledger, "SN-1")
        (pid,) = wait_for(postgresql_url, "wait_event_type = 'Lock' AND query LIKE '%ioto_claims%'")
        sql(postgresql_url, f"SELECT pg_cancel_backend({pid[0]})")
        with pytest.raises(LedgerError, match="took too long or somebody cancelled it; run again"):
            answer.result(60)
        holder.rollback()
        allocate(ledger, "SN-1")


def test_who_cannot_be_alone_in_time_is_told(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "LOCK_TIMEOUT", 0.1)
    Ledger(location).close()
    # Another process: a POSIX lock is never in its own process's way.
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with Ledger(location) as ledger, ledger.alone_with(["JT08FFQXWQ"]):
            os.write(writer, b"x")
            signal.pause()
        os._exit(0)
    try:
        os.read(reader, 1)
        monkeypatch.setattr(unit_locks, "ALONE_TIMEOUT", 0.5)
        with Ledger(location) as ledger:
            with pytest.raises(LedgerError, match=r"held for itself for 0\.5 s"), ledger.alone_with(["JT08FFQXWQ"]):
                pass
            with ledger.alone_with(["JT08FFQXWR"]):
                pass
            monkeypatch.setattr(unit_locks, "ALONE_TIMEOUT", 30)
            os.kill(child, signal.SIGKILL)
            with ledger.alone_with(["JT08FFQXWQ"]):  # a process that dies lets go
                pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# A server that dies


def test_a_server_killed_during_commits_loses_no_answer_and_issues_nothing_twice(server: PostgresqlServer) -> None:
    url = server.new_url()
    answered: dict[str, str] = {}
    is_done = threading.Event()
    failures: list[str] = []

    def line(number: int, ledger: Ledger) -> None:
        unit = 0
        while not is_done.is_set():
            name = f"SN-{number}-{unit}"
            try:
                claim_id = allocate(ledger, name)
            except LedgerError as error:  # to be repeated on
                failures.append(str(error))
                continue
            answered[name] = claim_id
            unit += 1

    with ExitStack() as stack:
        ledgers = [stack.enter_context(Ledger(url)) for _unused in range(4)]  # while nobody kills the server
        pool = stack.enter_context(ThreadPoolExecutor(4))
        lines = [pool.submit(line, number, ledger) for number, ledger in enumerate(ledgers)]
        try:
            for _unused in range(3):
                target = len(answered) + 50
                while len(answered) < target:
                    assert not any(one.done() for one in lines), [one.exception() for one in lines if one.done()]
                os.kill(pid_of(server), signal.SIGSTOP)  # or it starts another one meanwhile, which outlives it
                for pid in processes_of(server):
                    with suppress(ProcessLookupError):  # one that ended by itself
                        os.kill(pid, signal.SIGKILL)
                server.stop()
                start_again(server)
        finally:
            is_done.set()
    assert failures
    with Ledger(url) as ledger:
        kept = {claim.unit: claim.claim_id for claim in ledger.claims()}
        assert all(kept[unit] == claim_id for unit, claim_id in answered.items())
        assert len(set(kept.values())) == ledger.summary().total


def test_the_connection_asks_for_what_ends_a_dead_one(server: PostgresqlServer) -> None:
    """By TCP, for a Unix socket has no such thing; what a URL says itself counts."""
    sql(server.new_url(), "SELECT 1")
    database = postgresql.PostgresqlDatabase(
        make_url(server.new_url()).set(drivername="postgresql+psycopg").update_query_dict({"keepalives_idle": "77"}),
        "x",
    )
    try:
        with database.connection() as connection:
            parameters = connection.connection.driver_connection.info.get_parameters()
            assert parameters["keepalives_idle"] == "77"
            assert parameters["tcp_user_timeout"] == "30000"
            assert parameters["connect_timeout"] == "10"
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "15s"
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "25s"
            assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "5min"
    finally:
        database.close()


def test_who_has_less_time_gets_every_deadline_within_it(server: PostgresqlServer) -> None:
    url = make_url(server.new_url()).set(drivername="postgresql+psycopg")
    database = postgresql.PostgresqlDatabase(url, "x", deadlines.Deadlines.within(5))
    try:
        with database.connection() as connection:
            parameters = connection.connection.driver_connection.info.get_parameters()
            assert (parameters["connect_timeout"], parameters["tcp_user_timeout"]) == ("3", "4000")
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "2s"
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "3s"
            assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "5s"
    finally:
        database.close()


def test_the_watchdog_ends_with_the_ledger(postgresql_url: str) -> None:
    def watchdogs() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "ledger-watchdog"]

    before = watchdogs()
    with Ledger(postgresql_url) as ledger:
        allocate(ledger, "SN-1")
        (mine,) = [thread for thread in watchdogs() if thread not in before]
    mine.join(60)
    assert not mine.is_alive()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_is_left_of_what_was_watched(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger:
        allocate(ledger, "SN-0")
        before = open_files()
        for number in range(20):
            allocate(ledger, f"SN-{number}")
        assert open_files() == before
