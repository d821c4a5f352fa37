# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLAlchemy's way to talk to PostgreSQL, without the questions that it asks first.

Each process that opens a ledger is a new one to the server, and these nine questions, one after the other, would take
almost two seconds where the server is a fifth of a second away.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Connection

from .pipeline import ISOLATION

_DRIVER = "ioto_ledger"


class ServerDialect(PGDialect_psycopg):
    """For statements of ours: they use no hstore, and no literal with a backslash."""

    supports_statement_cache = True

    def initialize(self, connection: Connection) -> None:
        """Take what the server said when it let us in, and what we set ourselves."""
        driver: Any = connection.connection.driver_connection
        self.server_version_info = divmod(driver.info.server_version, 10_000)
        self.default_isolation_level = ISOLATION


registry.register(f"postgresql.{_DRIVER}", __name__, ServerDialect.__name__)


def spoken_so(url: URL) -> URL:
    """Return the URL of a server that is spoken to in this way."""
    return url.set(drivername=f"postgresql+{_DRIVER}")
