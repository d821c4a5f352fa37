# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for a connection of Ansible's that has neither a deadline nor a limit of size of its own.

A worker of Ansible's waits for its connection plugin, and a plugin such as `ssh` waits for a program that it has
started. A thread of the worker watches the clock and the worker's memory, and ends those programs when it is enough;
the plugin comes back then, as from any that has ended. Nothing of ansible-core's is touched for that. It needs the
/proc of Linux.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

from ..device.connection import MAX_ANSWER, Deadline
from ..processes import programs
from .kept_connection import end_master
from .ssh_log import SshLog

_INTERVAL = 0.05
_GROWTH = 3 * MAX_ANSWER
"""Bytes by which a worker may grow in a script. The plugin holds an answer of a size more than twice while it reads."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Verdict(Enum):
    """Why a connection was ended."""

    TOO_LONG = auto()
    TOO_MUCH = auto()


class ConnectionGuard:
    """Watches what is done in its block; afterwards `verdict` says whether that was ended, and why.

    `command` is what the device is to run: a ssh program that says it in its arguments is ours. `log` is its log.
    """

    def __init__(self, deadline: Deadline, command: str, log: SshLog) -> None:
        self.verdict: Verdict | None = None
        self._log = log
        self._deadline = deadline
        self._command = command
        self._over = Event()
        self._memory = _memory()
        self._running = deadline.running()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ConnectionGuard:
        self._running.__enter__()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._running.__exit__(None, None, None)

    def _watch(self) -> None:
        while not self._over.wait(min(_INTERVAL, self._deadline.left)):
            if self._deadline.has_passed:
                self.verdict = Verdict.TOO_LONG
            elif _memory() - self._memory > _GROWTH or self._log.size > _GROWTH:
                self.verdict = Verdict.TOO_MUCH
            self._log.read()
            if self.verdict is not None:
                self._end()
                return

    def _end(self) -> None:
        """End all that the plugin has started, and starts until it comes back."""
        while True:
            started = {pid: programs.words(pid) for pid in programs.descendants(os.getpid())}
            for pid in started:
                with suppress(OSError):  # one that has ended, or that runs as another user
                    os.kill(pid, signal.SIGKILL)
            for words in started.values():
                if len(words) > 1 and self._command in words[-1]:
                    end_master(words[:-1])
            if self._over.wait(_INTERVAL):
                return


def _memory() -> int:
    """Return how much memory this process has, 0 where nobody says."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE
    return 0
