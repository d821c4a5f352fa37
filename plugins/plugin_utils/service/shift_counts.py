# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a shift has done so far: how many boards passed and failed, and how many an hour.

A board that says its serial counts once, as it stands now: one that failed, was mended and passed has passed. One that
never said it, such as one that did not answer, counts at each try. It is what this process was told since it started,
or since the shift began; the moment is told with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta

from .slot_message import SlotReport, SlotState

_KEPT = 20_000
"""More boards than a shift has."""
_PACE_WINDOW = timedelta(hours=1)
_LEAST_WINDOW = timedelta(minutes=1)
"""From less, no figure for an hour follows."""


def now() -> datetime:
    """Return the moment, by the clock on the wall where the service is."""
    return datetime.now(UTC).astimezone()


class ShiftCounts:
    """The counts of the shift that is on. `starts` are the times of day at which shifts begin, such as `06:00`."""

    def __init__(self, starts: Sequence[str], *, clock: Callable[[], datetime] = now) -> None:
        self._starts = starts
        self._clock = clock
        self._since = clock()
        self._passed: OrderedDict[Hashable, datetime] = OrderedDict()
        self._failed: OrderedDict[Hashable, datetime] = OrderedDict()
        self._begin = self._shift_start()

    def note(self, station: str, report: SlotReport) -> None:
        """Count a verdict."""
        self._turn()
        # The board that came counts under what it came as until it says its serial.
        tried = (station, report.slot, report.arrival)
        key: Hashable = report.serial or tried
        if report.serial:
            self._failed.pop(tried, None)
        into, other = self._passed, self._failed
        if report.state is not SlotState.PASS:
            into, other = other, into
        other.pop(key, None)
        into.setdefault(key, self._clock())
        if len(into) > _KEPT:
            into.popitem(last=False)

    def look(self) -> dict[str, object]:
        """Return the figures: `yield` is a share of 1, `pace` in units an hour; None until there is one."""
        self._turn()
        passed, failed = len(self._passed), len(self._failed)
        return {
            "since": self._since.isoformat(),
            "passed": passed,
            "failed": failed,
            "yield": passed / (passed + failed) if passed + failed else None,
            "pace": self._pace(),
        }

    def _pace(self) -> float | None:
        moment = self._clock()
        window = min(moment - self._since, _PACE_WINDOW)
        if window < _LEAST_WINDOW:
            return None
        recent = sum(at >= moment - window for at in self._passed.values())
        return recent / (window / timedelta(hours=1))

    def _turn(self) -> None:
        """Begin anew where another shift has begun."""
        begin = self._shift_start()
        # By the wall: the hour that a change of summer time takes or gives begins no shift.
        if begin.replace(tzinfo=None) != self._begin.replace(tzinfo=None):
            self._begin = self._since = begin
            self._passed.clear()
            self._failed.clear()

    def _shift_start(self) -> datetime:
        """Return when the shift that is on began."""
        moment = self._clock()
        begins = []
        for start in self._starts:
            hour, minute = map(int, start.split(":"))
            begin = moment.replace(hour=hour, minute=minute, second=0, microsecond=0)
            begins.append(begin if begin <= moment else begin - timedelta(days=1))
        return max(begins)
