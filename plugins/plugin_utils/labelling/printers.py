# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Printers, and what "printed" can honestly mean.

A raw TCP printer (port 9100) gives no receipt. One label is sent on one connection; we close our side and wait until
the printer closes its own. It does so after it has read everything: had it died before, or left a byte unread, the
connection would be reset. So "printed" means that the printer has read the whole label, not that paper came out.
For CUPS it means that the queue took the job, for a device file that the system has taken every byte.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import subprocess
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ..labels.errors import PrintError

DEFAULT_PORT = 9100
TIMEOUT = 30.0
"""Seconds in which a printer has to take a label."""


class Printer(Protocol):
    """Something that takes labels as ZPL, one at a time."""

    @property
    def name(self) -> str:
        """How it is called in messages and records."""

    def send(self, data: bytes, title: str) -> None:
        """Hand over one label; on return the printer has it. `title` names it in a queue. Raises `PrintError`."""


class SocketPrinter:
    """A printer that listens on a raw TCP port."""

    def __init__(self, host: str, port: int = DEFAULT_PORT, *, timeout: float = TIMEOUT) -> None:
        self._host, self._port, self._timeout = host, port, timeout

    @property
    def name(self) -> str:
        """Its address."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"socket://{host}:{self._port}"

    def send(self, data: bytes, title: str) -> None:
        """Hand over one label, and wait until the printer has read it."""
        is_sent = False
        try:
            with socket.create_connection((self._host, self._port), timeout=self._timeout) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                is_sent = True
                while connection.recv(4096):
                    pass
                _check_all_was_read(connection)
        except TimeoutError as error:
            raise PrintError(
                f"The printer {self.name} did not take the label in {self._timeout:g} s; "
                "see whether it is paused, open or out of labels, and run again.",
                uncertain=is_sent,
            ) from error
        except OSError as error:
            # Which of these one gets to see depends on how far we were when its reset came.
            broke_off = error.errno in {errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN}
            reason = "it broke off while it read" if broke_off else error.strerror or str(error)
            raise PrintError(
                f"The printer {self.name} did not take the label ({reason}); see to it, and run again."
            ) from error


def _check_all_was_read(connection: socket.socket) -> None:
    """Raise `OSError` where the other side closed before all of ours had reached it; a reset may be on its way yet."""
    unsent = bytes(4)
    with suppress(OSError):  # only Linux can say
        unsent = fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)
    # The end of our stream counts as one byte.
    if struct.unpack("i", unsent)[0] > 1:
        raise ConnectionResetError(errno.ECONNRESET, "closed before all was read")


class FilePrinter:
    """A printer behind a device file such as /dev/usb/lp0; a plain file gets one label after the other."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    @property
    def name(self) -> str:
        """Its path."""
        return f"file:{self._path}"

    def send(self, data: bytes, title: str) -> None:
        """Write one label to it."""
        try:
            # Not created: a device that is not there would become a file.
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                with suppress(OSError):  # a device may have nothing to sync
                    os.fsync(handle)
        except OSError as error:
            raise PrintError(
                f"The printer {self.name} did not take the label ({error.strerror}); see to it, and run again."
            ) from error


class CupsPrinter:
    """A queue of CUPS, which passes ZPL on as it is. The server is the one that CUPS_SERVER or client.conf names."""

    def __init__(self, queue: str, *, timeout: float = TIMEOUT) -> None:
        self._queue, self._timeout = queue, timeout

    @property
    def name(self) -> str:
        """Its queue."""
        return f"cups:{self._queue}"

    def send(self, data: bytes, title: str) -> None:
        """Put one label into the queue."""
        command = ["lp", "-s", "-d", self._queue, "-t", title, "-o", "raw", "-"]
        try:
            subprocess.run(command, input=data, capture_output=True, check=True, timeout=self._timeout)
        except FileNotFoundError as error:
            raise PrintError("There is no command lp to print with; install the client of CUPS.") from error
        except subprocess.TimeoutExpired as error:
            raise PrintError(
                f"The queue {self._queue} did not take the label in {self._timeout:g} s; see to it, and run again.",
                uncertain=True,
            ) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip()
            raise PrintError(
                f"The queue {self._queue} did not take the label ({said}); see to it, and run again."
            ) from error


def open_printer(address: str, *, timeout: float = TIMEOUT) -> Printer:
    """Return the printer at `address`: `socket://host:port`, `cups:queue` or `file:path`. Raises `PrintError`."""
    scheme, _unused, rest = address.partition(":")
    makers: dict[str, Callable[[], Printer | None]] = {
        "socket": lambda: _socket_printer(address, timeout),
        "cups": lambda: CupsPrinter(rest, timeout=timeout) if rest and not rest.startswith("-") else None,
        "file": lambda: FilePrinter(rest) if rest.startswith("/") else None,
    }
    printer = makers[scheme]() if scheme in makers else None
    if printer is None:
        raise PrintError(
            f"{address!a} is no printer; give socket://HOST:{DEFAULT_PORT}, cups:QUEUE or file:/dev/usb/lp0."
        )
    return printer


def _socket_printer(address: str, timeout: float) -> SocketPrinter | None:
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        return None
    return SocketPrinter(parts.hostname, port, timeout=timeout) if parts.hostname else None
