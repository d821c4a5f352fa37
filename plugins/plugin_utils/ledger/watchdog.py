# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deadline for a server's answers: the connection to a server that stays silent is shut down.

A driver that waits for an answer waits for ever where a server hangs, or a commit waits for a standby that is dead:
no time-out of the server or of TCP ends that. One thread for each database watches all that wait at a time, and wakes
once in a while; beginning to watch costs some microseconds. Only waiting is watched: who has an answer, and computes
what to ask next, may take its time.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

DOUBT_SECONDS = 2.0
"""After so long without an answer, it is worth asking whether another server has taken over."""


class Watch:
    """What one thread waits for: by when, and over which connection."""

    def __init__(self, lock: threading.Condition, patience: float) -> None:
        """Wait from now on, for `patience` seconds; the lock is the watchdog's."""
        self._lock = lock
        self._patience = patience
        self._socket: socket.socket | None = None
        self.has_fired = False
        """Whether the server was silent for too long, and the connection was shut down."""
        self.is_left = False
        """Whether that was because another server has taken the place of the one that was asked."""
        self.server: tuple[str | None, int | None] = (None, None)
        """Which server is asked: its cluster, and its timeline."""
        self.more = 0.0
        """Seconds more for what takes longer."""
        self.until = time.monotonic() + patience

    @property
    def patience(self) -> float:
        """Seconds that an answer may take."""
        return self._patience + self.more

    def wait(self) -> None:
        """Give the server its time anew, for another question."""
        self.until = time.monotonic() + self.patience

    @property
    def seconds(self) -> float:
        """For how long the server has been asked by now."""
        return self.patience - (self.until - time.monotonic())

    def rest(self) -> None:
        """Wait for nothing, for now."""
        self.until = math.inf

    def attach(self, connection: socket.socket) -> None:
        """Watch over `connection`, instead of another one."""
        with self._lock:
            self._socket = connection
            if self.has_fired:
                self._shut_down()

    def detach(self) -> None:
        """Let go of the connection."""
        self._socket = None

    def fire(self) -> None:
        """Shut the connection down, so that who waits for it gets an error."""
        self.has_fired = True
        self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class CurrentWatch(threading.local):
    """The watch of the thread that looks, if it has one."""

    watch: Watch | None = None


class Watchdog:
    """Watches what the threads of a process wait for, each for at most `patience` seconds, and a quarter of them.

    With `is_replaced`, which may take some seconds, a server that was silent for `DOUBT_SECONDS` is asked about: it may
    not be the one to wait for any more.
    """

    def __init__(
        self, patience: float, is_replaced: Callable[[tuple[str | None, int | None]], bool] | None = None
    ) -> None:
        """Begin when there is something to watch."""
        self.patience = patience
        self._is_replaced = is_replaced
        self._doubts: threading.Thread | None = None
        self._lock = threading.Condition()
        self._watches: set[Watch] = set()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Return a watch that ends with the block."""
        watch = Watch(self._lock, self.patience)
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger-watchdog", daemon=True)
                self._thread.start()
        try:
            yield watch
        finally:
            with self._lock:
                self._watches.discard(watch)
                watch.detach()

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._is_closed = True
            self._lock.notify()

    def _run(self) -> None:
        with self._lock:
            while not self._is_closed:
                now = time.monotonic()
                for watch in self._watches:
                    if watch.until <= now and not watch.has_fired:
                        watch.fire()
                if self._is_replaced is None:
                    # Looking in vain costs nothing; to be woken for each transaction would cost two changes of threads.
                    self._lock.wait(self.patience / 4)
                    continue
                doubted = [watch for watch in self._watches if watch.seconds > DOUBT_SECONDS and not watch.has_fired]
                if doubted and (self._doubts is None or not self._doubts.is_alive()):
                    self._doubts = threading.Thread(
                        target=self._ask, args=(doubted,), name="ledger-doubts", daemon=True
                    )
                    self._doubts.start()
                self._lock.wait(min(self.patience / 4, DOUBT_SECONDS / 2))

    def _ask(self, doubted: list[Watch]) -> None:
        servers = {watch.server for watch in doubted}
        is_replaced = self._is_replaced
        if is_replaced is None:
            return
        replaced = {server for server in servers if is_replaced(server)}
        with self._lock:
            for watch in doubted:
                # It may have had its answer meanwhile, and ask the next server by now.
                if watch in self._watches and watch.server in replaced and watch.seconds > DOUBT_SECONDS:
                    watch.is_left = True
                    watch.fire()
