# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims as CSV and JSON Lines: out of one ledger, into another, or in from a list of IDs made elsewhere.

A file says for each claim what `COLUMNS` name; `claim_id` and `product` must be there. An empty unit is a reserved ID.
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
from datetime import UTC, datetime
from typing import TextIO

from .. import claim_ids
from ..errors import IotoError
from .ledger import Ledger
from .records import Claim, Context, LedgerError, State, parse_unit

COLUMNS = (
    "claim_id",
    "product",
    "unit",
    "state",
    "source",
    "created_at",
    "updated_at",
    "host",
    "reason",
    "details",
)
FORMATS = ("csv", "jsonl")

Values = dict[str, object]

_REQUIRED = ("claim_id", "product")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_GUARDED = (*_FORMULA_STARTS, "'")


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of the file that cannot be imported, and why."""

    line: int
    text: str


class ImportRowsError(LedgerError):
    """A file that was not imported, with every bad line in `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        lines = "\n".join(f"line {problem.line}: {problem.text}" for problem in self.problems)
        count = f"{len(self.problems)} bad line{'s' if len(self.problems) > 1 else ''}"
        super().__init__(f"Nothing was imported, because of {count}; correct them and import again:\n{lines}")


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
        values = _values(claim)
        if fmt == "csv":
            writer.writerow([guard_formula(_cell(values[column])) for column in COLUMNS])
        else:
            stream.write(json.dumps(values) + "\n")
    return count


def import_claims(ledger: Ledger, stream: TextIO, fmt: str, *, context: Context, check_only: bool = False) -> Imported:
    """Bring the claims of a `csv` or `jsonl` file, opened as for `export_claims`, into the ledger in one transaction.

    A claim that the ledger has for the same unit moves forward to the file's state, never back, and a reserved one
    gets its unit; so importing the same file again changes nothing. Where any line is bad, or contradicts the ledger
    or another line, nothing is imported and `ImportRowsError` names every such line. `check_only` changes nothing and
    says what would be.
    """
    _check_format(fmt)
    problems: list[Problem] = []
    rows: dict[str, tuple[int, Claim]] = {}
    for line, values in _csv_rows(stream) if fmt == "csv" else _json_rows(stream):
        try:
            claim = _claim(values)
        except IotoError as error:
            problems.append(Problem(line, str(error)))
            continue
        first = rows.setdefault(claim.claim_id, (line, claim))[0]
        if first != line:
            problems.append(Problem(line, f"The claim ID {claim.masked} stands in line {first} already; keep one."))
    # What contradicts the ledger is looked for even if nothing will be imported, to name everything at once.
    answers = ledger.take_over(
        [claim for _line, claim in rows.values()], context=context, check_only=check_only or bool(problems)
    )
    for (line, _taken), answer in zip(rows.values(), answers, strict=True):
        if isinstance(answer, IotoError):
            problems.append(Problem(line, str(answer)))
    if problems:
        raise ImportRowsError(problems)
    return Imported(
        added=answers.count("added"), changed=answers.count("changed"), unchanged=answers.count("unchanged")
    )


def _check_format(fmt: str) -> None:
    if fmt not in FORMATS:
        raise LedgerError(f"Claims are written and read as {' or '.join(FORMATS)}, not as {fmt!a}.")


def _values(claim: Claim) -> dict[str, object]:
    return {
        "claim_id": claim.claim_id,
        "product": claim.product,
        "unit": claim.unit,
        "state": claim.state.value,
        "source": claim.source,
        "created_at": claim.created_at.isoformat(),
        "updated_at": claim.updated_at.isoformat(),
        "host": claim.host,
        "reason": claim.reason,
        "details": dict(claim.details),
    }


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value) if value else ""
    return "" if value is None else str(value)


def guard_formula(cell: str) -> str:
    """Return `cell` as it may stand in CSV: with an apostrophe before it where a spreadsheet would take it for more."""
    return f"'{cell}" if cell.startswith(_GUARDED) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_GUARDED) else cell


def _csv_rows(stream: TextIO) -> Iterator[tuple[int, Values | IotoError]]:
    reader = csv.reader(stream, strict=True)
    line = 1
    header: list[str] = []
    while True:
        try:
            cells = next(reader, None)
        except (csv.Error, UnicodeDecodeError) as error:
            # Where a quote is missing, nothing says where the next line begins.
            yield line, LedgerError(f"This line cannot be read as CSV in UTF-8 ({error}); correct it.")
            return
        if cells is None:
            return
        if not header:
            # A spreadsheet may put a byte-order mark first.
            header = [cell.strip().removeprefix("\ufeff") for cell in cells]
            if complaint := _wrong_header(header):
                yield line, LedgerError(complaint)
                return
        elif cells and len(cells) != len(header):
            yield line, LedgerError(f"This line has {len(cells)} cells under {len(header)} columns; correct it.")
        elif any(cells):
            yield line, {name: _unguard(cell) for name, cell in zip(header, cells, strict=True)}
        line = reader.line_num + 1


def _wrong_header(header: list[str]) -> str | None:
    if len(set(header)) != len(header):
        return f"A column stands twice in {', '.join(header)!a}; keep one."
    if unknown := [name for name in header if name not in COLUMNS]:
        return f"The column {', '.join(unknown)!a} is unknown; the columns are {', '.join(COLUMNS)}."
    if missing := [name for name in _REQUIRED if name not in header]:
        return f"The column {' and '.join(missing)} is missing; the first line must name the columns."
    return None


def _json_rows(stream: TextIO) -> Iterator[tuple[int, Values | IotoError]]:
    line = 0
    while True:
        line += 1
        try:
            text = stream.readline()
        except UnicodeDecodeError as error:
            yield line, LedgerError(f"This line is not UTF-8 ({error.reason}); correct it.")
            return
        if not text:
            return
        if text.strip():
            yield line, _json_object(text)


def _json_object(text: str) -> Values | IotoError:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return LedgerError("This line is no JSON; write one object in one line.")
    if not isinstance(values, dict):
        return LedgerError("This line is no JSON object; write one object in one line.")
    if unknown := [name for name in values if name not in COLUMNS]:
        return LedgerError(f"The key {', '.join(unknown)!a} is unknown; the keys are {', '.join(COLUMNS)}.")
    return values


def _claim(values: Values | IotoError) -> Claim:
    """Return the claim that a line describes, or raise what is wrong with it."""
    if isinstance(values, IotoError):
        raise values
    now = datetime.now(UTC)
    unit = _text(values, "unit")
    state = _text(values, "state") or State.ALLOCATED.value
    if state not in set(State):
        raise LedgerError(f"The state {state!a} is unknown; it is one of {', '.join(State)}.")
    claim = Claim(
        claim_id=claim_ids.parse(_text(values, "claim_id") or ""),
        product=claim_ids.parse_product(_text(values, "product") or ""),
        unit=None if unit is None else parse_unit(unit),
        state=State(state),
        source=_text(values, "source") or "imported",
        created_at=_moment(values, "created_at") or now,
        updated_at=_moment(values, "updated_at") or now,
        host=_text(values, "host"),
        reason=_text(values, "reason"),
        details=_details(values),
    )
    if claim.unit is None and claim.state not in (State.ALLOCATED, State.RETIRED):
        raise LedgerError(f"A claim without a unit cannot be {claim.state}; give its unit.")
    return claim


def _text(values: Values, name: str) -> str | None:
    value = values.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise LedgerError(f"The {name} is no text; write it in quotes.")
    return value


def _moment(values: Values, name: str) -> datetime | None:
    text = _text(values, name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise LedgerError(f"The {name} {text!a} is no time with a time zone; write it as 2026-01-31T12:00:00+00:00.")


def _details(values: Values) -> Values:
    details = values.get("details") or {}
    if isinstance(details, str):
        try:
            details = json.loads(details)
        except (ValueError, RecursionError):
            details = None
    if not isinstance(details, dict):
        raise LedgerError("The details are no JSON object; correct them.")
    return details
