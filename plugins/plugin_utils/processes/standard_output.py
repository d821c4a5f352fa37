# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program of ours says: to a disk that is full, or to nobody any more, that fails with a sentence.

Python itself finds out when it ends, with a traceback and the status 120.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from ..errors import IotoError


class OutputError(IotoError):
    """What a program has to say went nowhere."""


def say(text: object) -> None:
    """Print a line to standard output, at once. Raises `OutputError`."""
    try:
        print(text, flush=True)  # noqa: T201
    except OSError as error:
        _give_up(sys.stdout)
        raise _lost(error) from None


def complain(text: object) -> None:
    """Print a line to standard error; where nobody takes it, the status of the program has to do."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        _give_up(sys.stderr)


def status_of(program: Callable[[], int]) -> int:
    """Return the status that a program ends with, which is 1 where what it has printed cannot be written."""
    try:
        status = program()
    except SystemExit as end:  # as argparse does, which has printed help, or what is wrong with the command line
        if isinstance(end.code, str):
            raise
        status = end.code or 0
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        _give_up(sys.stdout)
        complain(_lost(error))
        return status or 1
    return status


def _lost(error: OSError) -> OutputError:
    return OutputError(
        f"The standard output cannot be written ({error.strerror}), and what was to be said is lost; lead it to a "
        "place with room."
    )


def _give_up(stream: TextIO) -> None:
    # What is left in it would be tried once more at the end of the process.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
