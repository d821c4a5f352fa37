# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one shape of what is measured: figures of ours beside those of a peer, in the rounds of one run, and a bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from statistics import median
from typing import Any, Self


class Size(StrEnum):
    """How much is measured: for the page, in about 5 minutes, or just to see that it works."""

    FULL = "full"
    QUICK = "quick"
    TINY = "tiny"


@dataclass(frozen=True)
class Bar:
    """What the ratio has to be: at most, or at least, `limit`."""

    limit: float
    at_least: bool = False

    def holds(self, ratio: float) -> bool:
        """Say whether `ratio` is good enough."""
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True)
class Measure:
    """One row: `values` in `unit`, one a round, beside `peer_values` of the same rounds.

    Without a peer there is no ratio. `lacks` says in a few words why there are no values.
    """

    what: str
    unit: str = ""
    values: tuple[float, ...] = ()
    peer: str = ""
    peer_values: tuple[float, ...] = ()
    bar: Bar | None = None
    lacks: str = ""

    @property
    def value(self) -> float:
        """The median of our rounds. Raises `StatisticsError` where there are none."""
        return median(self.values)

    @property
    def peer_value(self) -> float:
        """The median of the peer's rounds. Raises `StatisticsError` where there are none."""
        return median(self.peer_values)

    @property
    def ratios(self) -> tuple[float, ...]:
        """What ours is of the peer's, in each round: what else a machine does changes both.

        A difference of two figures that comes out below nothing, as on a busy machine, is left out.
        """
        pairs = zip(self.values, self.peer_values, strict=False)
        return tuple(ours / theirs for ours, theirs in pairs if ours > 0 and theirs > 0)

    @property
    def ratio(self) -> float | None:
        """The median of the ratios; None without a peer."""
        return median(self.ratios) if self.ratios else None

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None where there is no bar, or nothing to hold against it."""
        return None if self.bar is None or self.ratio is None else self.bar.holds(self.ratio)

    def to_json(self) -> dict[str, Any]:
        """Return it for `json`: the rounds, and for who reads the file, what follows from them."""
        told: dict[str, Any] = asdict(self) | {"ratio": self.ratio, "holds": self.holds, "rounds": len(self.values)}
        if self.values:
            told["value"] = self.value
        if self.peer_values:
            told["peer_value"] = self.peer_value
        if self.ratios:
            told["spread"] = [min(self.ratios), max(self.ratios)]
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Return what `to_json` was given. Raises `KeyError`, `TypeError`."""
        bar = Bar(**told["bar"]) if told["bar"] else None
        values, peer_values = tuple(told["values"]), tuple(told["peer_values"])
        return cls(told["what"], told["unit"], values, told["peer"], peer_values, bar, told["lacks"])


def joined(rounds: Iterable[Measure]) -> list[Measure]:
    """Return one measure for all rounds of each, in the order in which they came first."""
    found: dict[str, Measure] = {}
    for one in rounds:
        known = found.get(one.what)
        if known is None or (known.lacks and not one.lacks):
            found[one.what] = one
        elif not one.lacks:
            found[one.what] = replace(
                known, values=known.values + one.values, peer_values=known.peer_values + one.peer_values
            )
    return list(found.values())


def figure(value: float) -> str:
    """Return a number with three digits that say something, and commas between thousands."""
    if abs(value) < 0.1:
        return f"{value:.2g}"
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def missed(measures: Sequence[Measure]) -> list[Measure]:
    """Return those whose bar does not hold."""
    return [one for one in measures if one.holds is False]
