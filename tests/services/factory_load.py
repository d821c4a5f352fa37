# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many agents at once: each asks, and asks again at the next instance, until it has its ID."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from .factory_service import PATH, PRODUCT

PATIENCE_SECONDS = 600.0
_PAUSE_SECONDS = 0.05
"""After a refusal; an agent takes 2 s."""


class AnswersDifferError(AssertionError):
    """A unit was given an ID, and then another one."""


class Client:
    """One connection at a time, kept as long as it lives, to one of `ports` of 127.0.0.1 after the other."""

    def __init__(self, ports: Sequence[int], path: str = PATH, counts: Counter[str] | None = None) -> None:
        """In `counts` it notes what it met beside answers."""
        self._ports = ports
        self._path = path
        self._turn = 0
        self._counts = Counter() if counts is None else counts
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Send one POST. Raises `OSError` or `EOFError` where the service went away."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._ports[self._turn % len(self._ports)])
        reader, writer = self._streams
        try:
            head = f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            fields = dict(line.lower().split(b": ", 1) for line in answer.split(b"\r\n")[1:-2])
            data = await reader.readexactly(int(fields[b"content-length"]))
        except BaseException:
            self.close()
            raise
        if fields.get(b"connection") == b"close":
            self.close()
        return int(answer.split(b" ", 2)[1]), data

    async def claim(self, serial: str) -> str:
        """Return the unit's ID, whatever happens to the service in between."""
        body = json.dumps({"product": PRODUCT, "serial": serial}).encode()
        while True:
            try:
                status, data = await self.post(body)
            except (OSError, EOFError, TimeoutError, ValueError):
                # The next try goes to the next instance.
                self._turn += 1
                self._counts["broken connections"] += 1
                await asyncio.sleep(0.01)
                continue
            if status == 200:
                return str(json.loads(data)["id"])
            assert status in (429, 503), (status, data)
            self._counts[f"refusals with {status}"] += 1
            await asyncio.sleep(_PAUSE_SECONDS)

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def claim_all(
    ports: Sequence[int],
    serials: Iterable[str],
    *,
    clients: int,
    during: Callable[[dict[str, str]], Awaitable[None]] | None = None,
    counts: Counter[str] | None = None,
) -> dict[str, str]:
    """Return the ID that each of `serials` was answered, the same each time where one is in there several times.

    `during` runs beside and sees the answers as they come. Raises `AnswersDifferError`.
    """
    answered: dict[str, str] = {}
    waiting = iter(list(serials))

    async def work(client: Client) -> None:
        try:
            for serial in waiting:
                claim_id = await client.claim(serial)
                if answered.setdefault(serial, claim_id) != claim_id:
                    raise AnswersDifferError(f"{serial} was given two IDs")
        finally:
            client.close()

    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(work(Client(ports, counts=counts)))
        if during is not None:
            group.create_task(_coroutine(during(answered)))
    return answered


async def _coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


async def answers(answered: dict[str, str], count: int) -> None:
    """Return when `count` are there."""
    while len(answered) < count:
        await asyncio.sleep(0.005)
