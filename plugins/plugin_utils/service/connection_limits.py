# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What uvicorn's HTTP protocol leaves open: slow senders, endless headers, and too many connections.

And a short way: the usual request of a unit is answered from here, without what ASGI needs for each request (a task, an
event, four coroutines), which costs as much as all else, and without the parser where its head is a known one. A
request that is anything but usual goes by ASGI.

A parser calls back for each part of a head, which costs more than its work. What it made of some bytes, it would make
of the same bytes again, so a head is learned from a request that the parser took as one whole message, and found again
byte by byte. Nothing is guessed: any other head goes to the parser.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .access import Caller, Scope
from .metrics import Metrics
from .serialize_endpoint import COMMON_HEADERS, Reply, SerializeEndpoint, too_long
from .settings import ServiceSettings

MAX_HEAD = 32 * 1024
"""Bytes of a request line and its headers."""
_CHUNKS = 8
"""A body in chunks of one byte takes six times its length; what takes more is no body."""
MAX_KNOWN_HEAD = 1024
"""Bytes of a head that is worth knowing."""
_MOST_HEADS = 256
_HEAD_END = b"\r\n\r\n"

_REPLIES = {
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    413: b"HTTP/1.1 413 Content Too Large\r\n",
    429: b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
    503: b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n",
}


class KnownHead(NamedTuple):
    """What the parser made of a head: how many bytes follow it, and what it says (but for the client)."""

    body_length: int
    scope: Scope


class KnownHeads:
    """The heads of usual requests, by their bytes."""

    def __init__(self) -> None:
        self._heads: dict[bytes, KnownHead] = {}

    def __len__(self) -> int:
        return len(self._heads)

    def find(self, data: bytes) -> tuple[KnownHead, bytes] | None:
        """Return the head and the body where `data` is a whole request with a head that is known."""
        end = data.find(_HEAD_END) + len(_HEAD_END)
        known = self._heads.get(data[:end])
        if known is None or len(data) - end != known.body_length:
            return None
        return known, data[end:]

    def learn(self, data: bytes, body: bytes, scope: Scope) -> None:
        """Remember the head of `data`, which the parser read as one message with `body` and what `scope` says."""
        head = data[: len(data) - len(body)]
        # Where there is more, such as a second message, or chunks, the head is not all that stands before the body.
        if len(head) > MAX_KNOWN_HEAD or head.find(_HEAD_END) != len(head) - len(_HEAD_END) or head + body != data:
            return
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        said = {name: scope[name] for name in ("method", "raw_path", "query_string", "headers")}
        self._heads[head] = KnownHead(len(body), said)


class Limits:
    """The limits, and the connections that are open, of one server."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics, serialize_endpoint: SerializeEndpoint) -> None:
        """Behind a load balancer all come from its address, and by ASGI, where uvicorn reads whom it speaks for."""
        proxied = bool(settings.trusted_proxies)
        self.metrics = metrics
        self.seconds = settings.receive_seconds
        self.max_body = settings.max_body
        self.most_bytes = MAX_HEAD + _CHUNKS * settings.max_body
        self.connections = settings.max_connections
        self.per_address = settings.max_connections if proxied else settings.max_connections_per_address
        self.serialize_endpoint = serialize_endpoint
        self.known_heads = KnownHeads()
        self.short_path = None if proxied else settings.path.encode()
        self.open: set[LimitedProtocol] = set()
        self.addresses: Counter[str] = Counter()
        self._heads: dict[int, bytes] = {}
        self._heads_with: list[tuple[bytes, bytes]] = []
        metrics.gauges["ioto_service_connections"] = ("Open connections.", lambda: float(len(self.open)))

    def sweep(self, now: float) -> None:
        """Send away who takes too long to send a request."""
        for protocol in list(self.open):
            protocol.send_away_if_slow(now)

    def head(self, status: int, server_headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return how a reply begins. uvicorn renews its headers, with the date, once a second."""
        if server_headers is not self._heads_with:
            self._heads, self._heads_with = {}, server_headers
        if (head := self._heads.get(status)) is None:
            common = b"".join(b"%s: %s\r\n" % header for header in (*server_headers, *COMMON_HEADERS))
            head = self._heads[status] = STATUS_LINE[status] + common
        return head


class _Nobody:
    """Stands where uvicorn would wake the task of a request."""

    def set(self) -> None:
        """Wake nobody."""


class _ShortCycle:
    """A request on the short way, with what `HttpToolsProtocol` looks at in a request of its own."""

    __slots__ = ("body", "disconnected", "keep_alive", "protocol", "response_complete", "response_started")

    message_event = _Nobody()

    def __init__(self, protocol: LimitedProtocol) -> None:
        self.protocol = protocol
        self.body = b""
        self.disconnected = False
        self.keep_alive = True
        self.response_started = False
        self.response_complete = False

    def give(self, reply: Reply) -> None:
        """Send the reply, unless one was sent, or nobody is there any more."""
        if self.response_complete or self.disconnected:
            return
        self.response_started = self.response_complete = True
        protocol = self.protocol
        if self.keep_alive and not reply.headers:
            head = protocol.limits.head(reply.status, protocol.server_state.default_headers)
            protocol.transport.write(b"%scontent-length: %d\r\n\r\n%s" % (head, len(reply.body), reply.body))
            protocol.after_short_cycle()
            return
        parts = [protocol.limits.head(reply.status, protocol.server_state.default_headers)]
        for name, value in reply.headers:
            if name == b"connection":
                self.keep_alive &= value.lower() != b"close"
            else:
                parts.append(b"%s: %s\r\n" % (name, value))
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts.append(b"content-length: %d\r\n\r\n" % len(reply.body))
        parts.append(reply.body)
        protocol.transport.write(b"".join(parts))
        if not self.keep_alive:
            protocol.transport.close()
        protocol.after_short_cycle()


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 by uvicorn and httptools, within limits. `limits` is set before the server starts."""

    limits: ClassVar[Limits]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receiving_since: float | None = None
        self._idle_since: float | None = None
        self._in_head = True
        self._bytes = 0
        self._address = ""
        self._between_messages = True
        self._learned_from = b""
        self._known: KnownHead | None = None
        self._known_scope: Scope = {}
        self._known_caller: Caller | None = None

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
        if self._between_messages:
            if (found := self.limits.known_heads.find(data)) is not None and self._is_free():
                self._answer_known(*found)
                return
            self._learned_from = data
        self._bytes += len(data)
        super().data_received(data)
        self._learned_from = b""
        if self._bytes > (MAX_HEAD if self._in_head else self.limits.most_bytes):
            self._send_away(431 if self._in_head else 413, "size")

    def on_message_begin(self) -> None:
        """Start the clock of a request, unless it runs since the connection was made."""
        super().on_message_begin()
        self._between_messages = False
        self._idle_since = None
        if self._receiving_since is None:
            self._receiving_since = self.loop.time()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head = False
        if self._is_usual():
            self.cycle = _ShortCycle(self)  # type: ignore[assignment]
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        cycle = self.cycle
        if not isinstance(cycle, _ShortCycle):
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.body = cycle.body + body if cycle.body else body
            if len(cycle.body) > self.limits.max_body:
                cycle.give(self.limits.serialize_endpoint.refuse(self.scope, too_long(self.limits.max_body)))

    def on_message_complete(self) -> None:
        """Stop the clock: the request is here."""
        self._receiving_since = None
        self._bytes = 0
        self._between_messages = True
        cycle = self.cycle
        if not isinstance(cycle, _ShortCycle):
            super().on_message_complete()
        elif not cycle.response_complete:
            if self._learned_from:
                self.limits.known_heads.learn(self._learned_from, cycle.body, self.scope)
            self.limits.serialize_endpoint.post(self.scope, cycle.body, cycle.give)

    def after_short_cycle(self) -> None:
        """Go on, as `on_response_complete` does; without a timer, because the sweep ends what stays idle."""
        if self.pipeline:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self._idle_since = self.loop.time()

    def _answer_known(self, known: KnownHead, body: bytes) -> None:
        """Answer a request that is here whole, as the parser's calls would have it answered."""
        self._receiving_since = self._idle_since = None
        self._unset_keepalive_if_required()
        if known is not self._known:
            self._known, self._known_scope = known, {**known.scope, "client": self.client}
            self._known_caller = None
        cycle = _ShortCycle(self)
        self.cycle = cycle  # type: ignore[assignment]
        self._known_caller = self.limits.serialize_endpoint.post(
            self._known_scope, body, cycle.give, self._known_caller
        )

    def _is_free(self) -> bool:
        """Say whether nothing is before the next request."""
        return not self.flow.write_paused and (self.cycle is None or self.cycle.response_complete)

    def _is_usual(self) -> bool:
        """Say whether the request is a POST of a unit as agents send it, and nothing is before it."""
        url, path = self.url, self.limits.short_path
        if path is None or not url.startswith(path):
            return False
        rest = url[len(path) :]
        if rest and (rest[:1] not in (b"/", b"?") or b"#" in rest):
            return False
        if (
            self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
            or self.parser.should_upgrade()
            or self.expect_100_continue
            or not self._is_free()
        ):
            return False
        raw_path, _mark, query = url.partition(b"?")
        self.scope["method"] = "POST"
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = query
        return True

    def send_400_response(self, msg: str) -> None:
        """Count what is no HTTP."""
        self.limits.metrics.count("connection", "malformed")
        super().send_400_response(msg)

    def send_away_if_slow(self, now: float) -> None:
        """End the connection where a request takes too long to come, or no further one comes."""
        if self._idle_since is not None and now - self._idle_since > self.timeout_keep_alive:
            self.timeout_keep_alive_handler()
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
