# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For whom a load balancer speaks: believed of those that the settings name, of nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from .networks import Networks

FORWARDING_HEADERS = frozenset(
    (
        *(b"forwarded", b"via", b"x-forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port"),
        *(b"x-forwarded-proto", b"x-forwarded-server", b"x-real-ip", b"x-client-ip", b"x-original-forwarded-for"),
        *(b"x-forwarded-by", b"client-ip", b"true-client-ip", b"cf-connecting-ip", b"fastly-client-ip"),
        *(b"x-envoy-external-address", b"x-cluster-client-ip"),
    )
)
"""What a proxy adds. Who connects is then not who asks."""

BELIEVED = "ioto.proxy"
"""In the scope of a request that came from a trusted proxy: the proxy's address."""


class TrustedProxies:
    """An ASGI application around another: where a trusted proxy connects, `client` is the one it speaks for."""

    def __init__(self, application: Any, proxies: Sequence[str]) -> None:
        self._application = application
        self._trusted = Networks(proxies)
        self._believing = ProxyHeadersMiddleware(application, trusted_hosts=list(proxies))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass the request on."""
        client = scope.get("client")
        if scope["type"] == "http" and client and client[0] in self._trusted:
            scope[BELIEVED] = client[0]
            await self._believing(scope, receive, send)  # type: ignore[arg-type]
        else:
            await self._application(scope, receive, send)
