# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the settings, and whether an address is in one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache


class Networks:
    """Some networks, as the settings hold them. Raises `ValueError` at any other text."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(text) for text in texts]
        self._is_in_one = lru_cache(maxsize=4096)(self._look_up)

    def __contains__(self, address: str) -> bool:
        """Say whether `address`, the text of an IP address, is in one of them."""
        return self._is_in_one(address)

    @property
    def beyond_loopback(self) -> list[str]:
        """Those that hold more than this machine, as texts."""
        return [str(network) for network in self._networks if not network.is_loopback]

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)
