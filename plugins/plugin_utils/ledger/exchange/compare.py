# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one ledger holds all that another one holds, so that the other may be put away."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ...claim_ids import mask
from ...display_text import counted
from ..integrity.check import snapshot
from ..records import LedgerError
from ..schema import claims, events, origin_seals, seals
from .merge import name_of, opened_source
from .merge_stage import MergeStage
from .rows import differing_columns

MAX_LISTED = 1000
"""Differences that are listed."""
_HERE, _THERE = 0, 1


class LedgersDifferError(LedgerError):
    """A ledger that does not hold what another one holds; `differences` are sentences, at most `MAX_LISTED`."""

    def __init__(self, here: str, there: str, differences: Sequence[str], number: int) -> None:
        self.differences = list(differences)
        more = f"\n… and {number - len(self.differences)} more." if number > len(self.differences) else ""
        count = f"{number} difference{'s' if number > 1 else ''}"
        lines = "\n".join(self.differences)
        super().__init__(f"{here} does not hold all that is in {there}, with {count}; keep both:\n{lines}{more}")


@dataclass(frozen=True, slots=True)
class Compared:
    """How much of `there` is in `here`, which is all of it; and what `here` has beyond that."""

    here: str
    there: str
    claims: int
    events: int
    seals: int
    more_claims: int
    more_events: int
    gone_on: int
    """Claims to which more has happened since, as `here` knows."""

    @property
    def is_same(self) -> bool:
        """Whether `here` has nothing more."""
        return not (self.more_claims or self.more_events or self.gone_on)


def compare(ledger: str | None, other: str) -> Compared:
    """Compare two ledgers, or files of the full exchange, row for row. Raises `LedgersDifferError` or `LedgerError`."""
    with MergeStage() as stage:
        for place, text in enumerate((ledger or "", other)):
            with opened_source(text) as database, snapshot(database) as connection:
                stage.add(place, name_of(text), connection)
        stage.index()
        gone_on: list[str] = []
        found = _differences(stage, gone_on)
        listed = list(islice(found, MAX_LISTED))
        if listed:
            number = len(listed) + sum(1 for _more in found)
            raise LedgersDifferError(stage.names[_HERE], stage.names[_THERE], listed, number)
        numbers = [_count(stage, "claim", place) for place in (_HERE, _THERE)]
        histories = [_count(stage, "event", place) for place in (_HERE, _THERE)]
        return Compared(
            here=stage.names[_HERE],
            there=stage.names[_THERE],
            claims=numbers[_THERE],
            events=histories[_THERE],
            seals=_count(stage, "origin_seal", _THERE),
            more_claims=numbers[_HERE] - numbers[_THERE],
            more_events=histories[_HERE] - histories[_THERE],
            gone_on=len(gone_on),
        )


def _count(stage: MergeStage, table: str, place: int) -> int:
    ((number,),) = stage.ask(f"SELECT count(*) FROM {table} WHERE place = ?", place)  # noqa: S608
    return int(number)


def _differences(stage: MergeStage, gone_on: list[str]) -> Iterator[str]:
    is_one = stage.identities[_HERE] == stage.identities[_THERE]
    yield from _of_events(stage, is_one=is_one)
    yield from _of_claims(stage, gone_on, is_one=is_one)
    yield from _of_origins(stage)


def _of_events(stage: MergeStage, *, is_one: bool) -> Iterator[str]:
    query = (
        "SELECT there.number, here.number, here.digest = there.digest FROM event AS there LEFT JOIN event AS here "
        "ON here.key = there.key AND here.place = 0 WHERE there.place = 1 AND (here.key IS NULL "
        "OR here.digest <> there.digest OR (? AND here.number <> there.number)) ORDER BY there.number"
    )
    for there, here, is_alike in stage.cursor(query, is_one):
        what = "is missing" if here is None else f"has number {here}" if is_alike else f"is not what row {here} says"
        yield f"Row {there} of {events.name} {what}."


def _of_claims(stage: MergeStage, gone_on: list[str], *, is_one: bool) -> Iterator[str]:
    query = (
        "SELECT there.claim_id, there.row, here.row FROM claim AS there LEFT JOIN claim AS here "
        "ON here.claim_id = there.claim_id AND here.place = 0 WHERE there.place = 1 ORDER BY there.seq"
    )
    for claim_id, there, here in stage.cursor(query):
        if here == there:
            continue
        now, before = json.loads(here) if here else None, json.loads(there)
        row = f"Row {before[0]} of {claims.name} ({mask(claim_id)})"
        if now is None:
            yield f"{row} is missing."
        elif is_one and now[0] != before[0]:
            yield f"{row} has number {now[0]}."
        elif now[1:] != before[1:]:
            if _knows_more(stage, claim_id):
                gone_on.append(claim_id)
            else:
                names = differing_columns(claims, [None, *before[1:]], [None, *now[1:]])
                yield f"{row} differs in {names}."


def _knows_more(stage: MergeStage, claim_id: str) -> bool:
    """Whether more has happened to a claim in the first ledger, beside all that happened in the other."""
    known: dict[int, set[str]] = {_HERE: set(), _THERE: set()}
    for place, key in stage.ask("SELECT place, key FROM event WHERE claim_id = ?", claim_id):
        known[place].add(key)
    return known[_THERE] < known[_HERE]


def _of_origins(stage: MergeStage) -> Iterator[str]:
    query = (
        "SELECT min(there.number), count(*) FROM line AS there WHERE there.place = 1 AND NOT EXISTS "
        "(SELECT 1 FROM line AS here WHERE here.place = 0 AND here.origin = there.origin "
        "AND here.number = there.number AND here.key = there.key)"
    )
    for number, count in stage.ask(query):
        if count:
            yield f"Where {counted(count, 'event')} came from is not known; the first had the number {number} there."
    query = (
        "SELECT origin, seq FROM origin_seal AS there WHERE there.place = 1 AND NOT EXISTS "
        "(SELECT 1 FROM origin_seal AS here WHERE here.place = 0 AND here.origin = there.origin "
        "AND here.seq = there.seq AND here.row = there.row) ORDER BY origin, seq"
    )
    for origin, seq in stage.cursor(query):
        table = seals.name if origin == stage.identities[_THERE] else origin_seals.name
        yield f"Row {seq} of {table} is missing, or another one."
