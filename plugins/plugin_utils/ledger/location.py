# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger is: a path, a URL, or the default file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ..display_text import quoted
from ..private_files import user_folder
from .hosts import SESSION_ATTRIBUTES, hosts_of, rendered, taken_out, with_hosts
from .records import LedgerError

_FORMS = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or sqlite:////PATH, or a path"

# What begins so is a file, whatever follows.
_PATH = re.compile(r"~|\.{0,2}/(?!/)")

# A URL or what drivers take in its stead, with something amiss: "postgresql:/…", "postgresql//ann:…@db", "a:…@db",
# "db:5432/line", "password: …" or "host=… password=…". As a file name it would make an empty ledger, and show a
# password in every message. So no name has any of this in it, wherever, but for the drive of a Windows path.
_NO_FILE = re.compile(
    r"\w+\s*=|.*(@|//|(?<!^[A-Za-z]):|passw|\s(host(addr)?|port|dbname|user|service|sslmode)\s*=)",
    re.DOTALL | re.IGNORECASE,
)


# What a URL may say without giving a secret away.
_NO_SECRETS = (
    *("host", "hostaddr", "port", "dbname", "user", "options", SESSION_ATTRIBUTES),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "passfile"),
)

_USUAL_PORT = "5432"


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
        # The query is left out, but for several hosts: a password may stand there as well.
        shown = URL.create(
            "postgresql",
            username=self.url.username,
            password=self.url.password,
            host=self.url.host,
            port=self.url.port,
            database=self.url.database,
            query={name: self.url.query[name] for name in ("host", "port") if name in self.url.query}
            if hosts_of(self.url)
            else {},
        )
        return rendered(shown, hide_password=True)

    @classmethod
    def parse(cls, text: str | Path | None = None) -> Location:
        """Return the location for a path, a `sqlite:///` or `postgresql://` URL, or None for the default file."""
        if text is None or not str(text).strip():
            return cls(path=default_path())
        if isinstance(text, Path):
            return cls(path=_absolute(text))
        text = text.strip()
        if _PATH.match(text):
            return cls(path=_absolute(text))
        if "://" in text:
            return cls._of_url(text)
        if _NO_FILE.match(text):
            # Not repeated: it may hold a password.
            raise LedgerError(
                f"The ledger looks like the address of a database, but cannot be read as one; {_FORMS}, "
                "with ./ before the name of a file that looks so."
            )
        return cls(path=_absolute(text))

    @classmethod
    def _of_url(cls, text: str) -> Location:
        single, hosts = taken_out(text)
        try:
            url = make_url(single)
        except (ArgumentError, ValueError):
            # Not from the cause: it may quote the password.
            raise LedgerError(
                f"The ledger's URL cannot be read; {_FORMS}, with %40 for an @ in the password."
            ) from None
        if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
            # Where the question mark was forgotten, the password stands in a part that is shown.
            if re.search("[=&;]", f"{url.username or ''}{url.host or ''}{url.database or ''}") or re.search(
                "[@/:]", url.database or ""
            ):
                raise LedgerError(
                    "The ledger's URL has an option, or a part of the address, instead of a name; write "
                    "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, and options after a question mark."
                )
            return cls(url=with_hosts(url.set(drivername="postgresql+psycopg"), hosts))
        if url.drivername != "sqlite":
            raise LedgerError(f"The ledger cannot be on {quoted(url.drivername)}; {_FORMS}.")
        if not url.database or url.database == ":memory:" or url.host or url.query:
            raise LedgerError("The ledger's sqlite URL names no file; write sqlite:////PATH and nothing more.")
        if not _PATH.match(url.database) and _NO_FILE.match(url.database):
            raise LedgerError(f"The ledger's sqlite URL names no file; {_FORMS}.")
        return cls(path=_absolute(url.database))


def address(location: Location) -> str:
    """Return a place as it may be typed again, and kept: without its password."""
    return str(location) if location.url is None else without_secrets(location.url)


def without_secrets(url: URL) -> str:
    """Return the URL of a ledger on PostgreSQL without a password, which may stand in its query, too."""
    shown = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query={name: value for name, value in url.query.items() if name in _NO_SECRETS},
    )
    return rendered(shown, hide_password=False)


def is_same_place(one: Location, other: Location) -> bool:
    """Whether two places are one for certain: alike, or with a host in common of several, in any order.

    Servers that stand in for each other hold one ledger, so it does not matter which of them was named.
    """
    if one.url is None or other.url is None:
        return one == other
    if address(one) == address(other):
        return True
    return _database(one.url) == _database(other.url) and bool(_all_hosts(one.url) & _all_hosts(other.url))


def _database(url: URL) -> tuple[object, ...]:
    return url.database, url.query.get("dbname"), url.query.get("options")


def _all_hosts(url: URL) -> set[tuple[str, str]]:
    several = hosts_of(url)
    if not several:
        name, port = url.query.get("host") or url.host or "", url.query.get("port") or url.port or ""
        return {(str(name).lower(), str(port) or _USUAL_PORT)}
    return {(host.name.lower(), host.port or _USUAL_PORT) for host in several}


def default_path() -> Path:
    """Return where the ledger is unless said otherwise."""
    try:
        return _absolute(user_folder() / "ledger.db")
    except RuntimeError:
        raise LedgerError(
            "The ledger's usual place is in the home directory, and this user has none; name a file (ioto_ledger), or "
            "set HOME."
        ) from None


def _absolute(path: str | Path) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        raise LedgerError(f"The ledger's path {quoted(str(path))} cannot be followed; give an absolute path.") from None
