# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand scanner as a file descriptor that does not block, whatever it is plugged into."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any

from ...device.name_resolution import addresses
from ...display_text import printable
from ...errors import IotoError
from ...requirements import MissingPackagesError, missing
from .key_events import KeyEvents
from .scanner_address import KEYBOARD, SERIAL, ScannerAddress

CONNECT_SECONDS = 3.0
_EVIOCGRAB = 0x40044590
"""`_IOW('E', 0x90, int)` of `linux/input.h`: from now on no console and no desktop gets what the scanner types."""
_ONCE_SILENT_SECONDS, _ASK_EVERY_SECONDS, _ASK_TIMES = 10, 5, 3
"""A box that has lost its power says no word: after these a TCP connection is taken for broken."""

_REMEDIES = {
    errno.ENOENT: "plug it in, or correct its name in the settings",
    errno.EACCES: "put the user of the line into the group that owns it (input for a keyboard, dialout for a serial "
    "line), and start the line again",
    errno.EBUSY: "another program has it; end that one",
    errno.EAGAIN: "another program has it; end that one",
    errno.EINVAL: "correct it in the settings",
    errno.ENOTTY: "it is not a device of that kind; correct its name in the settings",
    socket.EAI_NONAME: "correct its name in the settings",
    errno.ECONNREFUSED: "nothing listens there; correct its port, or set the scanner to listen",
}


class ScannerPortError(IotoError):
    """A scanner that cannot be opened, or was unplugged."""


class ScannerPort(AbstractContextManager["ScannerPort"]):
    """An open scanner: `descriptor` to wait for, and `decode` for what was read there."""

    def __init__(self, descriptor: int, close: Callable[[], object], decode: Callable[[bytes], bytes] = bytes) -> None:
        self.descriptor = descriptor
        self.decode = decode
        self._close = close

    def __exit__(self, *_details: object) -> None:
        self._close()


async def open_scanner(address: ScannerAddress) -> ScannerPort:
    """Return the scanner at `address`, open, within `CONNECT_SECONDS`.

    Raises `ScannerPortError`, and `MissingPackagesError` where a serial line lacks its package.
    """
    try:
        if address.kind == KEYBOARD:
            return _keyboard(address)
        return _serial_line(address) if address.kind == SERIAL else await _connection(address)
    except UnicodeError:  # a name that nobody could be asked for
        raise port_error(address, socket.gaierror(socket.EAI_NONAME, "that is not the name of a host")) from None
    except OSError as error:
        raise port_error(address, error) from None


def port_error(address: ScannerAddress, error: OSError | None = None) -> ScannerPortError:
    """Return the sentence for a scanner that `error` has ended; without one, that has hung up."""
    why = "it was unplugged" if error is None or error.errno in {errno.ENODEV, errno.EIO} else _reason(error)
    remedy = _REMEDIES.get((error and error.errno) or 0, "plug it in again, or look at its cable")
    return ScannerPortError(f"The scanner {printable(str(address))} cannot be read ({why}); {remedy}.")


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"no answer in {CONNECT_SECONDS:g} s"
    return printable(error.strerror or str(error)).removesuffix(".")


def _keyboard(address: ScannerAddress) -> ScannerPort:
    with ExitStack() as opened:
        descriptor = os.open(address.place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        opened.callback(os.close, descriptor)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISCHR(mode):
            fcntl.ioctl(descriptor, _EVIOCGRAB, 1)
        elif not stat.S_ISFIFO(mode):  # nothing else can be waited for
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return ScannerPort(descriptor, opened.pop_all().close, KeyEvents().feed)


def _serial_line(address: ScannerAddress) -> ScannerPort:
    try:
        import serial  # noqa: PLC0415  # an extra: only a serial line needs it
    except ImportError as error:
        raise MissingPackagesError(missing("scanner", error)) from None
    try:
        # Another program on the same line would take half of each scan.
        line = serial.Serial(address.place, address.number, timeout=0, exclusive=True)
    except serial.SerialException as error:  # an OSError, often without its number
        raise OSError(error.errno or _number_within(error), os.strerror(error.errno or _number_within(error))) from None
    except ValueError:
        raise OSError(errno.EINVAL, f"it does not do {address.number} bits a second") from None
    return ScannerPort(line.fileno(), line.close)


def _number_within(error: Exception) -> int:
    """Return the number of the system's error that was at hand when `error` was raised."""
    cause = error.__context__
    return cause.errno if isinstance(cause, OSError) and cause.errno else errno.ENOTTY


async def _connection(address: ScannerAddress) -> ScannerPort:
    async with asyncio.timeout(CONNECT_SECONDS):
        # The loop's own way has no deadline, and its threads would pile up behind a name server that says nothing.
        targets = await asyncio.to_thread(addresses, address.place, address.number, CONNECT_SECONDS)
        for family, _kind, _protocol, _name, target in targets[:-1]:
            with suppress(OSError):
                return await _connected(family, target)
        return await _connected(targets[-1][0], targets[-1][4])


async def _connected(family: int, target: Any) -> ScannerPort:
    with ExitStack() as opened:
        connection = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _ONCE_SILENT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_EVERY_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASK_TIMES)
        await asyncio.get_running_loop().sock_connect(connection, target)
        return ScannerPort(connection.fileno(), opened.pop_all().close)
