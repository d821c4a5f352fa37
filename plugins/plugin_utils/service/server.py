# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the service: uvicorn, its limits, TLS and logs."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
import sys
from typing import Any

import uvicorn

from ..display_text import printable
from .announcement import announce
from .app import ServiceApp
from .capped_log import CappedLog, place_of
from .connections import Connections
from .errors import ServiceError
from .front import Front
from .proxies import TrustedProxies
from .settings import ServiceSettings
from .tls import TlsFront

_GRACE_SECONDS = 10
_COLLECT_AFTER = 20_000
"""New objects after which the collector looks for cycles: a crowd's requests are 10,000, and make none."""

_SOCKET_BYTES = 16 * 1024


class _Server(uvicorn.Server):
    """uvicorn, which first ends the connections that were not handed over to it."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve. What goes wrong in a callback is a line in the log, as everywhere."""
        asyncio.get_running_loop().set_exception_handler(_LoopErrors())
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was asked, and end."""
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + _GRACE_SECONDS
        await self._connections.finish(_GRACE_SECONDS)
        self.config.timeout_graceful_shutdown = max(int(until - loop.time()), 1)
        await super().shutdown(sockets)


class _LoopErrors:
    """Takes what nobody else takes: without a trace, because a client might make a log of them."""

    def __init__(self) -> None:
        self._log = CappedLog("failures of callbacks")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = place_of(error) if error is not None else printable(str(context.get("message")))
        self._log.write(logging.ERROR, "A callback failed, %s; report this.", what)


def serve(settings: ServiceSettings, *, inherited: int | None = None) -> None:
    """Serve until a signal ends it, at the `inherited` socket (a file descriptor) where one is given.

    Raises `ServiceError` where it cannot start.
    """
    _configure_logging()
    service = ServiceApp(settings)
    protocol = _protocol(settings, service.connections)
    listener = _listen(settings) if inherited is None else inherited_listener(inherited)
    _bound_kernel_memory(listener)
    announce(settings, service.access.host_names, *listener.getsockname()[:2])
    config = uvicorn.Config(
        TrustedProxies(service, settings.trusted_proxies),
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # What is there now stays; without this, each of the collector's passes would look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 5, 5)
    try:
        _Server(config, service.connections).run(sockets=[listener])
    except OSError as error:
        raise ServiceError(f"The service cannot start: {error}; correct its settings.") from None
    except KeyboardInterrupt:
        pass


def _protocol(settings: ServiceSettings, connections: Connections) -> type[asyncio.Protocol]:
    """Return what takes connections: plain, or through TLS, with a certificate that `AccessControl` has looked at."""
    front = type("ServiceFront", (Front,), {"connections": connections})
    if settings.certificate is None:
        return front
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.certificate, settings.key)
    return type("ServiceTlsFront", (TlsFront,), {"front": front, "context": context})


def _listen(settings: ServiceSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise ServiceError(
            f"The service cannot listen at {settings.host} port {settings.port}: {error.strerror}; "
            "end what listens there, or set another host or port."
        ) from None
    listener.setblocking(False)
    return listener


def inherited_listener(number: int) -> socket.socket:
    """Return the socket that is open as `number`. Raises `ServiceError` where nobody could connect to that."""
    try:
        listener = socket.socket(fileno=number)
        if listener.type == socket.SOCK_STREAM and listener.family in (socket.AF_INET, socket.AF_INET6):
            return listener
        listener.detach()
        why = "it is not a TCP socket"
    except OSError as error:
        why = str(error.strerror)
    except (ValueError, OverflowError):
        why = "it is not the number of an open file"
    raise ServiceError(
        f"The service cannot listen at the inherited socket {number} ({why}); give --listener the number of an open "
        "TCP socket, or leave it out."
    )


def _bound_kernel_memory(listener: socket.socket) -> None:
    """Let each connection have as many bytes on their way as a few requests are long: its sockets inherit this.

    What has come is read at once, so that this bounds what one read takes, and what waits behind a request.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)


class _NoTraffic(logging.Filter):
    """Leaves out what uvicorn warns of: each bad request. It is counted, and garbage must not fill the disk."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.name.startswith("uvicorn") or record.levelno != logging.WARNING


def _configure_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(_NoTraffic())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
