# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON5 takes long to read: whoever sends the worst of it, and from however many connections, holds up nobody else."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services.factory_load import Client
from tests.services.factory_service import PRODUCT, RunningService
from tests.services.factory_service_fixture import shared_service

__all__ = ["shared_service"]

CONNECTIONS = 64
ROUNDS = 30
LONGEST_SECONDS = 1.0
"""The worst body takes a twentieth of a second: if two threads read those of all connections in turn, three seconds."""


def worst_body(number: int) -> bytes:
    """Return a body of almost 16 kB, which takes longer than any other that was found."""
    head = f"{{product: '{PRODUCT}', serial: 'J5-{number}', a: [".encode()
    return head + (b"[" * 50 + b"]" * 50 + b",") * 158 + b"]}"


def test_nobody_waits_for_the_worst_json5_of_64_connections(shared_service: RunningService) -> None:
    statuses: Counter[int] = Counter()
    seconds: dict[str, list[float]] = {"agent": [], "page": []}
    over = asyncio.Event()

    @contextmanager
    def noted(seconds: list[float]) -> Iterator[None]:
        began, used = time.monotonic(), shared_service.cpu_seconds()
        yield
        # A machine that does other things takes longer; what the service could help is the time that it had.
        seconds.append(min(time.monotonic() - began, shared_service.cpu_seconds() - used))

    async def attack(number: int) -> None:
        client = Client([shared_service.port])
        while not over.is_set():
            status, _ = await client.post(worst_body(number))
            statuses[status] += 1
            if status == 429:
                await asyncio.sleep(0.1)  # an agent would wait for 2 s
        client.close()

    async def watch() -> None:
        client = Client([shared_service.port])
        while not statuses:
            await asyncio.sleep(0.01)
        for number in range(ROUNDS):
            with noted(seconds["agent"]):
                await client.claim(f"SN-BESIDE{number}")
            with noted(seconds["page"]):
                page = await asyncio.to_thread(shared_service.get, "/station/line")
            assert page.status == 200
        client.close()
        over.set()

    async def run() -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(attack(number))
            group.create_task(watch())

    asyncio.run(run())
    assert set(statuses) == {200, 429}, "some are read, and the others told to come again"
    assert max(seconds["agent"]) < LONGEST_SECONDS
    assert max(seconds["page"]) < LONGEST_SECONDS


def test_a_crowd_of_small_bodies_from_one_address_is_read_whole(shared_service: RunningService) -> None:
    async def ask(number: int) -> tuple[int, bytes]:
        client = Client([shared_service.port])
        reply = await client.post(f"{{product: '{PRODUCT}', serial: 'SN-SMALL{number}',}} // JSON5".encode())
        client.close()
        return reply

    async def run() -> list[tuple[int, bytes]]:
        return await asyncio.gather(*map(ask, range(CONNECTIONS)))

    replies = asyncio.run(run())
    assert {status for status, _ in replies} == {200}
    assert len({data for _, data in replies}) == CONNECTIONS


def test_a_body_with_a_raw_line_end_in_a_value_is_read_as_an_agent_sends_it(shared_service: RunningService) -> None:
    async def ask(body: str) -> tuple[int, bytes]:
        client = Client([shared_service.port])
        reply = await client.post(body.encode())
        client.close()
        return reply

    strict = f'{{"product":"{PRODUCT}","serial":"SN-RAW"}}'
    raw = f'{{"product":"{PRODUCT}","description":"two\nlines\r","serial":"SN-RAW"}}'

    replies = [asyncio.run(ask(body)) for body in (strict, raw)]

    assert replies[0][0] == 200
    assert replies[0] == replies[1]
