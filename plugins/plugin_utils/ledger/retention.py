# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies of a ledger stay: by what is in them and when they were made, never by a name that sorts.

A copy is deleted only where a newer one holds everything that is in it: its last event is an event of the ledger, too.
So the copies of another ledger stay, and those of a ledger that was lost, or restored from an older copy; as do files
with a name that we do not give, which are somebody's own.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..display_text import printable

_COPY_NAME = re.compile(r".+-\d{8}T\d{6}\.\d{6}Z\.db", re.DOTALL)

_LAST_EVENT = "SELECT id, at, claim_id FROM ioto_events ORDER BY id DESC LIMIT 1"
_THAT_EVENT = "SELECT id, at, claim_id FROM ioto_events WHERE id = ?"
_ABOUT = "SELECT * FROM ioto_ledger"

_UNREADABLE = "Copies in {folder} that cannot be read, or that are in use, stay: {copies}; look at them by hand."
_STRANGE = (
    "Copies in {folder} that hold events which the ledger has not stay: {copies}; they are another ledger's, or from "
    "before it was restored or replaced. Remove them when nobody needs them."
)
_CANNOT_READ = (OSError, sqlite3.Error, UnicodeDecodeError)
"""The last one where SQLite quotes a damaged schema, which the driver cannot read."""
_NAMED = 3
"""So many files are named in a sentence; of more, the number."""


def copy_name(stem: str, moment: datetime) -> str:
    """Return the name of the copy that was made of the ledger `stem` at that moment, in UTC."""
    return f"{stem}-{moment:%Y%m%dT%H%M%S.%fZ}.db"


def prune(newest: Path, *, keep: int) -> Sequence[str]:
    """Delete the older copies of the ledger of which `newest` is a copy just made, but for the `keep` newest.

    `newest` is one of those, whatever the others are. Return sentences about what else stays, and why.
    """
    ours: list[_LedgerCopy] = []
    strange: list[Path] = []
    unreadable: list[Path] = []
    try:
        with closing(_connect(newest)) as ledger:
            identity = _identity(ledger)
            for path in _others(newest):
                try:
                    copy = _LedgerCopy.read(path)
                except _CANNOT_READ:
                    unreadable.append(path)
                    continue
                if copy.identity and identity and copy.identity != identity:
                    continue  # the folder is another ledger's, too
                if copy.is_within(ledger):
                    ours.append(copy)
                else:
                    strange.append(path)
        ours.sort(key=lambda copy: copy.age, reverse=True)
        for copy in ours[keep - 1 :]:
            copy.path.unlink(missing_ok=True)
    except _CANNOT_READ as error:
        return [f"Older copies in {newest.parent} stay: {error}; see the folder's owner and its disk."]
    return [*_told(unreadable, _UNREADABLE), *_told(strange, _STRANGE)]


@dataclass(frozen=True, slots=True)
class _LedgerCopy:
    path: Path
    identity: str | None
    last_event: tuple[object, ...] | None
    made: int

    @classmethod
    def read(cls, path: Path) -> _LedgerCopy:
        made = path.stat().st_mtime_ns
        if any(path.with_name(f"{path.name}{end}").exists() for end in ("-wal", "-journal")):
            raise sqlite3.OperationalError("in use")
        with closing(_connect(path)) as connection:
            return cls(path, _identity(connection), connection.execute(_LAST_EVENT).fetchone(), made)

    @property
    def age(self) -> tuple[int, int]:
        """What newer copies have more of: events, and among as many the time of the file."""
        return (0 if self.last_event is None else int(str(self.last_event[0])), self.made)

    def is_within(self, ledger: sqlite3.Connection) -> bool:
        """Whether the ledger has all that is in this copy: events are never changed, so the last one says it."""
        if self.last_event is None:
            return True
        return bool(ledger.execute(_THAT_EVENT, (self.last_event[0],)).fetchone() == self.last_event)


def _others(newest: Path) -> Iterator[Path]:
    for path in sorted(newest.parent.iterdir()):
        if path != newest and _COPY_NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            yield path


def _connect(copy: Path) -> sqlite3.Connection:
    # Immutable: nothing is written beside it, nor locked.
    return sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)


def _identity(connection: sqlite3.Connection) -> str | None:
    """Return what tells this ledger from others; those of the first schema have nothing of the kind."""
    cursor = connection.execute(_ABOUT)
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    return None if row is None else dict(zip(names, row, strict=True)).get("identity")


def _told(paths: Sequence[Path], sentence: str) -> Iterator[str]:
    if paths:
        names = ", ".join(printable(path.name) for path in paths[:_NAMED])
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        yield sentence.format(copies=f"{names}{more}", folder=printable(str(paths[0].parent)))
