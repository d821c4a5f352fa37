# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was refused: counted, logged without secrets and not without end, and kept for the station page."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime

from ..display_text import printable, shortened
from .capped_log import CappedLog, place_of
from .errors import RefusedError
from .metrics import Metrics

_KEPT = 100
_MAX_LETTERS = 300
_NOT_KEPT = {"read", "connection"}
"""They are of no unit."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody who was refused, and why. `times` counts the tries: an agent asks every two seconds."""

    at: datetime
    address: str
    reason: str
    sentence: str
    product: str | None
    unit: str | None
    times: int


class Refusals:
    """The refusals of this process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._kept: OrderedDict[tuple[str | None, ...], Refusal] = OrderedDict()
        self._log = CappedLog("refusals")
        self._defects = CappedLog("failures")

    def add(self, kind: str, address: str, error: RefusedError) -> None:
        """Count, log and keep a refusal of a request of `kind`."""
        self._metrics.count(kind, error.reason)
        sentence = shortened(str(error), _MAX_LETTERS)
        self._log.write(
            logging.WARNING,
            *("refused %s with %d (%s): %s", printable(address), error.status, error.reason, sentence),
        )
        if kind in _NOT_KEPT:
            return
        key = (error.product, error.unit) if error.unit else (error.reason, address)
        before = self._kept.pop(key, None)
        times = before.times + 1 if before else 1
        self._kept[key] = Refusal(datetime.now(UTC), address, error.reason, sentence, error.product, error.unit, times)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def defect(self, kind: str, error: BaseException) -> RefusedError:
        """Count and log a defect of ours that a request of `kind` met, and return what its client is told."""
        self._metrics.count(kind, "defect")
        self._defects.write(logging.ERROR, "A request failed, %s; report this.", place_of(error))
        return RefusedError(500, "defect", "The service failed; see its log.")

    def kept(self) -> list[Refusal]:
        """Return the last refusals, oldest first, each unit once."""
        return list(self._kept.values())
