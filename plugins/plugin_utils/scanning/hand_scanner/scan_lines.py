# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans as lines, cut out of what a scanner sends. It decides neither how long we wait nor how much we keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..scan import MAX_SCAN_LENGTH

MOST_A_SECOND = 10
"""Scans that are taken of a scanner in a second; nobody scans faster."""
PAUSE_SECONDS = 1.0
"""A scan that stands still for so long has lost its end. A slow keyboard takes 0.02 s a character."""
WHOLE_SECONDS = 10.0
"""From the first character of a scan to its end."""

_ENDS = frozenset(b"\r\n")


@dataclass(frozen=True, slots=True)
class SpoiltScan:
    """Something was scanned that cannot be used. `sentence` says why and what to do, and nothing of what it was."""

    sentence: str


_TOO_LONG = SpoiltScan(
    f"What was scanned has more than {MAX_SCAN_LENGTH} characters, and no label of ours has so many; scan it again."
)
_NO_END = SpoiltScan(
    "What was scanned has no end, so a part of it may be missing; scan it again, and where it is always so, set the "
    "scanner to send Enter (CR or LF) after each scan."
)
_TOO_MANY = SpoiltScan(
    f"The scanner sent more than {MOST_A_SECOND} scans in a second, and what came after them was left out; scan again, "
    "and where it goes on, take the scanner off."
)


class ScanLines:
    """The scans of one scanner. Times are seconds of any clock that does not go back; nothing here looks at one.

    What comes without a pause is a burst, and each burst gives scans or one sentence. After a scan that had no end the
    next end is not trusted either: it may be that of the same scan, whose second half may look like an ID.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._is_spoilt = False
        """What comes until the next end is no scan."""
        self._is_told = False
        """Of this burst."""
        self._began: float | None = None
        """None while no scan is on its way."""
        self._last = 0.0
        self._second = float("-inf")
        self._in_second = 0

    @property
    def deadline(self) -> float | None:
        """When to call `expire`; None while no scan is on its way."""
        if self._began is None:
            return None
        pause = self._last + PAUSE_SECONDS
        return pause if self._is_told else min(pause, self._began + WHOLE_SECONDS)

    def feed(self, data: bytes, now: float) -> Iterator[str | SpoiltScan]:
        """Yield each scan that has its end in `data`, which has come `now`, without that end.

        Empty lines do not count: many scanners send CR and LF.
        """
        if late := self.expire(now):
            yield late
        self._last = now
        for byte in data:
            if byte in _ENDS:
                yield from self._end(now)
                continue
            if self._began is None:
                self._began, self._is_told = now, False
            if len(self._kept) == MAX_SCAN_LENGTH and not self._is_spoilt:
                self._spoil()
                yield from self._counted(_TOO_LONG, now)
            if not self._is_spoilt:
                self._kept.append(byte)

    def expire(self, now: float) -> SpoiltScan | None:
        """Give up what has had no end for too long. A half is never taken: that of a long ID may be an ID as well."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return None
        was_told = self._is_told
        self._spoil()
        if now >= self._last + PAUSE_SECONDS:
            self._began = None
        return None if was_told else _NO_END

    def forget(self) -> None:
        """Forget what has no end yet: the scanner was unplugged, and what comes next is a scan from its beginning."""
        self._kept.clear()
        self._is_spoilt = False
        self._began = None

    def _spoil(self) -> None:
        self._kept.clear()
        self._is_spoilt = self._is_told = True

    def _end(self, now: float) -> Iterator[str | SpoiltScan]:
        scan, was_spoilt, is_untold = bytes(self._kept), self._is_spoilt, self._began is not None and not self._is_told
        self.forget()
        if was_spoilt and is_untold:
            yield from self._counted(_NO_END, now)
        elif scan:
            yield from self._counted(scan.decode("utf-8", "replace"), now)

    def _counted(self, scan: str | SpoiltScan, now: float) -> Iterator[str | SpoiltScan]:
        if not 0 <= now - self._second < 1:
            self._second, self._in_second = now, 0
        self._in_second += 1
        if self._in_second <= MOST_A_SECOND:
            yield scan
        elif self._in_second == MOST_A_SECOND + 1:
            yield _TOO_MANY
