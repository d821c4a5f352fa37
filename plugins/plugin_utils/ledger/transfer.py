# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims as CSV and JSON Lines: out of one ledger, into another, or in from a list of IDs made elsewhere.

A file says for each claim what `COLUMNS` name, the columns of `Claim` as tasks and reports call them; `claim_id` and
`product` must be there. An empty serial is a reserved ID.
Times are ISO 8601 with a time zone; details are a JSON object.

CSV opens in a spreadsheet, which takes a cell that begins with =, +, -, @, a tab or a line break for a formula. Such a
cell is written with an apostrophe before it, and one that begins with an apostrophe gets a second, so that reading
takes off exactly what writing put there.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ..claim_ids import MAX_UNIT_LENGTH, quoted_masked
from ..csv_reader import CsvFormat, LineProblem, Source, fold_title, read_lines, read_rows, title_problems
from ..display_text import printable, quoted
from ..errors import IotoError
from ..identity.facts import values_of
from .columns import LedgerColumn, ValueKind, columns_of, shown_by_task
from .import_stage import ImportStage
from .ledger import Ledger
from .migrations.step_3 import moved
from .records import Claim, Context, LedgerError, State

COLUMNS = tuple(column.task_name for column in columns_of(Claim))
FORMATS = ("csv", "jsonl")

Values = dict[str, object]

_REQUIRED = ("claim_id", "product")
_FORMER = {column.name: column.task_name for column in columns_of(Claim) if column.name != column.task_name}
"""What columns were called in files of earlier versions."""
_MOVED = frozenset({"run", "twin", "unsettled_at"})
"""What stands among the details in a file from a ledger of schema 2."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_EMPTY = "Nothing was imported, because the file is empty; see whether it is the one that you mean."
_GUARDED = (*_FORMULA_STARTS, "'")
_MOST_DEEP = 100


MAX_LISTED = 1000
"""Bad lines that are listed: more would fill the memory and the screen, and tell nothing more."""


class ImportRowsError(LedgerError):
    """A file that was not imported; `problems` has its bad lines, the first `MAX_LISTED` that were found of `count`."""

    def __init__(self, problems: Iterable[LineProblem], count: int, path: Path | None = None) -> None:
        self.problems = sorted(problems)
        lines = "\n".join(str(problem) for problem in self.problems)
        unlisted = count - len(self.problems)
        more = f"\n… and {unlisted} more." if unlisted else ""
        bad = f"{count} bad line{'s' if count > 1 else ''}"
        # A whole ledger may have been read for other ends than an import.
        undone = "imported" if path is None else f"taken from {printable(str(path))}"
        super().__init__(f"Nothing was {undone}, because of {bad}; correct them and run again:\n{lines}{more}")


class _BadLines:
    """What is wrong with a file, as far as it is listed, and how much it is in all."""

    def __init__(self) -> None:
        self.count = 0
        self._listed: list[LineProblem] = []

    def add(self, problem: LineProblem) -> None:
        self.count += 1
        if len(self._listed) < MAX_LISTED:
            self._listed.append(problem)

    def refuse(self) -> None:
        """Raise `ImportRowsError` where there are any."""
        if self.count:
            raise ImportRowsError(self._listed, self.count)


@dataclass(frozen=True, slots=True)
class Imported:
    """How many claims are new, moved on (or got their unit), and were so already."""

    added: int
    changed: int
    unchanged: int


def export_claims(claims: Iterable[Claim], stream: TextIO, fmt: str) -> int:
    """Write `claims` to `stream` as `csv` or `jsonl`, and return how many they were.

    The IDs are written in full: make the file 0600. Open it as UTF-8 with `newline=""`.
    """
    _check_format(fmt)
    count = 0
    writer = csv.writer(stream)
    if fmt == "csv":
        writer.writerow(COLUMNS)
    for count, claim in enumerate(claims, start=1):  # noqa: B007
        values = shown_by_task(claim, reveal=True)
        if fmt == "csv":
            writer.writerow([guard_formula(_cell(values[column])) for column in COLUMNS])
        else:
            stream.write(json.dumps(values) + "\n")
    return count


def import_claims(ledger: Ledger, source: Source, fmt: str, *, context: Context, check_only: bool = False) -> Imported:
    """Bring the claims of a `csv` or `jsonl` file into the ledger in one transaction.

    A claim that the ledger has for the same unit moves forward to the file's state, never back, and a reserved one
    gets its unit; so importing the same file again changes nothing. Where any line is bad, or contradicts the ledger
    or another line, nothing is imported and `ImportRowsError` names every such line. `check_only` changes nothing and
    says what would be.
    """
    bad_lines = _BadLines()
    with ImportStage() as stage:
        for row in read_claims(source, fmt):
            if isinstance(row, LineProblem):
                bad_lines.add(row)
            else:
                stage.add(*row)
        for line, sentence in stage.take_out_repeated():
            bad_lines.add(LineProblem(line, sentence))
        # What contradicts the ledger is looked for even if nothing will be imported, to name everything at once.
        answers = ledger.take_over(stage, context=context, check_only=check_only or bool(bad_lines.count))
        for line, answer in zip(stage.lines(), answers, strict=True):
            if isinstance(answer, IotoError):
                bad_lines.add(LineProblem(line, str(answer)))
    bad_lines.refuse()
    return Imported(
        added=answers.count("added"), changed=answers.count("changed"), unchanged=answers.count("unchanged")
    )


def read_claims(source: Source, fmt: str) -> Iterator[tuple[int, Claim] | LineProblem]:
    """Yield the claims of a `csv` or `jsonl` file, each with its line, and what is wrong with the other lines."""
    _check_format(fmt)
    for row in _csv_rows(source) if fmt == "csv" else _json_rows(source):
        if isinstance(row, LineProblem):
            yield row
            continue
        line, values = row
        try:
            yield line, _claim(values)
        except IotoError as error:
            yield LineProblem(line, str(error))


def _check_format(fmt: str) -> None:
    if fmt not in FORMATS:
        raise LedgerError(f"Claims are written and read as {' or '.join(FORMATS)}, not as {quoted(fmt)}.")


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value) if value else ""
    return "" if value is None else str(value)


def guard_formula(cell: str) -> str:
    """Return `cell` as it may stand in CSV: with an apostrophe before it where a spreadsheet would take it for more."""
    return f"'{cell}" if cell.startswith(_GUARDED) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_GUARDED) else cell


def _csv_rows(source: Source) -> Iterator[tuple[int, Values] | LineProblem]:
    header: list[str] = []
    row = None
    for row in read_rows(source, CsvFormat(is_verbatim=True)):
        if isinstance(row, LineProblem):
            yield row
        elif header:
            yield row.line, {name: _unguard(cell) for name, cell in zip(header, row.cells, strict=True)}
        else:
            header = [_FORMER.get(title, title) for title in map(fold_title, row.cells)]
            if wrong := _header_problems(row.line, header, row.cells):
                yield from wrong
                return
    if row is None:
        raise LedgerError(_EMPTY)


def _header_problems(line: int, header: list[str], titles: list[str]) -> list[LineProblem]:
    problems = list(title_problems(line, header))
    if unknown := [title for name, title in zip(header, titles, strict=True) if name and name not in COLUMNS]:
        listed = ", ".join(unknown)
        problems.append(
            LineProblem(line, f"The column {quoted_masked(listed)} is unknown; the columns are {', '.join(COLUMNS)}.")
        )
    elif missing := [name for name in _REQUIRED if name not in header]:
        listed = " and ".join(missing)
        problems.append(LineProblem(line, f"The column {listed} is missing; the first line must name the columns."))
    return problems


def _json_rows(source: Source) -> Iterator[tuple[int, Values] | LineProblem]:
    line = None
    for line in read_lines(source):
        if isinstance(line, LineProblem):
            yield line
            continue
        try:
            yield line.line, _json_object(line.text)
        except LedgerError as error:
            yield LineProblem(line.line, str(error))
    if line is None:
        raise LedgerError(_EMPTY)


def _json_object(text: str) -> Values:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise LedgerError("This line is not JSON; write one object in one line.") from None
    if not isinstance(values, dict):
        raise LedgerError("This line is not a JSON object; write one object in one line.")
    for former, name in _FORMER.items():
        if former in values and name not in values:
            values[name] = values.pop(former)
    if unknown := [name for name in values if name not in COLUMNS]:
        raise LedgerError(f"The key {quoted_masked(', '.join(unknown))} is unknown; the keys are {', '.join(COLUMNS)}.")
    return values


def _claim(values: Values) -> Claim:
    """Return the claim that a line describes, or raise what is wrong with it."""
    given = {
        column.field: value
        for column in columns_of(Claim)
        if (value := _value(column, values)) is not None or column.is_optional
    }
    now = datetime.now(UTC)
    claim = Claim(**{"state": State.ALLOCATED, "source": "imported", "created_at": now, "updated_at": now, **given})
    if _MOVED.isdisjoint(values) and (found := moved(claim.details)):
        since = claim.updated_at if found.is_unsettled else None
        claim = claim._replace(details=found.details, run=found.run, twin=found.twin, unsettled_at=since)
    if claim.unit is None and claim.state not in (State.ALLOCATED, State.RETIRED):
        raise LedgerError(f"A claim without a unit cannot be {claim.state}; give its serial.")
    for named in values_of(claim.details):
        if len(named) > MAX_UNIT_LENGTH or not named.isprintable():  # the databases find boards by these
            raise LedgerError(
                f"The details name a device by what no name can be: it needs 1 to {MAX_UNIT_LENGTH} printable "
                "characters; correct the serial, mac, macs or host_key in them."
            )
    return claim


def _value(column: LedgerColumn, values: Values) -> Any:
    """Return what a line says in a column, or None where it says nothing."""
    name = column.task_name
    if column.kind is ValueKind.OBJECT:
        return _object(values, name)
    if column.kind is ValueKind.NUMBER:
        return _number(values, name)
    if column.kind is ValueKind.MOMENT:
        return _aware_time(values, name)
    text = _text(values, name)
    if column.parse is not None and (text is not None or not column.is_optional):
        return column.parse(text or "")
    if text is not None and column.words is not None:
        if text not in set(column.words):
            raise LedgerError(f"The {name} {quoted_masked(text)} is unknown; it is one of {', '.join(column.words)}.")
        return column.words(text)
    return text


def _text(values: Values, name: str) -> str | None:
    value = values.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise LedgerError(f"The {name} is not text; write it in quotes.")
    return value


def _aware_time(values: Values, name: str) -> datetime | None:
    text = _text(values, name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        # At the ends of the calendar there is a zone in which nobody could be told of it.
        if moment.tzinfo is not None and MINYEAR < moment.year < MAXYEAR:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise LedgerError(
        f"The {name} {quoted_masked(text)} is not a time with a time zone; write it as 2026-01-31T12:00:00+00:00."
    )


def _number(values: Values, name: str) -> int | None:
    value = values.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _text(values, name)
    try:
        return None if text is None else int(text)
    except ValueError:
        raise LedgerError(f"The {name} {quoted_masked(text or '')} is not a whole number; correct it.") from None


def _object(values: Values, name: str) -> Values | None:
    value = values.get(name) or None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = False
    if value is not None and not isinstance(value, dict):
        raise LedgerError(f"The {name} are not a JSON object; correct them.")
    if value is not None and _is_deep(value):
        raise LedgerError(f"The {name} are nested more than {_MOST_DEEP} deep; correct them.")
    return value


def _is_deep(value: Values) -> bool:
    """Whether `value` is nested deeper than every Python that reads it can write it again."""
    level: list[Any] = [value]
    for _unused in range(_MOST_DEEP):
        members = (member for each in level for member in (each.values() if isinstance(each, dict) else each))
        level = [member for member in members if isinstance(member, dict | list)]
    return bool(level)
