# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which names the service may be called: the guard against DNS rebinding.

A page that somebody looks at may have its own name point at this machine, and its scripts then ask the service as if it
were the page's own. The browser says the page's name in `Host`. An IP address or `localhost` is no page's name, and the
station's own names are known; no other is answered, on any path.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

_LOCALHOST = "localhost"
_NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\Z")
_HOST = re.compile(r"(?:\[(?P<ipv6>[^]]*)\]|(?P<name>[^]:[]+))(?::[0-9]{0,5})?")
_MOST_CHARACTERS = 300
"""Of a `Host` header: a name has 253 at most, a port 5."""
_WILDCARD = "*."


def canonical_name(text: str) -> str | None:
    """Return the host name `text` in lower case, without the dot at its end; None for any other text.

    It may begin with `*.`, as in certificates, which stands for one label.
    """
    name = text.lower().removesuffix(".")
    return name if len(name) < 254 and _NAME.match(name) else None


def is_address(text: str) -> bool:
    """Say whether `text` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class HostNames:
    """The names of one service: IP addresses, `localhost`, and its own."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the service's own names, such as those of its certificate; what is not a host name is left out."""
        self._names = frozenset(name for text in names if (name := canonical_name(text)))
        self._is_ours = lru_cache(maxsize=256)(self._compare)

    def __str__(self) -> str:
        """Return the names as a sentence has them."""
        return ", ".join(("an IP address", _LOCALHOST, *sorted(self._names)))

    def accepts(self, host_header: str) -> bool:
        """Say whether the value of a `Host` header, with or without a port, names this service."""
        return len(host_header) <= _MOST_CHARACTERS and self._is_ours(host_header)

    def _compare(self, host_header: str) -> bool:
        if not (match := _HOST.fullmatch(host_header)):
            return False
        if (ipv6 := match["ipv6"]) is not None:
            return ":" in ipv6 and is_address(ipv6)
        if is_address(match["name"]):
            return True
        name = canonical_name(match["name"])
        if name is None or name.startswith(_WILDCARD):
            return False
        return name == _LOCALHOST or name in self._names or f"{_WILDCARD}{name.partition('.')[2]}" in self._names
