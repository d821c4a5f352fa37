# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread of a process that ends connections whose device has had its time.

Whoever waits for a device need not look at the clock then: the end of the connection wakes him, wherever he is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from time import monotonic

from ..device.connection import Deadline


class AlarmClock:
    """Calls what was given to it when its time has come, unless the block of it was left before."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._alarms: dict[object, tuple[float, Callable[[], None]]] = {}
        self._next: float | None = None
        self._thread: Thread | None = None

    @contextmanager
    def limit(self, deadline: Deadline, end: Callable[[], None]) -> Iterator[None]:
        """Count the time of the block on `deadline`, and call `end` when none is left."""
        with deadline.running(), self.alarm(deadline.left, end):
            yield

    @contextmanager
    def alarm(self, seconds: float, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` after `seconds` of the block. `end` may not wait for anything."""
        mark = object()
        self._set(mark, monotonic() + seconds, end)
        try:
            yield
        finally:
            with self._changed:
                self._alarms.pop(mark, None)

    def _set(self, mark: object, at: float, end: Callable[[], None]) -> None:
        with self._changed:
            self._alarms[mark] = at, end
            if self._thread is None:
                watch = Thread(target=self._watch, daemon=True)
                watch.start()  # which a system that is short of threads refuses; the next one tries again then
                self._thread = watch
            elif self._next is None or at < self._next:
                self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = monotonic()
                for mark in [mark for mark, (at, _unused) in self._alarms.items() if at <= now]:
                    self._alarms.pop(mark)[1]()
                self._next = min((at for at, _unused in self._alarms.values()), default=None)
                self._changed.wait(None if self._next is None else self._next - now)
