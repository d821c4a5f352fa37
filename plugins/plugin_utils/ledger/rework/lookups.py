# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ledger_info` returns of chains and of void labels, and the file that lists these for destruction."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

from ...display_text import counted, local_time, printable
from ..columns import shown_by_task
from ..ledger import Ledger
from ..records import Claim
from ..told import NOTHING_FOUND
from ..transfer import guard_formula
from .chain import ChainLink, chain_lines, chains_of, chains_of_unit
from .void_labels import VoidLabel, void_labels

VOID_COLUMNS = (
    *("claim_id", "label", "serial", "product", "host", "made_at", "times", "void_at", "why", "reason"),
    *("successor", "successor_serial"),
)


@dataclass(frozen=True, slots=True)
class VoidQuery:
    """Which void labels somebody asks for."""

    since: datetime | None = None
    until: datetime | None = None
    product: str | None = None

    def ask(self, ledger: Ledger) -> list[VoidLabel]:
        """Return them, in the order in which they became void."""
        found = void_labels(ledger, since=self.since, until=self.until)
        return [label for label in found if self.product in {None, label.claim.product}]


def chain_result(
    ledger: Ledger, claims: Sequence[Claim], *, serial: str | None, product: str | None, reveal: bool
) -> dict[str, Any]:
    """Return the chains of `claims`, or those of the unit `serial`, also where its claim went on to another unit."""
    chains = chains_of(ledger, claims) if serial is None else chains_of_unit(ledger, serial, product)
    lines = [line for chain in chains for line in chain_lines(chain, reveal=reveal)]
    return {
        "chains": [[_link(link, reveal=reveal) for link in chain] for chain in chains],
        "lines": lines or [NOTHING_FOUND],
    }


def void_result(ledger: Ledger, query: VoidQuery, *, reveal: bool) -> dict[str, Any]:
    """Return the labels that are void, and a line for each."""
    found = query.ask(ledger)
    lines = [_void_line(label, reveal=reveal) for label in found]
    told = f"{counted(len(found), 'label')} to destroy, wherever they are." if found else "No label is void."
    return {"void_labels": [void_values(label, reveal=reveal) for label in found], "lines": [*lines, told]}


def void_file(ledger: Ledger, query: VoidQuery, fmt: str) -> tuple[int, bytes]:
    """Return how many labels are void, and the file (`csv` or `jsonl`) that lists them, with whole claim IDs."""
    rows = [void_values(label, reveal=True) for label in query.ask(ledger)]
    stream = StringIO(newline="")
    if fmt == "jsonl":
        stream.writelines(f"{json.dumps(row)}\n" for row in rows)
    else:
        writer = csv.writer(stream)
        writer.writerow(VOID_COLUMNS)
        for row in rows:
            writer.writerow([guard_formula("" if row[name] is None else str(row[name])) for name in VOID_COLUMNS])
    return len(rows), stream.getvalue().encode()


def void_values(label: VoidLabel, *, reveal: bool) -> dict[str, Any]:
    """Return what is to be said of a void label, by `VOID_COLUMNS`; claim IDs are masked unless `reveal`."""
    claim, successor = label.claim, label.successor
    return {
        "claim_id": claim.claim_id if reveal else claim.masked,
        "label": label.number,
        "serial": label.serial,
        "product": claim.product,
        "host": claim.host,
        "made_at": label.made_at.isoformat(),
        "times": label.times,
        "void_at": label.void_at.isoformat(),
        "why": label.why,
        "reason": label.reason,
        "successor": None if successor is None else successor.claim_id if reveal else successor.masked,
        "successor_serial": None if successor is None else successor.unit,
    }


def _void_line(label: VoidLabel, *, reveal: bool) -> str:
    values = void_values(label, reveal=reveal)
    whose = "no unit yet" if label.serial is None else printable(label.serial)
    times = f", made {label.times} times" if label.times > 1 else ""
    line = f"{whose}: {values['claim_id']}, label {label.number}{times}, void since {local_time(label.void_at)}, "
    line += printable(label.why)
    successor = label.successor
    if successor is None:
        return line
    if successor.claim_id == label.claim.claim_id:
        return f"{line}; its claim ID is that of {printable(successor.unit or 'no unit')}"
    return f"{line}; in its place: {values['successor']}"


def _link(link: ChainLink, *, reveal: bool) -> dict[str, Any]:
    return {
        "claim": shown_by_task(link.claim, reveal=reveal),
        "events": [shown_by_task(event, reveal=reveal) for event in link.events],
    }
