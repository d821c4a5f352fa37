# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that is opened when it is needed, and again after a failure: the service starts without its database.

The service holds four: one to write, one that does so with less patience, one to read meanwhile, one to seal. While the
database cannot be used, one question after the other finds that out, each by a deadline; what comes meanwhile is told
so at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..ledger.deadlines import Deadlines
from ..ledger.ledger import Ledger
from ..ledger.records import ClaimConflictError, InvalidUnitError, LedgerError, LockedLedgerError, UnknownClaimError

_MOST_PAUSE_SECONDS = 1.0
"""After a failure the same answer is given at once for as long as it took to come out, and at most so long: requests do
not queue up to wait."""

_ABOUT_THE_QUESTION = (ClaimConflictError, InvalidUnitError, LockedLedgerError, UnknownClaimError)


class RepeatedLedgerError(LedgerError):
    """What went wrong a moment ago, said once more without a try: whoever met it first has logged it."""


class LedgerHandle:
    """A ledger that is opened at the first `use`, and tried again later where that fails. Threads may share it."""

    def __init__(
        self,
        location: str | None,
        *,
        answer_seconds: float | None = None,
        lock_seconds: float | None = None,
        first: LedgerHandle | None = None,
    ) -> None:
        """A server has to answer within `answer_seconds`, and waits no longer than `lock_seconds` for other sessions.

        `first` is opened before, because it creates the ledger.
        """
        self._location = location
        self._deadlines = None if answer_seconds is None else Deadlines.within(answer_seconds)
        if self._deadlines is not None and lock_seconds is not None:
            self._deadlines = self._deadlines._replace(lock=lock_seconds)
        self._first = first
        self._lock = threading.Lock()
        self._ledger: Ledger | None = None
        self._failure = ""
        self._retry_at = 0.0

    @contextmanager
    def use(self) -> Iterator[Ledger]:
        """Lend the open ledger. Raises `LedgerError`."""
        self._raise_again_for_a_while()
        began = time.monotonic()
        try:
            yield self._opened()
        except (RepeatedLedgerError, *_ABOUT_THE_QUESTION):
            raise
        except LedgerError as error:
            self._note(error, began)
            raise

    def close(self) -> None:
        """Let go of the database."""
        if self._ledger is not None:
            self._ledger.close()

    def _opened(self) -> Ledger:
        if self._ledger is not None:
            return self._ledger
        if self._first is not None:
            with self._first.use():
                pass
        with self._lock:
            if self._ledger is None:
                # Whoever waited for the lock learns what became of it.
                self._raise_again_for_a_while()
                self._ledger = self._open()
            return self._ledger

    def _open(self) -> Ledger:
        began = time.monotonic()
        try:
            return Ledger(self._location, deadlines=self._deadlines)
        except LedgerError as error:
            self._note(error, began)
            raise

    def _note(self, error: LedgerError, began: float) -> None:
        now = time.monotonic()
        self._failure, self._retry_at = str(error), now + min(now - began, _MOST_PAUSE_SECONDS)

    def _raise_again_for_a_while(self) -> None:
        if time.monotonic() < self._retry_at:
            raise RepeatedLedgerError(self._failure)
