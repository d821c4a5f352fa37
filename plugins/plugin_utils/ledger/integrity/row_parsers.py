# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a row for itself: each value can be read, by what the declaration of its column says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy import Table

from ...errors import IotoError
from ..columns import LedgerColumn, ValueKind, columns_of
from ..event_kinds import EventKind
from ..raw_rows import RawRow
from ..records import Claim, Event, State
from ..schema import claims, events

BIRTHS = (EventKind.ALLOCATED, EventKind.RESERVED, EventKind.IMPORTED)
CHANGES = (
    *BIRTHS,
    *(EventKind.BOUND, EventKind.REBOUND),
    *(EventKind.WRITTEN, EventKind.VERIFIED, EventKind.LABELLED, EventKind.RETIRED),
)
"""What happens to a claim and changes its unit or its state."""
DOUBTS = (EventKind.TWINS, EventKind.RESOLVED, EventKind.UNSETTLED, EventKind.SETTLED)
"""What casts doubt on a claim, or takes it away."""
_CHANGES = frozenset(CHANGES)
_TIME_LENGTH = 26


@dataclass(frozen=True, slots=True)
class _RowRules:
    """How the values of a raw row are looked at: those that are text, those that must be there, and the parsers."""

    texts: Callable[[RawRow], tuple[Any, ...]]
    needed: Callable[[RawRow], tuple[Any, ...]]
    columns: list[tuple[int, LedgerColumn]]
    parsers: list[tuple[int, str, Callable[[str], bool]]]
    """Position, name, and whether a value is what the column holds."""
    names: list[tuple[int, str, Callable[[str], bool]]]
    """The same for what names a claim or a unit."""

    @classmethod
    def of(cls, table: Table, record: type) -> _RowRules:
        """Return the rules for raw rows of `table`, whose columns `record` declares."""
        places = {column.name: place for place, column in enumerate(table.c)}
        columns = [(places[column.name], column) for column in columns_of(record) if not column.is_row_number]
        return cls(
            texts=itemgetter(*(place for place, column in columns if column.kind is not ValueKind.NUMBER)),
            needed=itemgetter(*(place for place, column in columns if not column.is_optional)),
            columns=columns,
            parsers=[(place, column.name, is_one) for place, column in columns if (is_one := _test_of(column))],
            names=[(place, column.name, partial(_parses, column.parse)) for place, column in columns if column.parse],
        )

    def text_problems(self, row: RawRow) -> list[str]:
        """Return what is wrong before anything is parsed; mostly nothing, which is said at once."""
        try:
            text = "".join([value for value in self.texts(row) if value is not None])
            if (text.isascii() or _is_unicode(text)) and None not in self.needed(row):
                return []
        except TypeError:
            pass  # a value that is not a text
        return [
            f"its {column.name} {problem}"
            for place, column in self.columns
            if (problem := _problem(column, row[place]))
        ]

    def parser_problems(self, row: RawRow, *, with_names: bool) -> Iterator[str]:
        """Yield what is wrong with values that are text."""
        for place, name, is_one in (*self.parsers, *self.names) if with_names else self.parsers:
            if row[place] is not None and not is_one(row[place]):
                yield f"its {name} cannot be read"


def claim_problems(row: RawRow) -> Iterator[str]:
    """Yield what is wrong with a row of the claims."""
    if wrong := _OF_CLAIMS.text_problems(row):
        yield from wrong
        return
    yield from _OF_CLAIMS.parser_problems(row, with_names=True)
    unit, state = _unit_and_state(row)
    if unit is None and state not in (State.ALLOCATED, State.RETIRED):
        yield "its state needs a unit, and it has none"


def event_problems(row: RawRow) -> Iterator[str]:
    """Yield what is wrong with a row of the events.

    A kind that this version does not know is no problem. What names a claim must be readable where it changed one;
    otherwise it may be what somebody scanned.
    """
    if wrong := _OF_EVENTS.text_problems(row):
        yield from wrong
        return
    action, claim_id = _action_and_claim_id(row)
    yield from _OF_EVENTS.parser_problems(row, with_names=action in _CHANGES)
    if claim_id is None and action in _CHANGES:
        yield "its claim_id is missing"


def _problem(column: LedgerColumn, value: object) -> str:
    if value is None:
        return "" if column.is_optional else "is missing"
    if column.kind is ValueKind.NUMBER:
        return "" if isinstance(value, int) else "is not a number"
    if not isinstance(value, str):
        return "is not text"
    return "" if _is_unicode(value) else "is not UTF-8"


def _test_of(column: LedgerColumn) -> Callable[[str], bool] | None:
    """Return what tells whether a text is what the column holds; None where any is."""
    if column.kind is ValueKind.MOMENT:
        return _is_time
    if column.kind is ValueKind.OBJECT:
        return _is_object
    if column.kind is ValueKind.NUMBER:
        return _is_number
    if column.words is not None:
        return bool if column.takes_unknown_words else frozenset(column.words).__contains__
    return None


@lru_cache(maxsize=4096)
def _parses(parse: Callable[[str], str], text: str) -> bool:
    # Events of one claim mostly follow each other.
    try:
        return parse(text) == text
    except IotoError:
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, int)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_time(text: str) -> bool:
    # The same letters always separate; `fromisoformat` takes others.
    if len(text) != _TIME_LENGTH or text[10] != " " or text[19] != ".":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_object(text: str) -> bool:
    if text == "{}":
        return True
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


_OF_CLAIMS = _RowRules.of(claims, Claim)
_OF_EVENTS = _RowRules.of(events, Event)
_CLAIM_NAMES = [column.name for column in claims.c]
_unit_and_state = itemgetter(*map(_CLAIM_NAMES.index, ("unit", "state")))
_EVENT_NAMES = [column.name for column in events.c]
_action_and_claim_id = itemgetter(*map(_EVENT_NAMES.index, ("action", "claim_id")))
