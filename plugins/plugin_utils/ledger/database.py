# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger lives, how its database is made and opened, and what to say when that fails.

Opening is cheap, because every Ansible worker does it: one connection and one short query.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ..requirements import missing
from .location import Location
from .records import LedgerError
from .schema import SCHEMA_VERSION, VERSION_QUERY, create_tables
from .sqlite_file import BUSY_TIMEOUT, USE_LOG, connect, create_file, holds_something

CONNECT_TIMEOUT = 10
"""Seconds to wait for a PostgreSQL server to answer."""

# Whoever wants to be alone with a unit takes one of so many locks: enough that others seldom wait, and few enough for
# the lock table of a server when somebody wants them all.
_LOCKS = 256
_LOCK_SPACE = 0x10701070
"""Ours among the advisory locks of a PostgreSQL database."""

# Each lost race means that somebody else's transaction went through, so a handful would do.
_ATTEMPTS = 100

_UNDEFINED_TABLE = "42P01"
_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_UNIQUE_VIOLATION = "23505"
_ALREADY_EXISTS = ("42P07", "42710", "42723", _UNIQUE_VIOLATION)

_SQLITE_REMEDIES = {
    sqlite3.SQLITE_BUSY: f"is locked by another process for more than {BUSY_TIMEOUT} s; end that one and run again",
    sqlite3.SQLITE_LOCKED: "is locked by another process; end that one and run again",
    sqlite3.SQLITE_FULL: "cannot grow, because the disk is full; free some space and run again",
    sqlite3.SQLITE_READONLY: "cannot be written; give this user permission to write the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; give this user permission to read and write the file and its directory",
    sqlite3.SQLITE_PERM: "cannot be opened; give this user permission to read and write it",
    sqlite3.SQLITE_NOTADB: "is no ledger, but some other file; name the ledger's own file",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from its backup",
    sqlite3.SQLITE_IOERR: "cannot be read or written, because the disk reports an error; check the disk",
}
_POSTGRESQL_REMEDIES = {
    # by SQLSTATE, or by its first two letters, which name the class
    "42501": "does not let this user do that; grant the user its tables, or CREATE on the schema for the first run",
    "53100": "cannot grow, because the server's disk is full; free some space and run again",
    "53300": "has no connection free; raise max_connections, or run with fewer forks",
    "57": "is shutting down or starting; run again when the server is up",
    "25006": "can only be read on this server; name the primary server",
}

Result = TypeVar("Result")

# PostgreSQL keeps the plan of a statement that is used often. One that was made while the tables were almost empty
# reads them from end to end for ever, or until somebody has them analyzed: each unit would take longer than the last.
_USE_INDEXES = "SET LOCAL enable_seqscan = off"


class Database:
    """An open database with the ledger's tables: transactions that are durable, and errors that are sentences.

    Threads may share one; processes may not: open it after the fork.
    """

    def __init__(self, location: Location, *, read_only: bool = False) -> None:
        """Open the database, and create it first where it is absent; with `read_only` an absent one is empty."""
        self.location = location
        self.read_only = read_only
        self.is_absent = False
        """Whether there is no such ledger (yet), and this one is empty in its stead."""
        self._turn = threading.Lock()
        self._engine: Engine | None = None
        self._sqlite: Connection | None = None
        try:
            with self._sentences():
                if location.url is not None:
                    self._open_postgresql(location.url)
                else:
                    self._open_sqlite(location.path)
        except LedgerError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        if self._sqlite is not None:
            self._sqlite.close()
        if self._engine is not None:
            self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a connection for queries that are done before the next operation."""
        with self._sentences(), self._connection() as connection:
            yield connection

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do `work` in one transaction that is on the disk on return.

        Where another process was faster, `work` is done again from the start: it must read what it decides by.
        """
        if self.read_only:
            raise LedgerError(f"The ledger {self.location} is open for reading only; nothing was recorded.")
        with self._sentences():
            for _attempt in range(_ATTEMPTS):
                try:
                    with self._connection() as connection, connection.begin():
                        if self._sqlite is not None:
                            # A transaction that reads first and then writes could not wait for its turn.
                            connection.exec_driver_sql("BEGIN IMMEDIATE")
                        else:
                            connection.exec_driver_sql(_USE_INDEXES)
                        return work(connection)
                except DBAPIError as error:
                    if not _lost_a_race(error):
                        raise
        raise LedgerError(f"The ledger {self.location} is too busy: {_ATTEMPTS} attempts collided; run again.")

    @contextmanager
    def alone(self, names: Iterable[str]) -> Iterator[None]:
        """Wait until no other process is alone with one of `names`, and be it; a process that dies is it no longer.

        One at a time in a process: whoever waits for more while it holds some could wait for ever.
        """
        keys = sorted({zlib.crc32(name.encode()) % _LOCKS for name in names})
        if self.location.path is not None:
            with self._sentences():
                # Beside the database, for SQLite has its own locks on that. Closing the file lets go of all.
                handle = os.open(f"{self.location.path}-alone", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                with self._sentences():
                    for key in keys:
                        fcntl.lockf(handle, fcntl.LOCK_EX, 1, key)
                yield
            finally:
                os.close(handle)
        elif self._engine is not None:
            with self._sentences():
                connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                with self._sentences():
                    for key in keys:
                        connection.exec_driver_sql("SELECT pg_advisory_lock(%s, %s)", (_LOCK_SPACE, key))
                yield
            finally:
                # Never back to the pool: its end is the one certain way to let go.
                connection.invalidate()
                connection.close()
        else:
            yield  # in memory, and nobody else's

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if self._sqlite is None:
            with cast("Engine", self._engine).connect() as connection:
                yield connection
            return
        # SQLite: one connection, kept. Opening it again, and the sync that closing the last one costs, would take
        # longer than the work.
        with self._turn:
            try:
                yield self._sqlite
            finally:
                self._sqlite.rollback()

    def _open_sqlite(self, path: Path | None) -> None:
        if path is not None and not holds_something(path):
            if self.read_only:
                path, self.is_absent = None, True
            else:
                create_file(path)
        self._sqlite = connect(path)
        if path is None:
            create_tables(self._sqlite)
            self._sqlite.commit()
        try:
            self._check_version(self._sqlite)
            if not self.read_only:
                # It is so from the start, but for a ledger that was restored from a copy.
                self._sqlite.exec_driver_sql(USE_LOG)
            self._sqlite.rollback()
        except DBAPIError as error:
            if "no such table" in str(error.orig):
                raise LedgerError(
                    f"The ledger {path} is some other SQLite database; name the ledger's own file."
                ) from None
            raise

    def _open_postgresql(self, url: URL) -> None:
        try:
            self._engine = create_engine(
                url,
                hide_parameters=True,
                # A server that was restarted costs one question, not one failed unit.
                pool_pre_ping=True,
                connect_args={} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT},
            )
        except ImportError as error:
            raise LedgerError(missing("postgresql", error)) from None
        try:
            with self._engine.connect() as connection:
                self._check_version(connection)
        except DBAPIError as error:
            if _sqlstate(error) != _UNDEFINED_TABLE:
                raise
            if self.read_only:
                self._open_sqlite(None)
                self.is_absent = True
            else:
                self._create_postgresql(self._engine)

    def _create_postgresql(self, engine: Engine) -> None:
        try:
            with engine.begin() as connection:
                create_tables(connection)
        except DBAPIError as error:
            if _sqlstate(error) not in _ALREADY_EXISTS:
                raise
            # Another process created it at the same moment, and has committed by now.
            with engine.connect() as connection:
                self._check_version(connection)

    def _check_version(self, connection: Connection) -> None:
        version = connection.exec_driver_sql(VERSION_QUERY).scalar()
        if version is None:
            raise LedgerError(f"The ledger {self.location} is damaged: its version is missing; restore its backup.")
        if version > SCHEMA_VERSION:
            raise LedgerError(
                f"The ledger {self.location} was made by a newer ioto.serialization (schema {version}, this one knows "
                f"{SCHEMA_VERSION}); update the collection on this controller."
            )

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """Turn what a database driver raises into one sentence.

        Never chained: a driver's message may quote the row, and the row holds a whole claim ID.
        """
        try:
            yield
        except DBAPIError as error:
            raise LedgerError(self._sentence(error.orig)) from None
        except sqlite3.Error as error:
            raise LedgerError(self._sentence(error)) from None
        except OSError as error:
            raise LedgerError(
                f"The ledger {self.location} cannot be used: {error.strerror or error}"
                f"{f' ({error.filename})' if error.filename else ''}; correct the path or its permissions."
            ) from None

    def _sentence(self, error: BaseException | None) -> str:
        if isinstance(error, sqlite3.Error):
            # The low byte is the kind; the rest says where in SQLite it arose. Absent: sqlite3's own complaint.
            kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
            return f"The ledger {self.location} {_SQLITE_REMEDIES.get(kind) or f'failed: {error}'}."
        state = getattr(error, "sqlstate", None) or ""
        if remedy := _POSTGRESQL_REMEDIES.get(state) or _POSTGRESQL_REMEDIES.get(state[:2]):
            return f"The ledger {self.location} {remedy}."
        if state:
            diagnosis = getattr(error, "diag", None)
            return f"The ledger {self.location} failed: {getattr(diagnosis, 'message_primary', None) or state}."
        reason = " ".join(str(error).split("\n", maxsplit=1)[0].split()).rstrip(".")
        # While it connects, psycopg knows no SQLSTATE; the server's own refusal begins with this word.
        _before, fatal, refusal = reason.partition("FATAL: ")
        if fatal:
            return f"The ledger {self.location} is refused by its server: {refusal}; correct its URL or the server."
        return f"The ledger {self.location} cannot be reached: {reason}; check that the server runs and its address."


def _lost_a_race(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return bool(code == sqlite3.SQLITE_CONSTRAINT_UNIQUE)
    return _sqlstate(error) in (_UNIQUE_VIOLATION, _SERIALIZATION_FAILURE, _DEADLOCK)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
