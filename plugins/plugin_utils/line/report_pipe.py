# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run tells the station that started it how its boards stand: a pipe, with a JSON object a line."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Callable
from contextlib import suppress

from ..service.slot_message import SlotReport

NUMBER = "IOTO_STATION_FD"
"""The variable of the environment with the number of the pipe's end."""
LONGEST_DETAIL = 3000
"""Characters of the sentence for the technician: a tile has no room for it, and the station's log has."""


class ReportPipe:
    """The run's end of it. A station that is gone, or does not read, costs the run nothing."""

    def __init__(self, number: int) -> None:
        self._number = number
        with suppress(OSError):
            os.set_blocking(number, False)

    def tell(self, report: SlotReport) -> None:
        """Write `report`. A line is shorter than what a pipe takes at once, so that it is whole or not there."""
        longest = LONGEST_DETAIL
        while len(line := _line(report, longest)) > select.PIPE_BUF and longest > 1:
            longest //= 2
        with suppress(OSError):
            os.write(self._number, line)


def _line(report: SlotReport, longest_detail: int) -> bytes:
    return json.dumps(report.to_json(longest_detail=longest_detail), ensure_ascii=False).encode() + b"\n"


def to_all(*tells: Callable[[SlotReport], None]) -> Callable[[SlotReport], None]:
    """Return what tells all of `tells`."""

    def tell(report: SlotReport) -> None:
        for one in tells:
            one(report)

    return tell
