# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that a client can provoke: one for each event, so many a second, and never a traceback."""

from __future__ import annotations

import logging
import time
import traceback
from pathlib import Path

LINES_A_SECOND = 10
_PLACES = 4

_log = logging.getLogger("ioto.service")


class CappedLog:
    """Writes at most `LINES_A_SECOND`, and says how many more there were."""

    def __init__(self, what: str) -> None:
        """`what` names the events that are left out, such as "refusals"."""
        self._what = what
        self._second = 0
        self._lines = 0
        self._unlogged = 0

    def write(self, level: int, text: str, *arguments: object) -> None:
        """Write a line as `logging` does, unless there were too many in this second."""
        second = int(time.monotonic())
        if second != self._second:
            if self._unlogged:
                _log.warning("%d more %s were not logged", self._unlogged, self._what)
            self._second, self._lines, self._unlogged = second, 0, 0
        self._lines += 1
        if self._lines > LINES_A_SECOND:
            self._unlogged += 1
            return
        _log.log(level, text, *arguments)


def place_of(error: BaseException) -> str:
    """Return the kind of `error` and where it was raised, on one line. What it says may be a client's, or a secret."""
    frames = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    places = ", ".join(f"{Path(frame.filename).name} line {frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} in {places}" if places else type(error).__name__
