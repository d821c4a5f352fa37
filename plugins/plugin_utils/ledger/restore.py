# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace an SQLite ledger by a backup. What was there is kept beside it, whole, and never removed.

Killed at any instant, the ledger is the old one, the restored one, or an old one without its log, which is refused
(see `open_mark`) until it is restored once more. A process that has the old one open records nothing more in it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from ..private_files import alone_in, draft, is_known_file, make_private_folder, typed_path
from .backup import copy_database
from .driver_errors import sentences
from .integrity.check import IntegrityReport, checked
from .ledger import Ledger
from .location import Location
from .records import Claim, LedgerError
from .sqlite_file import holds_something

_BESIDE = ("-wal", "-shm")
"""What SQLite has beside a ledger that is open, or whose process was killed."""
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Restored:
    """What the ledger at `path` holds now, and where that is kept which was there before; None where nothing was.

    `lacking` are the claims of the old one that the backup lacks, or has otherwise: of another unit, or in another
    state; None where the old one cannot be read.
    """

    path: Path
    report: IntegrityReport
    kept: Path | None
    lacking: int | None


def restore(ledger: str | None, backup: Path, *, check: bool) -> Restored:
    """Replace `ledger` by `backup`, once nothing is found in it; with `check`, only look at both.

    Raises `LedgerError` (`DamagedLedgerError` where something is found in the backup); nothing was changed then.
    """
    path = Location.parse(ledger).path
    if path is None:
        raise LedgerError("The ledger is on PostgreSQL; restore it there, with pg_restore or the server's own archive.")
    backup = typed_path(backup).absolute()
    with sentences(Location(path=path)):
        if not is_known_file(backup):
            raise LedgerError(f"There is no backup {backup}; give the file that a backup made.")
        holds_something(path)  # or is a folder or a device, which nothing replaces
        if path.exists() and path.samefile(backup):
            raise LedgerError(f"{backup} is the ledger itself; give the file that a backup made.")
    with Ledger(backup, read_only=True) as copy:
        report = checked(copy)
        lacking = _lacking(path, copy)
    if check:
        return Restored(path, report, _kept_name(path) if path.exists() else None, lacking)
    try:
        make_private_folder(path.parent)
        with alone_in(path.parent):
            kept = _replace(path, backup)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(
            f"The backup {backup} could not replace {path} ({error}); check the disk, and restore again."
        ) from None
    return Restored(path, report, kept, lacking)


def _lacking(path: Path, copy: Ledger) -> int | None:
    """Count the claims of the ledger at `path` that are not so in `copy`; None where it cannot be read."""
    if not path.exists():
        return None
    try:
        with Ledger(path, read_only=True) as old:
            claims = old.claims()
            lacking = 0
            while part := {claim.claim_id: claim for claim in islice(claims, _CHUNK)}:
                there = copy.holders(part)
                lacking += sum(_differs(claim, there.get(claim_id)) for claim_id, claim in part.items())
            return lacking
    except LedgerError:
        return None


def _differs(claim: Claim, other: Claim | None) -> bool:
    return other is None or (claim.product, claim.unit, claim.state) != (other.product, other.unit, other.state)


def _replace(path: Path, backup: Path) -> Path | None:
    owner = path.stat() if path.exists() else None
    with draft(path, is_database=True) as temporary:
        copy_database(backup, temporary)
        if owner is not None:
            with suppress(OSError):  # another's ledger stays his, where whoever restores it may see to that
                os.chown(temporary, owner.st_uid, owner.st_gid)
        kept = _kept_name(path)
        # Its log first: without it, the old ledger is refused, and never taken for the new one's.
        for end in _BESIDE:
            with suppress(FileNotFoundError):
                path.with_name(f"{path.name}{end}").rename(kept.with_name(f"{kept.name}{end}"))
        if owner is not None:
            os.link(path, kept)
    return kept if owner is not None else None


def _kept_name(path: Path) -> Path:
    while (name := path.with_name(f"{path.stem}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.db")).exists():
        pass
    return name
