# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boards the live claims are on: a board that is a unit already is given no ID as another one.

A board is known by its names, as `identity.board_names` has them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy.engine import Connection

from ..identity.board_names import names_of_board
from ..identity.mac_addresses import is_same_serial
from . import advisory_locks
from .bulk_rows import array, execute, insert, read_on_boards
from .records import AllocationRequest, Claim
from .schema import boards

_NONE: frozenset[str] = frozenset()
_LOCK = (
    f"SELECT count(pg_advisory_xact_lock({advisory_locks.BOARDS}, number)) "  # noqa: S608
    "FROM (SELECT unnest(%s::int[]) AS number ORDER BY 1) AS wanted"
)
_REMOVE = f"DELETE FROM {boards.name} WHERE name = ? AND claim_id = ?"  # noqa: S608
_REMOVE_ARRAYS = (
    f"DELETE FROM {boards.name} AS old USING unnest(%s::text[], %s::text[]) AS gone (name, claim_id) "  # noqa: S608
    "WHERE old.name = gone.name AND old.claim_id = gone.claim_id"
)


class KnownBoards:
    """Claims and the names of their boards, as they were read, as they are now, and as they will be written."""

    def __init__(self) -> None:
        """Begin with none."""
        self._written: dict[str, frozenset[str]] = {}
        self._now: dict[str, frozenset[str]] = {}
        self._by_name: dict[str, dict[str, None]] = {}

    def read(self, connection: Connection, names: Iterable[str], *, lock: bool) -> Iterator[Claim]:
        """Return the live claims on the boards with those `names`; with `lock` nobody else binds these meanwhile."""
        wanted = sorted(set(names))
        if wanted and lock and connection.dialect.name == "postgresql":
            # Two who bind one board would not see each other's claims. On SQLite only one writes.
            execute(connection, _LOCK, (array(lock_numbers(wanted)),))
        return read_on_boards(connection, wanted)

    def put(self, claim: Claim, *, is_written: bool = False) -> None:
        """Take in a claim as it is now, or, with `is_written`, as it was read."""
        on_board = claim.is_live and claim.unit is not None
        names = names_of_board(claim.product, claim.details) if on_board else _NONE
        if is_written:
            self._written[claim.claim_id] = names
        if names or claim.claim_id in self._now:
            self._now[claim.claim_id] = names
        for name in names:
            self._by_name.setdefault(name, {})[claim.claim_id] = None

    def holders(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the IDs of the claims on boards that have one of `names` now."""
        for name in names:
            yield from (claim_id for claim_id in self._by_name.get(name, ()) if name in self._now[claim_id])

    def save(self, connection: Connection) -> None:
        """Write what has changed."""
        added, removed = [], []
        for claim_id, names in self._now.items():
            before = self._written.get(claim_id, _NONE)
            if names != before:
                added += [(name, claim_id) for name in names - before]
                removed += [(name, claim_id) for name in before - names]
        if removed and connection.dialect.name == "postgresql":
            execute(connection, _REMOVE_ARRAYS, tuple(map(array, zip(*removed, strict=True))))
        elif removed:
            for row in removed:
                execute(connection, _REMOVE, row)
        if added:
            insert(connection, boards, ("name", "claim_id"), list(zip(*sorted(added), strict=True)))


def lock_numbers(names: Iterable[str]) -> list[int]:
    """Return the locks that stand for boards with these `names`, in the order in which everybody takes them."""
    return sorted({zlib.crc32(name.encode()) - 2**31 for name in names})


def shared_names(claim: Claim, request: AllocationRequest) -> frozenset[str]:
    """Return what the boards of `claim` and of `request` are both called, where these are two units."""
    if not claim.is_live or claim.unit is None or is_same_serial(claim.unit, request.unit):
        return _NONE
    return names_of_board(claim.product, claim.details) & names_of_board(request.product, request.details)


def brings_another_board(live: Claim, request: AllocationRequest) -> bool:
    """Whether the board of `request` has a name that the one of its unit's `live` claim lacks."""
    names = names_of_board(request.product, request.details)
    return not names <= names_of_board(live.product, live.details)


def second_unit_on_board(claims: Mapping[str, Claim], known: KnownBoards, request: AllocationRequest) -> Claim | None:
    """Return the claim of another unit that the board of `request` is already, among `claims`."""
    for claim_id in known.holders(sorted(names_of_board(request.product, request.details))):
        if shared_names(claims[claim_id], request):
            return claims[claim_id]
    return None
