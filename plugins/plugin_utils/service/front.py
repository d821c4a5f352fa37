# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before uvicorn: it takes each connection, keeps it within limits, and answers the usual POST of a unit.

That is one whole request at a time, answered without what ASGI needs for each (a task, an event, four coroutines),
which costs as much as the ledger. The first request that is anything else gives the connection, with its bytes, to
uvicorn's own protocol for good.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .connections import Connections
from .handed_over import HandedOverTransport
from .serialize_endpoint import Reply
from .usual_request import Stage, UsualRequest

MAX_HEAD = 32 * 1024
"""Bytes of a request line and its headers."""
_PIECE = 1024
_PIECE_HANDED_OVER = 64
"""uvicorn queues the requests that it is given at once, and only then stops reading: this holds three."""
_WRITE_BUFFER = 16 * 1024
_IDLE_SECONDS = 5.0
_LAST = (b"connection", b"close")


class Front(asyncio.Protocol):
    """One connection. `connections` is set before the server starts."""

    connections: ClassVar[Connections]

    def __init__(self, *, entered: bool = False, **given: Any) -> None:
        """`given` is what uvicorn gives to each protocol of its own; `entered` if the connection is counted already."""
        self._given = given
        self._entered = entered
        self._inner: HttpToolsProtocol | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._raw = b""
        """Of the request that comes: it may have to be handed over."""
        self._held = b""
        """What came while `_waits`: until our answer is sent, or uvicorn wants more."""
        self._waits = self._is_leaving = False
        self._receives = True
        self._size = 0
        """Bytes since the last answer."""

    # --- asyncio ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or send it away."""
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._client = client_of(transport)
        self._until = self._loop.time() + self.connections.receive_seconds
        self._request = UsualRequest(self.connections.is_usual, self.connections.max_body)
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        self.connections.watch(self)
        if not self._entered and (refusal := self.connections.enter(self._client[0])) is not None:
            transport.write(self.connections.written(refusal))
            self.leave(linger=not self.connections.are_too_many(self._client[0]))
        elif self.connections.is_finishing:
            self.leave(linger=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._is_leaving = True
        self._held = self._raw = b""
        self.connections.let_go(self)
        self.connections.leave(self._client[0])
        self._request.close()
        if self._inner is not None:
            inner, self._inner = self._inner, None  # nothing holds itself: a crowd's leavings go at once
            inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self.connections.note_unread(self)
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Go on with one that reads."""
        self.connections.forget_unread(self)
        if self._inner is not None:
            self._inner.resume_writing()
        elif self._answer is None:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Take what came, or keep it and read no more."""
        if self._waits and not self._is_leaving:
            self._hold(self._held + data)
        else:
            self._take(data)

    def eof_received(self) -> None:
        """Close, by returning nothing: nobody gets an answer who does not listen for it."""
        if self._inner is not None:
            self._inner.eof_received()

    # --- what is asked from outside ---

    def look(self, now: float) -> None:
        """End what takes too long."""
        if now < self._until:
            return
        if self.is_closing():
            self._transport.abort()
        elif self._receives:
            self._send_away("slow")
        else:
            self.leave(linger=False)

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()

    def finish(self) -> asyncio.Future[Reply] | None:
        """End, or return the answer that has to be sent before. uvicorn ends what was handed over."""
        if self._answer is None and self._inner is None:
            self.leave(linger=False)
        return self._answer

    def is_closing(self) -> bool:
        """Say whether nothing can be sent any more."""
        return self._is_leaving or self._transport.is_closing()

    def leave(self, *, linger: bool | None = None) -> None:
        """Close when everything is sent: at once, or, where more may come, after the client, which might lose it."""
        if self.is_closing():
            return
        self._is_leaving = True
        self._held = self._raw = b""
        self._until = self._loop.time() + self.connections.receive_seconds
        if linger is None:
            linger = self._inner is not None or self._receives or not self._transport.is_reading()
        if linger and self._transport.can_write_eof() and not self.connections.is_finishing:
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()

    def stop_reading(self) -> None:
        """Take no more for uvicorn's protocol."""
        self._waits = True
        self._hold(self._held)

    def read_on(self) -> None:
        """Take more for it: not at once, since it first goes on with what it has."""
        self.connections.take_turn(self._go_on)

    def sent_by_uvicorn(self) -> None:
        """Note an answer: what comes after it is a new request."""
        self._size = 0
        self._receives = False
        self._until = self._loop.time() + self.connections.longest_seconds

    # --- from bytes to answers ---

    def _hold(self, data: bytes) -> None:
        self._held = data
        if not self.is_closing():
            self._transport.pause_reading()

    def _go_on(self) -> None:
        if self.is_closing():
            return
        self._waits = False
        if self._held:
            held, self._held = self._held, b""
            self._take(held)
        if not self._waits and not self.is_closing():
            self._transport.resume_reading()

    def _take(self, data: bytes) -> None:
        while data and not self._is_leaving:
            if self._waits:
                self._hold(data)
                return
            size = _PIECE if self._inner is None else _PIECE_HANDED_OVER
            piece, data = (data, b"") if len(data) <= size else (data[:size], data[size:])
            self._size += len(piece)
            if self._inner is not None:
                self._inner.data_received(piece)
            elif not self._take_piece(piece):
                data, self._raw = self._raw + data, b""
                self.sent_by_uvicorn()
                self._inner = HttpToolsProtocol(**self._given)
                self._inner.connection_made(HandedOverTransport(self._transport, self))
            if self._size > MAX_HEAD + (0 if self._request.in_head else self.connections.max_body):
                self._send_away("head" if self._request.in_head else "size")

    def _take_piece(self, piece: bytes) -> bool:
        """Ask where a usual request is here whole. Return whether what came so far may be one."""
        self._raw = self._raw + piece if self._raw else piece
        stage = self._request.feed(piece)
        if stage is Stage.WHOLE:
            self._ask()
        elif stage is Stage.COMING and not self._receives:
            self._receives = True
            self._until = self._loop.time() + self.connections.receive_seconds
        elif stage is Stage.MALFORMED:
            self.connections.metrics.count("connection", "malformed")
        return stage is Stage.WHOLE or stage is Stage.COMING

    def _ask(self) -> None:
        request = self._request
        self._waits = True
        self._receives = False
        self._raw, self._size = b"", 0
        self._until = self._loop.time() + self.connections.longest_seconds
        self._answer = self.connections.endpoint.ask(request.scope(self._client), request.body)
        self._answer.add_done_callback(self._send)
        request.expect()

    def _send(self, answer: asyncio.Future[Reply]) -> None:
        self._answer = None
        if answer.cancelled() or self.is_closing():
            return
        reply = answer.result()
        if self.connections.is_finishing and _LAST not in reply.headers:
            reply = reply._replace(headers=(*reply.headers, _LAST))
        self._transport.write(self.connections.written(reply))
        if _LAST in reply.headers:
            self.leave()
            return
        self._until = self._loop.time() + _IDLE_SECONDS
        if not self.connections.is_unread(self):
            self._waits = False
            if self._held:  # or reading never stopped
                self._go_on()

    def _send_away(self, why: str) -> None:
        """Refuse what is not here whole. Where uvicorn may be answering what came before, nothing is said."""
        reply = self.connections.refuse(self._client[0], why)
        if self._inner is None and not self._transport.is_closing():
            self._transport.write(self.connections.written(reply))
        self.leave()


def client_of(transport: asyncio.BaseTransport) -> tuple[str, int]:
    """Return address and port of who is at the other end; where it is gone already, no address."""
    peer = transport.get_extra_info("peername")
    return (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else ("unknown", 0)
