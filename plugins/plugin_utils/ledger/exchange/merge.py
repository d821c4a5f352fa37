# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge ledgers into one: all that they hold, in one transaction, or nothing and every reason why not.

The merged ledger knows its origins: which of its events is which of theirs, and their seals, which its check computes
anew. What it has of them already is left as it is, so a second merge changes nothing, and one after they went on brings
what came since. It makes no difference in which order they are merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, zip_longest

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from ...display_text import printable
from ...private_files import typed_path
from ..database import Database
from ..integrity.check import require_sound, snapshot
from ..location import Location, is_same_place
from ..migrations.version import moved_sentence
from ..raw_rows import raw_time
from ..records import Context, LedgerError
from ..schema import claims, events
from .exchange_file import is_exchange, loaded
from .ledger_row import hold_writers, read_row
from .merge_plan import plan
from .merge_stage import TARGET, MergeStage, encoded
from .merge_write import counted_news, number_events, write
from .rows import stream

MAX_LISTED = 1000
"""Conflicts that are listed: more would fill the screen, and tell nothing more."""


class MergeConflictsError(LedgerError):
    """Ledgers that contradict each other; `conflicts` are sentences, at most `MAX_LISTED` of them."""

    def __init__(self, conflicts: Sequence[str], number: int) -> None:
        self.conflicts = list(conflicts)
        more = f"\n… and {number - len(self.conflicts)} more." if number > len(self.conflicts) else ""
        count = f"{number} conflict{'s' if number > 1 else ''}"
        lines = "\n".join(self.conflicts)
        super().__init__(f"Nothing was merged, because of {count}; settle them and merge again:\n{lines}{more}")


@dataclass(frozen=True, slots=True)
class Merged:
    """What was new: events, claims, claims that have changed, and rows that say where events came from."""

    place: str
    events: int
    claims: int
    changed: int
    origins: int
    is_new: bool = False
    """Whether the ledger is made, or would be, since there was none."""

    @property
    def is_news(self) -> bool:
        """Whether anything was."""
        return bool(self.events or self.claims or self.changed or self.origins)


def merge(ledger: str | None, sources: Sequence[str], context: Context, *, check: bool) -> Merged:
    """Merge `sources`, ledgers or files of the full exchange, into `ledger`; with `check`, say what would be done.

    Raises `MergeConflictsError`, `DamagedLedgerError` or another `LedgerError`; nothing was changed then.
    """
    place = Location.parse(ledger)
    with MergeStage() as stage:
        with closing(Database(place, read_only=True)) as target:
            is_absent = target.is_absent
            _stage_sound(stage, TARGET, str(place), target)
        _stage_sources(stage, place, sources)
        stage.index()
        news = _planned(stage, str(place))

        def work(connection: Connection) -> None:
            nonlocal news
            hold_writers(connection)
            # Somebody may have written to it meanwhile; and made just now, it has another identity than in memory.
            if _is_other(stage, connection):
                stage.drop(TARGET)
                stage.add(TARGET, stage.names[TARGET], connection)
                news = _planned(stage, stage.names[TARGET])
            write(stage, connection, at=raw_time(datetime.now(UTC)), actor=context.actor)

        if not check and news.is_news:
            with closing(Database(place)) as target:
                target.write(work)
        return replace(news, is_new=is_absent and news.is_news)


@contextmanager
def opened_source(text: str) -> Iterator[Database]:
    """Lend a ledger, or what a file of the full exchange holds, to be read. Raises `LedgerError`."""
    with _database(text) as database:
        if database.is_absent:
            raise LedgerError(f"There is no ledger in {database.location}; correct its path or URL.")
        yield database


def name_of(text: str) -> str:
    """Return how to call a ledger, or a file, that somebody typed."""
    return printable(str(Location.parse(text)))


def _database(text: str) -> AbstractContextManager[Database]:
    place = Location.parse(text)
    try:
        if place.path is not None and typed_path(place.path).is_file() and is_exchange(place.path):
            return loaded(place.path)
    except OSError as error:
        raise LedgerError(f"The file {place} cannot be read ({error.strerror}); check its name and owner.") from None
    return closing(Database(place, read_only=True))


def _stage_sources(stage: MergeStage, place: Location, sources: Sequence[str]) -> None:
    """Take in all sources, or raise what is wrong with every one that cannot be."""
    problems: list[LedgerError] = []
    seen = [place]
    number = TARGET
    for text in sources:
        try:
            where = Location.parse(text)
            if any(is_same_place(where, other) for other in seen):
                raise LedgerError(f"{name_of(text)} is named twice, or is the ledger itself; name each one once.")
            seen.append(where)
            with opened_source(text) as database:
                _stage_sound(stage, number + 1, name_of(text), database)
                number += 1
        except LedgerError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise LedgerError("Nothing was merged:\n" + "\n".join(map(str, problems)))


def _stage_sound(stage: MergeStage, place: int, name: str, database: Database) -> None:
    """Take in what a ledger holds. Raises `LedgerError` where that is damaged, or was moved: it goes nowhere then."""
    if database.moved_to is not None:
        raise LedgerError(moved_sentence(name, database.moved_to))
    require_sound(database, name)
    with snapshot(database) as connection:
        stage.add(place, name, connection)


def _planned(stage: MergeStage, place: str) -> Merged:
    conflicts = plan(stage)
    found = list(islice(conflicts, MAX_LISTED))
    if found:
        raise MergeConflictsError(found, len(found) + sum(1 for _more in conflicts))
    ((last,),) = stage.ask("SELECT coalesce(max(number), 0) FROM event WHERE place = 0")
    return Merged(place, number_events(stage, int(last)), *counted_news(stage))


def _is_other(stage: MergeStage, connection: Connection) -> bool:
    """Whether the target, to which nobody else writes now, is not what was staged.

    The last event alone does not tell: PostgreSQL gives a number to an event that is committed after later ones, and
    what more is known of a unit changes its claim without one.
    """
    ((last, number),) = stage.ask("SELECT coalesce(max(number), 0), count(*) FROM event WHERE place = 0")
    there = connection.execute(select(func.coalesce(func.max(events.c.id), 0), func.count()).select_from(events)).one()
    if (last, number) != tuple(there) or read_row(connection).identity != stage.identities[TARGET]:
        return True
    staged = (text for (text,) in stage.cursor("SELECT row FROM claim WHERE place = 0 ORDER BY rowid"))
    return any(now != before for now, before in zip_longest(map(encoded, stream(connection, claims)), staged))
