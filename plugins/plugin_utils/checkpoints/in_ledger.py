# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a checkpoint has to know of a ledger: which one it is, its seals, and the time of a run."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select

from ..display_text import printable
from ..ledger.database import Database
from ..ledger.integrity.origins import seals_of
from ..ledger.raw_rows import as_stored, few_raw_rows, raw_columns
from ..ledger.records import UnreadableRowsError
from ..ledger.schema import events, origin_seals, seals, version_table
from ..ledger.seals import DamagedSealError, Seal
from .checkpoint import SignedSeal

_DIGEST = re.compile(r"[0-9a-f]{64}")


def identity_of(database: Database) -> str:
    """Return what was drawn when the ledger was made, the same in every copy of it."""
    with database.read() as connection:
        return str(connection.execute(select(version_table.c.identity)).scalar_one())


def seal_of(database: Database, number: int) -> Seal | None:
    """Return the seal with that number."""
    with database.read() as connection, as_stored(connection):
        query = f"SELECT {raw_columns(seals, connection.dialect)} FROM {seals.name} WHERE seq = :number"  # noqa: S608
        return next((Seal(*row) for row in few_raw_rows(connection, query, number=number)), None)


def origin_seal_of(database: Database, origin: str, number: int) -> Seal | None:
    """Return the seal with that number of a ledger that was merged into this one."""
    with database.read() as connection, as_stored(connection):
        return next((seal for seal in seals_of(connection, origin) if seal.seq == number), None)


def last_origin_seal(database: Database, origin: str) -> Seal | None:
    """Return the last seal of a ledger that was merged into this one; None where none was.

    Raises `DamagedSealError`.
    """
    with database.read() as connection, as_stored(connection):
        last = next(iter(deque(seals_of(connection, origin), maxlen=1)), None)
    if last is not None and not last.is_sound:
        raise DamagedSealError(origin_seals.name)
    return last


def as_signed(seal: Seal) -> SignedSeal | None:
    """Return what a checkpoint says of a seal; None where its row is damaged."""
    if not seal.is_sound or seal.last_event < 0 or not _DIGEST.fullmatch(seal.digest):
        return None
    try:
        at = datetime.fromisoformat(seal.at).replace(tzinfo=UTC)
        return SignedSeal(seal.seq, seal.digest, seal.last_event, at)
    except ValueError:
        return None


def events_after(database: Database, last_event: int) -> int:
    """Return how many events have come after that one."""
    with database.read() as connection:
        query = select(func.count()).select_from(events).where(events.c.id > last_event)
        return int(connection.execute(query).scalar_one())


def period_of(database: Database, run: str) -> Sequence[datetime | None]:
    """Return when the first and the last event of a run came; None and None where it has none.

    Raises `UnreadableRowsError`.
    """
    with database.read() as connection:
        query = select(func.min(events.c.at), func.max(events.c.at)).where(events.c.run == run)
        try:
            return tuple(connection.execute(query).one())
        except (TypeError, ValueError):
            what = f"when an event of the run {printable(run)} came cannot be read in its table {events.name}"
            raise UnreadableRowsError(what) from None
