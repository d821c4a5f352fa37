# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The station: it gathers the boards that came, has one run of the playbook do them, and goes on with the next.

No two runs are at one slot, and a board is tried once: it has to be plugged again for another run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from ..display_text import printable
from ..errors import FailureKind, IotoError
from ..service.errors import RefusedError
from ..service.slot_message import SlotReport, SlotState, parse_report
from . import words
from .arrivals import Arrival, Event, NeverReady, arrivals
from .playbook import Board, RunEnd, run
from .report_pipe import LONGEST_DETAIL
from .scan_desk import ScanDesk, whole_id
from .scans import ScanAnswer, ScanOutcome
from .settings import LineSettings
from .slot_key import missing_key
from .slot_records import SlotRecord
from .slots import JigSlot

_HEARTBEAT_SECONDS = 2.0
_LETTERS_OF_OUTPUT = 300
_MOST_KILLED_RUNS = 2
"""Of one board, before it has to be plugged again."""


class Tells(Protocol):
    """Who shows the slots to the operator. It never keeps the caller waiting."""

    trouble: str | None
    """Why the page was not told last, in a sentence; None where it was."""

    def tell(self, *reports: SlotReport, operator: str | None = None) -> None:
        """Take what is new."""

    def tell_whole(self, reports: Iterable[SlotReport], operator: str | None = None) -> None:
        """Take the state of all slots."""

    def notify(self, text: str, slot: str | None = None) -> None:
        """Take what the operator is to know for a while, of `slot` or of all; empty, what was said before is over."""


class LineStation:
    """Works on the boards in `slots` until it is stopped."""

    def __init__(
        self,
        slots: Iterable[JigSlot],
        settings: LineSettings,
        page: Tells,
        log: Callable[[str], None],
        *,
        desk: ScanDesk | None = None,
        kept_open: Sequence[int] = (),
    ) -> None:
        """`log` gets a line for each thing that happens. `kept_open` are descriptors that live as long as any run."""
        self._settings = settings
        self._page = page
        self._log = log
        self._desk = desk
        self._kept_open = kept_open
        self._records = {slot.name: SlotRecord(slot) for slot in slots}
        self._operator = settings.operator
        self._due = asyncio.Event()
        self._runs: set[asyncio.Task[None]] = set()
        self._lookups: dict[int, asyncio.Task[None]] = {}

    async def work(self, stopped: asyncio.Event) -> None:
        """Return after `stopped` is set and the runs that had started then have ended."""
        tasks = [
            asyncio.create_task(self._watch(), name="watch"),
            asyncio.create_task(self._dispatch(), name="dispatch"),
            asyncio.create_task(self._beat(), name="heartbeat"),
        ]
        if self._desk:
            tasks.append(asyncio.create_task(self._desk.follow(self._answer), name="scanner"))
        try:
            await _first_of(stopped.wait(), *tasks)
            tasks[1].cancel()  # no further run
            if stopped.is_set() and self._runs:
                self._log("The station stops when its runs have ended; a second signal ends them.")
                stopped.clear()
                await _first_of(stopped.wait(), asyncio.wait(self._runs))
        finally:
            for task in (*tasks, *self._runs):
                task.cancel()
            ended = await asyncio.gather(*tasks, *self._runs, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def resume(self) -> None:
        """Let slots go on that were stopped because they had too many boards."""
        for record in self._records.values():
            if record.is_stopped and record.latest:
                record.forget_arrivals()
                # What happened meanwhile counted for nothing: now it does, whichever board is there.
                self._take(record.latest)

    async def _watch(self) -> None:
        async with aclosing(arrivals([record.slot for record in self._records.values()], self._settings)) as events:
            async for event in events:
                self._take(event)

    def _take(self, event: Event) -> None:
        record = self._records[event.slot.name]
        record.number = event.number
        record.latest = event
        if record.is_stopped:
            return
        record.is_there = isinstance(event, Arrival)
        record.is_waiting = False
        if isinstance(event, Arrival):
            self._arrive(record, event)
        elif isinstance(event, NeverReady):
            sentence = f"The board did not become ready within {self._settings.give_up_seconds:g} s."
            record.fail(words.because(words.NOT_READY, sentence))
        else:
            if self._desk:
                self._desk.scans.departed(record.slot.name, record.number)
            record.become(SlotState.EMPTY)
        self._told(record)

    def _arrive(self, record: SlotRecord, event: Arrival) -> None:
        most = self._settings.most_arrivals
        if not record.count_arrival(most):
            record.is_stopped = True
            sentence = (
                f"Slot {record.slot.name} had more than {most} boards within an hour and is stopped: look at its plug "
                "and at the board, then reload or restart the station."
            )
            record.fail(words.because(words.TOO_MANY_BOARDS, sentence))
            return
        record.address, record.claim_id, record.tries = event.address, "", 0
        if why := missing_key(record.slot.key):
            record.fail(words.because(words.FAILURES[FailureKind.SETTINGS], why))
            return
        if self._desk:
            label = self._desk.scans.arrived(record.slot.name, record.number, self._desk.now())
            if self._desk.comes_first and label is None:
                record.become(SlotState.SCAN_NOW, remedy=words.SCAN_FIRST)
                return
            record.claim_id = label.claim_id if label else ""
        self._begin(record)

    def _begin(self, record: SlotRecord) -> None:
        record.is_waiting = True
        record.become(SlotState.WORKING, step=words.STARTED)
        self._due.set()

    def _answer(self, answer: ScanAnswer) -> None:
        """Do what a scan says."""
        if answer.sentence:
            self._log(printable(answer.sentence))
        if answer.is_refusal:
            self._page.notify(answer.sentence, answer.slot)
        elif answer.outcome is not ScanOutcome.AGAIN:
            for slot in (None, *([answer.slot] if answer.slot else [])):
                self._page.notify("", slot)
        record = self._records.get(answer.slot or "")
        if answer.outcome is ScanOutcome.OPERATOR and self._desk:
            self._operator = self._desk.scans.operator or ""
            self._page.tell(operator=self._operator)
        if self._desk is None or record is None or answer.arrival != record.number or not record.is_there:
            return
        if answer.outcome is ScanOutcome.BOUND:
            if label := self._desk.scans.take(record.slot.name, record.number, self._desk.now()):
                record.claim_id = label.claim_id
                self._begin(record)
                self._told(record)
        elif answer.outcome is ScanOutcome.VERIFIED:
            passed = replace(record.report, state=SlotState.PASS, reason=None, remedy=None, detail=None)
            self._show(record, record.passed or passed)
        elif answer.outcome is ScanOutcome.WRONG_LABEL:
            trouble = words.because(words.WRONG_LABEL, answer.sentence)
            self._show(record, trouble.told_of(record.report, SlotState.FAIL))

    async def _dispatch(self) -> None:
        while True:
            await self._due.wait()
            await asyncio.sleep(self._settings.gather_seconds)
            while len(self._runs) >= self._settings.most_runs:
                await asyncio.wait(self._runs, return_when=asyncio.FIRST_COMPLETED)
            self._due.clear()
            if records := [record for record in self._records.values() if record.can_start]:
                boards = [self._board(record) for record in records]
                task = asyncio.create_task(self._run(boards), name=f"run {boards[0].number}")
                self._runs.add(task)
                task.add_done_callback(self._runs.discard)

    def _board(self, record: SlotRecord) -> Board:
        record.is_waiting = False
        record.running = record.number
        moved = record.address != record.slot.address
        return Board(record.slot.name, record.number, record.address if moved else "", record.claim_id)

    async def _run(self, boards: Sequence[Board]) -> None:
        self._log(f"run for {', '.join(board.slot for board in boards)}")
        try:
            end = await run(self._settings, boards, self._operator, self._hear, self._kept_open)
        except OSError as error:
            end = RunEnd(-1, f"ansible-playbook cannot be started: {error.strerror}", 0.0)
        finally:
            for board in boards:
                self._records[board.slot].running = None
            self._due.set()
        self._log(f"run for {', '.join(board.slot for board in boards)} ended after {end.seconds:.1f} s")
        for board in boards:
            self._conclude(self._records[board.slot], board, end)

    def _conclude(self, record: SlotRecord, board: Board, end: RunEnd) -> None:
        """See to it that the board's slot says how its run ended, also where the run said no word of it."""
        if record.number != board.number or not record.is_there or record.report.state is not SlotState.WORKING:
            return
        if board.number in self._lookups:
            return
        if end.was_killed and record.tries < _MOST_KILLED_RUNS:
            record.tries += 1
            self._log(f"The run for {board.slot} was killed; the board gets another one.")
            self._begin(record)
            return
        if end.is_late:
            sentence = f"The run took longer than {self._settings.run_seconds:g} s and was ended."
            record.fail(words.because(words.TOO_LATE, sentence))
        else:
            record.fail(words.UNFINISHED)
            self._log(f"It printed at last: …{printable(end.output)[-_LETTERS_OF_OUTPUT:]}")
        self._told(record)

    def _hear(self, told: Mapping[str, object]) -> None:
        try:
            report = parse_report(told, LONGEST_DETAIL)
        except RefusedError:  # not from our callback
            return
        record = self._records.get(report.slot)
        if record is None or record.report.state.is_verdict or not record.hear(report):
            return
        if report.state is SlotState.PASS and self._desk and not self._desk.comes_first:
            self._ask_for_label(record)
        self._told(record)

    def _ask_for_label(self, record: SlotRecord) -> None:
        """Have the label scanned that came out for the unit; it is PASS once that is the right one."""
        record.passed = record.report
        # SCAN NOW once a scan can be compared.
        record.report = replace(record.report, state=SlotState.WORKING, step=words.LOOKING_UP)
        task = asyncio.create_task(self._expect_label(record, record.number), name="look up")
        self._lookups[record.number] = task

    async def _expect_label(self, record: SlotRecord, number: int) -> None:
        serial, ending = record.report.serial or "", record.report.claim_id_end or ""
        claim_id, sentence = None, "The ledger has no ID of this unit."
        try:
            claim_id = await asyncio.to_thread(whole_id, record.slot.labels.ledger, serial, ending)
        except IotoError as error:
            sentence = str(error)
        finally:
            del self._lookups[number]
        if record.number != number or not record.is_there or self._desk is None:
            return
        report = words.because(words.LABEL_UNKNOWN, sentence).told_of(record.report, SlotState.FAIL)
        if claim_id:
            self._desk.scans.done(record.slot.name, number, claim_id, serial)
            # What its run had to say beside PASS, such as that the label may be there twice.
            beside = record.passed.reason if record.passed else None
            what_now = words.SCAN_THE_LABEL
            report = replace(report, state=SlotState.SCAN_NOW, reason=beside, remedy=what_now, detail=None)
        self._show(record, report)

    def _show(self, record: SlotRecord, report: SlotReport) -> None:
        record.report = replace(report, at=datetime.now(UTC))
        self._told(record)

    def _told(self, record: SlotRecord) -> None:
        self._log(record.line())
        self._page.tell(record.report)

    async def _beat(self) -> None:
        trouble = None
        while True:
            if self._page.trouble != trouble and (trouble := self._page.trouble):
                self._log(f"The page is not told: {trouble}")
            self._page.tell_whole([record.report for record in self._records.values()], self._operator)
            await asyncio.sleep(_HEARTBEAT_SECONDS)


async def _first_of(*waited: Awaitable[object]) -> None:
    """Return when the first of them ends; what was begun here ends with it, tasks go on."""
    tasks = [asyncio.ensure_future(one) for one in waited]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task, one in zip(tasks, waited, strict=True):
        if task is not one:
            task.cancel()
