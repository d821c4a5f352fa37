# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of jobs in one transaction; where another session holds the row of one, the others without it.

On a server, somebody may hold a unit's row and not let go. Whose unit that is, the server does not say: so the group is
halved until the one that is held stands alone. That is done with little patience, and so are the groups that follow for
a while: whoever is refused asks again every two seconds, and would hold up the line each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..ledger.ledger import Ledger
from ..ledger.records import LockedLedgerError
from .ledger_handle import LedgerHandle

LOCK_SECONDS = 0.1
"""How long the ledger without patience waits for another session: longer than a transaction of ours takes."""
_WARY_SECONDS = 10.0
"""For how long groups are written without patience after one met a lock."""
_MOST_SECONDS = 1.5
"""After which what is left of a group is taken for locked: everything may be, as while somebody migrates."""

Job = TypeVar("Job")
Answer = TypeVar("Answer")


class GroupWriter:
    """Writes groups by `ledger`, and by one with `LOCK_SECONDS` of patience where somebody holds a row. One thread."""

    def __init__(self, ledger: LedgerHandle, impatient: LedgerHandle) -> None:
        self._ledger = ledger
        self._impatient = impatient
        self._wary_until = 0.0

    def write(
        self, work: Callable[[Ledger, Sequence[Job]], list[Answer]], jobs: Sequence[Job]
    ) -> list[Answer | LockedLedgerError]:
        """Return the answers of `work`, which is one transaction, in the order of `jobs`. Raises `LedgerError`."""
        if time.monotonic() >= self._wary_until:
            try:
                with self._ledger.use() as ledger:
                    return [*work(ledger, jobs)]
            except LockedLedgerError:
                self._wary_until = time.monotonic() + _WARY_SECONDS
        return self._halved(work, jobs, time.monotonic() + _MOST_SECONDS)

    def _halved(
        self, work: Callable[[Ledger, Sequence[Job]], list[Answer]], jobs: Sequence[Job], until: float
    ) -> list[Answer | LockedLedgerError]:
        try:
            with self._impatient.use() as ledger:
                return [*work(ledger, jobs)]
        except LockedLedgerError as error:
            self._wary_until = time.monotonic() + _WARY_SECONDS
            if len(jobs) == 1 or time.monotonic() > until:
                return [error] * len(jobs)
        middle = len(jobs) // 2
        return [*self._halved(work, jobs[:middle], until), *self._halved(work, jobs[middle:], until)]
