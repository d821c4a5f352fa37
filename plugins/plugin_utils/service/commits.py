# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many requests, one commit: what waits is taken together, written in one transaction, and answered after it.

A disk takes milliseconds to make a commit durable, whatever it holds. While one commit is under way, the requests
that come gather on the event loop; the next takes them all. So nobody waits for company, and a crowd pays for one.
(`ledger.group_commit` does the same for callers that are threads; here a caller must not block, and has none.)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from ..claim_ids import mask
from ..errors import IotoError
from ..ledger.ledger import Ledger
from ..ledger.records import AllocationRequest, Claim, Context, LedgerError, StateChange, UnknownClaimError
from .capped_log import CappedLog, place_of
from .errors import RefusedError
from .group_writer import GroupWriter
from .ledger_handle import RepeatedLedgerError
from .metrics import Metrics
from .threads import end
from .unit_body import Confirmation

SOURCE = "service"
RETRY_AFTER = {"Retry-After": "2"}

_SWEEP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Confirm:
    """A confirmation, and who gave it."""

    what: Confirmation
    context: Context


Answer = Claim | IotoError
Told = TypeVar("Told")


def silence() -> RefusedError:
    """Return what whoever asks is told when the ledger does not answer in time."""
    return RefusedError(503, "ledger", "The ledger does not answer; ask again.", headers=RETRY_AFTER)


class _Waiting(NamedTuple):
    """A job, what is made of its answer, and where that goes until the deadline."""

    job: AllocationRequest | Confirm
    told: Callable[[Answer], Any]
    result: asyncio.Future[Any]
    deadline: float

    def give(self, answer: Answer) -> None:
        """Answer, unless that was done, or nobody waits any more."""
        if self.result.done():
            return
        try:
            self.result.set_result(self.told(answer))
        except Exception as error:  # a defect of ours in one answer must not cost the others theirs
            self.result.set_exception(error)


class CommitWriter:
    """Has one thread write to the ledger. Everything but that happens on the event loop on which `start` was called."""

    def __init__(self, ledger: GroupWriter, metrics: Metrics, *, batch: int, answer_seconds: float) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._batch = batch
        self._answer_seconds = answer_seconds
        self._gathered: list[_Waiting] = []
        self._under_way: list[_Waiting] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._log = CappedLog("failures of commits")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._loop: asyncio.AbstractEventLoop
        self._sweeper: asyncio.TimerHandle

    def start(self) -> None:
        """Take jobs from now on."""
        self._loop = asyncio.get_running_loop()
        self._idle.set()
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    async def stop(self, *, seconds: float) -> bool:
        """Answer what waits, for so many seconds at most, and end the thread; return whether that was in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        finally:
            self._sweeper.cancel()
        return await end(self._thread, seconds=seconds)

    def write(self, job: AllocationRequest | Confirm, told: Callable[[Answer], Told]) -> asyncio.Future[Told]:
        """Return what `told` will make of the claim as it is in the ledger, durably, or of what went wrong.

        That is what the ledger says (`ClaimConflictError`, …), or `LedgerError` where it cannot be used, or
        `RefusedError` with 503 where it does not answer in time: then it may still happen, and asking again is safe.
        """
        result: asyncio.Future[Told] = self._loop.create_future()
        self._gathered.append(_Waiting(job, told, result, self._loop.time() + self._answer_seconds))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            # Not at once: who came in the same turn of the loop comes along.
            self._loop.call_soon(self._commit)
        return result

    def _commit(self) -> None:
        # Who gave up waiting will ask again.
        taken = [waiting for waiting in self._gathered[: self._batch] if not waiting.result.done()]
        del self._gathered[: self._batch]
        if taken:
            self._under_way = taken
            self._thread.submit(self._work, taken)
        else:
            self._go_on()

    def _go_on(self) -> None:
        self._under_way = []
        self._busy = bool(self._gathered)
        if self._busy:
            # One turn of the loop later: first the answers go out, and who asked meanwhile comes along.
            self._loop.call_soon(self._loop.call_soon, self._commit)
        else:
            self._idle.set()

    def _give_answers(self, taken: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
        for waiting, answer in zip(taken, answers, strict=True):
            waiting.give(answer)
        self._go_on()

    def _sweep(self) -> None:
        now = self._loop.time()
        for waiting in (*self._under_way, *self._gathered):
            if waiting.deadline < now:
                waiting.give(silence())
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    # --- on the thread ---

    def _work(self, taken: Sequence[_Waiting]) -> None:
        answers = self._answers([waiting.job for waiting in taken])
        self._loop.call_soon_threadsafe(self._give_answers, taken, answers)

    def _answers(self, jobs: Sequence[AllocationRequest | Confirm]) -> Sequence[Answer]:
        began = time.monotonic()
        try:
            answers = self._ledger.write(_write, jobs)
        except LedgerError as error:
            self._metrics.commit_failed()
            if not isinstance(error, RepeatedLedgerError):
                self._log.write(logging.ERROR, "%s", error)
            return [error] * len(jobs)
        except Exception as error:  # a defect of ours must not leave unanswered who waits
            self._metrics.commit_failed()
            self._log.write(logging.ERROR, "A commit failed, %s; report this.", place_of(error))
            return [LedgerError("The ledger failed; see the service's log.")] * len(jobs)
        self._metrics.committed(len(jobs), time.monotonic() - began)
        return answers


def _write(ledger: Ledger, jobs: Sequence[AllocationRequest | Confirm]) -> list[Answer]:
    requests = [job for job in jobs if isinstance(job, AllocationRequest)]
    confirms = [job for job in jobs if isinstance(job, Confirm)]
    allocated = iter(ledger.allocate_many(requests) if requests else [])
    confirmed = iter(_confirm(ledger, confirms) if confirms else [])
    return [next(allocated if isinstance(job, AllocationRequest) else confirmed) for job in jobs]


def _confirm(ledger: Ledger, confirms: Sequence[Confirm]) -> list[Answer]:
    """Record that units have what the ledger holds for them. An ID that it does not know stays unknown to it."""
    known = ledger.holders([confirm.what.claim_id for confirm in confirms])
    # The ledger compares unit and ID, and remembers a conflict, when a unit requests for an ID that is there already.
    matched = iter(
        ledger.allocate_many(
            [
                AllocationRequest(
                    confirm.what.product,
                    confirm.what.unit,
                    SOURCE,
                    confirm.context,
                    confirm.what.claim_id,
                    details=confirm.what.hardware,
                )
                for confirm in confirms
                if confirm.what.claim_id in known
            ]
        )
    )
    answers = [next(matched) if confirm.what.claim_id in known else _unknown(confirm) for confirm in confirms]
    advanced = iter(
        ledger.advance_many(
            [
                StateChange(confirm.what.claim_id, confirm.what.state, confirm.context)
                for confirm, answer in zip(confirms, answers, strict=True)
                if isinstance(answer, Claim)
            ]
        )
    )
    return [next(advanced) if isinstance(answer, Claim) else answer for answer in answers]


def _unknown(confirm: Confirm) -> UnknownClaimError:
    return UnknownClaimError(
        f"The ledger does not know the claim ID {mask(confirm.what.claim_id)}; ask for the unit's ID first."
    )
