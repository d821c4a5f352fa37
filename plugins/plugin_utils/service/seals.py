# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals while the service runs: what it has committed is sealed some seconds later, on a thread of its own.

No request waits for that, and none does more for it. What is not sealed when the service is killed, the next seal
covers.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ..ledger.records import LedgerError
from ..ledger.seals import seal_events
from .ledger_handle import LedgerHandle, RepeatedLedgerError
from .metrics import Metrics
from .threads import end

SEAL_SECONDS = 5.0
"""From one seal to the next, at least."""

_AT_ONCE_SECONDS = 3.0
"""After which the rest is left to the next seal."""

_log = logging.getLogger("ioto.service")


class PeriodicSealer:
    """Seals what was committed since it last did. On the event loop on which `start` was called, but for the work."""

    def __init__(self, ledger: LedgerHandle, metrics: Metrics, *, seconds: float = SEAL_SECONDS) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._seconds = seconds
        self._sealed_commits = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="seals")
        self._task: asyncio.Task[None]

    def start(self) -> None:
        """Seal from now on."""
        self._task = asyncio.create_task(self._seal_again_and_again())

    async def stop(self, *, seconds: float) -> bool:
        """Seal what was committed last, for so many seconds at most, and end the thread; return whether it ended."""
        self._task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._seal)
        return await end(self._thread, seconds=seconds)

    async def _seal_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._seal)

    def _seal(self) -> None:
        commits = self._metrics.commits
        if commits == self._sealed_commits:
            return
        try:
            with self._ledger.use() as ledger:
                sealed = seal_events(ledger.database, seconds=_AT_ONCE_SECONDS)
        except RepeatedLedgerError:
            pass
        except LedgerError as error:
            _log.error("Events could not be sealed, and will be tried again: %s", error)
        except Exception:  # a defect of ours must not end the seals
            _log.exception("Events could not be sealed; report this.")
        else:
            if sealed.is_all:  # else there is more to do the next time, though nothing is committed until then
                self._sealed_commits = commits
