# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Yield and rate over time: a bar for each span of time, and a line for the yield until then.

`chart.svg.j2` draws what stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil
from typing import ClassVar, NamedTuple

from .records import Row

_SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 604800)
"""Seconds of a bar: what people count in."""
_MOST_BARS = 48
_GAP = 0.12
"""What is free at each side of a bar, as a part of the width that its span has."""


class Bar(NamedTuple):
    """The units of a span that came to a good or a bad end."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """What there is to draw, in the units of a picture of `WIDTH` by `HEIGHT`; y counts from the top."""

    WIDTH: ClassVar[int] = 960
    HEIGHT: ClassVar[int] = 260
    LEFT: ClassVar[int] = 56
    RIGHT: ClassVar[int] = 56
    TOP: ClassVar[int] = 20
    BOTTOM: ClassVar[int] = 34

    counts: Sequence[tuple[float, int]]
    """The left scale: where a count of units stands."""
    percents: Sequence[tuple[float, int]]
    """The right scale: where a yield stands."""
    bars: Sequence[Bar]
    yields: Sequence[tuple[float, float]]
    """The points of the line for the yield until then."""
    moments: Sequence[tuple[float, str]]
    """The scale below."""
    span: str
    """How long a bar lasts."""


def chart(rows: Sequence[Row], zone: tzinfo | None) -> Chart | None:
    """Return what the chart of `rows` shows; None where nothing was finished and nothing failed."""
    ends = sorted((row.ended_at, row.verdict.has_identity) for row in rows if row.ended_at is not None)
    if not ends:
        return None
    first, last = ends[0][0], ends[-1][0]
    span = next((span for span in _SPANS if (last - first).total_seconds() / span < _MOST_BARS), _SPANS[-1])
    begin = _floor(first, span, zone)
    count = int((last - begin).total_seconds() // span) + 1
    good, bad = [0] * count, [0] * count
    for at, is_good in ends:
        (good if is_good else bad)[int((at - begin).total_seconds() // span)] += 1
    most = max(map(sum, zip(good, bad, strict=True)))
    step = _step(most)
    top = ceil(most / step) * step
    width = min((Chart.WIDTH - Chart.LEFT - Chart.RIGHT) / count, 160)
    labels = range(0, count, max(1, ceil(90 / width)))
    form = "%Y-%m-%d" if span >= 86400 else "%H:%M:%S" if span < 60 else "%H:%M"
    return Chart(
        counts=[(_y(value / top), value) for value in range(0, top + 1, step)],
        percents=[(_y(percent / 100), percent) for percent in (0, 50, 100)],
        bars=_bars(good, bad, top, width),
        yields=_yields(good, bad, width),
        moments=[
            (
                Chart.LEFT + number * width,
                (begin + timedelta(seconds=number * span)).astimezone(zone).strftime(form),
            )
            for number in labels
        ],
        span=_span_name(span),
    )


def _y(part: float) -> float:
    """Return where `part` of the room's height is reached."""
    return Chart.HEIGHT - Chart.BOTTOM - _height(part)


def _height(part: float) -> float:
    return (Chart.HEIGHT - Chart.TOP - Chart.BOTTOM) * part


def _bars(good: Sequence[int], bad: Sequence[int], top: int, width: float) -> list[Bar]:
    bars = []
    for number, counts in enumerate(zip(good, bad, strict=True)):
        x = Chart.LEFT + (number + _GAP) * width
        below = 0
        for kind, count in zip(("good", "bad"), counts, strict=True):
            if count:
                bars.append(Bar(kind, x, _y((below + count) / top), width * (1 - 2 * _GAP), _height(count / top)))
            below += count
    return bars


def _yields(good: Sequence[int], bad: Sequence[int], width: float) -> list[tuple[float, float]]:
    points = []
    good_yet = ended_yet = 0
    for number, (good_now, bad_now) in enumerate(zip(good, bad, strict=True)):
        good_yet += good_now
        ended_yet += good_now + bad_now
        points.append((Chart.LEFT + (number + 0.5) * width, _y(good_yet / ended_yet)))
    return points


def _floor(moment: datetime, span: int, zone: tzinfo | None) -> datetime:
    """Return the last full multiple of `span` seconds before `moment`, as its clock on the wall shows it."""
    offset = int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds())
    seconds = int(moment.timestamp()) + offset
    return datetime.fromtimestamp(seconds - seconds % span - offset, UTC)


def _step(most: int) -> int:
    """Return a round step that divides the axis into at most five."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if most / (step * factor) <= 5:
                return step * factor
        step *= 10


def _span_name(span: int) -> str:
    for unit, seconds in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if span % seconds == 0:
            return unit if span == seconds else f"{span // seconds} {unit}s"
    return "second" if span == 1 else f"{span} seconds"
