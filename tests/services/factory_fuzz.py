# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that are no good HTTP: in framing, heads, where they are cut, behind each other, and below TLS."""

from __future__ import annotations

import asyncio
import json
import random
import re
import ssl
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from .factory_service import PATH, PRODUCT

_CLIENTS = 32
_ANSWER_SECONDS = 0.3
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_BODY = json.dumps({"product": PRODUCT, "serial": "SN-FUZZ"}).encode()
_METHODS = (
    b"POST",
    b"POST",
    b"POST",
    b"PUT",
    b"GET",
    b"HEAD",
    b"OPTIONS",
    b"CONNECT",
    b"PRI",
    b"post",
    b"M-SEARCH",
    b"",
)
_TARGETS = (
    *(PATH.encode(), PATH.encode(), PATH.encode() + b"/secret", PATH.encode() + b"?key=x", PATH.encode() + b"#x"),
    *(b"/", b"/station/line", b"/station/search", b"/units/SN-FUZZ", b"/claims/%00", b"/%ff%fe", b"/\xff", b"*"),
    *(b"http://127.0.0.1" + PATH.encode(), b"http://[::1", b"//", b"/..", b"127.0.0.1:80", b"/" + b"a" * 40_000, b""),
)
_VERSIONS = (
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/9.9",
    b"HTCPCP/1.0",
    b"",
)
_HEADERS = (
    *(
        b"Content-Length: 0",
        b"Content-Length: -1",
        b"Content-Length: +5",
        b"Content-Length: 5, 5",
        b"Content-Length: 0x5",
    ),
    *(b"Content-Length: 99999999999999999999999", b"Content-Length: 18446744073709551616", b"Content-Length:"),
    *(
        b"Content-Length : 5",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: x, chunked",
    ),
    *(b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding:\x0bchunked", b"Expect: 100-continue", b"Expect: x"),
    *(b"Upgrade: websocket\r\nConnection: Upgrade", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings"),
    *(
        b"Connection: close",
        b"Connection: close, keep-alive",
        b"Connection: keep-alive",
        b"Host: a\r\nHost: b",
        b"Host: \xff",
    ),
    *(
        b" folded",
        b"\tfolded",
        b"NoColon",
        b": nothing",
        b"A: \x00",
        b"A: b\nC: d",
        b"A: b\rC: d",
        b"\x00: a",
        b"A" * 40_000,
    ),
    *(b"A: " + b"b" * 40_000, b"\r\n".join(b"H%d: x" % number for number in range(500)), b"Authorization: Bearer"),
    *(
        b"Authorization: \xff\xfe",
        b"Origin: null",
        b"X-Forwarded-For: 1.2.3.4, \x00",
        b"Forwarded: for=",
        b"Cookie: \xff",
    ),
)
_ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\n\r", b"")
_CHUNKS = (
    b"0",
    b"5",
    b"FFFFFFFFFFFFFFFFF",
    b"-1",
    b"5;a=b",
    b"5;" + b"x" * 20_000,
    b"",
    b"0x5",
    b"5 ",
    b"g",
    b"00000000005",
)


def request(source: random.Random) -> bytes:
    """Return the bytes of one request or a few, most of them wrong in one place or two."""
    return b"".join(_one(source) for _unused in range(source.choice((1, 1, 1, 1, 2, 5, 40))))


def _one(source: random.Random) -> bytes:
    body = _BODY if source.random() < 0.7 else source.randbytes(source.choice((0, 1, 100, 20_000)))
    if source.random() < 0.5:
        head = [b"POST " + PATH.encode() + b" HTTP/1.1", b"Host: 127.0.0.1"]
    else:
        parts = (source.choice(_METHODS), source.choice(_TARGETS), source.choice(_VERSIONS))
        head = [source.choice((b" ", b" ", b" ", b"  ", b"\t")).join(parts), b"Host: 127.0.0.1"]
    head += source.sample(_HEADERS, source.choice((0, 0, 0, 0, 1, 1, 2)))
    if source.random() < 0.2:
        head.append(b"Transfer-Encoding: chunked")
        body = b"".join(
            source.choice((b"%x" % len(body), source.choice(_CHUNKS)))
            + source.choice(_ENDS)
            + body
            + source.choice(_ENDS)
            for _unused in range(source.choice((1, 2, 5)))
        ) + source.choice((b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"0\r\n", b""))
    elif source.random() < 0.8:
        head.append(b"Content-Length: %d" % max(len(body) + source.choice((0, 0, 0, 1, -1, 100_000)), 0))
    end = source.choice(_ENDS) if source.random() < 0.1 else b"\r\n"
    data = bytearray(end.join(head) + end + end + body)
    for _unused in range(source.choice((0, 0, 0, 0, 0, 1, 3))):
        at = source.randrange(len(data) + 1)
        match source.randrange(4):
            case 0:
                del data[at : at + source.randrange(1, 40)]
            case 1:
                data[at:at] = source.randbytes(source.randrange(1, 40))
            case 2:
                data[at : at + 1] = bytes((source.randrange(256),))
            case _:
                del data[at:]
    return bytes(data)


def hello(source: random.Random) -> bytes:
    """Return what begins like TLS, and goes wrong."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with suppress(ssl.SSLWantReadError):
        client.wrap_bio(incoming, outgoing, server_hostname="station").do_handshake()
    data = bytearray(outgoing.read())
    for _unused in range(source.choice((1, 3, 20))):
        data[source.randrange(len(data))] = source.randrange(256)
    cut = source.randrange(1, len(data) + 1) if source.random() < 0.5 else len(data)
    return source.choice((bytes(data[:cut]), bytes(data) * 3, source.randbytes(200), b"GET / HTTP/1.1\r\n\r\n"))


def pieces(source: random.Random, data: bytes) -> Sequence[bytes]:
    """Return `data` cut where a network might."""
    cuts = sorted(source.randrange(len(data) + 1) for _unused in range(source.choice((0, 0, 1, 2, 8))))
    return [data[at:to] for at, to in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def fuzz(port: int, count: int, *, seed: int, trusted: ssl.SSLContext | None = None) -> Counter[int]:
    """Send `count` requests, each on a connection of its own, and return how often which status came; 0: none did.

    With `trusted`, half of them are good TLS around bad HTTP, and the others bad TLS.
    """
    statuses: Counter[int] = Counter()

    async def send(source: random.Random) -> None:
        encrypted = trusted if source.random() < 0.5 else None
        data = request(source) if trusted is None or encrypted is not None else hello(source)
        said = b""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=encrypted)
        except OSError:
            statuses[0] += 1
            return
        try:
            for piece in pieces(source, data):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            async with asyncio.timeout(_ANSWER_SECONDS if source.random() < 0.9 else 0):
                while more := await reader.read(65536):
                    said += more
        except (OSError, TimeoutError):
            pass
        writer.transport.abort()
        found = [int(status) for status in _STATUS.findall(said)]
        statuses.update(found or [0])

    async def work(share: int, source: random.Random) -> None:
        for _unused in range(share):
            await send(source)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(_CLIENTS):
                share = count // _CLIENTS + (number < count % _CLIENTS)
                group.create_task(work(share, random.Random(seed * 1000 + number)))

    asyncio.run(run())
    return statuses
