# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service as one ASGI application: its parts, made of the settings and put together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .access import AccessControl
from .allow_list import AllowList
from .commits import CommitWriter
from .components import Components
from .connections import Connections
from .group_writer import LOCK_SECONDS, GroupWriter
from .json5_bodies import Json5Bodies
from .ledger_handle import LedgerHandle
from .metrics import Metrics
from .read_endpoints import ReadEndpoints
from .refusals import Refusals
from .seals import PeriodicSealer
from .serialize_endpoint import DisconnectedError, Receive, Send, SerializeEndpoint, reply_of, send_reply
from .settings import ServiceSettings
from .station_feed import StationFeed
from .threads import end

_STOP_SECONDS = 3.0
"""For each of what a stopping service does; what waited for the ledger was told before, while connections end."""


class ServiceApp:
    """The ASGI application. Raises `ServiceError` where the settings name an allow-list that cannot be used."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.metrics = Metrics()
        self.refusals = Refusals(self.metrics)
        seconds = settings.answer_seconds
        self._ledger = LedgerHandle(settings.ledger, answer_seconds=seconds)
        self._reading_ledger = LedgerHandle(settings.ledger, answer_seconds=seconds, first=self._ledger)
        self._impatient_ledger = LedgerHandle(
            settings.ledger, answer_seconds=seconds, lock_seconds=LOCK_SECONDS, first=self._ledger
        )
        groups = GroupWriter(self._ledger, self._impatient_ledger)
        self._writer = CommitWriter(groups, self.metrics, batch=settings.batch, answer_seconds=seconds)
        self._sealing_ledger = LedgerHandle(settings.ledger, answer_seconds=seconds, first=self._ledger)
        self._sealer = PeriodicSealer(self._sealing_ledger, self.metrics)
        # Two: one slow question must not hold up the station page.
        self._slow = ThreadPoolExecutor(2, thread_name_prefix="slow")
        self.access = AccessControl(settings)
        components = Components(
            settings=settings,
            access=self.access,
            feed=StationFeed(self._reading_ledger, self.refusals),
            refusals=self.refusals,
            metrics=self.metrics,
            slow=self._slow,
        )
        allow_list = AllowList(settings.products, settings.production_orders)
        self._json5 = Json5Bodies(settings.max_body)
        self._serialize_endpoint = SerializeEndpoint(
            components, allow_list=allow_list, writer=self._writer, json5=self._json5
        )
        self.connections = Connections(
            settings,
            access=components.access,
            endpoint=self._serialize_endpoint,
            metrics=self.metrics,
            refusals=self.refusals,
        )
        self._read_endpoints = ReadEndpoints(components, self._reading_ledger)
        self._path = settings.path.encode()
        self._below = self._path + b"/"

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or follow the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        started = False

        async def watched(message: dict[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        path = scope["raw_path"]
        try:
            if path == self._path or path.startswith(self._below):
                await self._serialize_endpoint(scope, receive, send)
            else:
                await self._read_endpoints(scope, receive, watched)
        except DisconnectedError:
            self.metrics.count("read", "disconnected")
        except Exception as error:
            # A defect of ours: the log has it, the client gets a sentence.
            reply = reply_of(self.refusals.defect("read", error))
            if not started:
                await send_reply(send, reply)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._writer.start()
                self._sealer.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _stop(self) -> None:
        self._json5.close()
        # What a thread still waits for ends with the process; its ledger is not closed under its hands.
        writer_has_ended = await self._writer.stop(seconds=_STOP_SECONDS)
        for ledger, has_ended in (
            (self._ledger, writer_has_ended),
            (self._impatient_ledger, writer_has_ended),
            (self._sealing_ledger, await self._sealer.stop(seconds=_STOP_SECONDS)),
            (self._reading_ledger, await end(self._slow, seconds=_STOP_SECONDS)),
        ):
            if has_ended:
                ledger.close()
