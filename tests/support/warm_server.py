# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Python programs in forks of a process that has imported what PROGRAM imports: `warm_start` is its client.

python warm_server.py LISTENER PROGRAM < PIPE

LISTENER is the descriptor of a socket. A connection brings one JSON object with `command`, `folder` and `environ`, and
the descriptors for stdin, stdout and stderr. Back comes the number of the process, and its exit status once it has
ended, each in a line. The server ends with PIPE.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_CONFIGURED = "ansible.constants"
"""Reads the configuration where it is imported. That is each program's own, so whatever imports it is left to them."""
_PROGRAMS = "ansible.cli"
"""Ends the process where it cannot import that."""
_ASK = """
import atexit, runpy, sys
atexit.register(lambda: print("", *sys.modules, sep="\\n"))
sys.argv = [sys.argv[1], "--version"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_MOST = 1 << 20


def main() -> None:
    """Serve. In the fork for a program, return for it to be run here."""
    number, program = sys.argv[1:]
    del sys.path[0]  # its neighbours are no modules of the program
    _import_what_it_imports(program)
    with socket.socket(fileno=int(number)) as listener:
        gc.collect()
        gc.freeze()  # so that no fork copies what all of them have
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a supervisor ended
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _address = listener.accept()
            if os.fork() == 0:
                listener.close()
                return _supervise(connection)
            connection.close()
    sys.exit()


def imported_by(program: str) -> list[str]:
    """Return the names of the modules that it imports, in their order."""
    done = subprocess.run([sys.executable, "-c", _ASK, program], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.rpartition("\n\n")[2].split()


def _import_what_it_imports(program: str) -> None:
    sys.modules[_CONFIGURED] = None  # type: ignore[assignment]  # whoever imports it now fails
    for name in imported_by(program):
        if name not in sys.modules and not name.startswith(_PROGRAMS):
            with suppress(ImportError):
                importlib.import_module(name)
    del sys.modules[_CONFIGURED]


def _supervise(connection: socket.socket) -> None:
    """Start the program that `connection` asks for, and say how it ends; in the program's own process, return."""
    question, descriptors, _flags, _address = socket.recv_fds(connection, _MOST, 3)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program = os.fork()
    if program:
        connection.sendall(b"%d\n" % program)
        status = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
        connection.sendall(b"%d\n" % status)
        os._exit(0)
    connection.close()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    asked = json.loads(question)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    time.tzset()
    sys.argv = asked["command"]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))


if __name__ == "__main__":
    main()
    runpy.run_path(sys.argv[0], run_name="__main__")
