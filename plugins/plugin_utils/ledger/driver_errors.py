# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database driver or the system raises, as one sentence that says what to do.

A driver's message may quote the row, and the row holds a whole claim ID: so its own words are passed on only where
they cannot.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import ArgumentError, DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from .location import Location
from .records import LedgerError, LockedLedgerError
from .sqlite_file import BUSY_TIMEOUT

UNDEFINED_TABLE = "42P01"
LOCK_NOT_AVAILABLE = "55P03"
READ_ONLY_TRANSACTION = "25006"
_SERIALIZATION_FAILURE = "40001"
INSUFFICIENT_PRIVILEGE = "42501"
DEADLOCK = "40P01"
_UNIQUE_VIOLATION = "23505"
ALREADY_EXISTS = ("42P07", "42710", "42723", _UNIQUE_VIOLATION)

_FULL = "cannot grow, because the disk is full; free some space and run again"
_READ_ONLY = "cannot be written, because its file system is mounted read-only; see why, and mount it writable"
_DAMAGED = "is damaged; restore it from its backup"
_SQLITE_REMEDIES = {
    sqlite3.SQLITE_BUSY: f"is locked by another process for more than {BUSY_TIMEOUT} s; end that one and run again",
    sqlite3.SQLITE_LOCKED: "is locked by another process; end that one and run again",
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: "cannot be written; give this user permission to write the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; give this user permission to read and write the file and its directory",
    sqlite3.SQLITE_PERM: "cannot be opened; give this user permission to read and write it",
    sqlite3.SQLITE_NOTADB: "cannot be opened: that file holds something else; name the ledger's own file",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_IOERR: "cannot be read or written, because the disk reports an error; check the disk",
}
_SQLITE_REMEDIES_OF_READERS = {
    sqlite3.SQLITE_PERM: "cannot be opened; give this user permission to read it",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; give this user permission to read the file and its directory",
}
# Who reads a ledger in use takes part in its index, which SQLite makes anew where it is not.
_NO_INDEX = (
    "cannot be read while no process has it open, by a user who may not write its directory, where SQLite makes its "
    "index; read it while the service or a run has it open, or read a backup"
)
# SQLite says of these what it could not do; what the disk says of itself tells why.
_SQLITE_SEE_DISK = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_SYSTEM_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "cannot grow, because this user's disk quota is used up; free some space and run again",
    errno.EROFS: _READ_ONLY,
}
_POSTGRESQL_REMEDIES = {
    # by SQLSTATE, or by its first two letters, which name the class
    "53100": "cannot grow, because the server's disk is full; free some space and run again",
    "53300": "has no connection free; raise max_connections, or run with fewer forks",
    "57014": "had its work ended by the server, because it took too long or somebody cancelled it; run again",
    LOCK_NOT_AVAILABLE: "is locked by another session, which did not end in time; see pg_stat_activity, and run again",
    "57P01": "ended the session, because somebody had it ended, or it is shutting down; run again",
    "57": "is shutting down or starting; run again when the server is up",
    INSUFFICIENT_PRIVILEGE: (
        "does not let this user do that; grant the user its tables, or CREATE on the schema for the first run"
    ),
    "25P03": "ended the session, because nothing was asked for too long in the middle of a transaction; run again",
    READ_ONLY_TRANSACTION: "can only be read on this server; name the primary server",
}
_NUL = "cannot hold the text that was given, because it has a NUL character in it; remove that and run again"
_HALF_CHARACTER = (
    "cannot hold the text that was given, because it has half a character in it, as text of another encoding does; "
    "correct it and run again"
)
_BAD_VALUE = "cannot hold a value that was given; correct what was given last and run again"
_NOT_UP = "the database system is "
"""So begins a refusal of a server that starts, recovers or shuts down."""


@contextmanager
def sentences(location: Location, *, read_only: bool = False) -> Iterator[None]:
    """Raise what a driver or the system raises as a `LedgerError` about the ledger at `location`, never chained.

    Who opened it with `read_only` is told what a reader needs.
    """
    try:
        yield
    except DBAPIError as error:
        kind = LockedLedgerError if sqlstate(error) == LOCK_NOT_AVAILABLE else LedgerError
        raise kind(f"The ledger {location} {_of_database(error, location, read_only=read_only)}.") from None
    except ArgumentError as error:
        raise LedgerError(f"The ledger {location} cannot be reached: {error}; correct its URL.") from None
    except PoolTimeoutError:
        raise LedgerError(
            f"The ledger {location} has no connection free in this process; run again with fewer devices at a time."
        ) from None
    except sqlite3.Error as error:
        raise LedgerError(f"The ledger {location} {_of_sqlite(error, location.path, read_only=read_only)}.") from None
    except UnicodeDecodeError:
        # SQLite quotes its damaged schema in its message, which the driver cannot read.
        raise LedgerError(f"The ledger {location} {_DAMAGED}.") from None
    except UnicodeEncodeError:
        raise LedgerError(f"The ledger {location} {_HALF_CHARACTER}.") from None
    except OSError as error:
        raise LedgerError(f"The ledger {location} {_of_system(error)}.") from None


def sqlstate(error: DBAPIError) -> str | None:
    """Return the SQLSTATE that PostgreSQL gave, if it gave one."""
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None


def lost_a_race(error: DBAPIError) -> bool:
    """Whether somebody else's transaction was first, and this one was undone for certain."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return bool(code == sqlite3.SQLITE_CONSTRAINT_UNIQUE)
    return sqlstate(error) in (_UNIQUE_VIOLATION, _SERIALIZATION_FAILURE, DEADLOCK)


def _of_system(error: OSError) -> str:
    if remedy := _SYSTEM_REMEDIES.get(error.errno or 0):
        return remedy
    where = f" ({error.filename})" if error.filename else ""
    return f"cannot be used: {error.strerror or error}{where}; correct the path or its permissions"


def _of_sqlite(error: sqlite3.Error, path: Path | None, *, read_only: bool) -> str:
    # The low byte is the kind; the rest says where in SQLite it arose. Absent: sqlite3's own complaint.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind in _SQLITE_SEE_DISK and path is not None and (remedy := _of_disk(path)):
        return remedy
    if read_only and kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) and path is not None:
        if os.access(path, os.R_OK):
            return _NO_INDEX
        return _SQLITE_REMEDIES_OF_READERS[sqlite3.SQLITE_CANTOPEN]
    if read_only and (remedy := _SQLITE_REMEDIES_OF_READERS.get(kind)):
        return remedy
    return _SQLITE_REMEDIES.get(kind) or f"failed: {error}"


def _of_disk(path: Path) -> str | None:
    with suppress(OSError):
        disk = os.statvfs(path.parent)
        if disk.f_flag & os.ST_RDONLY:
            return _READ_ONLY
        if disk.f_bavail == 0 or (disk.f_files and not disk.f_favail):
            return _FULL
    return None


def _of_database(error: DBAPIError, location: Location, *, read_only: bool) -> str:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, location.path, read_only=read_only)
    state = sqlstate(error) or ""
    if read_only and state == INSUFFICIENT_PRIVILEGE:
        return "does not let this user read it; grant the user SELECT on its tables"
    if remedy := _POSTGRESQL_REMEDIES.get(state) or _POSTGRESQL_REMEDIES.get(state[:2]):
        return remedy
    if state:
        diagnosis = getattr(cause, "diag", None)
        return f"failed: {getattr(diagnosis, 'message_primary', None) or state}"
    if isinstance(error, DataError):  # of the driver, who asked no server
        return _NUL if "NUL" in str(cause) else _BAD_VALUE
    return _of_connecting(cause)


def _of_connecting(cause: BaseException | None) -> str:
    reason = " ".join(str(cause).split("\n", maxsplit=1)[0].split()).rstrip(".")
    # While it connects, psycopg knows no SQLSTATE; the server's own refusal begins with this word.
    _before, fatal, refusal = reason.partition("FATAL: ")
    if refusal.startswith(_NOT_UP):
        return _POSTGRESQL_REMEDIES["57"]
    if fatal:
        return f"is refused by its server: {refusal}; correct its URL or the server"
    return f"cannot be reached: {reason}; check that the server runs and its address"
