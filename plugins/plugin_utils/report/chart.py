# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Yield and rate over time, as SVG: a bar for each span of time, and a line for the yield until then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape
from math import ceil

from .records import Row

_SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 604800)
"""Seconds of a bar: what people count in."""
_MOST_BARS = 48
_WIDTH, _HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 56, 20, 34


def chart(rows: Sequence[Row], zone: tzinfo | None) -> str:
    """Return the picture; empty where nothing was finished and nothing failed."""
    ends = sorted((row.ended_at, row.verdict.has_identity) for row in rows if row.ended_at is not None)
    if not ends:
        return ""
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
    room_x, room_y = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    width = min(room_x / count, 160)
    floor = _HEIGHT - _BOTTOM

    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Units finished and failed over time, with the yield">'
    ]
    for value in range(0, top + 1, step):
        y = floor - room_y * value / top
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    for percent in (0, 50, 100):
        y = floor - room_y * percent / 100
        parts.append(f'<text x="{_WIDTH - _RIGHT + 8}" y="{y + 4:.1f}">{percent} %</text>')
    points = []
    good_yet = ended_yet = 0
    for number in range(count):
        x = _LEFT + number * width
        good_height, bad_height = room_y * good[number] / top, room_y * bad[number] / top
        gap = width * 0.12
        if good[number]:
            parts.append(_bar("good", x + gap, floor - good_height, width - 2 * gap, good_height))
        if bad[number]:
            parts.append(_bar("bad", x + gap, floor - good_height - bad_height, width - 2 * gap, bad_height))
        good_yet += good[number]
        ended_yet += good[number] + bad[number]
        points.append(f"{x + width / 2:.1f} {floor - room_y * good_yet / ended_yet:.1f}")
    parts.append(f'<path class="yield" d="M{"L".join(points)}{"h0" if len(points) == 1 else ""}"/>')
    form = "%Y-%m-%d" if span >= 86400 else "%H:%M:%S" if span < 60 else "%H:%M"
    labels = max(1, ceil(90 / width))
    for number in range(0, count, labels):
        moment = (begin + timedelta(seconds=number * span)).astimezone(zone)
        parts.append(f'<text x="{_LEFT + number * width:.1f}" y="{floor + 18}">{moment.strftime(form)}</text>')
    parts.append(f'<text x="{_LEFT}" y="12">{escape(f"Units per {_span_name(span)}")}</text>')
    parts.append(f'<text x="{_WIDTH}" y="12" text-anchor="end">Yield so far</text></svg>')
    return "".join(parts)


def _bar(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


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
