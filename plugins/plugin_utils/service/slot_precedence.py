# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of two messages of one slot counts: those who tell overtake each other, and the numbers are made by clocks.

A board's number (`arrival`) grows with every board, but it begins with the clock of the station, which may be set back,
and whoever may tell of slots may say any. So it decides only where nothing better does:

1. What a station says by itself names its `start`, another one each time that it is started, and counts in the order of
   its `number`, whatever boards it is about. A start that is new takes the place of the one before; what that one still
   says is late, unless the new one is silent for `LOST_SECONDS`.
2. A whole message replaces what was known of all slots of its station, whatever its numbers are, also without a start.
   So what is wrong is right again with the next heartbeat.
3. A run of a playbook names no start, and goes by the number of its board. Of a lower one it is late: the board was
   swapped while the run started. Where no heartbeat would put it right, a number holds for as long as a run may take
   (`working_seconds`) since it was first told, for no run of a board before it is left then.
4. Of one board, nobody takes a verdict back by saying that it is still worked on, since a run's verdict overtakes the
   station's heartbeat: a run never, and a station not before `LOST_SECONDS` have passed. After the board has left, a
   run can say nothing but that a scan is waited for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .errors import RefusedError
from .slot_message import SlotReport, SlotState, StationMessage

LOST_SECONDS = 10.0
"""A station whose heartbeat, which comes every two, is missing for so long is lost."""
_MOST_STARTS = 8
"""That are remembered of a station."""


@dataclass(slots=True)
class StationOrder:
    """Where a station is in its own messages."""

    start: str | None = None
    number: int = -1
    heard: float = 0.0
    before: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_STARTS))
    """The starts that another one followed."""

    def advance(self, message: StationMessage, moment: float) -> None:
        """Take note of a message of now. Raises `RefusedError` where it is late."""
        if message.start is None:
            return
        if message.start == self.start:
            if message.number <= self.number:
                raise RefusedError(409, "older", "The station has said something newer already; nothing was taken.")
        elif message.start in self.before and moment - self.heard <= LOST_SECONDS:
            raise RefusedError(
                409, "older", "Another station of this name was started since; stop one, or give each its own name."
            )
        elif self.start is not None:
            self.before.append(self.start)
        self.start, self.number, self.heard = message.start, message.number, moment


@dataclass(frozen=True, slots=True)
class KnownSlot:
    """What is known of a slot, by our clock."""

    report: SlotReport
    since: float
    """When it came to stand so; of a board that is worked on, when that began."""
    told: float
    """When its board was first told of."""


def counts(
    report: SlotReport, known: KnownSlot, *, by_station: bool, is_held: bool, moment: float, working_seconds: float
) -> bool:
    """Say whether `report` may follow what is known of its slot.

    It is said `by_station` where that speaks for itself; `is_held` says whether a station tells the whole now and then.
    """
    before = known.report
    if report.arrival != before.arrival:
        is_forgotten = not is_held and moment - known.told > working_seconds
        return by_station or is_forgotten or report.arrival > before.arrival
    takes_back = before.state.is_verdict and report.state is SlotState.WORKING
    if by_station:
        return not takes_back or moment - known.since > LOST_SECONDS
    if before.state is SlotState.EMPTY:
        return report.state in (SlotState.EMPTY, SlotState.SCAN_NOW)
    return not takes_back
