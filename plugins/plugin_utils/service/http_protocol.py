# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What uvicorn's HTTP protocol leaves open: slow senders, endless headers, and too many connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .metrics import Metrics

MAX_HEAD = 32 * 1024
"""Bytes of a request line and its headers."""
_CHUNKS = 8
"""A body in chunks of one byte takes six times its length; what takes more is no body."""

_REPLIES = {
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    413: b"HTTP/1.1 413 Content Too Large\r\n",
    429: b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
    503: b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n",
}


class Limits:
    """The limits, and the connections that are open, of one server."""

    def __init__(
        self, metrics: Metrics, *, seconds: float, body: int, connections: int, per_address: int, exempt: bool
    ) -> None:
        """`seconds` in which a request must have come; `exempt`: all come through a load balancer's address."""
        self.metrics = metrics
        self.seconds = seconds
        self.most_bytes = MAX_HEAD + _CHUNKS * body
        self.connections = connections
        self.per_address = connections if exempt else per_address
        self.open: set[LimitedProtocol] = set()
        self.addresses: Counter[str] = Counter()
        metrics.gauges["ioto_service_connections"] = ("Open connections.", lambda: float(len(self.open)))

    def sweep(self, now: float) -> None:
        """Send away who takes too long to send a request."""
        for protocol in list(self.open):
            protocol.send_away_if_slow(now)


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 by uvicorn and httptools, within limits. `limits` is set before the server starts."""

    limits: ClassVar[Limits]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receiving_since: float | None = None
        self._in_head = True
        self._bytes = 0
        self._address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or send it away."""
        super().connection_made(transport)
        limits = self.limits
        self._address = self.client[0] if self.client else ""
        self._receiving_since = self.loop.time()
        limits.open.add(self)
        limits.addresses[self._address] += 1
        if len(limits.open) > limits.connections:
            self._send_away(503, "connections")
        elif limits.addresses[self._address] > limits.per_address:
            self._send_away(429, "connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.limits.open.discard(self)
        self.limits.addresses[self._address] -= 1
        if self.limits.addresses[self._address] <= 0:
            del self.limits.addresses[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, as long as it is not too much."""
        if self.transport.is_closing():
            return
        self._bytes += len(data)
        super().data_received(data)
        if self._bytes > (MAX_HEAD if self._in_head else self.limits.most_bytes):
            self._send_away(431 if self._in_head else 413, "size")

    def on_message_begin(self) -> None:
        """Start the clock of a request, unless it runs since the connection was made."""
        super().on_message_begin()
        if self._receiving_since is None:
            self._receiving_since = self.loop.time()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: the request is here."""
        self._receiving_since = None
        self._bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Count what is no HTTP."""
        self.limits.metrics.count("connection", "malformed")
        super().send_400_response(msg)

    def send_away_if_slow(self, now: float) -> None:
        """End the connection where a request takes too long to come, or where a client does not take its answer."""
        since = self._receiving_since
        if since is not None and now - since > self.limits.seconds:
            self._send_away(408, "slow")

    def _send_away(self, status: int, reason: str) -> None:
        self._receiving_since = None
        if self.transport.is_closing():
            return
        self.limits.metrics.count("connection", reason)
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_REPLIES[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
