# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as one page of HTML to hand to somebody, in the look of a report: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from jinja2 import Template

from ..display_text import counted
from ..report.page import page_environment, style
from .findings import Finding, FindingKind, Origin, shown_id

_FOLDER = Path(__file__).parent
MOST_ON_PAGE = 2000
"""Findings on the page; the tables beside it have all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit looked at, how much it was, and how much it found."""

    title: str
    ledger: str
    made_at: datetime
    looked_at: Sequence[LookedAt]
    counts: Mapping[FindingKind, int]
    notes: Sequence[str] = field(default_factory=list)
    """What could not be told, or was left alone."""

    @property
    def number(self) -> int:
        """How many findings there are."""
        return sum(self.counts.values())


class LookedAt(NamedTuple):
    """One thing that was looked at: what it is, its name, and how much there was in it, by what it is called."""

    origin: Origin
    name: str
    amounts: Mapping[str, int]

    @property
    def much(self) -> str:
        """How much there was, in words."""
        return ", ".join(counted(number, noun) for noun, number in self.amounts.items())


def page(outcome: Outcome, findings: Iterable[Finding], *, reveal: bool) -> str:
    """Return the page; `findings` come in the order of their kinds. Times are those of this machine's clock."""
    shown = list(islice(findings, MOST_ON_PAGE))
    return _template().render(
        outcome=outcome,
        style=style() + (_FOLDER / "audit.css").read_text(encoding="utf-8"),
        groups=[(kind, list(members)) for kind, members in groupby(shown, lambda finding: finding.kind)],
        left_out=outcome.number - len(shown),
        reveal=reveal,
    )


@cache
def _template() -> Template:
    environment = page_environment(_FOLDER)
    environment.filters |= {
        "shown_id": lambda claim_id, reveal: shown_id(claim_id, reveal=reveal),
        "sentence": lambda text: f"{text[:1].upper()}{text[1:]}.",
    }
    return environment.get_template("page.html.j2")
