# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand scanner on real descriptors: input events through a pipe, a serial line that is a pty, and TCP.

No machine of ours makes input devices (uinput), so EVIOCGRAB is asked of what is none alone.
"""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import sys
import termios
import time
import tty
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.requirements import MissingPackagesError
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner import scan_lines, scanner_port
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner.hand_scanner import (
    ScannedLine,
    ScannerLost,
    ScannerNews,
    ScannerReady,
    read_scanner,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner.scan_lines import SpoiltScan
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.hand_scanner.scanner_address import (
    parse_scanner_address,
)
from tests.services.reserved_port import refusing_port
from tests.support import scanner_keys as keys

DEADLINE = 60.0
"""Seconds, for what never comes."""
needs_serial = pytest.mark.skipif(find_spec("serial") is None, reason="pyserial is not installed")


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a half wait for its rest, however long that takes on a machine that does other things."""
    monkeypatch.setattr(scan_lines, "PAUSE_SECONDS", DEADLINE)
    monkeypatch.setattr(scan_lines, "WHOLE_SECONDS", DEADLINE)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run `test`, which has a deadline: what waits for ever fails."""

    async def within() -> None:
        async with asyncio.timeout(DEADLINE):
            await test()

    asyncio.run(within())


@asynccontextmanager
async def news_of(address: str) -> AsyncIterator[AsyncGenerator[ScannerNews, None]]:
    news = read_scanner(parse_scanner_address(address), retry_seconds=0.02)
    try:
        yield news
    finally:
        await news.aclose()


async def next_scan(news: AsyncGenerator[ScannerNews, None]) -> str:
    found = await anext(news)
    assert isinstance(found, ScannedLine), found
    return found.text


async def next_lost(news: AsyncGenerator[ScannerNews, None]) -> str:
    """The sentence of the next news that say that the scanner is lost."""
    async for found in news:
        if isinstance(found, ScannerLost):
            return found.sentence
    raise AssertionError


@asynccontextmanager
async def tcp_scanner() -> AsyncIterator[tuple[str, Callable[[], Awaitable[socket.socket]]]]:
    """A scanner that listens, and what takes the next connection to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        async def accept() -> socket.socket:
            connection, _address = await asyncio.get_running_loop().sock_accept(server)
            return connection

        yield f"tcp:127.0.0.1:{server.getsockname()[1]}", accept


@pytest.mark.usefixtures("unhurried")
def test_keys_through_a_pipe_are_scans_in_halves_and_all(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "event0")
    data = keys.typed("HTTPS://example.com/?id=JT08FFQXWQ") + keys.typed("BADGE:Ann")

    async def test() -> None:
        writer = os.open(tmp_path / "event0", os.O_RDWR)  # what was written before is there when it is opened
        async with news_of(f"keyboard:{tmp_path}/event0") as news:
            assert await anext(news) == ScannerReady()
            os.write(writer, data[:1001])
            waiting = asyncio.ensure_future(next_scan(news))
            assert not (await asyncio.wait([waiting], timeout=0.05))[0]
            os.write(writer, data[1001:])
            assert await waiting == "HTTPS://example.com/?id=JT08FFQXWQ"
            assert await next_scan(news) == "BADGE:Ann"
        os.close(writer)

    run(test)


def test_a_pipe_that_ends_is_lost_and_one_that_comes_back_is_read(tmp_path: Path) -> None:
    fifo = tmp_path / "event0"
    os.mkfifo(fifo)

    async def test() -> None:
        writer = os.open(fifo, os.O_RDWR)
        async with news_of(f"keyboard:{fifo}") as news:
            assert await anext(news) == ScannerReady()
            os.write(writer, keys.typed("JT08F", end=None))
            os.close(writer)
            fifo.rename(tmp_path / "unplugged")
            assert "(it was unplugged); plug it in again" in await next_lost(news)
            assert "(No such file or directory); plug it in" in await next_lost(news)
            os.mkfifo(fifo)
            writer = os.open(fifo, os.O_RDWR)
            assert await anext(news) == ScannerReady()
            os.write(writer, keys.typed("FQXWQ12345"))
            assert await next_scan(news) == "FQXWQ12345"
        os.close(writer)

    run(test)


def test_why_a_scanner_cannot_be_used_is_told_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with news_of(f"keyboard:{tmp_path}/missing") as news:
            assert isinstance(await anext(news), ScannerLost)
            waiting = asyncio.ensure_future(anext(news))
            done, _pending = await asyncio.wait([waiting], timeout=0.2)  # ten tries
            assert not done
            waiting.cancel()
            await asyncio.wait([waiting])

    run(test)


@pytest.mark.parametrize("kind", ["file", "/dev/null", "/dev/zero"])
def test_what_is_no_keyboard_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file" if kind == "file" else Path(kind)
    if kind == "file":
        path.touch()

    async def test() -> None:
        async with news_of(f"keyboard:{path}") as news:
            sentence = await next_lost(news)
            assert sentence.startswith(f"The scanner keyboard:{path} cannot be read (")
            assert "it is not a device of that kind; correct its name in the settings." in sentence

    run(test)


@needs_serial
@pytest.mark.usefixtures("unhurried")
def test_a_serial_line_is_read_alone_and_through_unplugging(tmp_path: Path) -> None:
    async def test() -> None:
        link = tmp_path / "ttyACM0"
        scanner, line = pty.openpty()
        link.symlink_to(os.ttyname(line))
        async with news_of(f"serial:{link}:115200") as news:
            assert await anext(news) == ScannerReady()
            assert termios.tcgetattr(line)[tty.LFLAG] & (termios.ECHO | termios.ICANON) == 0
            os.write(scanner, b"JT08")
            waiting = asyncio.ensure_future(next_scan(news))
            assert not (await asyncio.wait([waiting], timeout=0.05))[0]
            os.write(scanner, b"FFQXWQ\r\n\x00")
            assert await waiting == "JT08FFQXWQ"

            async with news_of(f"serial:{link}:115200") as other:
                assert "another program has it" in await next_lost(other)

            link.unlink()  # before another process is given a line of that number
            os.close(line)
            os.close(scanner)
            assert "it was unplugged" in await next_lost(news)
            assert isinstance(await anext(news), ScannerLost)  # there is no such line
            scanner, line = pty.openpty()
            link.symlink_to(os.ttyname(line))
            found = [await anext(news)]
            while found[-1] != ScannerReady():
                found.append(await anext(news))
            os.write(scanner, b"0123456789\r")
            assert await next_scan(news) == "0123456789"
        os.close(line)
        os.close(scanner)

    run(test)


@needs_serial
def test_what_is_no_serial_line_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def test() -> None:
        async with news_of(f"serial:{tmp_path}/file") as news:
            assert "it is not a device of that kind; correct its name in the settings." in await next_lost(news)

    run(test)


def test_a_serial_line_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)

    async def test() -> None:
        with pytest.raises(MissingPackagesError, match="needed for a hand scanner on a serial line; "):
            await scanner_port.open_scanner(parse_scanner_address("serial:/dev/ttyS0"))
        async with news_of("serial:/dev/ttyS0") as news:
            assert "needed for a hand scanner on a serial line; " in await next_lost(news)

    run(test)


def test_a_scanner_over_tcp_is_connected_to_again() -> None:
    async def test() -> None:
        async with tcp_scanner() as (address, accept), news_of(address) as news:
            waiting = asyncio.ensure_future(anext(news))
            with await accept() as first:
                assert await waiting == ScannerReady()
                first.sendall(b"JT08FFQXWQ\r\n01234")
                assert await next_scan(news) == "JT08FFQXWQ"
            assert "it was unplugged" in await next_lost(news)
            waiting = asyncio.ensure_future(anext(news))
            with await accept() as second:
                assert await waiting == ScannerReady()
                second.sendall(b"56789ABCDE\n")
                assert await next_scan(news) == "56789ABCDE"

    run(test)


def test_a_half_over_tcp_is_given_up_in_time() -> None:
    async def test() -> None:
        async with tcp_scanner() as (address, accept), news_of(address) as news:
            waiting = asyncio.ensure_future(anext(news))
            with await accept() as connection:
                await waiting
                connection.sendall(b"0123456789")
                spoilt = await anext(news)
                assert isinstance(spoilt, SpoiltScan)
                assert "has no end" in spoilt.sentence

    run(test)


@pytest.mark.parametrize("piece", [b"A" * 65536, b"A\n" * 32768, os.urandom(65536), bytes(65536)])
def test_a_flood_takes_neither_the_loop_nor_the_machine(piece: bytes) -> None:
    """Others go on beside it, and what is told stays within what a person can scan."""

    async def test() -> None:
        loop, found = asyncio.get_running_loop(), list[ScannerNews]()

        async def read(news: AsyncGenerator[ScannerNews, None]) -> None:
            async for one in news:
                found.append(one)

        async def flood(connection: socket.socket) -> None:
            while True:
                await loop.sock_sendall(connection, piece)

        async with tcp_scanner() as (address, accept), news_of(address) as news:
            reading = asyncio.ensure_future(read(news))
            with await accept() as connection:
                flooding = asyncio.ensure_future(flood(connection))
                while len(found) < 2:
                    await asyncio.sleep(0.01)
                began, used = loop.time(), time.process_time()
                longest = 0.0
                while loop.time() - began < 1.0:
                    at, ran = loop.time(), time.process_time()
                    await asyncio.sleep(0.01)
                    # A machine that does other things takes longer; what we could help is the time that we had.
                    longest = max(longest, min(loop.time() - at, time.process_time() - ran))
                used = time.process_time() - used
                flooding.cancel()
                reading.cancel()
                await asyncio.wait([flooding, reading])
        assert used < 0.5
        assert longest < 0.5
        assert len(found) <= 3 * 12
        assert all(len(one.text) <= 1000 for one in found if isinstance(one, ScannedLine))

    run(test)


def test_a_port_where_nothing_listens_and_a_host_without_a_name_say_so() -> None:
    async def test() -> None:
        with refusing_port() as port:
            async with news_of(f"tcp:127.0.0.1:{port}") as news:
                assert "nothing listens there; correct its port" in await next_lost(news)
        async with news_of("tcp:scanner.invalid:9004") as news:
            assert "The scanner tcp:scanner.invalid:9004 cannot be read (" in await next_lost(news)
        for name in ("a..b", "x" * 64):
            async with news_of(f"tcp:{name}:9004") as news:
                assert "that is not the name of a host); correct its name in the settings" in await next_lost(news)

    run(test)


def test_a_host_that_does_not_answer_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener whose queue is full leaves who knocks without a word."""
    monkeypatch.setattr(scanner_port, "CONNECT_SECONDS", 0.3)

    async def test() -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            port = server.getsockname()[1]
            knocking = [socket.socket() for _number in range(4)]
            for one in knocking:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            async with news_of(f"tcp:127.0.0.1:{port}") as news:
                assert "(no answer in 0.3 s); plug it in again" in await next_lost(news)
            for one in knocking:
                one.close()

    run(test)
