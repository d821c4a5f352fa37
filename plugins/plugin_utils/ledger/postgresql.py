# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to a PostgreSQL server: nothing waits for ever, and a commit is a commit or an error.

Each wait has an end: see `deadlines`.

**A commit without a known outcome** is an error, never an answer. It is one where the connection ended after the
commit was sent, by whomever, and where the server warns that it gave up waiting for the standby: the driver takes that
for success. Such a transaction is never tried again here, only by the caller, who asks for the same unit again: if the
first one was recorded, that is found. Only an error that the server itself answers to the commit, and after which the
session goes on, says that nothing was recorded.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from sqlalchemy import URL, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, DisconnectionError

from ..requirements import missing
from .abandoned_sessions import ending_abandoned
from .deadlines import PATIENCE, Deadlines
from .driver_errors import READ_ONLY_TRANSACTION, sqlstate
from .hosts import hosts_of
from .migrations.version import Beginning, begin_to_write
from .outage import Outage
from .pipeline import ISOLATION, DriverErrors, Pipeline
from .records import LedgerError
from .schema import create_tables
from .server_session import require_own
from .watchdog import CurrentWatch, Watch, Watchdog

_ROW_TIMEOUT = 0.01
"""Seconds more for each row of a statement for many: a hundred times what one takes."""

_TCP = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Asked after 10 s of silence, and given up after three questions without an answer."""

_HOSTS_TIMEOUT = 30
"""Seconds after which a connection is not used again where there are several hosts: another one may be the primary by
now, and the one that was may live on."""

_WARNING = "01000"
_UNKNOWN_NAMES = "42"
"""The class of errors with which a server says that a table or a column is not there."""
_UNKNOWN_ALL_THE_SAME = ("08", "40003")
"""Errors, or classes of them, with which a server says that it does not know the outcome either."""

Result = TypeVar("Result")


class PostgresqlDatabase:
    """A pool of connections to one database. Threads may share it."""

    def __init__(self, url: URL, name: str, deadlines: Deadlines | None = None) -> None:
        """Prepare for the database at `url`, which is called `name` in messages; nothing is connected yet."""
        self._name = name
        self._deadlines = deadlines or Deadlines.usual()
        self._watchdog = Watchdog(self._deadlines.answer, self._is_replaced if hosts_of(url) else None)
        self._outage = Outage(name, self._deadlines.pause)
        self._current = CurrentWatch()
        defaults = {
            "connect_timeout": self._deadlines.connect,
            # Data that was sent and is not acknowledged ends the connection as late as a missing answer does.
            "tcp_user_timeout": round(self._deadlines.answer * 1000),
            **_TCP,
        }
        settings = self._deadlines.of_session()
        if "tcp_user_timeout" in url.query:
            settings["tcp_user_timeout"] = "0"  # who has one of his own has the system's on the server
        try:
            # The driver is an extra, and SQLAlchemy's part of it takes its time to load.
            from .primary_finder import PrimaryFinder  # noqa: PLC0415
            from .server_dialect import spoken_so  # noqa: PLC0415
            from .watched_connection import WatchedConnection  # noqa: PLC0415

            self._engine = create_engine(
                spoken_so(url),
                hide_parameters=True,
                isolation_level=ISOLATION,
                pool_recycle=_HOSTS_TIMEOUT if hosts_of(url) else -1,
                connect_args={option: value for option, value in defaults.items() if option not in url.query},
            )
        except ImportError as error:
            raise LedgerError(missing("postgresql", error)) from None
        self._plain = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._driver = WatchedConnection
        self._finder = PrimaryFinder(name, settings)
        event.listen(self._engine, "do_connect", self._connect)
        event.listen(self._engine, "checkout", self._check_out)
        event.listen(self._engine, "before_cursor_execute", self._before_statement)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()
        self._watchdog.close()

    def check_answers(self) -> None:
        """Raise `LedgerError` where somebody has waited for the server in vain a moment ago: see `outage`."""
        self._outage.check()

    @contextmanager
    def connection(self, *, plain: bool = False) -> Iterator[Connection]:
        """Lend a connection on which each question is answered by its deadline.

        With `plain` nothing is put around a statement: beginning and ending a transaction are ways there and back.
        """
        self.check_answers()
        engine = self._plain if plain else self._engine
        with self._watched() as watch, ending_abandoned(self._plain, self._name), engine.connect() as connection:
            watch.rest()
            driver: Any = connection.connection.driver_connection
            try:
                yield connection
            except DBAPIError as error:
                if sqlstate(error) == READ_ONLY_TRANSACTION:
                    # A standby: its address may lead to the primary by now, and this connection never will.
                    connection.invalidate()
                if watch.has_fired or not driver.closed or sqlstate(error):
                    raise
                raise LedgerError(
                    f"The ledger {self._name} lost the connection to its server in the middle of its work, and nothing "
                    "was recorded; run again."
                ) from None
            finally:
                if watch.has_fired or driver.closed:
                    # The pool would ask it to undo what was begun, in vain, and log that with a traceback.
                    connection.invalidate()

    def write(self, work: Callable[[Connection], Result], *, though_moved: bool = False) -> Result:
        """Do `work` in one transaction that is on the server's disk on return, and on its standby's if it has one."""
        with self.connection() as connection:
            begin_to_write(connection, self._name, though_moved=though_moved)
            self._require_own_session(connection)
            result = work(connection)
            self._commit(connection, connection.commit)
            return result

    def write_at_once(self, work: Callable[[Connection], Result]) -> Result:
        """As `write`, in two round trips, for a `work` that keeps to what `pipeline` says."""
        with self.connection(plain=True) as connection:
            try:
                with Pipeline(connection) as pipeline:
                    begun = Beginning(connection, self._name)
                    with DriverErrors(connection):
                        self._require_own_session(connection)
                    result = work(connection)
                    begun.check()
                    self._commit(connection, pipeline.commit)
            except DBAPIError as error:
                if (sqlstate(error) or "").startswith(_UNKNOWN_NAMES):
                    # Has it another version by now?
                    _undo(connection)
                    begin_to_write(connection, self._name)
                raise
            return result

    def create(self) -> None:
        """Make the ledger's tables, as durably."""
        self.change_schema(create_tables)

    def change_schema(self, work: Callable[[Connection], Result], *, patience: float = 0.0) -> Result:
        """Do `work` on the tables themselves, as durably; an answer may take `patience` seconds more than others do.

        The commit may not: when it is given up, the server is told to end its wait for the standby, for it would hold
        the tables all that time, and nobody else could so much as read.
        """
        with self.connection() as connection:
            connection.execution_options(**{PATIENCE: patience})
            self._require_own_session(connection)
            result = work(connection)
            driver: Any = connection.connection.driver_connection
            request = driver.pgconn.get_cancel()
            try:
                self._commit(connection, connection.commit)
            except LedgerError:
                # In a thread, for the server may be one that does not even answer this.
                Thread(target=_cancel, args=(request,), name="ledger-cancel", daemon=True).start()
                raise
            return result

    @contextmanager
    def session(self) -> Iterator[Callable[[str, tuple[int, ...]], None]]:
        """Lend a session of its own, which ends with the block, as a function that does one statement in it."""
        with self._watched():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

        def execute(statement: str, parameters: tuple[int, ...]) -> None:
            with self._watched():
                self._attach(connection.connection.driver_connection)
                self._require_own_session(connection)
                with ending_abandoned(self._plain, self._name):
                    connection.exec_driver_sql(statement, parameters)

        try:
            yield execute
        finally:
            # Never back to the pool: its end is the one certain way to let go.
            connection.invalidate()
            connection.close()

    @contextmanager
    def _watched(self) -> Iterator[Watch]:
        before = self._current.watch
        with self._watchdog.watch() as watch:
            self._current.watch = watch
            try:
                yield watch
            except DBAPIError:
                if not watch.has_fired:
                    raise
                if watch.is_left:
                    raise LedgerError(
                        f"The ledger {self._name} did not answer, another server was promoted instead of the one "
                        "that was asked, and nothing was recorded; run again."
                    ) from None
                self._outage.note(watch.patience)
                raise LedgerError(
                    f"The ledger {self._name} did not answer for {watch.patience:.3g} s, and nothing was "
                    "recorded; see whether its server hangs, and run again."
                ) from None
            finally:
                self._current.watch = before

    def _require_own_session(self, connection: Connection) -> None:
        # A pooler alone needs to be asked, who may have lent us another session for this transaction.
        if (number := connection.info["pooled_number"]) is not None:
            require_own(connection.connection.driver_connection, number, self._name)

    def _commit(self, connection: Connection, commit: Callable[[], None]) -> None:
        notices: list[str | None] = connection.info["notices"]
        notices.clear()
        watch = self._current.watch
        if watch is not None:
            watch.more = 0.0  # whatever the statements before it had
        try:
            commit()
        except DBAPIError as error:
            if _is_undone(error):
                raise
            if watch is not None and watch.has_fired and not watch.is_left:
                self._outage.note(watch.patience)
            connection.invalidate()
        else:
            if _WARNING not in notices:
                return
            # The server has it, its standby perhaps not.
            connection.invalidate()
        raise LedgerError(
            f"The ledger {self._name} gave no certain answer to a commit, so whether that was recorded is not known; "
            "see whether its server and its standby work, and run again: what was recorded is found."
        )

    # What SQLAlchemy calls

    def _connect(self, _dialect: Any, record: Any, arguments: Any, parameters: Any) -> Any:
        began = time.monotonic()
        try:
            session = self._finder.connect(partial(self._driver.connect, *arguments), parameters, self._watch_over)
        except Exception:
            self._outage.note(time.monotonic() - began)
            raise
        connection = session.connection
        record.info["notices"] = session.notices
        record.info["is_fresh"] = True
        record.info["server"] = connection.server = (session.cluster, session.timeline)
        record.info["pooled_number"] = session.number if session.is_pooled else None
        self._watch_over(connection)
        return connection

    def _check_out(self, connection: Any, record: Any, _proxy: Any) -> None:
        # A server that was restarted has ended its connections, which shows here without a question to it.
        is_fresh = record.info.pop("is_fresh", False)
        if not is_fresh and (connection.closed or _has_something_to_say(connection)):
            raise DisconnectionError
        # Neither has one that leads to a primary of the past, which may live on.
        if self._finder.is_outdated(*record.info["server"]):
            raise DisconnectionError
        self._attach(connection)

    def _before_statement(
        self, _on: Any, _cursor: Any, _statement: Any, parameters: Any, context: Any, is_many: bool
    ) -> None:
        # What is done for many rows is many statements, and one answer.
        if (watch := self._current.watch) is not None:
            asked_for = context.execution_options.get(PATIENCE, 0.0) if context is not None else 0.0
            watch.more = len(parameters) * _ROW_TIMEOUT if is_many else asked_for

    def _is_replaced(self, server: tuple[str | None, int | None]) -> bool:
        return self._finder.is_outdated(*server) or self._finder.is_replaced(server)

    def _watch_over(self, connection: Any) -> None:
        connection.current = self._current
        self._attach(connection)

    def _attach(self, connection: Any) -> None:
        if (watch := self._current.watch) is not None:
            watch.attach(connection.own_socket)
            watch.server = connection.server


def _has_something_to_say(connection: Any) -> bool:
    """Whether the server has sent something, though it was not asked: it does so when it ends the connection."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _undo(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    with DriverErrors(connection):
        driver.rollback()


def _cancel(request: Any) -> None:
    with suppress(Exception):  # nobody is there to be told; the commit has been told of already
        request.cancel()


def _is_undone(error: DBAPIError) -> bool:
    """Whether the server says that the transaction was rolled back: it could not commit it, and the session goes on."""
    state = sqlstate(error) or ""
    diagnosis = getattr(error.orig, "diag", None)
    severity = getattr(diagnosis, "severity_nonlocalized", None)
    return severity == "ERROR" and not state.startswith(_UNKNOWN_ALL_THE_SAME)
