# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being alone with some claims, for what is done outside of the ledger and must not be done twice.

A process that dies lets go of its locks, on both databases.
"""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from . import advisory_locks
from .driver_errors import LOCK_NOT_AVAILABLE, sentences, sqlstate
from .location import Location
from .open_mark import open_beside
from .postgresql import PostgresqlDatabase
from .records import LedgerError, LocksFreedError

ALONE_TIMEOUT = 600.0
"""Seconds to wait for other processes: longer than a printer needs for a roll, and an end where one of them hangs."""

# Whoever wants to be alone with a unit takes one of so many locks: enough that others seldom wait, and few enough for
# the lock table of a server when somebody wants them all.
_LOCKS = 256
_TAKE = "SELECT pg_advisory_lock(%s, %s)"


def lock_numbers(names: Iterable[str]) -> list[int]:
    """Return the locks that stand for `names`, in the order in which everybody takes them."""
    return sorted({zlib.crc32(name.encode()) % _LOCKS for name in names})


@contextmanager
def locked_beside(path: Path, numbers: Iterable[int]) -> Iterator[None]:
    """Hold the locks of an SQLite ledger."""
    location = Location(path=path)
    deadline = time.monotonic() + ALONE_TIMEOUT
    with sentences(location):
        # Beside the database, for SQLite has its own locks on that. Closing the file lets go of all.
        handle = open_beside(path, path.with_name(f"{path.name}-alone"))
    try:
        with sentences(location):
            for number in numbers:
                _take(handle, number, location, deadline)
        yield
    finally:
        os.close(handle)


@contextmanager
def locked_on_server(database: PostgresqlDatabase, location: Location, numbers: Iterable[int]) -> Iterator[None]:
    """Hold the locks of a ledger on PostgreSQL."""
    deadline = time.monotonic() + ALONE_TIMEOUT
    with ExitStack() as stack:
        with sentences(location):
            execute = stack.enter_context(database.session())
            for number in numbers:
                while not _taken(execute, number):
                    _require_time(deadline, location)
        yield


def _taken(execute: Callable[[str, tuple[int, ...]], None], number: int) -> bool:
    """Take a lock on the server, which ends each wait, and so answers; say whether it was had by then."""
    try:
        execute(_TAKE, (advisory_locks.UNITS, number))
    except LocksFreedError:
        return False
    except DBAPIError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _take(handle: int, number: int, location: Location, deadline: float) -> None:
    pause = 0.001
    while True:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
            return
        except (BlockingIOError, PermissionError):  # POSIX allows both
            _require_time(deadline, location)
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def _require_time(deadline: float, location: Location) -> None:
    if time.monotonic() > deadline:
        raise LedgerError(
            f"The ledger {location} has units that another process has held for itself for {ALONE_TIMEOUT:g} s, such "
            "as to print their labels; see whether it hangs, end it, and run again."
        )
