# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of an SQLite ledger, made while others use it, and whole: SQLite's own backup sees to that."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..display_text import printable
from ..private_files import draft, is_known_file, make_private_folder
from .driver_errors import sentences
from .location import Location
from .migrations.version import moved_sentence
from .records import LedgerError
from .retention import copy_name, prune
from .sqlite_file import copy_pages


@dataclass(frozen=True, slots=True)
class Backup:
    """The copy that was made, and sentences about other copies in its folder that somebody has to see to."""

    path: Path
    notices: Sequence[str]


def back_up(ledger: str | None, folder: Path, *, keep: int) -> Backup:
    """Copy the ledger into `folder` (0700), and delete its older copies there but for the `keep` newest.

    Raises `LedgerError`; no copy was deleted then.
    """
    if keep < 1:
        raise LedgerError(f"{keep} copies cannot be kept; keep 1 or more.")
    path = file_to_copy(ledger)
    folder = folder.absolute()
    try:
        if folder.exists() and not folder.is_dir():
            raise LedgerError(f"{folder} is a file, and copies are kept in a folder; name one that is for them (dest).")
        make_private_folder(folder)
        target = _unused(folder, path.stem)
        with draft(target) as temporary:
            copy_database(path, temporary)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"The ledger {path} could not be copied to {folder}: {error}; check the disk.") from None
    return Backup(target, [*_moved(path), *prune(target, keep=keep)])


def file_to_copy(ledger: str | None) -> Path:
    """Return the file of the ledger. Raises `LedgerError` without one."""
    path = Location.parse(ledger).path
    if path is None:
        raise LedgerError("The ledger is on PostgreSQL; back it up there, with pg_dump or the server's own archive.")
    with sentences(Location(path=path), read_only=True):
        if not is_known_file(path):
            raise LedgerError(f"There is no ledger {path} to copy; correct the path.")
    return path


def _moved(path: Path) -> Iterator[str]:
    """Say that the ledger goes on elsewhere. By SQLite alone: one of an older version shall not be migrated for it."""
    with (
        suppress(sqlite3.Error, UnicodeDecodeError),
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as reader,
    ):
        for (moved_to,) in reader.execute("SELECT moved_to FROM ioto_ledger WHERE moved_to IS NOT NULL"):
            yield moved_sentence(printable(str(path)), moved_to)


def _unused(folder: Path, stem: str) -> Path:
    # A clock that was set back comes past the same moment twice.
    while (target := folder / copy_name(stem, datetime.now(UTC))).exists():
        pass
    return target


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database, with what is in its log alone, to one file. Raises `sqlite3.Error`."""
    reader = sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=0)
    writer = sqlite3.connect(target)
    try:
        copy_pages(reader, writer)
        # A copy is one file: without this it would need a -wal beside it.
        writer.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = writer.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged ({verdict})")
    except UnicodeDecodeError:  # so the driver fails where SQLite quotes a damaged schema
        raise sqlite3.DatabaseError("it is damaged") from None
    finally:
        writer.close()
        reader.close()
