# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: a connection counts from the moment it is accepted, and its handshake has a few seconds.

A server that is given the certificate tells a protocol of a connection after the handshake, for which it waits a
minute, and of a failed one never. So the sockets are accepted in plain, and the handshake is made from here.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import Any, ClassVar

from .front import Front, client_of

HANDSHAKE_SECONDS = 5.0
_SHUTDOWN_SECONDS = 5.0


class TlsFront(asyncio.Protocol):
    """Accepts a connection, and gives it to `front` when it is encrypted. Both are set before the server starts."""

    front: ClassVar[type[Front]]
    context: ClassVar[ssl.SSLContext]
    _handshakes: ClassVar[set[asyncio.Task[None]]] = set()

    def __init__(self, **given: Any) -> None:
        """`given` is what uvicorn gives to each protocol of its own."""
        self._given = given

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection and begin the handshake, or send it away, to which nothing can be said yet."""
        address = client_of(transport)[0]
        connections = self.front.connections
        if connections.enter(address) is not None or connections.is_finishing:
            transport.abort()  # type: ignore[attr-defined]
            connections.leave(address)
            return
        try:
            # The connection lives on in the copy. Nothing was read of it yet.
            copy = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        except OSError:  # the process has as many files open as it may
            connections.refuse(address, "full")
            connections.leave(address)
            return
        finally:
            transport.abort()  # type: ignore[attr-defined]
        task = asyncio.get_running_loop().create_task(self._encrypt(copy, address))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _encrypt(self, connection: socket.socket, address: str) -> None:
        connections = self.front.connections
        front = self.front(entered=True, **self._given)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: front,
                connection,
                ssl=self.context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        except OSError:
            connections.metrics.count("connection", "tls")
            connections.leave(address)
