# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A round of the benchmark as a process that cleans up behind itself, however it or the benchmark ends.

It has a session of its own, so that Ctrl-C reaches the benchmark alone, which passes it on once, to all that the round
has started, and gives them time: a round that is killed leaves its folders, and a second Ctrl-C would break what the
first one began.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ENDING = 120.0
"""Seconds in which a round ends its devices and databases, and removes its folders."""


def run_round(program: Sequence[str], *, cwd: Path, env: Mapping[str, str], sink: IO[Any], patience: float) -> bool:
    """Run a round, and say whether it ended within `patience` seconds."""
    process: subprocess.Popen[Any] | None = None
    try:
        with _signals_put_off():
            process = subprocess.Popen(
                program, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        process.wait(patience)
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process is not None:
            _end(process)
    return True


def interrupt_by_signals() -> None:
    """Have what ends a program by its default end this one as Ctrl-C does: with what it has to clean up."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """Have a signal take effect at the end of the block, in the middle of which nobody knows the process it starts."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: came.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    try:
        _send(process, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDING)
    finally:  # it did not, or whoever waits has enough of it
        if process.poll() is None:
            _send(process, signal.SIGKILL)
            process.wait()


def _send(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
