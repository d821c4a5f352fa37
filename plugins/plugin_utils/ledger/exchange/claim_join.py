# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One claim that several ledgers tell of: which of them knows most, or why nobody can say.

Of two ledgers, the one that has all events of the claim which the other has, and more, knows what became of it. Where
each has some that the other lacks, as where a unit was moved between two sites, they have to agree on the unit, and
then the claim has come as far as it came anywhere. So it makes no difference in which order ledgers are merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import combinations
from typing import Any, NamedTuple

from ...claim_ids import mask
from ...display_text import printable
from ...identity.mac_addresses import is_same_serial
from ..records import State
from ..schema import claims

_NAMES = [column.name for column in claims.c]
CLAIM_ID, PRODUCT, UNIT, STATE = map(_NAMES.index, ("claim_id", "product", "unit", "state"))
_CREATED, _UPDATED, _TWIN, _UNSETTLED = map(_NAMES.index, ("created_at", "updated_at", "twin", "unsettled_at"))
DETAILS = _NAMES.index("details")
_ORDER = {state.value: order for order, state in enumerate(State)}
_RETIRED = State.RETIRED.value

Row = Sequence[Any]


class Told(NamedTuple):
    """A claim as one ledger has it, a raw row, and the keys of the events by which it came to be so."""

    place: int
    row: Row
    events: Set[str]


def join(told: Sequence[Told], names: Sequence[str]) -> Row | str:
    """Return the claim as it is, or the conflict as a sentence; `names` are those of the ledgers, by their places."""
    knowing = _maximal(told)
    rows = [one.row for one in knowing]
    if sentence := _conflict(knowing, names):
        return sentence
    target = next((one.row for one in told if one.place == 0), None)
    if target is not None and target[STATE] == _RETIRED:
        return target  # what is retired is never changed
    best: list[Any] = list(max(rows, key=_rank))
    # What is retired is as it was when that happened, since nothing could change it afterwards either.
    if len(rows) > 1 and best[STATE] != _RETIRED:
        best[_CREATED] = min(row[_CREATED] for row in rows)
        best[_TWIN] = max((row[_TWIN] for row in rows if row[_TWIN] is not None), default=None)
        best[_UNSETTLED] = min((row[_UNSETTLED] for row in rows if row[_UNSETTLED] is not None), default=None)
    return best


def _maximal(told: Sequence[Told]) -> list[Told]:
    """Return what those say who know something that nobody else knows."""
    found: dict[frozenset[str], Told] = {}
    for one in told:
        known = frozenset(one.events)
        if any(known < other.events for other in told):
            continue
        if known not in found or _rank(found[known].row) < _rank(one.row):
            found[known] = one
    return list(found.values())


def _rank(row: Iterable[Any]) -> tuple[Any, ...]:
    row = list(row)
    rest = [str(value) for value in row[1:]]  # but the number of the row, which is the ledger's own
    return _ORDER.get(row[STATE], -1), row[UNIT] is not None, row[_UPDATED], rest


def _conflict(told: Sequence[Told], names: Sequence[str]) -> str | None:
    for first, other in combinations(told, 2):
        # Retired everywhere, nobody will ever have it: the history tells of both units.
        if other.row[PRODUCT] != first.row[PRODUCT] and not first.row[STATE] == other.row[STATE] == _RETIRED:
            return (
                f"The claim ID {_masked(first)} is of product {printable(first.row[PRODUCT])} in {names[first.place]} "
                f"and of product {printable(other.row[PRODUCT])} in {names[other.place]}, and belongs to neither; give "
                "each unit that has it another one (ioto_replace_id), so that it is retired in both ledgers, and merge "
                "again."
            )
    live = [one for one in told if one.row[STATE] != _RETIRED]
    retired = [one for one in told if one.row[STATE] == _RETIRED]
    for one in live:
        for other in live:
            if one.row[UNIT] and other.row[UNIT] and not is_same_serial(one.row[UNIT], other.row[UNIT]):
                return (
                    f"The claim ID {_masked(one)} is of unit {_unit(one)} in {names[one.place]} and of unit "
                    f"{_unit(other)} in {names[other.place]}; find out which of them has it, and rebind it to that one "
                    "in the other ledger (ioto_ledger_job=rebind)."
                )
        for other in retired:
            if one.row[UNIT] and not (other.row[UNIT] and is_same_serial(one.row[UNIT], other.row[UNIT])):
                return (
                    f"The claim ID {_masked(one)} is in use by unit {_unit(one)} in {names[one.place]} and retired, of "
                    f"unit {_unit(other)}, in {names[other.place]}, and a retired ID is never used again; give unit "
                    f"{_unit(one)} another one (ioto_replace_id)."
                )
    return None


def two_of_a_unit(first: Row, second: Row, where: Mapping[str, str]) -> str:
    """Return the conflict of a unit that has two live claims; `where` has the ledger's name by claim ID."""
    one, other = sorted((first, second), key=lambda row: str(row[CLAIM_ID]))
    return (
        f"The unit {printable(str(one[UNIT]))} of product {printable(one[PRODUCT])} has the claim ID "
        f"{mask(one[CLAIM_ID])} in {where[one[CLAIM_ID]]} and {mask(other[CLAIM_ID])} in {where[other[CLAIM_ID]]}; "
        "find out which one is on the device, and retire the other (ioto_ledger_job=retire)."
    )


def two_of_a_board(name: str, first: Row, second: Row, where: Mapping[str, str]) -> str:
    """Return the conflict of a board that is two units; otherwise as `two_of_a_unit`."""
    one, other = sorted((first, second), key=lambda row: str(row[CLAIM_ID]))
    return (
        f"The board with the {printable(name)} is unit {printable(str(one[UNIT]))} in {where[one[CLAIM_ID]]} and unit "
        f"{printable(str(other[UNIT]))} in {where[other[CLAIM_ID]]}; find out which it is, and retire the other claim "
        "(ioto_ledger_job=retire)."
    )


def _masked(told: Told) -> str:
    return mask(str(told.row[CLAIM_ID]))


def _unit(told: Told) -> str:
    return "none" if told.row[UNIT] is None else printable(str(told.row[UNIT]))
