# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a ledger to another place: what it is there, it was here, to the row; and here nobody writes any more.

Killed at any instant, the ledger can be written to in one place at most, and the same command goes on:

1. In one transaction, after which nobody writes here, the ledger seals what is not sealed, and notes where it goes.
2. In one transaction there, all rows are copied, compared with those here, and are a ledger at its end.

Where the second fails, and is known to have failed, the note is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from ..database import Database
from ..integrity.check import require_sound, snapshot
from ..location import Location, address, is_same_place
from ..migrations.version import moved_sentence
from ..records import LedgerError
from ..schema import claims, events, seals
from ..seals import seal_within
from .copying import continue_copy
from .ledger_row import LedgerRow, hold_everybody, hold_writers, is_empty, last_event, read_row, write_row


@dataclass(frozen=True, slots=True)
class Moved:
    """What is at `place` now, or would be. `is_news`: whether anything was done, or would be."""

    source: str
    place: str
    claims: int
    events: int
    seals: int
    is_news: bool


def move(ledger: str | None, to: str, *, check: bool) -> Moved:
    """Move `ledger` to the place `to`; with `check`, say what would be done. Raises `LedgerError`.

    Damage moves nowhere: the whole ledger is checked first (`DamagedLedgerError`).
    """
    source, place = Location.parse(ledger), Location.parse(to)
    if is_same_place(source, place):
        return _stay(source, check=check)
    _refuse_own_link(source, place)
    with closing(_opened(source)) as old:
        with old.read() as connection:
            row = read_row(connection)
        if not _is_moved_nowhere_else(row, place):
            raise LedgerError(moved_sentence(str(source), row.moved_to))
        if _is_done(old, row, place):
            return _moved(old, source, place, is_news=False)
        require_sound(old, str(source))
        _require_room(old, place)
        if check:
            return _moved(old, source, place, is_news=True)
    with closing(Database(source)) as old:
        old.write(partial(_leave, to=place), though_moved=True)
        with _taken_back_on_failure(old, place), closing(Database(place)) as new:
            _fill(old, new)
        return _moved(old, source, place, is_news=True)


def _is_moved_nowhere_else(row: LedgerRow, place: Location) -> bool:
    return row.moved_to is None or is_same_place(Location.parse(row.moved_to), place)


def _refuse_own_link(source: Location, place: Location) -> None:
    with suppress(OSError):  # one that is not there is no link
        if source.path is not None and place.path is not None and source.path.samefile(place.path):
            raise LedgerError(
                f"{place} is the ledger {source} itself, by a hard link, and SQLite loses what is written to a file of "
                "two names; remove that link, or give another place (ioto_ledger_to)."
            )


def require_continuation(source: Connection, copy: Connection, place: str) -> None:
    """Raise `LedgerError` unless `copy` is empty, or an older state of the ledger that is `source`."""
    if is_empty(copy):
        return
    if read_row(copy).identity != read_row(source).identity:
        raise LedgerError(
            f"{place} holds another ledger, and nothing was changed; give a place that holds none, or merge the two "
            "(ioto_ledger_job=merge)."
        )
    last = last_event(copy)
    if not has_event(source, last, key_of_event(copy, last)):
        raise LedgerError(
            f"{place} holds this ledger with events that are not here, and nothing was changed; it is the newer one, "
            "or the two went different ways: compare them (ioto_ledger_job=compare)."
        )


def key_of_event(connection: Connection, number: int) -> str | None:
    """Return the key of the event with that number."""
    return connection.execute(select(events.c.key).where(events.c.id == number)).scalar()


def has_event(connection: Connection, number: int, key: str | None) -> bool:
    """Whether the event with that number is the one with that key."""
    return number == 0 or (key is not None and key_of_event(connection, number) == key)


def _opened(source: Location) -> Database:
    database = Database(source, read_only=True)
    if database.is_absent:
        database.close()
        raise LedgerError(f"There is no ledger in {source} to move; correct its path or URL (ioto_ledger).")
    return database


def _leave(connection: Connection, *, to: Location) -> None:
    """Have nobody write here any more, in the caller's transaction."""
    hold_everybody(connection)
    row = read_row(connection)
    if not _is_moved_nowhere_else(row, to):
        raise LedgerError(f"The ledger is being moved to {row.moved_to} by somebody else; nothing was done.")
    if row.moved_to is None:
        seal_within(connection)
        write_row(connection, row._replace(moved_to=address(to)))


def _fill(old: Database, new: Database) -> None:
    def work(copy: Connection) -> None:
        hold_writers(copy)
        with snapshot(old) as source:
            require_continuation(source, copy, str(new.location))
            continue_copy(source, copy)

    new.write(work, though_moved=True)


@contextmanager
def _taken_back_on_failure(old: Database, place: Location) -> Iterator[None]:
    try:
        yield
    except LedgerError as error:
        # Where nobody can say whether it is there, it may be: then it stays as it is here, and the next run goes on.
        if _is_taken_back(old, place):
            raise
        raise LedgerError(
            f"{error} The ledger {old.location} may be there already, so nobody may write to it here until that is "
            f"known; run again when {place} answers, or give {old.location} as ioto_ledger_to then, to have it stay."
        ) from None


def _is_taken_back(old: Database, place: Location) -> bool:
    with suppress(LedgerError):
        with old.read() as connection:
            row = read_row(connection)
        if not _holds(place, row.identity):
            _write_back(old)
            return True
    return False


def _write_back(old: Database) -> None:
    def work(connection: Connection) -> None:
        hold_everybody(connection)
        write_row(connection, read_row(connection)._replace(moved_to=None))

    old.write(work, though_moved=True)


def _holds(place: Location, identity: str) -> bool:
    """Whether that ledger can be written to at that place. Raises `LedgerError` where nobody can say."""
    with closing(Database(place, read_only=True)) as new, new.read() as connection:
        row = read_row(connection)
        return not new.is_absent and row.identity == identity and row.moved_to is None


def _is_done(old: Database, row: LedgerRow, place: Location) -> bool:
    """Whether the ledger was moved there before, and all that is here is there."""
    if row.moved_to is None or not _holds(place, row.identity):
        return False
    with closing(Database(place, read_only=True)) as new, new.read() as copy, old.read() as source:
        number = last_event(source)
        return has_event(copy, number, key_of_event(source, number))


def _require_room(old: Database, place: Location) -> None:
    with closing(Database(place, read_only=True)) as new, new.read() as copy, old.read() as source:
        require_continuation(source, copy, str(place))


def _stay(source: Location, *, check: bool) -> Moved:
    """Have a ledger stay where it is, whose move never went through."""
    with closing(_opened(source)) as old:
        with old.read() as connection:
            row = read_row(connection)
        if row.moved_to is None:
            raise LedgerError(f"The ledger is in {source} already; give another place as ioto_ledger_to.")
        place = Location.parse(row.moved_to)
        if _holds(place, row.identity):
            raise LedgerError(f"{moved_sentence(str(source), row.moved_to)} To have it here again, move it from there.")
    with closing(Database(source, read_only=check)) as old:
        if not check:
            _write_back(old)
        return _moved(old, source, source, is_news=True)


def _moved(old: Database, source: Location, place: Location, *, is_news: bool) -> Moved:
    with old.read() as connection:
        number_of_claims, number_of_events, number_of_seals = (
            int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)
            for table in (claims, events, seals)
        )
    return Moved(str(source), str(place), number_of_claims, number_of_events, number_of_seals, is_news)
