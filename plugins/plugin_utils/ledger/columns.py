# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A column of the ledger is declared once, as a field of `Claim` or `Event`; the rest reads the declaration.

The type of a field says what its column holds, and whether it may be empty. What a type does not say, a `LedgerColumn`
in its annotation does. From that follow the tables (`schema`), rows (`row_values`), files (`transfer`), the results of
tasks, the service's answers and their description, and the tables of a report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum, auto
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from .. import claim_ids


class ValueKind(Enum):
    """What a column holds."""

    TEXT = auto()
    NUMBER = auto()
    MOMENT = auto()
    WORD = auto()
    """One of an enumeration."""
    OBJECT = auto()
    """Stored as JSON."""


@dataclass(frozen=True, slots=True)
class LedgerColumn:
    """A column, and in an annotation what the field's type does not say of it."""

    name: str = ""
    """In the database; the field's, unless said."""
    task_name: str = ""
    """In the results of tasks, in files, reports and the service's answers; the same, unless said."""
    parse: Callable[[str], str] | None = None
    """What makes the one form of a name that is kept; a text without is free."""
    is_claim_id: bool = False
    """Whether it is masked."""
    is_row_number: bool = False
    """Whether the database gives it."""
    is_told: bool = True
    """Whether the service's answers have it."""
    is_reported: bool = True
    """Whether a report has it for each unit."""

    # What follows from the field.
    field: str = ""
    kind: ValueKind = ValueKind.TEXT
    is_optional: bool = False
    words: type[StrEnum] | None = None
    """The enumeration; None for a column that holds no word."""
    takes_unknown_words: bool = False
    """Whether an old ledger may hold a word that the enumeration lacks."""

    def shown(self, value: Any, *, reveal: bool) -> object:
        """Return `value` as JSON may hold it; a claim ID masked unless `reveal`."""
        if value is None:
            return None
        if self.is_claim_id:
            return value if reveal else claim_ids.mask(value)
        if self.kind is ValueKind.MOMENT:
            return value.isoformat()
        if self.kind is ValueKind.WORD:
            return str(value)
        return dict(value) if self.kind is ValueKind.OBJECT else value


@cache
def columns_of(record: type) -> tuple[LedgerColumn, ...]:
    """Return the columns that the fields of `record`, a named tuple, declare, in their order."""
    return tuple(_column(field, hint) for field, hint in get_type_hints(record, include_extras=True).items())


def shown(record: tuple[Any, ...], *, reveal: bool) -> dict[str, object]:
    """Return a record as JSON may hold it, by the names of its columns; claim IDs are masked unless `reveal`."""
    return {
        column.name: column.shown(value, reveal=reveal)
        for column, value in zip(columns_of(type(record)), record, strict=True)
    }


def shown_by_task(record: tuple[Any, ...], *, reveal: bool) -> dict[str, Any]:
    """Return a record as a task's result has it; otherwise as `shown`."""
    return {
        column.task_name: column.shown(value, reveal=reveal)
        for column, value in zip(columns_of(type(record)), record, strict=True)
        if not column.is_row_number
    }


def told_by_service(record: tuple[Any, ...], *, reveal: bool) -> dict[str, object]:
    """Return a record as the service tells it; otherwise as `shown`."""
    return {
        column.task_name: column.shown(value, reveal=reveal)
        for column, value in zip(columns_of(type(record)), record, strict=True)
        if column.is_told
    }


def _column(field: str, hint: Any) -> LedgerColumn:
    said = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, LedgerColumn)), None)
    types = get_args(hint)[0] if said is not None else hint
    parts = get_args(types) if get_origin(types) is UnionType else (types,)
    chosen = [part for part in parts if part is not NoneType]
    words = next((part for part in chosen if isinstance(part, type) and issubclass(part, StrEnum)), None)
    name = (said.name if said else "") or field
    return replace(
        said or LedgerColumn(),
        name=name,
        task_name=(said.task_name if said else "") or name,
        field=field,
        kind=ValueKind.WORD if words else _KINDS[get_origin(chosen[0]) or chosen[0]],
        is_optional=NoneType in parts,
        words=words,
        takes_unknown_words=str in chosen and words is not None,
    )


_KINDS: Mapping[Any, ValueKind] = {
    str: ValueKind.TEXT,
    int: ValueKind.NUMBER,
    datetime: ValueKind.MOMENT,
    Mapping: ValueKind.OBJECT,
}
