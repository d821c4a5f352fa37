# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings of an audit as CSV and JSON Lines: a line for each, written one after the other."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO

from ..ledger.transfer import guard_formula
from .findings import Finding, shown_id

FIRST_COLUMNS = ("finding", "origin", "where")
"""By which a table of an audit is known."""
COLUMNS = (*FIRST_COLUMNS, "serial", "product", "claim_id", "ledger_claim_id", "what", "to_do")


def write_tables(findings: Iterable[Finding], csv_stream: TextIO, json_stream: TextIO, *, reveal: bool) -> None:
    """Write all findings to both streams, which are text with `newline=""`; no cell begins a formula.

    Claim IDs are masked unless `reveal`.
    """
    writer = csv.writer(csv_stream)
    writer.writerow(COLUMNS)
    for finding in findings:
        values = {
            "finding": finding.kind.value,
            "origin": finding.origin.value,
            "where": finding.where,
            "serial": finding.serial,
            "product": finding.product,
            "claim_id": shown_id(finding.claim_id, reveal=reveal),
            "ledger_claim_id": shown_id(finding.known_id, reveal=reveal),
            "what": finding.what,
            "to_do": finding.remedy,
        }
        writer.writerow([guard_formula(values[name] or "") for name in COLUMNS])
        json_stream.write(f"{json.dumps(values)}\n")
