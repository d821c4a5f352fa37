# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command that ends when whoever wanted it ends: `leash.py FD COMMAND…`, by its path, without the collection.

FD is the end of a pipe whose other end the station holds. When it closes, however the station ended, the command gets
SIGTERM, then everything that it started is killed, also what has made a session of its own, as Ansible's workers do:
on Linux, orphans become children of this process. So a station that is started again finds nobody at its boards.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_TERM_SECONDS = 3.0


def main() -> int:
    """Run the command; return its exit status, or 128 and the signal that ended it."""
    leash, command = int(sys.argv[1]), sys.argv[2:]
    # For the station to say that it is over: SIGTERM means the same as its end.
    wake, waker = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(waker, b"."))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is at the keyboard speaks to the station
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        for number in (leash, wake, waker):
            os.close(number)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)  # noqa: S606
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)
    status = _wait(child, leash, wake)
    _kill_the_rest()
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _wait(child: int, leash: int, wake: int) -> int:
    ended = os.pidfd_open(child)
    ready = select.select([ended, leash, wake], [], [])[0]
    if ended not in ready:
        os.kill(child, signal.SIGTERM)
        if not select.select([ended], [], [], _TERM_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _kill_the_rest() -> None:
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        if not children:
            return
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.005)


def _prctl(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
