# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as CSV and JSON Lines: a line for each unit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

from ..ledger.records import State
from ..ledger.transfer import guard_formula
from .page_place import FIRST_COLUMNS
from .records import MORE_COLUMNS, Report, Row

_STATES = [state for state in State if state is not State.RETIRED]
COLUMNS = (
    *FIRST_COLUMNS,
    "source",
    "state",
    *(column.task_name for column in MORE_COLUMNS),
    "result",
    *(f"{state}_at" for state in _STATES),
    "failures",
    "doubt",
    "operator",
    "by",
    "chain",
)


def csv_table(report: Report, *, reveal: bool) -> str:
    """Return the report as CSV with a title line; no cell begins a formula in a spreadsheet."""
    stream = StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for values in _lines(report, reveal=reveal):
        failures = "; ".join(f"{failure['what']}: {failure['reason']}" for failure in values["failures"])
        cells = {**values, "failures": failures, "chain": "; ".join(values["chain"])}
        writer.writerow([guard_formula("" if cells[name] is None else str(cells[name])) for name in COLUMNS])
    return stream.getvalue()


def json_lines(report: Report, *, reveal: bool) -> str:
    """Return the report as JSON Lines; `failures` is a list of `at`, `what` and `reason`, `chain` one of lines."""
    return "".join(f"{json.dumps(values)}\n" for values in _lines(report, reveal=reveal))


def _lines(report: Report, *, reveal: bool) -> Iterator[dict[str, Any]]:
    for row in report.rows:
        yield _values(row, reveal=reveal)


def _values(row: Row, *, reveal: bool) -> dict[str, Any]:
    claim = row.claim
    return {
        "host": row.host,
        "serial": row.serial,
        "product": row.product,
        "claim_id": None if claim is None else claim.claim_id if reveal else claim.masked,
        "flow": row.flow,
        "source": claim.source if claim else None,
        "state": claim.state.value if claim else None,
        **row.more(reveal=reveal),
        "result": row.verdict.value,
        **{f"{state}_at": row.times[state].isoformat() if state in row.times else None for state in _STATES},
        "failures": [
            {"at": failure.at.isoformat(), "what": failure.what, "reason": failure.reason} for failure in row.failures
        ],
        "doubt": row.doubt,
        "operator": row.operator,
        "by": row.by,
        "chain": row.told_chain(reveal=reveal),
    }
