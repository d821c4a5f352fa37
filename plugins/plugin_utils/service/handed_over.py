# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport of a connection that was handed over, as uvicorn's own protocol sees it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol


class Holder(Protocol):
    """Who holds the connection."""

    def is_closing(self) -> bool:
        """Say whether nothing can be sent any more."""

    def leave(self) -> None:
        """Close when everything is sent."""

    def stop_reading(self) -> None:
        """Take no more."""

    def read_on(self) -> None:
        """Take more."""

    def sent_by_uvicorn(self) -> None:
        """Note an answer."""


class HandedOverTransport(asyncio.Transport):
    """Has the holder close and read, and drops what is written to a client that is gone.

    A transport that is closed raises there; but an application that was not told yet has done nothing wrong.
    """

    def __init__(self, transport: asyncio.Transport, holder: Holder) -> None:
        super().__init__()
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]
        self.is_closing = holder.is_closing  # type: ignore[method-assign]
        self.close = holder.leave  # type: ignore[method-assign]
        self.pause_reading = holder.stop_reading  # type: ignore[method-assign]
        self.resume_reading = holder.read_on  # type: ignore[method-assign]
        self._transport = transport
        self._holder = holder

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send `data`, if somebody is there."""
        if not self._holder.is_closing():
            self._holder.sent_by_uvicorn()
            self._transport.write(data)
