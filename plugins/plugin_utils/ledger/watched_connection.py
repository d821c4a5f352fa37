# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to PostgreSQL that tells a watch whenever it waits, whoever asks: SQLAlchemy, or we by the driver."""

from __future__ import annotations

from typing import Any

import psycopg

from .watchdog import CurrentWatch


class WatchedConnection(psycopg.Connection[Any]):
    """The driver's connection; `current` is set when it is open."""

    current: CurrentWatch | None = None

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
