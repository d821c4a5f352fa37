# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hand scanner reads, for ever: it is opened again when it was unplugged and comes back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from ...errors import IotoError
from .scan_lines import ScanLines, SpoiltScan
from .scanner_address import ScannerAddress
from .scanner_port import ScannerPort, open_scanner, port_error

RETRY_SECONDS = 1.0
_PIECE = 4096
_REST_SECONDS = 0.05
"""After a full piece: 80 kB a second are more than any scanner sends, and a flood takes a few percent of a core."""


@dataclass(frozen=True, slots=True)
class ScannedLine:
    """A scan as it came, hostile; it may hold a claim ID."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScannerReady:
    """The scanner can be used, for the first time or again."""


@dataclass(frozen=True, slots=True)
class ScannerLost:
    """The scanner cannot be used; `sentence` says why and what to do. It is tried again without end."""

    sentence: str


ScannerNews = ScannedLine | SpoiltScan | ScannerReady | ScannerLost


async def read_scanner(
    address: ScannerAddress, *, retry_seconds: float = RETRY_SECONDS
) -> AsyncGenerator[ScannerNews, None]:
    """Yield what the scanner at `address` reads, and how it stands, until the task is cancelled or the iterator closed.

    Nothing is read while the news are not asked for, so what is kept here has a limit. A reason why it cannot be used
    is told once, however often it is tried. Errors of the scanner are news; none is raised.
    """
    told: str | None = None
    while True:
        try:
            with await open_scanner(address) as port:
                yield ScannerReady()
                told = None
                async with aclosing(_scans(address, port)) as scans:
                    async for news in scans:
                        yield news
        except IotoError as error:
            if told != str(error):
                told = str(error)
                yield ScannerLost(told)
        await asyncio.sleep(retry_seconds)


async def _scans(address: ScannerAddress, port: ScannerPort) -> AsyncGenerator[ScannedLine | SpoiltScan, None]:
    """Yield the scans of an open scanner; raises `ScannerPortError` when it is gone."""
    clock = asyncio.get_running_loop().time
    lines = ScanLines()
    while True:
        try:
            data = await _read(port.descriptor, lines.deadline)
        except OSError as error:
            if error.errno is not None:  # also a connection that has timed out
                raise port_error(address, error) from None
            if late := lines.expire(clock()):
                yield late
            continue
        if not data:
            raise port_error(address)
        for scan in lines.feed(port.decode(data), clock()):
            yield scan if isinstance(scan, SpoiltScan) else ScannedLine(scan)
        if len(data) == _PIECE:
            await asyncio.sleep(_REST_SECONDS)


async def _read(descriptor: int, deadline: float | None) -> bytes:
    """Return what there is to be read, nothing at the end. Raises `TimeoutError` at `deadline`, of the loop's clock."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        async with asyncio.timeout_at(deadline):
            while True:
                await readable.wait()
                try:
                    return os.read(descriptor, _PIECE)
                except BlockingIOError:  # somebody else was told of the same bytes
                    readable.clear()
    finally:
        loop.remove_reader(descriptor)
