# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server at another site: an address on TCP at which everything arrives later, and which can be cut off.

Half of the delay is that of each direction. What is under way at a time is not limited, as on a long line: who asks
three things at once has three answers at once, and who waits for each answer waits three times. `round_trips` counts
these waits, the handshake of TCP among them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .silent_proxy import SilentProxy

_CHUNK = 65_536
_ARRIVED = 0.05
"""Seconds after which what came to the server is with it."""
_FAREWELL = b"X\x00\x00\x00\x04"
"""What a client of PostgreSQL ends with; nothing comes back."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Cut(StrEnum):
    """How a site is cut off in the middle of a round trip; whether its question arrived, it cannot know."""

    SILENT = "silent"
    UNHEARD = "unheard"
    """Silent, too, but the question arrives, and its answer does not."""
    SHORT = "cut short"
    """Silent, too, but of the question all but the end arrives."""
    RESET = "reset"
    UNHEARD_RESET = "unheard reset"

    @property
    def is_silent(self) -> bool:
        """Whether nobody says that the site is cut off."""
        return self in {Cut.SILENT, Cut.UNHEARD, Cut.SHORT}

    @property
    def question_arrives(self) -> bool:
        """Whether the server does what it was asked for last, as far as it knows it."""
        return self in {Cut.UNHEARD, Cut.UNHEARD_RESET, Cut.SHORT}


@dataclass(eq=False, slots=True)
class _Way:
    """One connection, and what still passes."""

    since: float
    writer: asyncio.StreamWriter
    was_answered: bool = True
    asks: bool = True
    hears: bool = True


class DistantProxy(SilentProxy):
    """Passes on to the socket at `target`, with a round trip that takes `delay` seconds."""

    def __init__(self, target: Path, delay: float = 0.0, host: str = "127.0.0.1") -> None:
        super().__init__(target, host)
        self.delay = delay
        self.round_trips = 0
        self.connections = 0
        self.on_question: Callable[[bytes], None] | None = None
        """Called with what begins a round trip, in the proxy's thread."""
        self.cut: Cut | None = None
        """How the site is cut off now."""
        self._cut_at: tuple[int, Cut] | None = None
        self._ways: set[_Way] = set()

    def forget(self) -> None:
        """Count from nothing."""
        self.round_trips = self.connections = 0

    def cut_after(self, round_trips: int, how: Cut) -> None:
        """Be cut off in the round trip after so many from now."""
        self._cut_at = self.round_trips + round_trips, how

    def mend(self) -> None:
        """Serve new connections again."""
        self._cut_at = self.cut = None

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut is not None:
            if not self.cut.is_silent:
                _reset(writer)
            while await reader.read(_CHUNK):
                pass
            return
        far_reader, far_writer = await asyncio.open_unix_connection(self.target)
        way = _Way(asyncio.get_running_loop().time(), writer)
        self._ways.add(way)
        self.connections += 1
        self.round_trips += 1
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._go(way, reader, far_writer))
                group.create_task(self._come(way, far_reader, writer))
        except* OSError:
            pass
        finally:
            self._ways.discard(way)
            far_writer.close()

    async def _go(self, way: _Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass questions on, and see where one is asked after an answer."""
        loop = asyncio.get_running_loop()
        under_way = _UnderWay(sink, lambda: True)
        async with asyncio.TaskGroup() as group:
            group.create_task(under_way.arrive())
            while data := await source.read(_CHUNK):
                if way.was_answered and data != _FAREWELL:
                    way.was_answered = False
                    self._begin_round_trip(way, data)
                if way.asks:
                    if self.cut is Cut.SHORT:
                        data = data[:-1]
                    # The first of a connection waits for the handshake.
                    under_way.put(max(loop.time() + self.delay / 2, way.since + 1.5 * self.delay), data)
                    way.asks = self.cut is None
            if self.cut is not None and self.cut.is_silent:
                await asyncio.Event().wait()  # nobody tells the server that its client has gone
            under_way.put(loop.time() + self.delay / 2, b"")

    async def _come(self, way: _Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass answers on."""

        def arrives() -> bool:
            way.was_answered = way.was_answered or way.hears
            return way.hears

        loop = asyncio.get_running_loop()
        under_way = _UnderWay(sink, arrives)
        async with asyncio.TaskGroup() as group:
            group.create_task(under_way.arrive())
            while data := await source.read(_CHUNK):
                under_way.put(loop.time() + self.delay / 2, data)
            under_way.put(loop.time() + self.delay / 2, b"")

    def _begin_round_trip(self, way: _Way, data: bytes) -> None:
        self.round_trips += 1
        if self.on_question is not None:
            self.on_question(data)
        if self._cut_at is None or self.round_trips <= self._cut_at[0] or self.cut is not None:
            return
        self.cut = how = self._cut_at[1]
        for each in self._ways:
            each.hears = False
            each.asks = each is way and how.question_arrives
        if not how.is_silent:
            patience = 1.5 * self.delay + _ARRIVED if how.question_arrives else 0.0
            asyncio.get_running_loop().call_later(patience, self._reset_all)

    def _reset_all(self) -> None:
        for way in [*self._ways]:
            _reset(way.writer)


class _UnderWay:
    """What was sent in one direction, and when each piece of it arrives."""

    def __init__(self, sink: asyncio.StreamWriter, arrives: Callable[[], bool]) -> None:
        """Have it come out at `sink`, where `arrives` says so then."""
        self._sink = sink
        self._arrives = arrives
        self._pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    def put(self, at: float, data: bytes) -> None:
        """Have `data` arrive at a time of the loop; none is the end."""
        self._pieces.put_nowait((at, data))

    async def arrive(self) -> None:
        """Have all arrive."""
        loop = asyncio.get_running_loop()
        while True:
            at, data = await self._pieces.get()
            if (wait := at - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                if self._arrives():
                    self._sink.close()
                return
            if self._arrives():
                self._sink.write(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that its other side sees it reset."""
    if not writer.is_closing():
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()
