# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a station knows of each of its slots, and what it tells of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..display_text import printable
from .slots import Slot

EMPTY, WORKING, PASS, FAIL, NO_LABEL = "empty", "working", "pass", "fail", "no_label"
ENDS = (PASS, FAIL, NO_LABEL)
"""How a board's run can end."""
_STATES = (EMPTY, WORKING, *ENDS, "scan_now")
_TEXTS = ("step", "serial", "claim_id_end", "reason", "remedy")
_MOST_LETTERS = 200
_HOUR = 3600.0


@dataclass
class SlotRecord:
    """A slot, and the board in it."""

    slot: Slot
    number: int = 0
    """That of the last arrival."""
    address: str = ""
    is_there: bool = False
    is_waiting: bool = False
    """A board is there whose run has not started."""
    running: int | None = None
    """The arrival that a run works on; it may be another than the last."""
    is_stopped: bool = False
    state: str = EMPTY
    texts: dict[str, str] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _arrivals: deque[float] = field(default_factory=deque)

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

    def become(self, state: str, **texts: str) -> None:
        """Be in `state` from now on."""
        self.state, self.texts, self.at = state, dict(texts), datetime.now(UTC)

    def hear(self, told: Mapping[str, object]) -> bool:
        """Take what a run's callback tells of the board in this slot; say whether it was of that board, and new."""
        state = told.get("state")
        if told.get("arrival") != self.number or state not in _STATES or not self.is_there:
            return False
        before = (self.state, self.texts)
        texts = {name: printable(value)[:_MOST_LETTERS] for name in _TEXTS if isinstance(value := told.get(name), str)}
        self.become(str(state), **texts)
        return (self.state, self.texts) != before

    def message(self) -> dict[str, object]:
        """Return what is told of this slot."""
        return {
            "slot": self.slot.name,
            "arrival": self.number,
            "state": self.state,
            **self.texts,
            "at": self.at.isoformat(timespec="seconds"),
        }

    def line(self) -> str:
        """Return what the station's log says of it."""
        said = [self.slot.name, self.state.upper().replace("_", " ")]
        said += [self.texts[name] for name in ("step", "serial") if self.texts.get(name)]
        because = " ".join(self.texts[name] for name in ("reason", "remedy") if self.texts.get(name))
        return printable(" ".join(said) + (f": {because}" if because else ""))
