# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of an SQLite ledger, made while the service runs, and whole: SQLite's own backup sees to that."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ..ledger.location import Location
from ..ledger.sqlite_file import BUSY_TIMEOUT
from .errors import ServiceError


def back_up(ledger: str | None, folder: Path, *, keep: int) -> Path:
    """Copy the ledger into `folder` (0700), delete all but the `keep` newest copies, and return the new one's path.

    Raises `ServiceError`.
    """
    path = Location.parse(ledger).path
    if path is None:
        raise ServiceError("The ledger is on PostgreSQL; back it up there, with pg_dump or the server's own archive.")
    if not path.is_file():
        raise ServiceError(f"There is no ledger {path} to copy; correct the path.")
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = folder / f"{path.stem}-{moment}.db"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".draft-", dir=folder)  # mode 0600
        draft = Path(name)
        try:
            _copy(path, draft)
            os.fsync(handle)
            draft.replace(target)
        finally:
            os.close(handle)
            draft.unlink(missing_ok=True)
        for old in sorted(folder.glob(f"{path.stem}-*.db"))[:-keep]:
            old.unlink()
    except (OSError, sqlite3.Error) as error:
        raise ServiceError(f"The ledger {path} could not be copied to {folder}: {error}; see its disk.") from None
    return target


def _copy(source: Path, target: Path) -> None:
    reader = sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT)
    writer = sqlite3.connect(target)
    try:
        reader.backup(writer)
        # A copy is one file: without this it would need a -wal beside it.
        writer.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = writer.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged ({verdict})")
    finally:
        writer.close()
        reader.close()
