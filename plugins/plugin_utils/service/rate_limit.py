# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often one address may ask: a token bucket each, in a table that cannot grow without end."""

from __future__ import annotations

import time
from collections.abc import Callable

BURST_SECONDS = 10.0
"""How many seconds' worth of requests may come at once."""
_MAX_ADDRESSES = 10_000


class RateLimit:
    """At most `rate` requests a second from one address."""

    def __init__(self, rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._each = 1 / rate
        """Seconds after which there is one more in a bucket."""
        self._burst_seconds = max(BURST_SECONDS, self._each)
        self._clock = clock
        # address: when its bucket will be full again; an absent one is full.
        self._full_at: dict[str, float] = {}

    def wait(self, address: str) -> float:
        """Count a request of `address`: 0, or the seconds after which it may ask again."""
        now = self._clock()
        full_at = max(self._full_at.get(address, now), now) + self._each
        excess = (full_at - now) - self._burst_seconds
        if excess > 1e-9:
            return excess
        self._full_at[address] = full_at
        if len(self._full_at) > _MAX_ADDRESSES:
            self._forget(now)
        return 0.0

    def is_over(self, address: str) -> bool:
        """Say whether a request of `address` would have to wait. It is not counted."""
        full_at = self._full_at.get(address)
        return full_at is not None and full_at - self._clock() + self._each > self._burst_seconds + 1e-9

    def _forget(self, now: float) -> None:
        self._full_at = {address: at for address, at in self._full_at.items() if at > now}
        if len(self._full_at) > _MAX_ADDRESSES:
            self._full_at.clear()
