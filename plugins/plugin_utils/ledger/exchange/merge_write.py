# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a merge writes: new events, claims, and where they came from; and whether all of it came to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Connection

from ..integrity.origins import events_of, seals_of
from ..raw_rows import RawRow
from ..records import LedgerError
from ..schema import claims, events, origin_events, origin_seals, origins
from ..seals import seal_within
from .claim_join import STATE, UNIT
from .derived import derive
from .ledger_row import last_event, read_row, write_row
from .merge_stage import TARGET, MergeStage, encoded, event_digest
from .rows import change, draw_after, parts, put, stream

_CLAIM_ID = [column.name for column in claims.c].index("claim_id")
_IS_NEW_LINE = (
    "place > 0 AND origin <> ? AND NOT EXISTS (SELECT 1 FROM line AS known WHERE known.place = 0 "
    "AND known.origin = line.origin AND known.number = line.number)"
)
_IS_NEW_SEAL = (
    "place > 0 AND origin <> ? AND NOT EXISTS (SELECT 1 FROM origin_seal AS known WHERE known.place = 0 "
    "AND known.origin = origin_seal.origin AND known.seq = origin_seal.seq)"
)


def number_events(stage: MergeStage, after: int) -> int:
    """Have each event that the target lacks know its number there, and return how many they are."""
    stage.ask("UPDATE event SET event = number WHERE place = 0")
    stage.ask(
        "CREATE TEMP TABLE IF NOT EXISTS fresh (event INTEGER PRIMARY KEY, place INTEGER, number INTEGER, key TEXT)"
    )
    stage.ask("DELETE FROM fresh")
    stage.ask(
        "INSERT INTO fresh SELECT ? + row_number() OVER (ORDER BY place, number), place, number, key FROM event "
        "WHERE place > 0 AND NOT EXISTS (SELECT 1 FROM event AS known WHERE known.key = event.key AND "
        "known.place < event.place)",
        after,
    )
    stage.ask("UPDATE event SET event = fresh.event FROM fresh WHERE event.key = fresh.key")
    stage.ask(
        "UPDATE event SET event = known.number FROM event AS known "
        "WHERE event.event IS NULL AND known.place = 0 AND known.key = event.key"
    )
    ((count,),) = stage.ask("SELECT count(*) FROM fresh")
    return int(count)


def counted_news(stage: MergeStage) -> tuple[int, int, int]:
    """Return how many claims are new, how many have changed, and how many rows tell newly of where events come from."""
    ((new, changed),) = stage.ask("SELECT coalesce(sum(is_new), 0), coalesce(sum(is_changed), 0) FROM final")
    own = stage.identities[TARGET]
    ((lines,),) = stage.ask(f"SELECT count(*) FROM line WHERE {_IS_NEW_LINE}", own)  # noqa: S608
    ((seals,),) = stage.ask(f"SELECT count(*) FROM origin_seal WHERE {_IS_NEW_SEAL}", own)  # noqa: S608
    return int(new), int(changed), int(lines) + int(seals)


def write(stage: MergeStage, target: Connection, *, at: str, actor: str) -> None:
    """Write what is new into `target`, in the caller's transaction. Raises `LedgerError` where that fails."""
    query = "SELECT event.row, event.event FROM fresh JOIN event USING (place, number) ORDER BY fresh.event"
    put(target, events, ([number, *json.loads(row)[1:]] for row, number in _rows(stage, query)))
    _write_claims(stage, target)
    _write_origins(stage, target, at=at, actor=actor)
    derive(target)
    draw_after(target)
    write_row(target, read_row(target)._replace(foreign_until=last_event(target)))
    seal_within(target)
    _require_all(stage, target)


def _write_claims(stage: MergeStage, target: Connection) -> None:
    changed = "SELECT row FROM final WHERE is_changed = 1 ORDER BY claim_id"
    for part in parts(_decoded(stage, changed)):
        # For a moment they have no unit: one may have the other's, and the index of live claims has each once.
        now = _of_target(stage, part)
        change(target, claims, [_without_unit(row) for row in now if row[STATE] != "retired"], key="claim_id")
    for part in parts(_decoded(stage, changed)):
        change(target, claims, part, key="claim_id")
    ((last,),) = stage.ask("SELECT coalesce(max(seq), 0) FROM claim WHERE place = 0")
    new = (
        "SELECT final.row, min(place * 1000000000000 + seq) AS rank FROM final JOIN claim USING (claim_id) "
        "WHERE is_new = 1 GROUP BY claim_id ORDER BY rank"
    )
    numbered = enumerate(_rows(stage, new), start=int(last) + 1)
    put(target, claims, ([number, *json.loads(row)[1:]] for number, (row, _rank) in numbered))


def _of_target(stage: MergeStage, part: list[RawRow]) -> list[RawRow]:
    query = "SELECT row FROM claim WHERE place = 0 AND claim_id = ?"
    return [json.loads(text) for row in part for (text,) in stage.ask(query, row[_CLAIM_ID])]


def _without_unit(row: RawRow) -> RawRow:
    return [None if place == UNIT else value for place, value in enumerate(row)]


def _write_origins(stage: MergeStage, target: Connection, *, at: str, actor: str) -> None:
    own = stage.identities[TARGET]
    there = {row[0] for row in stream(target, origins)}
    found: dict[str, RawRow] = {}
    for place, identity, row in stage.ask("SELECT place, identity, row FROM origin WHERE place > 0 ORDER BY place"):
        if identity != own and identity not in there:
            found.setdefault(identity, json.loads(row) if row else (identity, stage.names[place], at, actor))
    put(target, origins, found.values())
    query = (
        "SELECT DISTINCT line.origin, line.number, event.event FROM line JOIN event USING (key) "  # noqa: S608
        f"WHERE event.place = line.place AND {_IS_NEW_LINE.replace('place > 0', 'line.place > 0')} ORDER BY 1, 2"
    )
    put(target, origin_events, _ranges(_rows(stage, query, own)))
    query = f"SELECT DISTINCT origin, seq, row FROM origin_seal WHERE {_IS_NEW_SEAL} ORDER BY 1, 2"  # noqa: S608
    put(target, origin_seals, ((origin, seq, *json.loads(row)) for origin, seq, row in _rows(stage, query, own)))


def _ranges(lines: Iterator[tuple[Any, ...]]) -> Iterator[RawRow]:
    """Yield `lines`, each an origin, a number there and one here, with those in one that follow each other."""
    now: list[Any] = []
    for origin, number, event in lines:
        if now and now[0] == origin and now[1] + now[3] == number and now[2] + now[3] == event:
            now[3] += 1
            continue
        if now:
            yield tuple(now)
        now = [origin, number, event, 1]
    if now:
        yield tuple(now)


def _require_all(stage: MergeStage, target: Connection) -> None:
    """Compare what is there with what was merged, row for row."""
    own = stage.identities[TARGET]
    for place, identity in enumerate(stage.identities):
        if place == TARGET or identity == own:
            continue
        here = events_of(target, identity)
        row = next(here, None)
        for number, digest in _rows(stage, "SELECT number, digest FROM event WHERE place = ? ORDER BY number", place):
            while row is not None and row[0] < number:
                row = next(here, None)
            if row is None or row[0] != number or event_digest(row) != digest:
                raise _lacks(events.name, number, stage.names[place])
        seals = {seal.seq: encoded(seal[1:]) for seal in seals_of(target, identity)}
        query = "SELECT seq, row FROM origin_seal WHERE place = ? AND origin = ?"
        for seq, text in _rows(stage, query, place, identity):
            if seals.get(seq) != text:
                raise _lacks(origin_seals.name, seq, stage.names[place])
    count = 0
    for found in stream(target, claims):
        count += 1
        expected = next(stage.ask("SELECT row FROM final WHERE claim_id = ?", found[_CLAIM_ID]), None)
        if expected is None or json.loads(expected[0])[1:] != list(found[1:]):
            raise LedgerError(f"Row {found[0]} of {claims.name} is not what was merged; nothing was merged; run again.")
    if ((count,),) != tuple(stage.ask("SELECT count(*) FROM final")):
        raise LedgerError(f"{claims.name} has not all claims that were merged; nothing was merged; run again.")


def _lacks(table: str, number: int, name: str) -> LedgerError:
    return LedgerError(f"Row {number} of {table} in {name} did not come along; nothing was merged; run again.")


def _decoded(stage: MergeStage, query: str) -> Iterator[RawRow]:
    return (json.loads(row) for (row,) in _rows(stage, query))


def _rows(stage: MergeStage, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
    return stage.cursor(query, *values)
