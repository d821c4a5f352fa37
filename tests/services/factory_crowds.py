# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that mean no good: they send without end and never read, or connect and say nothing."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from .factory_service import PATH, PRODUCT

OF_ONE_ADDRESS = 200
"""Fewer than one address may have, so that the limit is not what helps."""


def _post(body: bytes) -> bytes:
    return f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


PIPELINED = (
    _post(f'{{"product":"{PRODUCT}","serial":"SN-FLOOD"}}'.encode()),
    _post(b"{"),
    _get("/"),
    _get("/healthz"),
    _get("/openapi.json"),
    _get("/station/line"),
    _get("/metrics"),
    _get("/x"),
    b"GET / HTTP/1.1\r\n\r\n",
)
"""One of these a connection, again and again."""


@dataclass
class Flood:
    """What a crowd did."""

    sent: int = 0
    ended: int = 0
    _offsets: dict[int, int] = field(default_factory=dict)
    _sockets: dict[int, tuple[socket.socket, bytes]] = field(default_factory=dict)

    def run(self, port: int, connections: int, seconds: float, *, during: Callable[[], None]) -> None:
        """Send over so many connections and read nothing; who is sent away comes again. `during` runs in between."""
        poller = select.epoll()
        try:
            for number in range(connections):
                self._connect(poller, port, number)
            until, next_look = time.monotonic() + seconds, 0.0
            while (now := time.monotonic()) < until:
                if now > next_look:
                    during()
                    next_look = time.monotonic() + 0.2
                for descriptor, _unused in poller.poll(0.1):
                    self._send(poller, port, descriptor)
        finally:
            poller.close()
            for connection, _unused in self._sockets.values():
                connection.close()

    def _connect(self, poller: select.epoll, port: int, number: int) -> None:
        connection = socket.socket()
        # What the kernel takes for them is soon full.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((address(number), 0))
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", port))
        request = PIPELINED[number % len(PIPELINED)]
        self._sockets[connection.fileno()] = (connection, request * (16384 // len(request)))
        self._offsets[connection.fileno()] = 0
        poller.register(connection.fileno(), select.EPOLLOUT | select.EPOLLRDHUP)

    def _send(self, poller: select.epoll, port: int, descriptor: int) -> None:
        connection, data = self._sockets[descriptor]
        try:
            sent = connection.send(data[self._offsets[descriptor] :])
        except BlockingIOError:
            sent = 0
        except OSError:
            poller.unregister(descriptor)
            connection.close()
            self.ended += 1
            self._connect(poller, port, self.ended)
            return
        self.sent += sent
        self._offsets[descriptor] = (self._offsets[descriptor] + sent) % len(data)


def address(number: int) -> str:
    """Return from where the connection of this number comes: all are of this machine."""
    return f"127.0.1.{1 + number // OF_ONE_ADDRESS % 200}"


def silent(stack: ExitStack, port: int, count: int, *, said: Sequence[bytes] = (b"",)) -> list[socket.socket]:
    """Return connections that say no more than one of `said`. `stack` closes them."""
    made = []
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(address(number), 0))
        made.append(stack.enter_context(connection))
        connection.sendall(said[number % len(said)])
    return made
