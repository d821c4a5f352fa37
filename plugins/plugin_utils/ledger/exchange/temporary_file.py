# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with the databases without a name that stages are: their disk is often not that of the ledgers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ..records import LedgerError

_OF_THE_DISK = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full, or reports an error",
    sqlite3.SQLITE_CANTOPEN: "none can be made",
}


@contextmanager
def temporary_file_sentences() -> Iterator[None]:
    """Raise what SQLite says of the disk of such a database as a `LedgerError`, which blames no ledger for it."""
    try:
        yield
    except sqlite3.Error as error:
        why = _OF_THE_DISK.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if why is None:
            raise
        raise LedgerError(
            f"What is compared is kept in a temporary file, and {why}; free space in /var/tmp, or name a folder that "
            "has more in SQLITE_TMPDIR, and run again."
        ) from None
