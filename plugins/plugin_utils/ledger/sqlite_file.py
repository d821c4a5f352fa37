# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file in which SQLite keeps a ledger: made whole, and opened with the settings that make it durable."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
from contextvars import ContextVar
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from .records import LedgerError
from .schema import create_tables

BUSY_TIMEOUT = 60
"""Seconds to wait for another process's transaction on SQLite."""

# Readers and the writer do not wait for each other. SQLite gives the -wal and -shm files the mode of the database.
USE_LOG = "PRAGMA journal_mode=WAL"

# On the disk before the reply. What one statement would need to be undone is kept in memory, not in a file of its own;
# so are the pages where the next claims go, which IDs at random spread over the whole index.
_SETTINGS = "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;"

_file: ContextVar[Path | None] = ContextVar("_file")


def _open() -> sqlite3.Connection:
    path = _file.get()
    # mode=rw: a file that vanished is an error, not a new ledger without the old one's IDs.
    name = "file::memory:" if path is None else f"{path.as_uri()}?mode=rw"
    connection = sqlite3.connect(name, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript(_SETTINGS)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


# One for all files: what SQLAlchemy compiles once, every ledger uses, also those of the processes forked later.
_ENGINE = create_engine("sqlite://", creator=_open, poolclass=NullPool, hide_parameters=True)


def holds_something(path: Path) -> bool:
    """Whether there is a file with content at `path`. Raises `LedgerError` where a directory is."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if path.is_dir():
        raise LedgerError(f"The ledger {path} is a directory; name a file in it.")
    return status.st_size > 0


def _refuse_orphaned_log(path: Path) -> None:
    # SQLite would play another ledger's write-ahead log into the new file.
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > 0:
        raise LedgerError(f"The ledger {path} is missing while its log {log.name} is there; restore the ledger.")


def create_file(path: Path) -> None:
    """Make the database beside its place and move it there whole, so that no process ever sees half of one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        if holds_something(path):  # another process was first
            return
        _refuse_orphaned_log(path)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        draft = Path(name)
        try:
            with connect(draft) as connection, connection.begin():
                connection.exec_driver_sql(USE_LOG)
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                create_tables(connection)
            os.fsync(handle)
            draft.replace(path)
        finally:
            os.close(handle)
            draft.unlink(missing_ok=True)
        os.fsync(directory)
    finally:
        os.close(directory)


def connect(path: Path | None) -> Connection:
    """Return a connection to the file at `path`, which is there, or to a new database in memory."""
    token = _file.set(path)
    try:
        return _ENGINE.connect()
    finally:
        _file.reset(token)
