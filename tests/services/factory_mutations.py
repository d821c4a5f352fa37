# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies that were good once: cut, doubled, overwritten, nested, padded, said to be longer or shorter than they are."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

from .factory_load import Client
from .factory_service import PRODUCT

_CLIENTS = 16
_TOKENS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"null",
    b"1e999",
    b"-0",
    b"\\u0000",
    b"\\ud800",
    b"//",
    b"/*",
    b"'",
]
_NAMES = [
    "SN-1",
    "",
    " ",
    "x" * 300,
    "\0",
    "\N{SNOWMAN}",
    "../..",
    "'; DROP TABLE ioto_claims; --",
    7,
    -1,
    None,
    True,
    [],
]


def mutated(source: random.Random) -> bytes:
    """Return one body."""
    body: dict[str, object] = {"product": PRODUCT, "serial": source.choice(_NAMES), "mac": "00:1b:21:33:44:55"}
    if source.random() < 0.2:
        body["more"] = source.choice([9**400, 1e308, "x" * 8_000, [[]] * 100, {"a": {"b": {}}}])
    data = bytearray(json.dumps(body).encode())
    for _ in range(source.choice([0, 1, 1, 2, 5])):
        at = source.randrange(len(data) + 1)
        match source.randrange(5):
            case 0:
                del data[at : at + source.randrange(1, 9)]
            case 1:
                data[at:at] = source.choice(_TOKENS) * source.choice([1, 1, 2, 500])
            case 2:
                data[at : at + 1] = bytes([source.randrange(256)])
            case 3:
                data[at:at] = data[: source.randrange(len(data) + 1)]
            case _:
                data[at:at] = source.randbytes(source.randrange(1, 20))
    return bytes(data)


def attack(port: int, count: int, *, seed: int) -> Counter[int]:
    """Send `count` mutated bodies and return how often which status came back; 0: the connection ended."""
    statuses: Counter[int] = Counter()

    async def send(share: int, source: random.Random) -> None:
        client = Client([port])
        for _ in range(share):
            try:
                status, _ = await client.post(mutated(source))
            except (OSError, EOFError):
                status = 0
            statuses[status] += 1
        client.close()

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(_CLIENTS):
                share = count // _CLIENTS + (number < count % _CLIENTS)
                group.create_task(send(share, random.Random(seed * 1000 + number)))

    asyncio.run(run())
    return statuses
