# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger keeps for speed, made anew from what it holds: counts, open conflicts, the boards of live claims."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy.engine import Connection

from ...identity.board_names import names_of_board
from ..bulk_rows import insert
from ..conflicts import SETTLING
from ..raw_rows import RawRow, raw_select
from ..schema import boards, claims, counts, events, open_conflicts
from .rows import parts

_IS_RESERVED = "CASE WHEN unit IS NULL AND state <> 'retired' THEN 1 ELSE 0 END"
_COUNT = (
    f"INSERT INTO {counts.name} (product, state, reserved, slot, number) "  # noqa: S608
    f"SELECT product, state, {_IS_RESERVED}, 0, count(*) FROM {claims.name} GROUP BY product, state, {_IS_RESERVED}"
)
_OPEN = (
    f"INSERT INTO {open_conflicts.name} (event, claim_id, product, unit) "  # noqa: S608
    f"SELECT id, claim_id, product, unit FROM {events.name} AS asked WHERE action = 'conflict' AND NOT EXISTS "
    f"(SELECT 1 FROM {events.name} AS later WHERE later.id > asked.id AND later.unit = asked.unit "
    "AND later.product = asked.product "
    f"AND later.action IN ({', '.join(repr(kind.value) for kind in sorted(SETTLING))}))"
)
_ON_BOARDS = (
    f"SELECT claim_id, product, details FROM {claims.name} "  # noqa: S608
    "WHERE state <> 'retired' AND unit IS NOT NULL AND details <> '{}' ORDER BY seq"
)


def derive(connection: Connection) -> None:
    """Make it anew in the caller's transaction."""
    for table in (counts, open_conflicts, boards):
        connection.execute(table.delete())
    connection.exec_driver_sql(_COUNT)
    connection.exec_driver_sql(_OPEN)
    for part in parts(_names(connection)):
        insert(connection, boards, ("name", "claim_id"), list(zip(*part, strict=True)))


def names_of(product: object, unit: object, state: object, details: object) -> frozenset[str]:
    """Return what names the board that a claim, a raw one, is on; nothing for one that is on none."""
    if unit is None or state == "retired" or details == "{}":
        return frozenset()
    try:
        known = json.loads(str(details))
    except (ValueError, RecursionError):
        return frozenset()
    return names_of_board(str(product), known) if isinstance(known, dict) else frozenset()


def _names(connection: Connection) -> Iterator[RawRow]:
    for claim_id, product, details in raw_select(connection, _ON_BOARDS):
        for name in sorted(names_of(product, "", "", details)):
            yield name, claim_id
