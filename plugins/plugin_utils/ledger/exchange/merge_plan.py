# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of several ledgers when they are one: each claim as it is then, and all that contradicts itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby
from operator import itemgetter

from ...identity.mac_addresses import is_same_serial, normal_serial
from ..schema import events
from .claim_join import CLAIM_ID, DETAILS, PRODUCT, STATE, UNIT, Row, Told, join, two_of_a_board, two_of_a_unit
from .derived import names_of
from .merge_stage import TARGET, MergeStage, encoded

_FINAL = "INSERT INTO final VALUES (?, ?, ?, ?, ?, ?, ?)"
_LIVE_TWICE = (
    "SELECT product, unit FROM final WHERE is_live = 1 AND unit IS NOT NULL GROUP BY product, unit HAVING count(*) > 1"
)
_ON_ONE_BOARD = "SELECT name FROM board GROUP BY name HAVING count(*) > 1"


def plan(stage: MergeStage) -> Iterator[str]:
    """Have `stage` know what each claim is once all are one, and yield every conflict, a sentence each."""
    yield from _diverged(stage)
    yield from _changed_events(stage)
    stage.ask("DELETE FROM final")
    stage.ask("DELETE FROM board")
    yield from _join_claims(stage)
    stage.ask("CREATE INDEX IF NOT EXISTS final_unit ON final (product, unit)")
    stage.ask("CREATE INDEX IF NOT EXISTS board_name ON board (name)")
    yield from _units_twice(stage)
    yield from _boards_twice(stage)


def _diverged(stage: MergeStage) -> Iterator[str]:
    """Yield where two tell of one ledger, and not the same: one of them was restored, or is a copy that went on."""
    names = stage.names
    query = (
        "SELECT origin, min(number), group_concat(DISTINCT place) FROM line WHERE (origin, number) IN "
        "(SELECT origin, number FROM line GROUP BY origin, number HAVING count(DISTINCT key) > 1) GROUP BY origin"
    )
    told = set()
    for origin, number, places in stage.ask(query):
        told.add(origin)
        where = " and ".join(names[int(place)] for place in sorted(places.split(",")))
        yield (
            f"{where} hold one ledger that went two ways from its event {number} on, as a copy that was used does; "
            "take the right one, and import the claims of the other from CSV (ioto_ledger_job=export and import)."
        )
    own = stage.identities[TARGET]
    query = (
        "SELECT place, min(number) FROM line AS theirs WHERE origin = ? AND place > 0 AND NOT EXISTS "
        "(SELECT 1 FROM line AS ours WHERE ours.origin = theirs.origin AND ours.number = theirs.number "
        "AND ours.place = 0) GROUP BY place"
    )
    for place, number in stage.ask(query, own) if own not in told else ():
        yield (
            f"{names[place]} has events of {names[TARGET]} from number {number} on which that lacks, so that is an "
            "older state of it; restore the newest backup, or move the newer one there (ioto_ledger_job=move)."
        )
    query = (
        "SELECT origin, min(seq), group_concat(DISTINCT place) FROM origin_seal WHERE (origin, seq) IN (SELECT origin, "
        "seq FROM origin_seal GROUP BY origin, seq HAVING count(DISTINCT row) > 1) GROUP BY origin"
    )
    for origin, seq, places in stage.ask(query):
        if origin not in told:
            where = " and ".join(names[int(place)] for place in sorted(places.split(",")))
            yield (
                f"{where} hold one ledger with another seal {seq} each, as a copy that was used does; take the right "
                "one, and import the claims of the other from CSV (ioto_ledger_job=export and import)."
            )


def _changed_events(stage: MergeStage) -> Iterator[str]:
    query = (
        "SELECT a.place, a.number, b.place, b.number FROM event AS a JOIN event AS b ON a.key = b.key "
        "WHERE (a.place < b.place AND a.digest <> b.digest) OR (a.place = b.place AND a.number < b.number)"
    )
    for place, number, other, same in stage.ask(query):
        yield (
            f"Row {number} of {events.name} in {stage.names[place]} and row {same} in {stage.names[other]} have one "
            "key and are two events, so one of them was changed; restore that ledger's backup."
        )


def _join_claims(stage: MergeStage) -> Iterator[str]:
    found: list[tuple[object, ...]] = []
    boards: list[tuple[str, str]] = []
    conflicts: list[str] = []
    query = "SELECT claim_id, place, row FROM claim ORDER BY claim_id, place"
    for claim_id, grouped in groupby(stage.cursor(query), itemgetter(0)):
        told = [(place, json.loads(row)) for _claim_id, place, row in grouped]
        row = _joined(stage, claim_id, told)
        if isinstance(row, str):
            conflicts.append(row)
            continue
        before = next((known for place, known in told if place == TARGET), None)
        is_live = row[STATE] != "retired"
        unit = None if row[UNIT] is None else normal_serial(str(row[UNIT]))
        changed = before is not None and list(before[1:]) != list(row[1:])
        found.append((claim_id, row[PRODUCT], unit, is_live, encoded(row), before is None, changed))
        boards += [(name, claim_id) for name in names_of(row[PRODUCT], row[UNIT], row[STATE], row[DETAILS])]
        if len(found) >= 1000:
            _keep(stage, found, boards)
    _keep(stage, found, boards)
    yield from conflicts


def _keep(stage: MergeStage, found: list[tuple[object, ...]], boards: list[tuple[str, str]]) -> None:
    stage.fill(_FINAL, found)
    stage.fill("INSERT INTO board VALUES (?, ?)", boards)
    found.clear()
    boards.clear()


def _joined(stage: MergeStage, claim_id: str, told: Sequence[tuple[int, Row]]) -> Row | str:
    first = told[0][1]
    if all(list(row[1:]) == list(first[1:]) for _place, row in told[1:]):
        return first
    known: dict[int, set[str]] = {}
    for place, key in stage.ask("SELECT place, key FROM event WHERE claim_id = ?", claim_id):
        known.setdefault(place, set()).add(key)
    return join([Told(place, row, known.get(place, set())) for place, row in told], stage.names)


def _units_twice(stage: MergeStage) -> Iterator[str]:
    for product, unit in list(stage.ask(_LIVE_TWICE)):
        query = "SELECT row FROM final WHERE is_live = 1 AND product = ? AND unit = ?"
        rows = [json.loads(row) for (row,) in stage.ask(query, product, unit)]
        for one, other in combinations(rows, 2):
            if where := _apart(stage, one, other):
                yield two_of_a_unit(one, other, where)


def _boards_twice(stage: MergeStage) -> Iterator[str]:
    told: set[frozenset[str]] = set()
    for (name,) in list(stage.ask(_ON_ONE_BOARD)):
        query = "SELECT final.row FROM board JOIN final USING (claim_id) WHERE name = ?"
        rows = [json.loads(row) for (row,) in stage.ask(query, name)]
        for one, other in combinations(rows, 2):
            pair = frozenset((str(one[CLAIM_ID]), str(other[CLAIM_ID])))
            if pair in told or is_same_serial(one[UNIT], other[UNIT]):
                continue
            told.add(pair)
            if where := _apart(stage, one, other):
                yield two_of_a_board(name, one, other, where)


def _apart(stage: MergeStage, one: Row, other: Row) -> Mapping[str, str] | None:
    """Return in which ledger each of two claims is, by its ID; None where one ledger has both so already."""
    live: dict[str, set[int]] = {}
    for row in (one, other):
        claim_id = str(row[CLAIM_ID])
        for place, text in stage.ask("SELECT place, row FROM claim WHERE claim_id = ?", claim_id):
            known = json.loads(text)
            if known[STATE] != "retired" and known[UNIT] is not None and is_same_serial(known[UNIT], row[UNIT]):
                live.setdefault(claim_id, set()).add(place)
    here, there = (live.get(str(row[CLAIM_ID]), {TARGET}) for row in (one, other))
    if here & there:
        return None
    return {str(row[CLAIM_ID]): stage.names[min(live.get(str(row[CLAIM_ID]), {TARGET}))] for row in (one, other)}
