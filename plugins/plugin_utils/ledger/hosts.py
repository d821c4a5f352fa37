# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a ledger's URL, where it names several: a primary server, and those that may take its place.

Two forms are in use, and their mixtures: `//a:5432,b/claims`, which is libpq's, and `///claims?host=a:5432,b` or
`?host=a&host=b&port=5432,5433`, which is SQLAlchemy's. Here they become one: names in `host`, numbers in `port`.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from sqlalchemy import URL

from ..display_text import bracketed, quoted
from .records import LedgerError

SESSION_ATTRIBUTES = "target_session_attrs"
_WRITABLE = ("read-write", "primary")
_ATTRIBUTES = (*_WRITABLE, "read-only", "standby", "any")

# As SQLAlchemy reads a URL: a password may hold all but an @.
_SEVERAL = re.compile(
    r"(?P<before>[\w+]+://(?:[^:/]*(?::[^@]*)?@)?)(?P<hosts>[^/?@]*,[^/?@]*)(?P<after>(?:[/?].*)?)", re.DOTALL
)
_BRACKETED = re.compile(r"\[(?P<name>[^\[\]]+)\](?::(?P<port>.*))?")
_NO_NAME = re.compile(r"[=&;@\s]")
_MOST_PORT = 65_535


class DatabaseHost(NamedTuple):
    """One host of several; `port` is empty where it is the usual one."""

    name: str
    port: str

    def __str__(self) -> str:
        """As in a URL."""
        name = bracketed(self.name) if ":" in self.name else quote(self.name, safe="@-._~")
        return f"{name}:{self.port}" if self.port else name


def taken_out(text: str) -> tuple[str, list[str]]:
    """Return a URL without the hosts between its slashes, and these, where they are several."""
    found = _SEVERAL.fullmatch(text)
    if found is None:
        return text, []
    return found["before"] + found["after"], [unquote(host) for host in found["hosts"].split(",")]


def with_hosts(url: URL, between_slashes: list[str]) -> URL:
    """Return `url` with all hosts in its query in one form, where it names several. Raises `LedgerError`."""
    query = dict(url.query)
    named = _listed(query.get("host", ()))
    if (between_slashes or (url.host and len(named) > 1)) and (named or "port" in query):
        raise _wrong("names its hosts in two places")
    texts = between_slashes or named
    attributes = query.get(SESSION_ATTRIBUTES, "any")
    if attributes not in _ATTRIBUTES:
        raise _wrong(f"asks for {SESSION_ATTRIBUTES}={quoted(str(attributes))}", f"{SESSION_ATTRIBUTES}=read-write")
    if len(texts) < 2:
        return url
    hosts = _with_ports([_parsed(text) for text in texts], _listed(query.pop("port", ())))
    if len({*hosts}) < len(hosts):
        raise _wrong("names one of its hosts twice")
    if len(_listed(query.get("hostaddr", ()))) not in (0, len(hosts)):
        raise _wrong("has not as many addresses (hostaddr) as hosts")
    query["host"] = ",".join(host.name for host in hosts)
    if any(host.port for host in hosts):
        query["port"] = ",".join(host.port for host in hosts)
    return url.set(host=None, port=None, query=query)


def hosts_of(url: URL) -> tuple[DatabaseHost, ...]:
    """Return the hosts of a URL that `with_hosts` returned, where there are several; none for any other."""
    names = _listed(url.query.get("host", ()))
    if len(names) < 2:
        return ()
    ports = _listed(url.query.get("port", ())) or [""] * len(names)
    return tuple(DatabaseHost(name, port) for name, port in zip(names, ports, strict=True))


def rendered(url: URL, *, hide_password: bool) -> str:
    """Return a URL as text, with several hosts between its slashes."""
    hosts = hosts_of(url)
    if not hosts:
        return url.render_as_string(hide_password=hide_password)
    query = {name: value for name, value in url.query.items() if name not in ("host", "port")}
    # In what stands before it, a comma is written as %2C.
    text = url.set(host=",", query=query).render_as_string(hide_password=hide_password)
    return text.replace(",", ",".join(map(str, hosts)), 1)


def is_one_of_several(parameters: dict[str, object]) -> bool:
    """Whether a driver that is given these would have the choice between hosts."""
    return "," in str(parameters.get("host") or "")


def each_of(parameters: dict[str, object]) -> dict[str, dict[str, object]]:
    """Return what to give a driver for each host of several alone, by how the host is called."""
    lists = {name: str(parameters[name]).split(",") for name in ("host", "port", "hostaddr") if parameters.get(name)}
    count = len(lists["host"])
    alone: dict[str, dict[str, object]] = {}
    for at in range(count):
        own = {name: values[at if len(values) == count else 0] for name, values in lists.items()}
        rest = {name: value for name, value in parameters.items() if name not in lists}
        alone[str(DatabaseHost(own["host"], own.get("port", "")))] = rest | {
            name: value for name, value in own.items() if value
        }
    return alone


def wants_primary(parameters: dict[str, object]) -> bool:
    """Whether nothing but a server that takes writes is good enough: a ledger is made to be written to."""
    return parameters.setdefault(SESSION_ATTRIBUTES, _WRITABLE[0]) in _WRITABLE


def _listed(value: str | tuple[str, ...]) -> list[str]:
    texts = [value] if isinstance(value, str) else list(value)
    return [text for listed in texts for text in listed.split(",")]


def _parsed(text: str) -> DatabaseHost:
    if text.startswith(("/", "@")):
        return DatabaseHost(text, "")  # a Unix socket
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        return DatabaseHost(bracketed["name"], _port(bracketed["port"] or ""))
    if text.count(":") > 1:
        return DatabaseHost(text, "")  # an IPv6 address
    name, _colon, port = text.partition(":")
    if not name or _NO_NAME.search(name):
        raise _wrong("has a host that is not the name of one")
    return DatabaseHost(name, _port(port))


def _port(text: str) -> str:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= _MOST_PORT):
        raise _wrong("has a port that is not the number of one")  # not repeated: it may be a password
    return text


def _with_ports(hosts: list[DatabaseHost], ports: list[str]) -> list[DatabaseHost]:
    if not ports:
        return hosts
    if any(host.port for host in hosts):
        raise _wrong("names its ports in two places")
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts):
        raise _wrong("has not as many ports as hosts")
    return [DatabaseHost(host.name, _port(port)) for host, port in zip(hosts, ports, strict=True)]


def _wrong(what: str, instead: str = "postgresql://USER@HOST:PORT,HOST:PORT/DATABASE") -> LedgerError:
    return LedgerError(f"The ledger's URL {what}; write {instead}.")
