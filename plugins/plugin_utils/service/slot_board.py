# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How all slots stand, as their stations told it. In memory: a station says all that it knows every two seconds.

Two programs speak of one slot, the station and the run of a playbook; what counts then, `slot_precedence` says.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from .errors import RefusedError
from .shift_counts import ShiftCounts
from .slot_message import MOST_SLOTS, NOTICE_SECONDS, SlotReport, SlotState, StationMessage, StationNotice
from .slot_precedence import LOST_SECONDS, KnownSlot, StationOrder, counts

_MOST_STATIONS = 16
_FORGOTTEN_SECONDS = 600.0
"""A station that said nothing for so long makes room for another."""
_GONE_SECONDS = 12 * 3600.0
"""One that said nothing for so long, such as one that has another name now, is shown no more."""


@dataclass(slots=True)
class _KnownStation:
    heard: float
    order: StationOrder = field(default_factory=StationOrder)
    slots: dict[str, KnownSlot] = field(default_factory=dict)
    operator: str = ""
    beat: float | None = None
    """When its last whole message came; None where it sends none, as a run without a station."""
    notices: dict[str | None, tuple[str, float, int]] = field(default_factory=dict)
    """What is said for a while, since when, and its number: of slots that there are, and of none."""

    def is_beating(self, moment: float) -> bool:
        """Whether it says the whole now and then."""
        return self.beat is not None and moment - self.beat <= LOST_SECONDS


class SlotBoard:
    """The slots of all stations. For the event loop alone; `clock` gives seconds that only grow."""

    def __init__(
        self,
        *,
        shifts: Sequence[str],
        working_seconds: int,
        clock: Callable[[], float] = time.monotonic,
        counts: ShiftCounts | None = None,
    ) -> None:
        self._working_seconds = working_seconds
        self._clock = clock
        self._counts = counts or ShiftCounts(shifts)
        self._stations: dict[str, _KnownStation] = {}
        self._refused: float | None = None
        """When somebody was last refused who has no token of a station."""
        self._changes = 0
        # Another service, or this one after a restart, has other versions.
        self._life = secrets.token_hex(4)
        self._news = asyncio.Event()

    @property
    def version(self) -> str:
        """What is another word after anything was told that changes what is shown."""
        return f"{self._life}-{self._changes}"

    async def wait_for_news(self, known: str | None, seconds: float) -> None:
        """Return once the version differs from `known`, or so much time has passed."""
        with suppress(TimeoutError):
            if known == self.version:
                await asyncio.wait_for(self._news.wait(), seconds)

    def tell(self, message: StationMessage) -> list[str]:
        """Take what a station says, and return the slots of which something newer is known, and which stay as they are.

        Raises `RefusedError` where that is all that a run says, where a station's message is late, or where there are
        too many stations.
        """
        moment = self._clock()
        station = self._station(message.station, moment)
        station.order.advance(message, moment)
        told = {report.slot for report in message.slots}
        if message.whole:
            if gone := set(station.slots) - told:
                self._note_change()
            for name in gone:
                del station.slots[name]
                station.notices.pop(name, None)
        elif len(told | set(station.slots)) > MOST_SLOTS:
            raise RefusedError(422, "slots", f"A station has {MOST_SLOTS} slots at most; name those that it has.")
        is_back = message.whole and not station.is_beating(moment)
        late = [report.slot for report in message.slots if not self._take(message, station, report, moment)]
        for notice in message.notices:
            self._notify(station, notice, moment)
        if late and not message.notices and len(late) == len(message.slots) and not message.is_by_station:
            raise RefusedError(409, "older", "Something newer is known of these slots already; nothing was taken.")
        station.heard = moment
        if is_back or (message.operator is not None and message.operator != station.operator):
            self._note_change()
        if message.operator is not None:
            station.operator = message.operator
        if message.whole:
            station.beat = moment
        return late

    def note_refusal(self) -> None:
        """Take note that somebody would tell how slots stand, and was refused for his token."""
        moment = self._clock()
        if not self._is_refusing(moment):
            self._note_change()
        self._refused = moment

    def _is_refusing(self, moment: float) -> bool:
        return self._refused is not None and moment - self._refused <= LOST_SECONDS

    def look(self, station: str | None = None) -> dict[str, object]:
        """Return what the page shows: of one station, or of all."""
        moment = self._clock()
        self._stations = {name: found for name, found in self._stations.items() if moment - found.heard < _GONE_SECONDS}
        chosen = {name: found for name, found in self._stations.items() if station in (None, name)}
        return {
            "now": datetime.now(UTC).isoformat(),
            "version": self.version,
            "working_seconds": self._working_seconds,
            "refuses": self._is_refusing(moment),
            "shift": self._counts.look(),
            "stations": [
                {
                    "station": name,
                    "operator": found.operator,
                    "silent_seconds": round(moment - found.heard, 1),
                    "lost": found.beat is not None and not found.is_beating(moment),
                }
                for name, found in chosen.items()
            ],
            "slots": [
                {"station": name, **slot.report.to_json(), "seconds": round(moment - slot.since, 1)}
                for name, found in chosen.items()
                for slot in found.slots.values()
            ],
            "notices": [
                {"station": name, "slot": slot, "text": text, "number": number, "seconds": round(moment - since, 1)}
                for name, found in chosen.items()
                for slot, (text, since, number) in found.notices.items()
                if moment - since < NOTICE_SECONDS
            ],
        }

    def _station(self, name: str, moment: float) -> _KnownStation:
        if (found := self._stations.get(name)) is not None:
            return found
        if len(self._stations) >= _MOST_STATIONS:
            oldest = min(self._stations, key=lambda other: self._stations[other].heard)
            if moment - self._stations[oldest].heard < _FORGOTTEN_SECONDS:
                raise RefusedError(
                    422, "stations", f"There are {_MOST_STATIONS} stations already; give each line its own service."
                )
            del self._stations[oldest]
        made = self._stations[name] = _KnownStation(moment)
        return made

    def _take(self, message: StationMessage, station: _KnownStation, report: SlotReport, moment: float) -> bool:
        """Let `report` be how its slot stands, unless it is late; say whether it does."""
        known = station.slots.get(report.slot)
        if known is not None and not counts(
            report,
            known,
            by_station=message.is_by_station,
            is_held=station.is_beating(moment),
            moment=moment,
            working_seconds=self._working_seconds,
        ):
            return False
        since = told = moment
        if known is not None and known.report.arrival == report.arrival:
            told = known.told
            if message.start is None:  # a station says by itself all that it knows
                report = _completed(report, known.report)
            if known.report.state is report.state:
                since = known.since
        if report.at is None:
            report = replace(report, at=datetime.now(UTC))
        if report.state.is_verdict and (known is None or _verdict(known.report) != _verdict(report)):
            self._counts.note(message.station, report)
        if known is None or known.report != report:
            self._note_change()
        if known is not None and (known.report.arrival, known.report.state) != (report.arrival, report.state):
            station.notices.pop(report.slot, None)  # it was of what is no more
        station.slots[report.slot] = KnownSlot(report, since, told)
        return True

    def _notify(self, station: _KnownStation, notice: StationNotice, moment: float) -> None:
        place = notice.slot if notice.slot in station.slots else None
        if notice.text:
            station.notices[place] = notice.text, moment, self._changes
        elif place != notice.slot or station.notices.pop(place, None) is None:
            return  # it takes back what is not shown
        self._note_change()

    def _note_change(self) -> None:
        self._changes += 1
        self._news.set()
        self._news = asyncio.Event()


def _verdict(report: SlotReport) -> tuple[object, ...]:
    return report.arrival, report.state, report.serial


def _completed(report: SlotReport, known: SlotReport) -> SlotReport:
    """Return `report` with what was known of the same board, where it does not say it itself."""
    if report.state is SlotState.EMPTY:
        return report
    report = replace(
        report, serial=report.serial or known.serial, claim_id_end=report.claim_id_end or known.claim_id_end
    )
    if report.state is not known.state:
        return report
    return replace(
        report,
        step=report.step or known.step,
        reason=report.reason or known.reason,
        remedy=report.remedy or known.remedy,
        at=known.at,
    )
