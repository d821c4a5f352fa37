# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file in which SQLite keeps a ledger: made whole, and opened with the settings that make it durable.

SQLite does not notice when its file, or the log beside it, is removed or replaced while it is open: it would go on in
a file that nobody sees. So each write compares what is at its place with what was opened, before it commits.
"""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ..display_text import counted
from ..private_files import alone_in, draft, make_private_folder
from .in_place import InPlace
from .migrations.version import begin_to_write
from .open_mark import OpenMark
from .records import LedgerError
from .schema import create_tables

BUSY_TIMEOUT = 60
"""Seconds to wait for another process's transaction on SQLite."""

# Readers and the writer do not wait for each other. SQLite gives the -wal and -shm files the mode of the database.
_USE_LOG = "PRAGMA journal_mode=WAL"

# On the disk before the reply. What one statement would need to be undone is kept in memory, not in a file of its own;
# so are the pages where the next claims go, which IDs at random spread over the whole index. Most transactions change
# pages that are in the log already; so it may hold 16 MB, and fewer of them are written into the file again and again.
_SETTINGS = (
    "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=4000;"
)

Result = TypeVar("Result")

_uri: ContextVar[str] = ContextVar("_uri")


def _open() -> sqlite3.Connection:
    connection = sqlite3.connect(
        _uri.get(), uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.executescript(_SETTINGS)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


# One for all files: what SQLAlchemy compiles once, every ledger uses, also those of the processes forked later.
_ENGINE = create_engine("sqlite://", creator=_open, poolclass=NullPool, hide_parameters=True)


def copy_pages(reader: sqlite3.Connection, writer: sqlite3.Connection) -> None:
    """Copy a whole database. Raises `sqlite3.Error`, also where another process keeps it for `BUSY_TIMEOUT` seconds."""
    deadline = time.monotonic() + BUSY_TIMEOUT

    def require_time(status: int, *_pages: int) -> None:
        # The driver itself would ask for ever whether the one who has the database for himself is done.
        if status == sqlite3.SQLITE_BUSY and time.monotonic() > deadline:
            error = sqlite3.OperationalError(f"another process has had it for itself for more than {BUSY_TIMEOUT} s")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error

    reader.backup(writer, progress=require_time)


def holds_something(path: Path) -> bool:
    """Whether there is a file with content at `path`. Raises `LedgerError` where something else is."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(status.st_mode):
        raise LedgerError(f"The ledger {path} is a directory; name a file in it.")
    if not stat.S_ISREG(status.st_mode):  # a new ledger would take the place of a device such as /dev/null
        raise LedgerError(f"The ledger {path} is not a file, but a pipe or a device; name a file.")
    return status.st_size > 0


def _refuse_orphans(path: Path) -> None:
    # SQLite would play another ledger's write-ahead log into the new file.
    mark = OpenMark(path)
    if mark.log.exists() and mark.log.stat().st_size > 0:
        raise LedgerError(f"The ledger {path} is missing while its log {mark.log.name} is there; restore the ledger.")
    if number := mark.read().events:
        raise LedgerError(
            f"The ledger {path} is missing, and held {counted(number, 'event')} when it was last open; restore it from "
            f"its backup, or delete {mark.path} to begin a new one."
        )


def check_usable(path: Path) -> None:
    """Raise `LedgerError` where the file could not be written to, or not be made. Changes nothing."""
    if holds_something(path):
        locked = next((place for place in (path, path.parent) if not os.access(place, os.W_OK)), None)
        if locked is not None:
            raise LedgerError(f"The ledger {path} cannot be written: {locked} may not be; correct its mode or owner.")
        return
    _refuse_orphans(path)
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        why = "may not be written" if folder.is_dir() else "is not a directory"
        raise LedgerError(f"The ledger {path} cannot be made: {folder} {why}; name another place (ioto_ledger).")


def create_file(path: Path) -> None:
    """Make the database beside its place and move it there whole, so that no process ever sees half of one."""
    make_private_folder(path.parent)
    with alone_in(path.parent):
        if holds_something(path):  # another process was first
            return
        _refuse_orphans(path)
        with draft(path, is_database=True) as new, connect(new) as connection, connection.begin():
            use_log(connection, path)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            create_tables(connection)


def use_log(connection: Connection, path: Path) -> None:
    """Have the database to which `connection` leads, the ledger at `path`, keep a log.

    Raises `LedgerError` where SQLite will not: where it can share no memory, it answers with the mode that it keeps,
    however often it is asked, and reports no error.
    """
    if connection.exec_driver_sql(_USE_LOG).scalar() != "wal":
        raise LedgerError(
            f"The ledger {path} cannot keep a log, because SQLite can share no memory on its file system; name a place "
            "on a disk of this machine (ioto_ledger), or use PostgreSQL."
        )


def connect(path: Path | None, *, read_only: bool = False) -> Connection:
    """Return a connection to the file at `path`, which is there, or to a new database in memory.

    What that has no room for is in a file without a name, which nobody else can open and which ends with the process.
    """
    if path is None:
        uri = ""
    elif read_only and _cannot_change(path):
        # Without a log, which SQLite could not make there.
        uri = f"{path.as_uri()}?immutable=1"
    else:
        # mode=rw: a file that vanished is an error, not a new ledger without the old one's IDs.
        uri = f"{path.as_uri()}?mode=rw"
    token = _uri.set(uri)
    try:
        return _ENGINE.connect()
    finally:
        _uri.reset(token)


def _cannot_change(path: Path) -> bool:
    """Whether the file is on a medium that is only read, and whole without a log."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY) and not holds_something(OpenMark(path).log)


class MemoryDatabase:
    """A ledger that ends with its process."""

    def __init__(self, connection: Connection | None = None) -> None:
        """Take the one that `connection` leads to, or make an empty one."""
        if connection is not None:
            self.connection = connection
            return
        self.connection = connect(None)
        create_tables(self.connection)
        self.connection.commit()

    def write(self, work: Callable[[Connection], Result], *, though_moved: bool = False) -> Result:
        """Do `work` in one transaction."""
        begin_to_write(self.connection, "in memory", though_moved=though_moved)
        result = work(self.connection)
        self.connection.commit()
        return result

    def close(self) -> None:
        """Forget it."""
        self.connection.close()


class LedgerFile:
    """The file that a connection has open: whether it is still at its place, and whole."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        """Connect to the file at `path`, which is there."""
        self._read_only = read_only
        self._is_accepted = False
        self.path = path
        self._name = str(path)
        self._mark = OpenMark(path)
        self._held_before = self._mark.read()
        self._place = InPlace(path, self._mark.log)
        self._refuse_older_file()
        self.connection = connect(path, read_only=read_only)

    def begin_use(self) -> None:
        """Refuse a ledger that lacks events; have it keep a log.

        It keeps one from the start, but where it was restored from a copy.
        """
        if self._held_before.events > self._last_event():
            with self._mark.kept():
                self._refuse_loss()
                if not self._read_only:
                    self._use_log()
        elif not self._read_only:
            self._use_log()
        self._place.begin()
        self._place.require()
        self._is_accepted = True

    def write(self, work: Callable[[Connection], Result], *, though_moved: bool = False) -> Result:
        """Do `work` in one transaction that is on the disk on return."""
        begin_to_write(self.connection, self._name, though_moved=though_moved)
        result = work(self.connection)
        number = self._last_event() if self._mark.is_due else 0
        self._place.require()
        self.connection.commit()
        self._place.note()
        if number:
            self._mark.raise_to(number, self._place.size)
        return result

    def close(self) -> None:
        """Let go of the file."""
        # The log of a ledger that was refused, and one that was removed by hand, is missing for another reason. Where
        # the file itself was replaced, SQLite sees that, and leaves what is there now alone.
        may_remove = self._is_accepted and self._place.is_same()
        self.connection.close()
        self._mark.close(may_remove=may_remove)

    def _last_event(self) -> int:
        # By the driver: this is asked in each transaction, and SQLAlchemy would take ten times as long.
        driver = cast("sqlite3.Connection", self.connection.connection.driver_connection)
        return driver.execute("SELECT max(id) FROM ioto_events").fetchone()[0] or 0

    def _refuse_older_file(self) -> None:
        # Before SQLite opens it: when it closes it again, it would play the log into it. Where there is no log, what
        # is missing are the last events. Whoever restored a copy, and has a log of his own now, removed the mark.
        if self._held_before.size <= self._place.size or not holds_something(self._mark.log):
            return
        if (before := self._mark.read().size) > self._place.size:
            raise LedgerError(
                f"The ledger {self.path} has {self._place.size} bytes, and had {before} when it was open: an older "
                "file was put beside its log, or it was damaged. Put it back, or restore the newest backup without the "
                f"log; to go on with what is there, delete {self._mark.path}."
            )

    def _refuse_loss(self) -> None:
        # In this order, for another process may have found the same copy first: it removes the mark, and then has the
        # copy keep a log.
        self.connection.rollback()
        keeps_log = self._keeps_log()
        before = self._mark.read()
        number = self._last_event()
        if before.events <= number:
            return
        if keeps_log:
            raise LedgerError(
                f"The ledger {self.path} lacks the last {before.events - number} of the {before.events} events that it "
                f"held when it was open: its log {self._mark.log.name} was removed or damaged, or an older file put in "
                f"its place. Put back the log, or restore the newest backup; to go on without them, delete "
                f"{self._mark.path}."
            )
        if not self._read_only:
            self._mark.remove()

    def _keeps_log(self) -> bool:
        return self.connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"

    def _use_log(self) -> None:
        deadline = time.monotonic() + BUSY_TIMEOUT
        while not self._keeps_log():
            try:
                use_log(self.connection, self.path)
            except DBAPIError as error:
                # Two that change a copy's header at once: SQLite lets neither wait for the other.
                code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
                if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.001, 0.02))  # noqa: S311  # no secret
