# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a station knows of each of its slots, and what it tells of them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ..display_text import printable
from ..service.slot_message import SlotReport, SlotState
from .arrivals import Event
from .slots import JigSlot
from .words import Trouble

_HOUR = 3600.0


@dataclass
class SlotRecord:
    """A slot, and the board in it."""

    slot: JigSlot
    number: int = 0
    """That of the last arrival."""
    address: str = ""
    is_there: bool = False
    is_waiting: bool = False
    """A board is there whose run has not started."""
    running: int | None = None
    """The arrival that a run works on; it may differ from the last."""
    is_stopped: bool = False
    latest: Event | None = None
    """What happened last, also while it is stopped."""
    tries: int = 0
    """Runs for the board that somebody killed."""
    claim_id: str = field(default="", repr=False)
    """From the label that was scanned for the board."""
    passed: SlotReport | None = None
    """How its run ended, where the label that came out is still to be scanned."""
    report: SlotReport = field(init=False)
    """What the page is told of it."""
    _arrivals: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Begin as an empty slot."""
        self.become(SlotState.EMPTY)

    @property
    def can_start(self) -> bool:
        """Whether a board is waiting, and no run works on this slot."""
        return self.is_waiting and self.running is None

    def count_arrival(self, most: int) -> bool:
        """Count an arrival; say whether there were no more than `most` within an hour."""
        now = time.monotonic()
        self._arrivals.append(now)
        while self._arrivals[0] < now - _HOUR:
            self._arrivals.popleft()
        return len(self._arrivals) <= most

    def forget_arrivals(self) -> None:
        """Begin to count anew."""
        self._arrivals.clear()
        self.is_stopped = False

    def become(self, state: SlotState, *, step: str | None = None, remedy: str | None = None) -> None:
        """Be in `state` from now on."""
        self.report = SlotReport(self.slot.name, self.number, state, step=step, remedy=remedy, at=datetime.now(UTC))

    def fail(self, trouble: Trouble) -> None:
        """Be FAIL from now on."""
        self.become(SlotState.FAIL)
        self.report = trouble.told_of(self.report, SlotState.FAIL)

    def hear(self, report: SlotReport) -> bool:
        """Take what a run tells of the board in this slot; say whether it was of that board, and new."""
        if report.arrival != self.number or not self.is_there or self.is_stopped:
            return False
        if replace(report, at=None) == replace(self.report, at=None):
            return False
        self.report = report
        return True

    def line(self) -> str:
        """Return what the station's log says of it."""
        report = self.report
        said = [report.slot, report.state.upper().replace("_", " "), report.step or "", report.serial or ""]
        because = " ".join(text for text in (report.reason, report.remedy, report.detail) if text)
        return printable(" ".join(word for word in said if word) + (f": {because}" if because else ""))
