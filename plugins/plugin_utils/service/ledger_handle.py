# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that is opened when it is needed, and again after a failure: the service starts without its database.

The service holds two: one to write, one to read meanwhile.
"""

from __future__ import annotations

import threading
import time

from ..ledger.ledger import Ledger
from ..ledger.records import LedgerError

_PAUSE_SECONDS = 1.0
"""After a failure to open: so long the same answer is given at once, so that requests do not queue up to wait."""


class LedgerHandle:
    """A ledger that is opened at the first `get`, and tried again later where that fails. Threads may share it."""

    def __init__(self, location: str | None, *, first: LedgerHandle | None = None) -> None:
        """`first` is opened before, because it creates the ledger."""
        self._location = location
        self._first = first
        self._lock = threading.Lock()
        self._ledger: Ledger | None = None
        self._failure: LedgerError | None = None
        self._retry_at = 0.0

    def get(self) -> Ledger:
        """Return the open ledger. Raises `LedgerError`."""
        if self._ledger is not None:
            return self._ledger
        if self._first is not None:
            self._first.get()
        with self._lock:
            if self._ledger is None:
                self._ledger = self._open()
            return self._ledger

    def close(self) -> None:
        """Let go of the database."""
        if self._ledger is not None:
            self._ledger.close()

    def _open(self) -> Ledger:
        if self._failure is not None and time.monotonic() < self._retry_at:
            raise self._failure
        try:
            ledger = Ledger(self._location)
        except LedgerError as error:
            self._failure = error
            self._retry_at = time.monotonic() + _PAUSE_SECONDS
            raise
        self._failure = None
        return ledger
