# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many devices at a time: a few processes, each with many threads, each thread with one device after the other.

Python runs one thread of a process at a time, so a second process has the second core. What is to be done is known
to all before they are forked; only numbers go to them, and results come back. Everything that must survive is in the
ledger and on the devices, so processes are simply killed when somebody wants us to stop.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from ..batch.defect import Log, UnitResult, failed_by_defect
from ..device.connection import Deadline, UnreachableError
from ..errors import IotoError
from ..flows.flow import Flow, run_flow
from ..ledger.group_commit import GroupCommit
from ..ledger.ledger import Ledger
from ..processes.parent_process import SECONDS_BETWEEN_LOOKS, ParentProcess
from .look import Look, look_at
from .ssh_connector import Connector
from .ssh_settings import SshSettings

THREADS_FOR_A_PROCESS = 5
"""Fewer at a time are quicker in one process than in two."""
DEVICES_FOR_A_PROCESS = 16

_OBJECTS_BETWEEN_COLLECTIONS = 20_000
_NUMBER_SIZE = 4


@dataclass(frozen=True, slots=True)
class DeviceJob:
    """One device: its inventory name, the way to it, and what to do there; a `Look` changes nothing."""

    host: str
    settings: SshSettings
    flow: Flow | Look


class EngineError(IotoError):
    """Limits with which nothing could be run, those of the system included."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How jobs are run. Raises `EngineError` for limits with which nothing could be run."""

    at_once: int
    processes: int | None = None
    reveal: bool = False
    diff: bool = False

    def __post_init__(self) -> None:
        if self.processes is not None and self.processes < 1:
            raise EngineError("processes has to be 1 or more; without it, as many are used as help.")

    def run(self, jobs: Sequence[DeviceJob], *, log: Log) -> Iterator[dict[str, Any]]:
        """Yield the result of each job as it ends: what `serialize` returns, or `failed` or `unreachable` and `msg`.

        Of a `Look`, it is what `look_at` returns, with the claim ID whole.

        Each has its `host`. What a process that died had under way has failed. Closing the iterator ends everything.
        `log` is told of defects, in the thread that takes the results.
        """
        open_jobs = {job.host for job in jobs}
        numbers, numbers_in = os.pipe()
        try:
            crew = self._crew(jobs, numbers, numbers_in)
        except EngineError:
            os.close(numbers_in)
            raise
        finally:
            os.close(numbers)
        # A pipe holds the first 16,000 numbers or so; the rest has to wait for readers.
        threading.Thread(target=_hand_out, args=(numbers_in, len(jobs)), daemon=True).start()
        try:
            for result, trace in _gather([member.results for member in crew]):
                if trace is not None:
                    log(trace)
                open_jobs.discard(result["host"])
                yield result
        finally:
            for member in crew:
                member.end()
        for host in sorted(open_jobs):
            yield {
                "host": host,
                "failed": True,
                "msg": f"The process that had {host} under way was ended from outside; run again.",
            }

    def _crew(self, jobs: Sequence[DeviceJob], numbers: int, numbers_in: int) -> list[_WorkerProcess]:
        """Return the processes, which wait for `numbers`. Raises `EngineError` where the system has none for us."""
        fork = multiprocessing.get_context("fork")
        crew: list[_WorkerProcess] = []
        for threads in self._threads(len(jobs)):
            results, results_in = fork.Pipe(duplex=False)
            not_its_own = [numbers_in, results.fileno(), *(member.results.fileno() for member in crew)]
            worker = _Worker(self, jobs, numbers, results_in, threads=threads, close=not_its_own)
            process = fork.Process(target=worker.run, daemon=True)
            try:
                process.start()
            except OSError as error:
                for member in crew:
                    member.end()
                raise EngineError(
                    f"The system starts no process for the fleet engine ({error.strerror}), and no device was touched; "
                    "see its limits (ulimit -u) and its memory, then run again."
                ) from None
            results_in.close()
            crew.append(_WorkerProcess(process, results))
        return crew

    def _threads(self, jobs: int) -> list[int]:
        """How many threads each process has; together as many as are to run at once."""
        at_once = max(1, min(self.at_once, jobs))
        most = self.processes or min(
            len(os.sched_getaffinity(0)), at_once // THREADS_FOR_A_PROCESS, jobs // DEVICES_FOR_A_PROCESS
        )
        processes = max(1, min(most, at_once))
        return [at_once // processes + (number < at_once % processes) for number in range(processes)]


@dataclass(frozen=True, slots=True)
class _WorkerProcess:
    process: multiprocessing.process.BaseProcess
    results: Connection

    def end(self) -> None:
        """Kill it, wherever it is."""
        self.process.kill()
        self.process.join()


def _hand_out(numbers: int, count: int) -> None:
    with suppress(BrokenPipeError):
        for number in range(count):
            os.write(numbers, number.to_bytes(_NUMBER_SIZE, "big"))
    os.close(numbers)


def _gather(sources: list[Connection]) -> Iterator[UnitResult]:
    parent = ParentProcess()
    while sources:
        for source in wait(sources, timeout=SECONDS_BETWEEN_LOOKS):
            pipe = cast("Connection", source)  # nothing else is waited for
            try:
                yield pipe.recv()
            except (EOFError, OSError):  # the latter in the middle of a result
                sources.remove(pipe)
        if parent.is_gone:
            return


class _Worker:
    """One process of the engine."""

    def __init__(
        self,
        engine: Engine,
        jobs: Sequence[DeviceJob],
        numbers: int,
        results: Connection,
        *,
        threads: int,
        close: Sequence[int],
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._numbers = numbers
        self._results = results
        self._threads = threads
        self._close = close
        self._sending = threading.Lock()
        self._opening = threading.Lock()
        self._ledgers: dict[tuple[str | None, bool], GroupCommit] = {}

    def run(self) -> None:
        """Take numbers and do their jobs until no number is left."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # What was there before the fork is not ours to collect; a device leaves some hundred objects in cycles.
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # While anybody but our parent holds these, nobody sees that it is gone.
        for descriptor in self._close:
            os.close(descriptor)
        threading.Thread(target=self._watch_parent, daemon=True).start()
        with ExitStack() as stack:
            self._stack = stack
            self._connector = Connector()
            stack.callback(self._connector.close)
            threads = [threading.Thread(target=self._work) for _unused in range(self._threads)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _work(self) -> None:
        while number := os.read(self._numbers, _NUMBER_SIZE):
            job = self._jobs[int.from_bytes(number, "big")]
            result = self._result(job)
            with self._sending:
                self._results.send(result)

    def _result(self, job: DeviceJob) -> UnitResult:
        try:
            return UnitResult({"host": job.host, **self._outcome(job)})
        except Exception as error:
            return failed_by_defect(job.host, error, f"The fleet engine has a defect that shows on {job.host}")

    def _outcome(self, job: DeviceJob) -> Mapping[str, Any]:
        try:
            return self._look(job, job.flow) if isinstance(job.flow, Look) else self._serialize(job, job.flow)
        except UnreachableError as error:
            return {"changed": False, **error.told, "unreachable": True}
        except IotoError as error:
            return {"changed": False, **error.told, "failed": True}

    def _look(self, job: DeviceJob, look: Look) -> Mapping[str, Any]:
        with self._connector.connect(job.host, job.settings, Deadline(look.device_seconds)) as device:
            return look_at(device, look)

    def _serialize(self, job: DeviceJob, flow: Flow) -> Mapping[str, Any]:
        ledger = self._ledger(flow)
        ledger.check_answers()
        with self._connector.connect(job.host, job.settings, Deadline(flow.device_seconds)) as device:
            return run_flow(
                device,
                flow,
                ledger,
                host=job.host,
                reveal=self._engine.reveal,
                diff=self._engine.diff,
            )

    def _ledger(self, flow: Flow) -> GroupCommit:
        key = flow.recording.ledger, flow.request.check
        with self._opening:
            if key not in self._ledgers:
                ledger = self._stack.enter_context(Ledger.of_run(flow.recording.ledger, read_only=flow.request.check))
                self._ledgers[key] = GroupCommit(ledger)
            return self._ledgers[key]

    def _watch_parent(self) -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)
