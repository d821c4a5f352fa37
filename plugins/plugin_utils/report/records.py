# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of each unit, and in sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..ledger.columns import columns_of
from ..ledger.records import Claim, State
from ..ledger.rework.chain import ChainLink, chain_lines
from ..ledger.rework.void_labels import number_by

_TOLD_OTHERWISE = {"host", "product", "serial", "claim_id", "source", "state"}
MORE_COLUMNS = tuple(
    column for column in columns_of(Claim) if column.is_reported and column.task_name not in _TOLD_OTHERWISE
)
"""What a report says of a claim beside what `Row` has of its own, or has a place for."""


class UnitVerdict(StrEnum):
    """What became of a unit in the reported time."""

    DONE = "done"
    ALREADY_DONE = "already done"
    NOT_REACHED = "not reached"
    """It was to be handled, and the run was cut off before it came to it, as far as is known."""
    IN_DOUBT = "in doubt"
    """It counts for less than its state says: it was written again and not read back, or two devices said to be it."""
    UNFINISHED = "unfinished"
    """It has an ID that was not read back from it, and nothing says why."""
    NOT_LABELLED = "not labelled"
    """It has its identity, and its label was not made."""
    MISMATCH = "mismatch"
    """It has its identity, and its label, the device and the ledger did not agree when somebody looked."""
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    RETIRED = "retired"

    @property
    def is_good(self) -> bool:
        """Whether nobody has to look at the unit."""
        return self in {UnitVerdict.DONE, UnitVerdict.ALREADY_DONE}

    @property
    def has_identity(self) -> bool:
        """Whether the unit has its identity, whatever became of its label."""
        return self.is_good or self in {UnitVerdict.NOT_LABELLED, UnitVerdict.MISMATCH}


@dataclass(frozen=True, slots=True)
class ReportedUnit:
    """A unit that is to be in the report whatever the ledger says, such as a host of the run."""

    host: str
    product: str | None = None
    serial: str | None = None
    flow: str | None = None
    is_open: bool = False
    """Its run was to handle it, and did not say at its end that it is done."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that went wrong with a unit: when, what (`failed`, `conflict`, `print-failed` …), and why."""

    at: datetime
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One unit. `times` says when its claim came to each state; `claim` is None where it got none."""

    host: str | None
    product: str | None
    serial: str | None
    flow: str | None
    claim: Claim | None
    verdict: UnitVerdict
    times: Mapping[State, datetime] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    actor: str | None = None
    """Which account (`user@station`) did the last thing that happened to it in the period."""
    operator: str | None = None
    """Who stood at the line then, where somebody said so."""
    chain: Sequence[ChainLink] = ()
    """Of a unit that was reworked: its claims from the first to the last, and what was done with it."""

    @property
    def label_number(self) -> int:
        """The number of its label."""
        return next((number_by(link.events) for link in self.chain if link.claim == self.claim), 1)

    def told_chain(self, *, reveal: bool) -> list[str]:
        """Return its chain in lines."""
        return [line.strip() for line in chain_lines(self.chain, reveal=reveal)]

    @property
    def by(self) -> str | None:
        """Who did that: the operator, if one was named, and the account."""
        return self.actor if self.operator is None else f"{self.operator}, {self.actor}"

    @property
    def doubt(self) -> str | None:
        """Why it counts for less than its state says, now; None where it does not."""
        return self.claim.doubt if self.claim is not None and self.claim.is_live else None

    def more(self, *, reveal: bool) -> Mapping[str, Any]:
        """Return what else is to be said of its claim, by the names of `MORE_COLUMNS`."""
        return {
            column.task_name: column.shown(getattr(self.claim, column.field, None), reveal=reveal)
            for column in MORE_COLUMNS
        }

    @property
    def ended_at(self) -> datetime | None:
        """When it was read back, or last failed."""
        if self.verdict is UnitVerdict.ALREADY_DONE:
            return None
        if self.verdict.has_identity:
            return self.times.get(State.VERIFIED)
        return self.failures[-1].at if self.failures else None


@dataclass(frozen=True, slots=True)
class Report:
    """The units of a period, in order."""

    title: str
    since: datetime
    until: datetime
    ledgers: Sequence[str]
    rows: Sequence[Row]
    is_cut_off: bool = False
    """Whether it is that of a run that has not come to its end."""
    product_names: Sequence[str] = ()
    """What the products of its units are called, in the order of the units; their IDs where nobody says a name."""

    @property
    def counts(self) -> Counter[UnitVerdict]:
        """How many units there are of each verdict."""
        return Counter(row.verdict for row in self.rows)

    @property
    def operators(self) -> Sequence[str]:
        """Who stood at the line, in the order of the units."""
        return list(dict.fromkeys(row.operator for row in self.rows if row.operator))

    @property
    def yield_percent(self) -> float | None:
        """Units that have their identity, of all that were reached and are not retired; None without such units."""
        left_out = {UnitVerdict.RETIRED, UnitVerdict.NOT_REACHED}
        counted = [row for row in self.rows if row.verdict not in left_out]
        return 100 * sum(row.verdict.has_identity for row in counted) / len(counted) if counted else None
