# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counts and the open conflicts, which the ledger keeps for speed, against what they follow from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable

from sqlalchemy.engine import Connection

from ...identity.board_names import names_of_board
from ..conflicts import SETTLING
from ..raw_rows import raw_select
from ..schema import boards, claims, counts, events, open_conflicts
from .findings import Findings

_LIVE_TWICE = (
    f"SELECT min(seq), max(seq) FROM {claims.name} WHERE state <> 'retired' AND unit IS NOT NULL "  # noqa: S608
    "GROUP BY unit, product HAVING count(*) > 1"
)
_COUNTED = (
    "SELECT product, state, CASE WHEN unit IS NULL AND state <> 'retired' THEN 1 ELSE 0 END AS reserved, count(*) "  # noqa: S608
    f"FROM {claims.name} GROUP BY product, state, CASE WHEN unit IS NULL AND state <> 'retired' THEN 1 ELSE 0 END"
)
_KEPT = f"SELECT product, state, reserved, number FROM {counts.name}"  # noqa: S608

_ON_BOARDS = (
    f"SELECT claim_id, product, details FROM {claims.name} "  # noqa: S608
    "WHERE state <> 'retired' AND unit IS NOT NULL AND details <> '{}'"
)
_KEPT_BOARDS = f"SELECT name, claim_id FROM {boards.name}"  # noqa: S608

_CONFLICTS = (
    f"SELECT id FROM {events.name} AS asked WHERE action = 'conflict' AND NOT EXISTS "  # noqa: S608
    f"(SELECT 1 FROM {events.name} AS later WHERE later.id > asked.id AND later.unit = asked.unit "
    "AND later.product = asked.product "
    f"AND later.action IN ({', '.join(repr(kind.value) for kind in sorted(SETTLING))}))"
)
_KEPT_CONFLICTS = f"SELECT event FROM {open_conflicts.name}"  # noqa: S608
_NO_CONFLICTS = (
    f"SELECT event FROM {open_conflicts.name} AS open WHERE NOT EXISTS (SELECT 1 FROM {events.name} AS asked "  # noqa: S608
    "WHERE asked.id = open.event AND asked.action = 'conflict' AND coalesce(asked.claim_id, '') = "
    "coalesce(open.claim_id, '') AND coalesce(asked.product, '') = coalesce(open.product, '') "
    "AND coalesce(asked.unit, '') = coalesce(open.unit, '')) ORDER BY event"
)


def check_tallies(connection: Connection, findings: Findings) -> None:
    """Count anew, and compare."""
    for first, last in raw_select(connection, _LIVE_TWICE):
        findings.add(f"Rows {first} and {last} of {claims.name}: both are the live claim of one unit.")
    kept: Counter[tuple[object, ...]] = Counter()
    for *which, number in raw_select(connection, _KEPT):
        if isinstance(number, int):
            kept[tuple(which)] += number
        else:
            findings.add(f"The table {counts.name} holds a value that is not a number of claims.")
    counted: dict[tuple[object, ...], int] = {tuple(row[:3]): int(row[3]) for row in raw_select(connection, _COUNTED)}
    for kind in sorted({*kept, *counted}, key=str):
        if kept[kind] != counted.get(kind, 0):
            findings.add(
                f"The table {counts.name} says {kept[kind]} where {claims.name} has "
                f"{counted.get(kind, 0)} claims of one product and state."
            )
    _check_boards(connection, findings)
    noted = {row[0] for row in raw_select(connection, _KEPT_CONFLICTS)}
    for (number,) in raw_select(connection, _CONFLICTS):
        if number not in noted:
            findings.add_row(events.name, number, f"this conflict is open, and {open_conflicts.name} does not have it")
    # One that is settled may stand there for a while: who changes the ledger at the same time does not see it.
    for (number,) in raw_select(connection, _NO_CONFLICTS):
        findings.add_row(open_conflicts.name, number, f"{events.name} has no such conflict")


def _check_boards(connection: Connection, findings: Findings) -> None:
    """Compare the boards by a sum over all of them, so that nothing has to be kept or sorted."""
    sums = [0, 0]

    def add(which: int, pairs: Iterable[tuple[str, str]]) -> None:
        for name, claim_id in pairs:
            mark = hashlib.sha256(f"{name}\0{claim_id}".encode("utf-8", "surrogateescape")).digest()
            sums[which] += int.from_bytes(mark)

    for claim_id, product, details in raw_select(connection, _ON_BOARDS):
        try:
            known = json.loads(details)
        except (ValueError, RecursionError):
            known = None
        if not isinstance(known, dict):
            return  # the row is told of where rows are looked at
        add(0, ((name, str(claim_id)) for name in names_of_board(str(product), known)))
    add(1, ((str(name), str(claim_id)) for name, claim_id in raw_select(connection, _KEPT_BOARDS)))
    if sums[0] != sums[1]:
        findings.add(f"The table {boards.name} has other boards than those that {claims.name} tells of.")
