# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ledger for many threads: what they ask for at the same time is committed in one transaction.

A commit waits for the disk. While one is under way, the next callers gather, and the first of them does the work of
all that wait. Nobody waits for company: a caller alone is served at once. For a caller nothing differs from `Ledger`:
on return its claim is on the disk, and what goes wrong with the commit of a group reaches each of its callers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from threading import Lock
from typing import Generic, TypeVar

from .. import claim_ids
from .ledger import Ledger
from .operations import only
from .records import AllocationRequest, Claim, Description, NewEvent, StateChange, parse_unit

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class GroupCommit:
    """A ledger whose callers are threads."""

    def __init__(self, ledger: Ledger) -> None:
        """Serve `ledger`, which stays its owner's to close."""
        self._ledger = ledger
        # SQLite has one writer at a time; two of our own would only wait for each other in its busy loop.
        self._writing = writing = Lock()
        self._changes = _Gathering(ledger.change_many, writing)
        # A server has one connection for those who ask, beside that for those who change: each costs it, and them.
        asking = Lock()
        self._units = _Gathering(self._live_claims, asking)
        self._holders = _Gathering(self._holders_of_each, asking)

    def check_answers(self) -> None:
        """Raise `LedgerError` where the ledger's server is known to be silent: a device can be left alone then."""
        self._ledger.database.check_answers()

    def live_claim(self, product: str, unit: str) -> Claim | None:
        """As `Ledger.live_claim`."""
        return self._units.answer((claim_ids.parse_product(product), parse_unit(unit)))

    def holders(self, ids: Iterable[str]) -> dict[str, Claim]:
        """As `Ledger.holders`."""
        return self._holders.answer([claim_ids.parse(claim_id) for claim_id in ids])

    def check_board(self, request: AllocationRequest, *, is_noted: bool) -> None:
        """As `Ledger.check_board`."""
        with self._writing if is_noted else nullcontext():
            self._ledger.check_board(request, is_noted=is_noted)

    def allocate(self, request: AllocationRequest) -> Claim:
        """As `Ledger.allocate`."""
        return only([self._changes.answer(request)])

    def describe(self, description: Description) -> Claim:
        """As `Ledger.describe`."""
        return only([self._changes.answer(description)])

    def advance(self, change: StateChange) -> Claim:
        """As `Ledger.advance`."""
        return only([self._changes.answer(change)])

    def replace(self, request: AllocationRequest, *, reason: str) -> Claim:
        """As `Ledger.replace`."""
        with self._writing:
            return self._ledger.replace(request, reason=reason)

    def record(self, event: NewEvent) -> None:
        """As `Ledger.record`."""
        with self._writing:
            self._ledger.record(event)

    def _live_claims(self, units: Sequence[tuple[str, str]]) -> list[Claim | None]:
        found = self._ledger.live_claims(units)
        return [found.get(unit) for unit in units]

    def _holders_of_each(self, asked: Sequence[Sequence[str]]) -> list[dict[str, Claim]]:
        found = self._ledger.holders({claim_id for ids in asked for claim_id in ids})
        return [{claim_id: found[claim_id] for claim_id in ids if claim_id in found} for ids in asked]


class _OpenQuestion(Generic[Question, Answer]):
    """A question and, once somebody has done the work, its answer or what went wrong."""

    __slots__ = ("answer", "done", "error", "question")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.done = False
        self.answer: Answer
        self.error: BaseException | None = None


class _Gathering(Generic[Question, Answer]):
    """Where callers gather until `turn` is free; then the first one has all their questions answered together."""

    def __init__(self, answer_many: Callable[[Sequence[Question]], Sequence[Answer]], turn: Lock) -> None:
        self._answer_many = answer_many
        self._turn = turn
        self._lock = Lock()
        self._waiting: list[_OpenQuestion[Question, Answer]] = []

    def answer(self, question: Question) -> Answer:
        mine: _OpenQuestion[Question, Answer] = _OpenQuestion(question)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._answer_all()
        if mine.error is not None:
            raise mine.error
        return mine.answer

    def _answer_all(self) -> None:
        with self._lock:
            all_of_them, self._waiting = self._waiting, []
        try:
            answers = self._answer_many([waiting.question for waiting in all_of_them])
            for waiting, answer in zip(all_of_them, answers, strict=True):
                waiting.answer = answer
        except BaseException as error:  # whatever it is, nobody who waits may be left without an answer
            for waiting in all_of_them:
                waiting.error = error
        finally:
            for waiting in all_of_them:
                waiting.done = True
