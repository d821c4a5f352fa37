# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger is: a path, a URL, or the default file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from .records import LedgerError


@dataclass(frozen=True, slots=True)
class Location:
    """Where a ledger is: a file of SQLite, a database of PostgreSQL, or in memory where it is neither.

    `str()` never shows a password.
    """

    path: Path | None = None
    url: URL | None = field(default=None, repr=False)

    def __str__(self) -> str:
        if self.url is None:
            return str(self.path or "in memory")
        # The query is left out: a password may stand there as well.
        shown = URL.create(
            "postgresql",
            username=self.url.username,
            password=self.url.password,
            host=self.url.host,
            port=self.url.port,
            database=self.url.database,
        )
        return shown.render_as_string(hide_password=True)

    @classmethod
    def parse(cls, text: str | Path | None = None) -> Location:
        """Return the location for a path, a `sqlite:///` or `postgresql://` URL, or None for the default file."""
        if text is None or not str(text).strip():
            return cls(path=default_path())
        text = str(text).strip()
        if "://" not in text:
            return cls(path=_absolute(text))
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            # Not from the cause: it may quote the password.
            raise LedgerError(
                "The ledger's URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
                "with %40 for an @ in the password, or sqlite:////PATH."
            ) from None
        if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
            return cls(url=url.set(drivername="postgresql+psycopg"))
        if url.drivername != "sqlite":
            raise LedgerError(
                f"The ledger cannot be on {url.drivername!a}; give a path, a sqlite:////PATH or a postgresql:// URL."
            )
        if not url.database or url.database == ":memory:" or url.host or url.query:
            raise LedgerError("The ledger's sqlite URL names no file; write sqlite:////PATH and nothing more.")
        return cls(path=_absolute(url.database))


def default_path() -> Path:
    """Return where the ledger is unless said otherwise, as the XDG base directory specification has it."""
    data_home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data_home) if data_home.startswith("/") else Path.home() / ".local" / "share"
    return _absolute(base / "ioto" / "ledger.db")


def _absolute(path: str | Path) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        raise LedgerError(f"The ledger's path {str(path)!a} cannot be followed; give an absolute path.") from None
