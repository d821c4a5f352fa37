# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many claims there are of each kind, kept up to date with every change, so that nobody has to count them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from .bulk_rows import Statement, array
from .records import Claim, LedgerError, LedgerSummary, State
from .schema import counts

_SLOTS = 64
"""Rows of one kind on PostgreSQL: a writer changes the one of its backend, so that seldom two wait for each other."""


class ClaimKind(NamedTuple):
    """What claims are counted by. `reserved`: 1 for a live one that belongs to no unit yet, else 0."""

    product: str
    state: str
    reserved: int

    @classmethod
    def of(cls, claim: Claim) -> ClaimKind:
        """Return the kind of `claim`."""
        return cls(claim.product, claim.state.value, int(claim.unit is None and claim.is_live))


def count_statements(dialect: str, changes: Mapping[ClaimKind, int]) -> list[Statement]:
    """Return what adds `changes`, more or fewer claims of each kind, to what is counted."""
    # In one order for all, so that two writers wait for each other and not in a ring.
    rows = sorted((*kind, number) for kind, number in changes.items() if number)
    if not rows:
        return []
    if dialect == "postgresql":
        return [(_COUNT_ARRAYS, tuple(map(array, zip(*rows, strict=True))))]
    return [(_count_values(len(rows)), tuple(value for row in rows for value in row))]


def read_summary(connection: Connection) -> LedgerSummary:
    """Return how many claims there are."""
    found: Counter[ClaimKind] = Counter()
    kind = (counts.c.product, counts.c.state, counts.c.reserved)
    for *names, number in connection.execute(select(*kind, func.sum(counts.c.number)).group_by(*kind).order_by(*kind)):
        found[ClaimKind(*names)] += int(number)
    states = dict.fromkeys(State, 0)
    products: dict[str, dict[State, int]] = {}
    for (product, state, _reserved), number in found.items():
        if number:
            if state not in states:
                raise LedgerError(
                    f"The ledger is damaged: {number} of its claims have an unknown state; restore the ledger "
                    "from its backup."
                )
            states[State(state)] += number
            products.setdefault(product, dict.fromkeys(State, 0))[State(state)] += number
    return LedgerSummary(
        total=sum(states.values()),
        reserved=sum(number for kind, number in found.items() if kind.reserved),
        states=states,
        products=products,
    )


_INTO = f"INSERT INTO {counts.name} (product, state, reserved, slot, number) "
_ADD = f"ON CONFLICT (product, state, reserved, slot) DO UPDATE SET number = {counts.name}.number + excluded.number"
_COUNT_ARRAYS = (
    f"{_INTO}SELECT product, state, reserved, pg_backend_pid() %% {_SLOTS}, number "  # noqa: S608
    "FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[]) AS changed (product, state, reserved, number) "
    f"{_ADD}"
)


@cache
def _count_values(size: int) -> str:
    return f"{_INTO}VALUES {', '.join(['(?, ?, ?, 0, ?)'] * size)} {_ADD}"
