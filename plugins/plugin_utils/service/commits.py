# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many requests, one commit: what waits is taken together, written in one transaction, and answered after it.

A disk takes milliseconds to make a commit durable, whatever it holds. While one commit is under way, the requests
that come queue up; the next takes them all. So nobody waits for company, and a crowd pays for one.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..claim_ids import mask
from ..errors import IotoError
from ..ledger import Ask, Claim, Context, Ledger, LedgerError, Step, UnknownClaimError
from .errors import RefusedError
from .ledgers import LedgerHandle
from .metrics import Metrics
from .unit_body import Confirmation

SOURCE = "service"
RETRY_AFTER = {"Retry-After": "2"}

_SWEEP_SECONDS = 1.0
_CROWD = 8
_PAUSE = 0.25
_MAX_PAUSE = 0.005
"""In a crowd the thread waits for this part of the last commit's time, in seconds at most so long, before it takes
what waits: those who were just answered ask again within it, and half as many commits do."""

_log = logging.getLogger("ioto.service")


@dataclass(frozen=True, slots=True)
class Confirm:
    """A confirmation, and who gave it."""

    what: Confirmation
    context: Context


Answer = Claim | IotoError


@dataclass(slots=True)
class _Waiting:
    job: Ask | Confirm
    future: asyncio.Future[Claim]
    deadline: float


class CommitWriter:
    """The one thread that writes to the ledger. `submit` is for the event loop on which `start` was called."""

    def __init__(self, ledger: LedgerHandle, metrics: Metrics, *, batch: int, answer_seconds: float) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._batch = batch
        self._answer_seconds = answer_seconds
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._waiting: deque[_Waiting] = deque()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._sweeper: asyncio.TimerHandle

    def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
        self._thread.start()

    async def stop(self) -> None:
        """Answer what waits, and end the thread."""
        self._sweeper.cancel()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def submit(self, job: Ask | Confirm) -> asyncio.Future[Claim]:
        """Return a future of the claim as it is in the ledger, durably.

        It raises what the ledger says (`ClaimConflictError`, …), or `LedgerError` where it cannot be used, or
        `RefusedError` with 503 where it does not answer in time: then it may still happen, and asking again is safe.
        """
        waiting = _Waiting(job, self._loop.create_future(), self._loop.time() + self._answer_seconds)
        self._waiting.append(waiting)
        self._queue.put(waiting)
        return waiting.future

    def _sweep(self) -> None:
        now = self._loop.time()
        while self._waiting and (self._waiting[0].future.done() or self._waiting[0].deadline < now):
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(
                    RefusedError(503, "ledger", "The ledger does not answer; ask again.", headers=RETRY_AFTER)
                )
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    # --- on the thread ---

    def _work(self) -> None:
        going = True
        pause = 0.0
        while going:
            taken = [self._queue.get()]
            if pause:
                time.sleep(pause)
            try:
                while len(taken) < self._batch:
                    taken.append(self._queue.get_nowait())
            except queue.Empty:
                pass
            going = None not in taken
            # Who gave up waiting will ask again.
            batch = [waiting for waiting in taken if waiting is not None and not waiting.future.done()]
            if batch:
                began = time.monotonic()
                answers = self._answers([waiting.job for waiting in batch])
                pause = min((time.monotonic() - began) * _PAUSE, _MAX_PAUSE) if len(batch) >= _CROWD else 0.0
                self._loop.call_soon_threadsafe(_resolve, batch, answers)

    def _answers(self, jobs: Sequence[Ask | Confirm]) -> list[Answer]:
        began = time.monotonic()
        try:
            ledger = self._ledger.get()
            answers = _write(ledger, jobs)
        except LedgerError as error:
            self._metrics.commit_failed()
            _log.error("%s", error)
            return [error] * len(jobs)
        except Exception:  # a defect of ours must not end the thread that all wait for
            self._metrics.commit_failed()
            _log.exception("A commit failed; report this.")
            return [LedgerError("The ledger failed; see the service's log.")] * len(jobs)
        self._metrics.committed(len(jobs), time.monotonic() - began)
        return answers


def _write(ledger: Ledger, jobs: Sequence[Ask | Confirm]) -> list[Answer]:
    asks = [job for job in jobs if isinstance(job, Ask)]
    confirms = [job for job in jobs if isinstance(job, Confirm)]
    allocated = iter(ledger.allocate_many(asks) if asks else [])
    confirmed = iter(_confirm(ledger, confirms) if confirms else [])
    return [next(allocated if isinstance(job, Ask) else confirmed) for job in jobs]


def _confirm(ledger: Ledger, confirms: Sequence[Confirm]) -> list[Answer]:
    """Record that units have what the ledger holds for them. An ID that it does not know stays unknown to it."""
    known = ledger.holders([confirm.what.claim_id for confirm in confirms])
    # The ledger compares unit and ID, and remembers a conflict, when a unit asks for an ID that is there already.
    matched = iter(
        ledger.allocate_many(
            [
                Ask(confirm.what.product, confirm.what.unit, SOURCE, confirm.context, confirm.what.claim_id)
                for confirm in confirms
                if confirm.what.claim_id in known
            ]
        )
    )
    answers = [next(matched) if confirm.what.claim_id in known else _unknown(confirm) for confirm in confirms]
    advanced = iter(
        ledger.advance_many(
            [
                Step(confirm.what.claim_id, confirm.what.state, confirm.context)
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


def _resolve(batch: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.future.done():
            continue
        if isinstance(answer, Claim):
            waiting.future.set_result(answer)
        else:
            waiting.future.set_exception(answer)
