# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the playbook for some boards, as a process that ends with the station."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..private_files import write_private
from .report_pipe import NUMBER
from .settings import LineSettings

SSH_ARGUMENTS = (
    # A master that is kept would hang the next board for 25 s when this one is pulled without a word.
    *("-o", "ControlMaster=no", "-o", "ControlPath=none"),
    *("-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=3", "-o", "ConnectTimeout=10"),
    # Nobody is there to type, and what any board may ask for is no password.
    *("-o", "PreferredAuthentications=publickey", "-o", "BatchMode=yes"),
)
CALLBACK = "ioto.serialization.station"
ARRIVALS = "IOTO_STATION_ARRIVALS"
_NOT_INHERITED = "IOTO_STATION_URL"
"""The station itself tells the page of its runs, so that a service that is stalled costs them nothing."""

_LEASH = Path(__file__).with_name("leash.py")
_MOST_BYTES_OF_A_REPORT = 64 * 1024
_MOST_BYTES_KEPT = 8 * 1024
_END_SECONDS = 15.0
_SIGNALS = 128
"""An exit status above it is that and the signal. Ansible's own (250 for a defect) are no signals there are."""


@dataclass(frozen=True, slots=True)
class Board:
    """A board to be done, and what the run has to know of it."""

    slot: str
    number: int
    address: str = ""
    """Where it was seen, when that is not what the inventory says."""
    claim_id: str = ""
    """From a label that was scanned before it was plugged."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended: exit status, the end of what it printed, seconds, and whether its time was over."""

    status: int
    output: str
    seconds: float
    is_late: bool = False

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it, which was not ours."""
        return not self.is_late and (_SIGNALS < self.status <= _SIGNALS + signal.NSIG or self.status < -1)


def command(settings: LineSettings, boards: Sequence[Board], extra_inventory: Path | None) -> list[str]:
    """Return the command line of `ansible-playbook` for `boards`."""
    found = [settings.program("ansible-playbook"), settings.playbook]
    for source in (*settings.inventory, *([str(extra_inventory)] if extra_inventory else [])):
        found += ["-i", source]
    for file in settings.extra_vars:
        found += ["-e", f"@{file}"]
    return [*found, "--limit", ",".join(board.slot for board in boards), "-f", str(len(boards))]


def environment(settings: LineSettings, boards: Sequence[Board], reports: int | None = None) -> dict[str, str]:
    """Return the environment of a run. `reports` is the number of the pipe for the callback."""
    found = settings.environment()
    enabled = [name for name in found.get("ANSIBLE_CALLBACKS_ENABLED", "").split(",") if name]
    found |= {
        "ANSIBLE_SSH_ARGS": " ".join(SSH_ARGUMENTS),
        "ANSIBLE_CALLBACKS_ENABLED": ",".join([*enabled, CALLBACK]),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "PYTHONUNBUFFERED": "1",
        "IOTO_PROGRESS_MODE": "plain",
        ARRIVALS: json.dumps({board.slot: board.number for board in boards}),
    }
    found.pop(_NOT_INHERITED, None)
    if reports is not None:
        found[NUMBER] = str(reports)
    return found


def extra_inventory(boards: Sequence[Board], operator: str) -> str | None:
    """Return an inventory in YAML with what is known of these boards alone, or None where nothing is."""
    lines = []
    for board in boards:
        said = {"ansible_host": board.address, "ioto_claim_id": board.claim_id, "ioto_operator": operator}
        if given := {name: value for name, value in said.items() if value}:
            lines.append(f"    {json.dumps(board.slot)}:")
            # Never a template, whatever was scanned. Of what is above U+FFFF, JSON writes two halves that YAML refuses.
            lines += [f"      {name}: !unsafe {_in_yaml(value)}" for name, value in given.items()]
    return "\n".join(["all:", "  hosts:", *lines, ""]) if lines else None


def _in_yaml(text: str) -> str:
    return '"' + "".join(json.dumps(one)[1:-1] if one <= "\uffff" else f"\\U{ord(one):08x}" for one in text) + '"'


async def run(
    settings: LineSettings,
    boards: Sequence[Board],
    operator: str,
    heard: Callable[[Mapping[str, object]], None],
    kept_open: Sequence[int] = (),
) -> RunEnd:
    """Run the playbook for `boards` and return how it ended; `heard` gets what its callback tells, as it comes.

    `kept_open` are file descriptors that stay open as long as anything of the run is alive. Cancelled, it ends the run.
    Raises `OSError` where it cannot be started.
    """
    started = time.monotonic()
    with ExitStack() as opened:
        extra = None
        if text := extra_inventory(boards, operator):
            extra = settings.work_path / f"run-{os.getpid()}-{boards[0].number}.yml"
            opened.callback(extra.unlink, missing_ok=True)
            write_private(extra, text.encode())
        leash_end, leash = (opened.enter_context(file) for file in _pipe())
        reports, reports_end = (opened.enter_context(file) for file in _pipe())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LEASH), str(leash_end.fileno())),
            *command(settings, boards, extra),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=settings.folder,
            env=environment(settings, boards, reports_end.fileno()),
            pass_fds=(leash_end.fileno(), reports_end.fileno(), *kept_open),
            start_new_session=True,
        )
        leash_end.close()
        reports_end.close()
        reading = asyncio.create_task(_read_reports(reports, heard))
        output = asyncio.create_task(_tail(process))
        is_late = False
        try:
            try:
                async with asyncio.timeout(settings.run_seconds):
                    await process.wait()
            except TimeoutError:
                is_late = True
            leash.close()  # what is left of it ends
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
                await asyncio.gather(reading, output)
        except TimeoutError:
            process.kill()
        finally:
            leash.close()
            for task in (reading, output):
                task.cancel()
        status = -1 if process.returncode is None else process.returncode
        return RunEnd(status, output.result() if _is_done(output) else "", time.monotonic() - started, is_late)


async def _read_reports(pipe: BinaryIO, heard: Callable[[Mapping[str, object]], None]) -> None:
    """Hand on each line of the callback's until all who could write one are gone."""
    reader = asyncio.StreamReader(limit=_MOST_BYTES_OF_A_REPORT)
    loop = asyncio.get_running_loop()
    transport, _protocol = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while line := await reader.readline():
            with suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    heard(message)
    except ValueError:  # a line without an end
        return
    finally:
        transport.close()


async def _tail(process: asyncio.subprocess.Process) -> str:
    """Return the end of what the process printed."""
    kept = b""
    while process.stdout and (data := await process.stdout.read(_MOST_BYTES_KEPT)):
        kept = (kept + data)[-_MOST_BYTES_KEPT:]
    return kept.decode("utf-8", "replace")


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    """Return the end to read and the end to write; neither is inherited unless it is passed on."""
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)


def _is_done(task: asyncio.Task[str]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
