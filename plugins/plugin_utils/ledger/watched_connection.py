# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to PostgreSQL that tells a watch whenever it waits, whoever asks: SQLAlchemy, or we by the driver."""

from __future__ import annotations

import os
import socket
from typing import Any

import psycopg

from .watchdog import CurrentWatch


class WatchedConnection(psycopg.Connection[Any]):
    """The driver's connection; `current` is set when it is open."""

    current: CurrentWatch | None = None
    server: tuple[str | None, int | None] = (None, None)
    """To which it leads: the cluster, and the timeline, where that says so."""
    _own_socket: socket.socket | None = None

    @property
    def own_socket(self) -> socket.socket:
        """The connection's socket, by a descriptor of our own: the driver's may be used for something else later."""
        if self._own_socket is None:
            self._own_socket = socket.socket(fileno=os.dup(self.fileno()))
        return self._own_socket

    def close(self) -> None:
        """Let go of the connection."""
        super().close()
        if self._own_socket is not None:
            self._own_socket.close()

    def wait(self, *arguments: Any, **options: Any) -> Any:
        """As the driver's, through which all goes that needs an answer of the server."""
        watch = self.current.watch if self.current is not None else None
        if watch is None:
            return super().wait(*arguments, **options)
        watch.wait()
        try:
            return super().wait(*arguments, **options)
        finally:
            watch.rest()
