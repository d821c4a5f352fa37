# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger lives, how its database is made and opened, and what to say when that fails.

Opening is cheap, because every Ansible worker does it: one connection and one short query.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ..display_text import printable
from .deadlines import Deadlines
from .driver_errors import ALREADY_EXISTS, UNDEFINED_TABLE, lost_a_race, sentences, sqlstate
from .location import Location
from .migrations import on_postgresql, on_sqlite
from .migrations.steps import SCHEMA_VERSION, Migration, version_of
from .migrations.version import moved_sentence
from .postgresql import PostgresqlDatabase
from .records import LedgerError, LocksFreedError
from .sqlite_file import LedgerFile, MemoryDatabase, check_usable, create_file, holds_something
from .unit_locks import lock_numbers, locked_beside, locked_on_server

# Each lost race means that somebody else's transaction went through, so a handful would do.
_ATTEMPTS = 100
_TIMES_FREED = 2
"""So often it is tried again once somebody who is gone was ended: one that the server cannot end is found each time."""

Result = TypeVar("Result")

_log = logging.getLogger("ioto.ledger")
"""For what its user has to know though all went well."""


class Database:
    """An open database with the ledger's tables: transactions that are durable, and errors that are sentences.

    Threads may share one; processes may not: open it after the fork.
    """

    def __init__(
        self,
        location: Location,
        *,
        read_only: bool = False,
        migrate: bool = False,
        deadlines: Deadlines | None = None,
    ) -> None:
        """Open the database, and create it first where it is absent; with `read_only` an absent one is empty.

        A file of an older version is migrated; who only reads it, reads a private copy that was. A server's database
        is refused then, unless `migrate` says that its lines can wait. `deadlines` are for a server's answers.
        """
        self.location = location
        self._deadlines = deadlines
        self.read_only = read_only
        self.migration: Migration | None = None
        """What was changed when it was opened; with `read_only`, what would be."""
        self._may_migrate = migrate
        self.is_absent = False
        """Whether there is no such ledger (yet), and this one is empty in its stead."""
        self._turn = threading.Lock()
        self._server: PostgresqlDatabase | None = None
        self._sqlite: LedgerFile | MemoryDatabase | None = None
        try:
            with sentences(location, read_only=read_only):
                if location.url is not None:
                    self._open_postgresql(location.url)
                else:
                    self._open_sqlite(location.path)
        except LedgerError:
            self.close()
            raise

    @property
    def moved_to(self) -> str | None:
        """Where the ledger is now, where it was moved from here: nobody may write to it any more."""
        with self.ask() as connection:
            found = connection.exec_driver_sql("SELECT moved_to FROM ioto_ledger").scalar()
            return None if found is None else str(found)

    def tell_of_move(self) -> None:
        """Warn whoever looks into a ledger that was moved that it is another one that goes on, and where."""
        with suppress(LedgerError):  # what cannot be read is told by whoever looks for more
            if (moved_to := self.moved_to) is not None:
                _log.warning("%s", moved_sentence(printable(str(self.location)), moved_to))

    def check_usable(self) -> None:
        """Raise `LedgerError` where a file could not be written to, or not be made, though it can be read."""
        if (moved_to := self.moved_to) is not None:
            raise LedgerError(moved_sentence(str(self.location), moved_to))
        if self.location.path is not None:
            with sentences(self.location):
                check_usable(self.location.path)

    def check_answers(self) -> None:
        """Raise `LedgerError` where its server is known to be silent, without asking it."""
        if self._server is not None:
            self._server.check_answers()

    def close(self) -> None:
        """Let go of the connections."""
        if self._sqlite is not None:
            self._sqlite.close()
        if self._server is not None:
            self._server.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a connection for queries that are done before the next operation."""
        with sentences(self.location, read_only=self.read_only), self._connection() as connection:
            yield connection

    @contextmanager
    def ask(self) -> Iterator[Connection]:
        """As `read`, for one question that needs no transaction around it."""
        with sentences(self.location, read_only=self.read_only), self._connection(plain=True) as connection:
            yield connection

    def write(
        self, work: Callable[[Connection], Result], *, though_moved: bool = False, at_once: bool = False
    ) -> Result:
        """Do `work` in one transaction that is on the disk on return.

        Where another process was faster, or held locks and was found to be gone, `work` is done again from the start:
        it must read what it decides by. That happens only where the database says that it has undone the transaction.
        One whose outcome is not known is an error, and its caller's to repeat. A ledger that was moved is refused,
        unless `though_moved`. What is done `at_once` takes two round trips to a server: see `pipeline`.
        """
        if self.read_only:
            raise LedgerError(f"The ledger {self.location} is open for reading only; nothing was recorded.")
        with sentences(self.location):
            freed = 0
            for _attempt in range(_ATTEMPTS):
                try:
                    if self._sqlite is None and at_once:
                        return self._postgresql.write_at_once(work)
                    if self._sqlite is None:
                        return self._postgresql.write(work, though_moved=though_moved)
                    with self._connection():
                        return self._sqlite.write(work, though_moved=though_moved)
                except DBAPIError as error:
                    if not lost_a_race(error):
                        raise
                except LocksFreedError:
                    freed += 1
                    if freed > _TIMES_FREED:
                        raise
        raise LedgerError(f"The ledger {self.location} is too busy: {_ATTEMPTS} attempts collided; run again.")

    def alone(self, names: Iterable[str]) -> AbstractContextManager[None]:
        """Wait until no other process is alone with one of `names`, and be it; a process that dies is it no longer.

        One at a time in a process: whoever waits for more while it holds some could wait until its time is over.
        """
        if self.location.path is not None:
            return locked_beside(self.location.path, lock_numbers(names))
        if self._server is not None:
            return locked_on_server(self._server, self.location, lock_numbers(names))
        return nullcontext()  # in memory, and nobody else's

    @property
    def _postgresql(self) -> PostgresqlDatabase:
        if self._server is None:
            raise LedgerError(f"The ledger {self.location} is closed.")
        return self._server

    @contextmanager
    def _connection(self, *, plain: bool = False) -> Iterator[Connection]:
        if self._sqlite is None:
            with self._postgresql.connection(plain=plain) as connection:
                yield connection
            return
        # SQLite: one connection, kept. Opening it again, and the sync that closing the last one costs, would take
        # longer than the work.
        with self._turn:
            try:
                yield self._sqlite.connection
            finally:
                self._sqlite.connection.rollback()

    def _open_sqlite(self, path: Path | None) -> None:
        if path is not None and not holds_something(path):
            if self.read_only:
                path, self.is_absent = None, True
            else:
                create_file(path)
        if path is None:
            self._sqlite = MemoryDatabase()
            return
        self._sqlite = file = LedgerFile(path, read_only=self.read_only)
        try:
            is_old = version_of(file.connection, str(self.location)) < SCHEMA_VERSION
            file.begin_use()
            file.connection.rollback()
            if is_old:
                self._migrate_file(file)
        except DBAPIError as error:
            if "no such table" in str(error.orig):
                raise LedgerError(
                    f"The ledger {path} is some other SQLite database; name the ledger's own file."
                ) from None
            raise

    def _migrate_file(self, file: LedgerFile) -> None:
        if self.read_only:
            copy, self.migration = on_sqlite.migrated_copy(file.path, file.connection)
            self._sqlite = MemoryDatabase(copy)
            file.close()
            return
        self.migration = on_sqlite.migrate_file(file.path, file.connection)
        if self.migration is not None:
            _log.warning("%s", self.migration.sentence(str(self.location)))

    def _open_postgresql(self, url: URL) -> None:
        self._server = server = PostgresqlDatabase(url, str(self.location), self._deadlines)
        try:
            self._check_postgresql(server, url)
        except DBAPIError as error:
            if sqlstate(error) != UNDEFINED_TABLE:
                raise
            if self.read_only:
                self._open_sqlite(None)
                self.is_absent = True
            else:
                self._create_postgresql(server, url)

    def _check_postgresql(self, server: PostgresqlDatabase, url: URL) -> None:
        with server.connection(plain=True) as connection:
            version = version_of(connection, str(self.location))
            if version == SCHEMA_VERSION:
                return
            if not self._may_migrate:
                raise LedgerError(on_postgresql.outdated(connection, url, str(self.location), version))
        if self.read_only:
            self.migration = Migration(version, SCHEMA_VERSION)
        else:
            with suppress(LocksFreedError):
                self.migration = self._migrate_postgresql(server, url)
                return
            self.migration = self._migrate_postgresql(server, url)

    def _migrate_postgresql(self, server: PostgresqlDatabase, url: URL) -> Migration | None:
        return server.change_schema(
            lambda connection: on_postgresql.migrate_database(connection, url, str(self.location)),
            patience=on_postgresql.STATEMENT_PATIENCE,
        )

    def _create_postgresql(self, server: PostgresqlDatabase, url: URL) -> None:
        try:
            server.create()
        except DBAPIError as error:
            if sqlstate(error) not in ALREADY_EXISTS:
                raise
            # Another process created it at the same moment, and has committed by now.
            self._check_postgresql(server, url)
