# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the service: uvicorn, its limits, TLS and logs."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys

import uvicorn

from .announcement import announce
from .app import ServiceApp
from .connection_limits import LimitedProtocol, Limits
from .errors import ServiceError
from .proxies import TrustedProxies
from .settings import ServiceSettings

_TICKS_A_SECOND = 10
_GRACE_SECONDS = 10
_COLLECT_AFTER = 20_000
"""New objects after which the collector looks for cycles: a crowd's requests are 10,000, and make none."""


class _Server(uvicorn.Server):
    """uvicorn, which looks after slow senders once a second and says where it listens."""

    def __init__(self, config: uvicorn.Config, limits: Limits) -> None:
        super().__init__(config)
        self._limits = limits

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SECOND == 0:
            self._limits.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def serve(settings: ServiceSettings, *, inherited: int | None = None) -> None:
    """Serve until a signal ends it, at the `inherited` socket (a file descriptor) where one is given.

    Raises `ServiceError` where it cannot start.
    """
    _configure_logging()
    service = ServiceApp(settings)
    limits = Limits(settings, service.metrics, service.serialize_endpoint)
    protocol = type("Protocol", (LimitedProtocol,), {"limits": limits})
    listener = _listen(settings) if inherited is None else socket.socket(fileno=inherited)
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
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # What is there now stays; without this, each of the collector's passes would look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    try:
        _Server(config, limits).run(sockets=[listener])
    except (OSError, ValueError) as error:  # a certificate that is none
        raise ServiceError(f"The service cannot start: {error}; correct its settings.") from None
    except KeyboardInterrupt:
        pass


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


class _NoTraffic(logging.Filter):
    """Leaves out what uvicorn says of each bad request: it is counted, and garbage must not fill the disk."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket"))


def _configure_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(_NoTraffic())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
