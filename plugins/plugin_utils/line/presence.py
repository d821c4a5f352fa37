# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a board is in a slot: its SSH server greets, and a connection that is held breaks when the board goes.

The connection stays before the login, where a server grants a client two minutes or so. It is renewed before they are
over, the new one being made while the old one still stands, so that a connection that breaks always means a board
that went (or restarted), however soon another one answers: a swap is never overlooked. Where a server hangs up sooner
than that, the board counts as another one once, which costs a run that finds it done, and is then asked sooner.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Self

from ..device import name_resolution

_LOOK_SECONDS = 0.1
"""Between two looks into an empty slot."""
_CONNECT_SECONDS = 1.5
_RESOLVE_SECONDS = 1.5
"""For the address of a slot that has a name."""
_RENEW_SECONDS = 45.0
"""Below the 120 s of OpenSSH and the 300 s of dropbear."""
_LEAST_RENEW_SECONDS = 2.0
_KEEPALIVE = {"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
"""A board whose power is cut says no word. Seconds, seconds, times."""
_SILENT_SECONDS = 4.5
"""After which a silent board is noticed by that."""
_GREETING = b"SSH-2.0-ioto_line\r\n"
_MOST_BYTES_OF_A_LINE = 1024
_MOST_LINES = 50
_READ_BYTES = 1024 * 1024
_FLOOD_PAUSE = 0.05
_resolving = ThreadPoolExecutor(64, "resolve")
"""Not that of the event loop: its few threads would all wait for a resolver that is silent, and others with them."""

Place = Callable[[], Awaitable[tuple[str, int] | None]]
"""Where to look now: address and port; None where nobody knows."""


class SlotChange(Enum):
    """What happened in a slot."""

    ARRIVED = "arrived"
    LEFT = "left"
    NEVER_READY = "never ready"
    """Something takes connections, and has not greeted as an SSH server within the time to give up."""


@dataclass(frozen=True, slots=True)
class SlotSighting:
    """What happened, and the address it happened at."""

    change: SlotChange
    address: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a board may take, in seconds."""

    banner: float = 5.0
    give_up: float = 120.0


async def watch(place: Place, patience: Patience) -> AsyncIterator[SlotSighting]:
    """Yield what happens in one slot, for ever. What is there at the start has arrived.

    An arrival may follow one that was never ready; else arrivals and departures take turns.
    """
    renew = _RENEW_SECONDS
    seen: tuple[str, int] | None = None
    waiting_since, is_told = None, False
    while True:
        where = await place()
        is_there, held = False, None
        if where is not None and where == (seen or where):  # else its lease has ended, or is another board's
            is_there, held = await _look(where, patience)
        if where is None or not is_there:
            renew = _RENEW_SECONDS
            if is_told and seen:
                yield SlotSighting(SlotChange.LEFT, seen[0])
            seen, waiting_since, is_told = None, None, False
        else:
            seen = where
            if held is None:
                waiting_since = waiting_since or time.monotonic()
                if not is_told and time.monotonic() - waiting_since >= patience.give_up:
                    is_told = True
                    yield SlotSighting(SlotChange.NEVER_READY, where[0])
        if held is None or where is None:
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        yield SlotSighting(SlotChange.ARRIVED, where[0])
        lasted = await _stay(held, where, patience, renew)
        yield SlotSighting(SlotChange.LEFT, where[0])
        renew = max(_LEAST_RENEW_SECONDS, min(renew, lasted * 0.6))
        waiting_since, is_told = None, False


async def _look(where: tuple[str, int], patience: Patience) -> tuple[bool, Greeted | None]:
    """Return whether anybody takes a connection, and the connection, if who took it has greeted."""
    try:
        return True, await Greeted.by(where, patience)
    except OSError:
        return False, None


async def _stay(held: Greeted, where: tuple[str, int], patience: Patience, renew: float) -> float:
    """Return when the board is gone: how many seconds the last connection to it lasted."""
    while True:
        try:
            if await held.breaks_within(renew):
                return held.age
            fresh = await _another(where, patience)
            # A board that was swapped just now answers the new connection, and not the old one.
            if fresh is not None and not await held.breaks_within(_SILENT_SECONDS):
                held, fresh = fresh, held
            if fresh is not None:
                fresh.drop()
        except BaseException:
            held.drop()
            raise


async def _another(where: tuple[str, int], patience: Patience) -> Greeted | None:
    with suppress(OSError):
        return await Greeted.by(where, patience)
    return None


class Greeted:
    """A connection to an SSH server that has greeted, and that goes no further than that."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._made = time.monotonic()
        self._end = asyncio.create_task(_read_away(reader))

    @classmethod
    async def by(cls, where: tuple[str, int], patience: Patience) -> Self | None:
        """Return one, or None where the server takes connections and does not greet. Raises `OSError` where none is."""
        found = await _addresses(*where)
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await _connected(found)
        try:
            _keep_alive(writer.get_extra_info("socket"))
            async with asyncio.timeout(patience.banner):
                if await _greets(reader):
                    writer.write(_GREETING)
                    return cls(reader, writer)
        except (OSError, ValueError):  # silent, broken, or no line
            pass
        except BaseException:
            writer.transport.abort()
            raise
        writer.transport.abort()
        return None

    @property
    def age(self) -> float:
        """Seconds since the server greeted."""
        return time.monotonic() - self._made

    async def breaks_within(self, seconds: float) -> bool:
        """Say whether the other end is gone by then."""
        done, _waiting = await asyncio.wait({self._end}, timeout=seconds)
        if done:
            self.drop()
        return bool(done)

    def drop(self) -> None:
        """Let go of it."""
        self._end.cancel()
        self._writer.transport.abort()


async def _addresses(host: str, port: int) -> name_resolution.Addresses:
    """Return the addresses of `host`, an address or a name. Raises `OSError`, also where that takes too long."""
    try:
        if _is_numeric(host):
            return name_resolution.addresses(host, port, _RESOLVE_SECONDS)
        return await asyncio.get_running_loop().run_in_executor(
            _resolving, name_resolution.addresses, host, port, _RESOLVE_SECONDS
        )
    except UnicodeError as error:  # no name that could be asked for
        raise OSError(str(error)) from None


def _is_numeric(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host))
    return False


async def _connected(found: name_resolution.Addresses) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection to the first of the addresses that takes one. Raises `OSError`."""
    tries = name_resolution.AddressTries(found)
    for connection, address in tries:
        with tries.using(connection):
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connection, address)
            return await asyncio.open_connection(sock=connection, limit=_MOST_BYTES_OF_A_LINE)
    raise tries.failure


async def _greets(reader: asyncio.StreamReader) -> bool:
    # Lines may come before the one that counts (RFC 4253, 4.2).
    for _number in range(_MOST_LINES):
        line = await reader.readline()
        if line.startswith(b"SSH-"):
            return True
        if not line:
            return False
    return False


async def _read_away(reader: asyncio.StreamReader) -> None:
    """Return at the end of what the other side says, which is read slowly and thrown away: it may be a flood."""
    with suppress(OSError):
        while await reader.read(_READ_BYTES):
            await asyncio.sleep(_FLOOD_PAUSE)


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
