# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a board is in a slot, asked over real connections to servers that greet, hang up, and say nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.line import presence
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.presence import (
    Patience,
    SlotChange,
    SlotSighting,
    watch,
)

BANNER = b"SSH-2.0-dropbear_2022.83\r\n"
SOON = 60.0
"""Seconds; what is waited for takes a fraction of one, and nothing waits so long but on a machine that stands still."""

PATIENCE = Patience()
_UNKNOWN_FAMILY = 250
"""Of addresses; no kernel has so many."""
Following = Callable[[], Awaitable[SlotChange]]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(BANNER)
    await reader.read()


class Board:
    """A server at one address that can be switched on and off, with all of its connections."""

    def __init__(self) -> None:
        self.port = 0
        self.asked = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def plug(self, serve: Serve = greet, address: str = "127.0.0.1") -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.asked += 1
            self._writers.add(writer)
            try:
                await serve(reader, writer)
            except OSError:
                pass
            finally:
                writer.close()
                self._writers.discard(writer)

        self._server = await asyncio.start_server(accept, address, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in [*self._writers]:
            writer.transport.abort()

    async def place(self) -> tuple[str, int] | None:
        return "127.0.0.1", self.port


@asynccontextmanager
async def watched(board: Board, patience: Patience = PATIENCE) -> AsyncIterator[Following]:
    sightings: Any = watch(board.place, patience)
    async with aclosing(sightings):

        async def following() -> SlotChange:
            async with asyncio.timeout(SOON):
                sighting: SlotSighting = await anext(sightings)
                return sighting.change

        yield following


def test_a_board_arrives_and_leaves() -> None:
    async def story() -> None:
        board = Board()
        await board.plug()
        async with watched(board) as following:
            assert await following() is SlotChange.ARRIVED
            await board.pull()
            assert await following() is SlotChange.LEFT
            await board.plug()
            assert await following() is SlotChange.ARRIVED

    asyncio.run(story())


def test_a_board_that_is_swapped_at_once_is_another_one() -> None:
    async def story() -> None:
        board = Board()
        await board.plug()
        async with watched(board) as following:
            assert await following() is SlotChange.ARRIVED
            waiting = asyncio.create_task(following())
            await asyncio.sleep(0)
            await board.pull()
            await board.plug()
            assert await waiting is SlotChange.LEFT
            assert await following() is SlotChange.ARRIVED

    asyncio.run(story())


def test_a_server_that_hangs_up_after_a_time_is_asked_before_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with LoginGraceTime: the same board, asked anew while the old connection stands, never leaves."""
    monkeypatch.setattr(presence, "_RENEW_SECONDS", 0.1)
    monkeypatch.setattr(presence, "_SILENT_SECONDS", 0.05)

    async def story() -> None:
        board = Board()

        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(BANNER)
            at = board.asked
            # By the number of later connections, since a machine that stalls makes any time too short.
            while board.asked < at + 4:
                await asyncio.sleep(0.01)

        await board.plug(hang_up)
        async with watched(board) as following:
            assert await following() is SlotChange.ARRIVED
            waiting = asyncio.create_task(following())
            while board.asked < 12:
                await asyncio.sleep(0.02)
                assert not waiting.done()
            await board.pull()
            assert await waiting is SlotChange.LEFT

    asyncio.run(story())


def test_a_board_that_takes_connections_and_never_greets_is_given_up_once() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def story() -> None:
        board = Board()
        await board.plug(silent)
        async with watched(board, Patience(banner=0.05, give_up=0.3)) as following:
            assert await following() is SlotChange.NEVER_READY
            await board.pull()
            assert await following() is SlotChange.LEFT
            await board.plug()
            assert await following() is SlotChange.ARRIVED

    asyncio.run(story())


@pytest.mark.parametrize("goes_on_at", ["127.0.0.2", None])
def test_where_a_lease_ends_what_was_waited_for_is_gone_and_the_next_board_has_all_its_time(
    goes_on_at: str | None,
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def story() -> None:
        board = Board()
        await board.plug(silent, "0.0.0.0")  # of this machine alone, at two addresses
        at: list[str | None] = ["127.0.0.1"]

        async def leased() -> tuple[str, int] | None:
            asked.append(at[0])
            return (at[0], board.port) if at[0] else None

        asked: list[str | None] = []
        board.place = leased  # type: ignore[method-assign]
        async with watched(board, Patience(banner=0.05, give_up=0.3)) as following:
            assert await following() is SlotChange.NEVER_READY
            at[0] = goes_on_at
            assert await following() is SlotChange.LEFT
            at[0] = "127.0.0.3"
            asked.clear()
            assert await following() is SlotChange.NEVER_READY
            assert len(asked) > 2  # not at the first look

    asyncio.run(story())


@pytest.mark.parametrize(
    "says",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x" * 100_000, b"\n" * 5000, b""],
    ids=["http", "long", "many", "end"],
)
def test_what_is_no_greeting_is_no_board(says: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await writer.drain()

    async def story() -> None:
        board = Board()
        await board.plug(talk)
        async with watched(board, Patience(banner=0.5, give_up=0.2)) as following:
            assert await following() is SlotChange.NEVER_READY

    asyncio.run(story())


def test_lines_before_the_greeting_are_passed_over_and_a_flood_behind_it_does_no_harm() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Welcome to the bench\r\n" + BANNER)
        for _ in range(1000):
            writer.write(b"x" * 65536)
            await writer.drain()

    async def story() -> None:
        board = Board()
        await board.plug(flood)
        async with watched(board) as following:
            assert await following() is SlotChange.ARRIVED
            waiting = asyncio.create_task(following())
            await asyncio.wait({waiting}, timeout=0.5)
            await board.pull()
            assert await waiting is SlotChange.LEFT

    asyncio.run(story())


def test_a_board_is_found_by_a_name_at_whichever_of_its_addresses_takes_connections() -> None:
    async def story() -> None:
        board = Board()
        await board.plug()  # at 127.0.0.1, while localhost may be ::1 as well

        async def place() -> tuple[str, int]:
            return "localhost", board.port

        board.place = place  # type: ignore[method-assign]
        async with watched(board) as following:
            assert await following() is SlotChange.ARRIVED

    asyncio.run(story())


def test_an_address_of_a_kind_that_the_machine_has_not_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        board = Board()
        await board.plug()
        kind, here = socket.SOCK_STREAM, ("127.0.0.1", board.port)
        # As IPv6 is where a kernel has none.
        found = [(_UNKNOWN_FAMILY, kind, 0, "", here), (socket.AF_INET, kind, 0, "", here)]
        monkeypatch.setattr(presence.name_resolution, "addresses", lambda *_asked: found)
        async with watched(board) as following:
            assert await following() is SlotChange.ARRIVED

    asyncio.run(story())


@pytest.mark.parametrize("name", ["x" * 64, "a..b", "no-such-slot.invalid"])
def test_a_name_that_nobody_has_or_could_have_is_nobody_there(name: str) -> None:
    with pytest.raises(OSError):
        asyncio.run(presence.Greeted.by((name, 22), PATIENCE))
