# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of one server: how many there are, from where, and how long each may take."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

from .access import AccessControl
from .commits import RETRY_AFTER
from .errors import RefusedError
from .metrics import Metrics
from .refusals import Refusals
from .serialize_endpoint import COMMON_HEADERS, Reply, SerializeEndpoint, reply_of
from .settings import ServiceSettings

_LOOK_SECONDS = 1.0
_TURNS = 8
"""How many connections with more to say go on before others are heard: a crowd of them holds up no newcomer."""
_MOST_UNREAD = 64
"""Connections that may hold an answer which their client does not read."""
_REFUSALS = {
    "network": (403, "network", "The address {} is in no network that may ask here."),
    "slow": (408, "slow", "The request took too long to come; send it at once."),
    "size": (413, "size", "The request is too long; send device.json5 alone."),
    "rate": (429, "rate", "The address {} asks too often; ask again later."),
    "crowd": (429, "connections", "The address {} has too many connections; close some."),
    "head": (431, "size", "The headers are too long; send fewer."),
    "full": (503, "connections", "The service has as many connections as it may; ask again."),
}
"""Status, reason, sentence."""
_RETRIED = {429, 503}


class Connection(Protocol):
    """What the others know of a connection."""

    def look(self, now: float) -> None:
        """End what takes too long by `now`."""

    def abort(self) -> None:
        """End at once."""

    def finish(self) -> asyncio.Future[Reply] | None:
        """End, or return the answer that has to be sent before."""


class Connections:
    """The limits of the settings, and who is counted against them. On the event loop alone."""

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        access: AccessControl,
        endpoint: SerializeEndpoint,
        metrics: Metrics,
        refusals: Refusals,
    ) -> None:
        """Behind a load balancer all come from its address, and by ASGI, where uvicorn reads whom it speaks for."""
        proxied = bool(settings.trusted_proxies)
        self.endpoint = endpoint
        self.metrics = metrics
        self.receive_seconds = settings.receive_seconds
        self.longest_seconds = settings.receive_seconds + settings.answer_seconds
        self.max_body = settings.max_body
        self._usual_path = None if proxied else settings.path.encode()
        self._access = access
        self._refusals = refusals
        self._most = settings.max_connections
        self._most_of_one = settings.max_connections if proxied else settings.max_connections_per_address
        self._count = 0
        self._of_address: Counter[str] = Counter()
        self._open: set[Connection] = set()
        self._unread: dict[Connection, float] = {}
        """Since when each could not send, the longest first."""
        self._timer: asyncio.TimerHandle | None = None
        self._heads: dict[int, bytes] = {}
        self._turns: deque[Callable[[], None]] = deque()
        self._next_turns: asyncio.Handle | None = None
        self.is_finishing = False
        metrics.gauges["ioto_service_connections"] = ("Open connections.", lambda: float(self._count))

    def is_usual(self, url: bytes) -> bool:
        """Say whether units POST to `url`: the operator's path, and maybe a secret."""
        path = self._usual_path
        if path is None or not url.startswith(path):
            return False
        return len(url) == len(path) or (url[len(path)] in b"/?" and b"#" not in url)

    def enter(self, address: str) -> Reply | None:
        """Count an accepted connection, for which `leave` is due. Return the reply to one that cannot stay."""
        self._count += 1
        self._of_address[address] += 1
        if not self._access.may_connect(address):
            return self.refuse(address, "network")
        if self.are_too_many(address):
            return self.refuse(address, "full" if self._count > self._most else "crowd")
        return self.refuse(address, "rate") if self._access.asks_too_often(address) else None

    def are_too_many(self, address: str) -> bool:
        """Say whether there are more than there may be, of all or of `address`."""
        return self._count > self._most or self._of_address[address] > self._most_of_one

    def leave(self, address: str) -> None:
        """Count a connection no more."""
        self._count -= 1
        self._of_address[address] -= 1
        if self._of_address[address] <= 0:
            del self._of_address[address]

    def refuse(self, address: str, why: str) -> Reply:
        """Return the reply with which a connection from `address` is sent away, and note it."""
        status, reason, sentence = _REFUSALS[why]
        headers = {"Connection": "close"} | (RETRY_AFTER if status in _RETRIED else {})
        error = RefusedError(status, reason, sentence.format(address), headers=headers)
        self._refusals.add("connection", address, error)
        return reply_of(error)

    def watch(self, connection: Connection) -> None:
        """Look after a connection, until it is let go."""
        self._open.add(connection)
        if self._timer is None:
            self._heads.clear()
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def let_go(self, connection: Connection) -> None:
        """Look after it no more."""
        self._open.discard(connection)
        self._unread.pop(connection, None)

    def note_unread(self, connection: Connection) -> None:
        """Give a connection whose client does not read a time; of too many, the longest goes at once."""
        self._unread[connection] = asyncio.get_running_loop().time()
        if len(self._unread) > _MOST_UNREAD:
            self._end_unread(next(iter(self._unread)))

    def forget_unread(self, connection: Connection) -> None:
        """Go on with one whose client reads."""
        self._unread.pop(connection, None)

    def is_unread(self, connection: Connection) -> bool:
        """Say whether what was sent to it waits for its client."""
        return connection in self._unread

    def take_turn(self, go_on: Callable[[], None]) -> None:
        """Have `go_on` called when its turn comes."""
        self._turns.append(go_on)
        if self._next_turns is None:
            self._next_turns = asyncio.get_running_loop().call_soon(self._give_turns)

    async def finish(self, seconds: float) -> None:
        """Take no more requests, and return when those that are here are answered, or after `seconds`."""
        self.is_finishing = True
        if asked := [task for connection in list(self._open) if (task := connection.finish()) is not None]:
            await asyncio.wait(asked, timeout=seconds)

    def written(self, reply: Reply) -> bytes:
        """Return the bytes of a reply."""
        if (head := self._heads.get(reply.status)) is None:
            headers = ((b"date", formatdate(usegmt=True).encode()), *COMMON_HEADERS)
            head = self._heads[reply.status] = b"HTTP/1.1 %d %s\r\n%s" % (
                reply.status,
                HTTPStatus(reply.status).phrase.encode(),
                b"".join(b"%s: %s\r\n" % header for header in headers),
            )
        if reply.headers:
            head += b"".join([b"%s: %s\r\n" % header for header in reply.headers])
        return b"%scontent-length: %d\r\n\r\n%s" % (head, len(reply.body), reply.body)

    def _give_turns(self) -> None:
        turns = [self._turns.popleft() for _unused in range(min(_TURNS, len(self._turns)))]
        self._next_turns = asyncio.get_running_loop().call_soon(self._give_turns) if self._turns else None
        for go_on in turns:
            go_on()

    def _end_unread(self, connection: Connection) -> None:
        self._unread.pop(connection)
        self.metrics.count("connection", "unread")
        connection.abort()

    def _look(self) -> None:
        self._heads.clear()
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [each for each, since in self._unread.items() if now - since > self.receive_seconds]:
            self._end_unread(connection)
        for connection in list(self._open):
            connection.look(now)
        self._timer = loop.call_later(_LOOK_SECONDS, self._look) if self._open else None
