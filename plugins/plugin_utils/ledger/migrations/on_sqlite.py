# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrate a ledger in a file: when it is opened to be written, after a copy was kept beside it.

The copy holds what is migrated, to the row: nobody writes from before it is made until the commit.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ...private_files import draft
from ..records import LedgerError
from ..sqlite_file import BUSY_TIMEOUT, copy_pages, use_log
from .steps import SCHEMA_VERSION, Migration, take_steps, version_of

PATIENCE = 600
"""Seconds to wait for another process that migrates the ledger: a million claims take about half a minute."""
_A_MOMENT = 0.05

# Into a file that SQLite makes and removes itself, which no other process can open: a large ledger is no matter of
# memory then.
_PRIVATE = create_engine(
    "sqlite://",
    creator=lambda: sqlite3.connect("", isolation_level=None, check_same_thread=False),
    poolclass=NullPool,
    hide_parameters=True,
)


def migrate_file(path: Path, connection: Connection) -> Migration | None:
    """Bring the ledger at `path`, to which `connection` leads, to today's schema; None: another process did.

    Raises `LedgerError`, `DBAPIError`, `sqlite3.Error` or `OSError`, and the ledger is as it was.
    """
    with _alone(path):
        use_log(connection, path)
        # Sorting in memory what a million claims need for their indexes would take hundreds of megabytes.
        connection.exec_driver_sql("PRAGMA temp_store=FILE")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return _migrate(path, connection)
        except (DBAPIError, sqlite3.Error, OSError) as error:
            connection.rollback()
            if _is_full(error, path):
                raise LedgerError(_full(path)) from None
            raise
        finally:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA temp_store=MEMORY")


def migrated_copy(path: Path, connection: Connection) -> tuple[Connection, Migration | None]:
    """Return a connection to a copy of the ledger at `path`, of today's schema, which nobody else sees: for readers."""
    copy = _PRIVATE.connect()
    try:
        copy_pages(_driver(connection), _driver(copy))
        copy.exec_driver_sql("BEGIN")
        migration = take_steps(copy, str(path))
        copy.commit()
    except BaseException:
        copy.close()
        raise
    return copy, migration


def _migrate(path: Path, connection: Connection) -> Migration | None:
    before = version_of(connection, str(path))
    if before == SCHEMA_VERSION:
        return None
    kept = _free_name(path, before)
    try:
        with draft(kept) as copy:
            _copy(path, copy)
            migration = take_steps(connection, str(path))
        connection.commit()
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
    return migration and migration._replace(copy=kept)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the one process that migrates here; as `create_file` does."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LedgerError(
                        f"The ledger {path} is being migrated by another process for more than {PATIENCE} s; see what "
                        "became of that one, and run again."
                    ) from None
                time.sleep(_A_MOMENT)
        yield
    finally:
        os.close(directory)


def _copy(path: Path, copy: Path) -> None:
    reader = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT)
    writer = sqlite3.connect(f"{copy.as_uri()}?mode=rw", uri=True)
    try:
        copy_pages(reader, writer)
        # One file, which needs no -wal beside it.
        writer.execute("PRAGMA journal_mode=DELETE")
    finally:
        writer.close()
        reader.close()


def _free_name(path: Path, version: int) -> Path:
    while True:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = path.with_name(f"{path.stem}.schema-{version}.{moment}.db")
        if not name.exists():
            return name


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _is_full(error: BaseException, path: Path) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    cause = error.orig if isinstance(error, DBAPIError) else error
    kind = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    # SQLite calls it an error of the disk where the file that it shares with other processes cannot grow.
    return kind == sqlite3.SQLITE_FULL or (
        kind == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.parent).free < _room(path)
    )


def _room(path: Path) -> int:
    """About how many bytes a migration needs: for the copy, the log, and the new tables beside the old ones."""
    return 3 * path.stat().st_size


def _full(path: Path) -> str:
    return (
        f"The ledger {path} is of an older version and stays as it is, because the disk is full: its migration keeps "
        f"a copy beside it and needs about {max(1, _room(path) // 1_000_000)} MB in {path.parent} meanwhile; free some "
        "space and run again."
    )
