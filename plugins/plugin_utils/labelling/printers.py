# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Printers, and what "printed" can honestly mean.

One label goes over one connection, and has one deadline, whatever the printer says meanwhile. A raw TCP printer (port
9100) gives no receipt, but one that speaks ZPL answers `~HI` and `~HS`, which are sent when all of the label has
arrived. Some tell their status by themselves, at any time, and none tells who it is: what it is, and its status behind
that, say that it has read the label whole. A status alone says so together with the end of its side. We close ours, and
a printer closes its own after it has read everything; where it says nothing else, the end is taken for what it is, and
somebody is told that nothing is proven. Where it ends before us, resets the connection, or says nothing in time, nobody
knows; the label may be there. So "printed" means that the printer has read the whole label, not that paper came out.
For CUPS it means that the queue took the job, for a device file that the system has taken every byte.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

from ..claim_ids import mask_folded
from ..device.connection import connect
from ..display_text import printable, quoted
from ..labels.errors import PrintError

DEFAULT_PORT = 9100
TIMEOUT = 30.0
"""Seconds in which a printer has to take a label."""

_PIECE = 4096
_LOOK = 0.1
_SETTLE = 0.02
"""Seconds in which what a printer says by itself comes in, before it is asked."""
_SHOWN = 200
_QUESTIONS = b"~HI~HS"
_IDENTITY = re.compile(rb"\x02(?!\d+,)[^\x02\x03,]+,[^\x02\x03]*\x03")
"""A printer's answer to `~HI`: its model, its firmware, and more."""
_STATUS = re.compile(
    rb"\x02\d{3},(?P<paper>\d),(?P<pause>\d),[\d,]*\x03\s*\x02\d{3},\d,(?P<head>\d),(?P<ribbon>\d),[\d,]*\x03"
)
"""The first two lines of a printer's answer to `~HS`."""
_AMISS = {"paper": "out of labels", "pause": "paused", "head": "open", "ribbon": "out of ribbon"}
_LIMITED = ("sh", "-c", 'ulimit -f 2048 && exec "$@"', "sh")
"""Runs a command that may write a megabyte: what it says goes to a file."""
_BROKEN_OFF = {errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN}


class Printer(Protocol):
    """Something that takes labels as ZPL, one at a time."""

    @property
    def name(self) -> str:
        """How it is called in messages and records."""

    def send(self, data: bytes, title: str) -> str:
        """Hand over one label; on return the printer has it. `title` names it in a queue. Raises `PrintError`.

        Returns what the printer says is amiss with it, or nothing.
        """


class _Clock:
    """The seconds that are left for one label."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left. Raises `TimeoutError` where there are none."""
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class SocketPrinter:
    """A printer that listens on a raw TCP port."""

    def __init__(self, host: str, port: int = DEFAULT_PORT, *, timeout: float = TIMEOUT) -> None:
        self._host, self._port, self._timeout = host, port, timeout

    @property
    def name(self) -> str:
        """Its address."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"socket://{host}:{self._port}"

    def send(self, data: bytes, title: str) -> str:
        """Hand over one label, and wait until the printer has read it."""
        clock = _Clock(self._timeout)
        is_sent = False
        try:
            with connect(self._host, self._port, clock.left) as connection:
                connection.settimeout(clock.left)  # for all of it, not for each piece
                connection.sendall(data)
                is_sent = True
                _wait_until_all_has_arrived(connection, clock)
                _discard_what_was_not_asked_for(connection, clock)
                connection.sendall(_QUESTIONS)
                connection.shutdown(socket.SHUT_WR)
                status = _read_status(connection, clock)
                if status is not None:
                    return self._amiss(status)
                _wait_until_all_has_arrived(connection, clock)
                return (
                    f"The printer {self.name} has ended the connection after its labels, and does not say (~HI, ~HS) "
                    "that it has them; see that all are there."
                )
        except TimeoutError:
            raise _not_in_time(self.name, self._timeout, uncertain=is_sent) from None
        except OSError as error:
            broke_off = error.errno in _BROKEN_OFF
            when = "after it had the label" if is_sent else "while it read"
            reason = f"it broke off {when}" if broke_off else error.strerror or str(error)
            uncertain = is_sent and broke_off
            raise PrintError(
                f"The printer {self.name} did not take the label ({reason}); {_remedy('see to it', uncertain)}.",
                uncertain=uncertain,
            ) from None

    def _amiss(self, status: re.Match[bytes]) -> str:
        found = [words for name, words in _AMISS.items() if status[name] != b"0"]
        return f"The printer {self.name} has its labels, and says that it is {' and '.join(found)}." if found else ""


def _read_status(connection: socket.socket, clock: _Clock) -> re.Match[bytes] | None:
    """Return the status that a printer tells behind what it is, or before its end; None where it ends without one.

    Raises `OSError`.
    """
    said = b""
    known = False
    status = None
    while True:
        connection.settimeout(clock.left)
        piece = connection.recv(_PIECE)
        said = (said + piece)[-_PIECE:]
        if not known and (identity := _IDENTITY.search(said)):
            known, said = True, said[identity.end() :]
        status = _STATUS.search(said) or status
        if (known and status) or not piece:
            return status


def _wait_until_all_has_arrived(connection: socket.socket, clock: _Clock) -> None:
    """Return when the other side has acknowledged all that we sent. Raises `OSError`."""
    pause = _LOOK / 100
    while True:
        unsent = bytes(4)
        with suppress(OSError):  # only Linux can say
            unsent = fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)
        # After the look, since a reset has it say anything.
        if failure := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(failure, os.strerror(failure))
        if not struct.unpack("i", unsent)[0]:
            return
        watch = select.poll()
        watch.register(connection, 0)  # an error is told in any case, and nothing tells of an acknowledgement
        watch.poll(min(clock.left, pause) * 1000)
        pause = min(2 * pause, _LOOK)


def _discard_what_was_not_asked_for(connection: socket.socket, clock: _Clock) -> None:
    """Read what a printer says before it is asked. Raises `OSError`, also where its side has ended already."""
    until = monotonic() + _SETTLE
    while True:
        connection.settimeout(min(clock.left, max(until - monotonic(), _SETTLE / 100)))
        try:
            if not connection.recv(_PIECE):
                raise ConnectionResetError(errno.ECONNRESET, "it ended before us")
        except TimeoutError:
            return


def _remedy(first: str, uncertain: bool) -> str:
    """Return what to do about a label that a printer did not take, or of which nobody knows."""
    if not uncertain:
        return f"{first}, and run again"
    return (
        f"{first}. The label may be printed all the same: if so, record it (ledger_entry with action: labelled), if "
        "not, print it with ioto_label_reason"
    )


def _not_in_time(name: str, seconds: float, *, uncertain: bool) -> PrintError:
    return PrintError(
        f"The printer {name} did not take the label in {seconds:g} s; "
        f"{_remedy('see whether it is paused, open or out of labels', uncertain)}.",
        uncertain=uncertain,
    )


class FilePrinter:
    """A printer behind a device file such as /dev/usb/lp0; a plain file gets one label after the other."""

    def __init__(self, path: str, *, timeout: float = TIMEOUT) -> None:
        self._path, self._timeout = Path(path), timeout

    @property
    def name(self) -> str:
        """Its path."""
        return f"file:{self._path}"

    def send(self, data: bytes, title: str) -> str:
        """Write one label to it."""
        clock = _Clock(self._timeout)
        written = 0
        try:
            # Not created: a device that is not there would become a file. And no wait for one that does not answer.
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
            try:
                while written < len(data):
                    written += _write(handle, data[written:], clock)
                if stat.S_ISREG(os.fstat(handle).st_mode):
                    os.fsync(handle)
            finally:
                os.close(handle)
        except TimeoutError:
            raise _not_in_time(self.name, self._timeout, uncertain=written > 0) from None
        except OSError as error:
            reason = "nobody reads it" if error.errno == errno.ENXIO else error.strerror
            raise PrintError(
                f"The printer {self.name} did not take the label ({reason}); see to it, and run again."
            ) from error
        return ""


def _write(handle: int, data: bytes, clock: _Clock) -> int:
    watch = select.poll()
    watch.register(handle, select.POLLOUT)
    watch.poll(clock.left * 1000)
    with suppress(BlockingIOError):
        return os.write(handle, data)
    return 0


class CupsPrinter:
    """A queue of CUPS, which passes ZPL on as it is. The server is the one that CUPS_SERVER or client.conf names."""

    def __init__(self, queue: str, *, timeout: float = TIMEOUT) -> None:
        self._queue, self._timeout = queue, timeout

    @property
    def name(self) -> str:
        """Its queue."""
        return f"cups:{self._queue}"

    def send(self, data: bytes, title: str) -> str:
        """Put one label into the queue."""
        if not shutil.which("lp"):
            raise PrintError("There is no command lp to print with; install the client of CUPS.")
        command = [*_LIMITED, "lp", "-s", "-d", self._queue, "-t", title, "-o", "raw", "-"]
        # Files in place of pipes: nothing waits for who holds an end of them, and nothing is kept here.
        with tempfile.TemporaryFile() as label, tempfile.TemporaryFile() as said:
            label.write(data)
            label.seek(0)
            process = subprocess.Popen(
                command, stdin=label, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                status = process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                raise PrintError(
                    f"The queue {self._queue} did not take the label in {self._timeout:g} s; "
                    f"{_remedy('see to it', True)}.",
                    uncertain=True,
                ) from None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            said.seek(0)
            reason = mask_folded(printable(said.read(_SHOWN)))
        if status:
            killed = status < 0  # by its limit, or by somebody, after it may have handed the label over
            raise PrintError(
                f"The queue {self._queue} did not take the label ({reason}); {_remedy('see to it', killed)}.",
                uncertain=killed,
            )
        return ""


def open_printer(address: str, *, timeout: float = TIMEOUT) -> Printer:
    """Return the printer at `address`: `socket://host:port`, `cups:queue` or `file:path`. Raises `PrintError`."""
    scheme, _unused, rest = address.partition(":")
    makers: dict[str, Callable[[], Printer | None]] = {
        "socket": lambda: _socket_printer(address, timeout),
        "cups": lambda: CupsPrinter(rest, timeout=timeout) if rest and not rest.startswith("-") else None,
        "file": lambda: FilePrinter(rest, timeout=timeout) if rest.startswith("/") else None,
    }
    printer = makers[scheme]() if scheme in makers else None
    if printer is None:
        raise PrintError(
            f"{quoted(address)} is no printer; give socket://HOST:{DEFAULT_PORT}, cups:QUEUE or file:/dev/usb/lp0."
        )
    return printer


def _socket_printer(address: str, timeout: float) -> SocketPrinter | None:
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        return None
    return SocketPrinter(parts.hostname, port, timeout=timeout) if parts.hostname else None
