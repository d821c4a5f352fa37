# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that no handshake can be made with is counted no more."""

from __future__ import annotations

import asyncio
import resource
import ssl
from contextlib import suppress

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.app import ServiceApp
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.front import Front
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.settings import ServiceSettings
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.tls import TlsFront


def test_a_connection_for_which_the_process_has_no_file_left_is_let_go() -> None:
    class Crowded(TlsFront):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            usual = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, usual[1]))  # what is open stays so
            try:
                super().connection_made(transport)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, usual)

    async def story() -> None:
        service = ServiceApp(ServiceSettings())
        Crowded.front = type("CrowdedFront", (Front,), {"connections": service.connections})
        _help, open_connections = service.metrics.gauges["ioto_service_connections"]
        server = await asyncio.get_running_loop().create_server(Crowded, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        assert open_connections() == 0
        assert 'kind="connection",outcome="connections"} 1' in service.metrics.text()

    asyncio.run(asyncio.wait_for(story(), 60))
