# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Printers, and what "printed" can honestly mean.

One label goes over one connection, and has one deadline, whatever the printer says meanwhile. A raw TCP printer (port
9100) gives no receipt, but one that speaks ZPL answers `~HI` and `~HS`, which are sent when all of the label has
arrived. Some tell their status by themselves, at any time, and none tells who it is: what it is, and its status behind
that, say that it has read the label whole. A status alone does not, and neither does the end of its side: whoever read
nothing can do both. We close ours, and a printer that says nothing closes its own after it has read everything; its
label is sent and not confirmed, and told and counted as that. Where it ends before us, resets the connection, says
nothing in time, or nothing this time, nobody knows; the label may be there. So "printed" means that the printer has
read the whole label, not that paper came out. For CUPS it means that the queue took the job, for a device file that the
system has taken every byte, and that nothing of it waits in a pipe or a line.
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
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

from ..claim_ids import mask_folded
from ..device.connection import connect
from ..display_text import bracketed, printable, quoted
from ..labels.errors import PrintError
from ..private_files import PreciousFileError, is_there, refuse_precious

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
_BY_SIGNAL = 128
"""Statuses above it say that a shell's command was killed."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known of a label that went out: whether the printer confirms that it has it, and what to tell people."""

    is_confirmed: bool = True
    notice: str = ""


class Printer(Protocol):
    """Something that takes labels as ZPL, one at a time."""

    @property
    def name(self) -> str:
        """How it is called in messages and records."""

    def send(self, data: bytes, title: str) -> Receipt:
        """Hand over one label. `title` names it in a queue. Raises `PrintError`."""


class _Clock:
    """The seconds that are left for one label."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left. Raises `TimeoutError` when the time is up."""
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class SocketPrinter:
    """A printer that listens on a raw TCP port."""

    def __init__(self, host: str, port: int = DEFAULT_PORT, *, timeout: float = TIMEOUT) -> None:
        self._host, self._port, self._timeout = host, port, timeout
        self._confirms = False

    @property
    def name(self) -> str:
        """Its address."""
        return f"socket://{bracketed(self._host)}:{self._port}"

    def send(self, data: bytes, title: str) -> Receipt:
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
                status, is_confirmed = _read_status(connection, clock)
                if not is_confirmed:
                    _wait_until_all_has_arrived(connection, clock)
                    if self._confirms:
                        raise ConnectionResetError(errno.ECONNRESET, "it has confirmed the labels before")
                self._confirms = is_confirmed
                return Receipt(is_confirmed, self._notice(status, is_confirmed))
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

    def _notice(self, status: re.Match[bytes] | None, is_confirmed: bool) -> str:
        found = [words for name, words in _AMISS.items() if status and status[name] != b"0"]
        amiss = f"says that it is {' and '.join(found)}" if found else ""
        if is_confirmed:
            return f"The printer {self.name} has its labels, and {amiss}." if amiss else ""
        return (
            f"The printer {self.name} has ended the connection after its labels, and does not say (~HI, ~HS) that it "
            f"has them{f'; it {amiss}' if amiss else ''}; see that all are there."
        )


def _read_status(connection: socket.socket, clock: _Clock) -> tuple[re.Match[bytes] | None, bool]:
    """Return the last status that a printer tells, and whether it has confirmed its label: with that behind what it is.

    It reads until then, or until the end. Raises `OSError`.
    """
    said = b""
    is_known = False
    status = None
    while True:
        connection.settimeout(clock.left)
        piece = connection.recv(_PIECE)
        said = (said + piece)[-_PIECE:]
        if not is_known and (identity := _IDENTITY.search(said)):
            is_known, status, said = True, None, said[identity.end() :]
        status = _STATUS.search(said) or status
        if not piece or (is_known and status):
            return status, bool(is_known and status)


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

    def send(self, data: bytes, title: str) -> Receipt:
        """Write one label to it."""
        clock = _Clock(self._timeout)
        written = 0
        try:
            # Not created: a device that is not there would become a file. And no wait for one that does not answer.
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
            try:
                while written < len(data):
                    written += _write(handle, data[written:], clock)
                _wait_until_all_is_taken(handle, clock)
                if stat.S_ISREG(os.fstat(handle).st_mode):
                    os.fsync(handle)
            finally:
                os.close(handle)
        except TimeoutError:
            raise _not_in_time(self.name, self._timeout, uncertain=written > 0) from None
        except OSError as error:
            reason = "nobody reads it" if error.errno == errno.ENXIO else error.strerror
            if written:
                reason = f"{reason}, after {written} of its {len(data)} bytes"
            raise PrintError(
                f"The printer {self.name} did not take the label ({reason}); {_remedy('see to it', written > 0)}.",
                uncertain=written > 0,
            ) from error
        return Receipt()


def _write(handle: int, data: bytes, clock: _Clock) -> int:
    watch = select.poll()
    watch.register(handle, select.POLLOUT)
    watch.poll(clock.left * 1000)
    with suppress(BlockingIOError):
        return os.write(handle, data)
    return 0


def _wait_until_all_is_taken(handle: int, clock: _Clock) -> None:
    """Return when nothing waits any more in the pipe or the line that `handle` is. Raises `OSError`."""
    if stat.S_ISFIFO(os.fstat(handle).st_mode):
        question = termios.FIONREAD
    elif os.isatty(handle):
        question = termios.TIOCOUTQ
    else:
        return
    pause = _LOOK / 100
    watch = select.poll()
    watch.register(handle, 0)  # nothing tells that it is empty, but that its other end is gone is told
    while struct.unpack("i", fcntl.ioctl(handle, question, bytes(4)))[0]:
        if watch.poll(min(clock.left, pause) * 1000):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        pause = min(2 * pause, _LOOK)


class CupsPrinter:
    """A queue of CUPS, which passes ZPL on as it is. The server is the one that CUPS_SERVER or client.conf names."""

    def __init__(self, queue: str, *, timeout: float = TIMEOUT) -> None:
        self._queue, self._timeout = queue, timeout

    @property
    def name(self) -> str:
        """Its queue."""
        return f"cups:{self._queue}"

    def send(self, data: bytes, title: str) -> Receipt:
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
            reason = mask_folded(printable(said.read(_SHOWN))) or f"exit status {status}"
            has_read = label.seek(0, os.SEEK_CUR) > 0  # its place in the file is ours
        if status:
            # Killed by its limit, or by somebody, it may have the label as well.
            in_doubt = has_read or status < 0 or status > _BY_SIGNAL
            raise PrintError(
                f"The queue {self._queue} did not take the label ({reason}); {_remedy('see to it', in_doubt)}.",
                uncertain=in_doubt,
            )
        return Receipt()


def open_printer(address: str, *, timeout: float = TIMEOUT) -> Printer:
    """Return the printer at `address`: `socket://host:port`, `cups:queue` or `file:path`. Raises `PrintError`."""
    scheme, _unused, rest = address.partition(":")
    makers: dict[str, Callable[[], Printer | None]] = {
        "socket": lambda: _socket_printer(address, timeout),
        "cups": lambda: CupsPrinter(rest, timeout=timeout) if rest and not rest.startswith("-") else None,
        "file": lambda: _file_printer(rest, timeout),
    }
    printer = makers[scheme]() if scheme in makers and address.isprintable() else None
    if printer is None:
        raise PrintError(
            f"{quoted(address)} is not a printer; give socket://HOST:{DEFAULT_PORT}, cups:QUEUE or file:/dev/usb/lp0."
        )
    return printer


def _socket_printer(address: str, timeout: float) -> SocketPrinter | None:
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORT
        (parts.hostname or "").encode("idna")  # as the resolver will have it
    except ValueError:
        return None
    return SocketPrinter(parts.hostname, port, timeout=timeout) if parts.hostname else None


def _file_printer(path: str, timeout: float) -> FilePrinter | None:
    if not path.startswith("/"):
        return None
    try:
        if is_there(path):
            refuse_precious(Path(path))
    except PreciousFileError:
        raise PrintError(
            f"{quoted(path)} is not a printer, but a database, such as a ledger, or a private key; give another "
            "printer, such as file:/dev/usb/lp0."
        ) from None
    return FilePrinter(path, timeout=timeout)
