# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a board is, from the lease file of the DHCP server beside the line: dnsmasq's or Kea's.

A lease is a hint: it says where to look, never that a board is there. The file is read as its server writes it, so a
line that is not understood (a half one, one of IPv6, a comment) is passed over.
"""

from __future__ import annotations

import csv
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address
from pathlib import Path

_MOST_BYTES = 4 * 1024 * 1024
_KEA_COLUMNS = ("address", "hwaddr", "expire", "hostname", "state")
_KEA_ASSIGNED = "0"


@dataclass(frozen=True, slots=True)
class Lease:
    """An address that a DHCP server gave away. `ends` is in seconds since 1970; none at all is infinity."""

    address: str
    mac: str
    hostname: str
    ends: float

    def is_for(self, pattern: str) -> bool:
        """Say whether `pattern`, with * and ?, is that of its MAC address or its host name; case does not matter."""
        folded = pattern.lower()
        return any(value and fnmatchcase(value.lower(), folded) for value in (self.mac, self.hostname))


class LeaseFile:
    """The lease file of a DHCP server, which is read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._leases: list[Lease] = []

    def address_for(self, pattern: str) -> str | None:
        """Return the address of the newest lease that `pattern` is for and that has not ended, or None.

        A file that cannot be read just now (its server replaces it) says what it said before.
        """
        with suppress(OSError):
            self._read()
        now = time.time()
        fitting = [lease for lease in self._leases if lease.ends > now and lease.is_for(pattern)]
        return max(fitting, key=lambda lease: lease.ends).address if fitting else None

    def _read(self) -> None:
        status = self._path.stat()
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp == self._stamp or not stat.S_ISREG(status.st_mode):
            return
        with self._path.open("rb") as stream:
            data = stream.readline(_MOST_BYTES)  # it says whose file this is
            if status.st_size > _MOST_BYTES:  # what came last holds
                stream.seek(status.st_size - _MOST_BYTES)
                stream.readline(_MOST_BYTES)
            data += stream.read(_MOST_BYTES)
        self._leases = parsed(data.decode("utf-8", "replace"))
        self._stamp = stamp


def parsed(text: str) -> list[Lease]:
    """Return the leases in a file of dnsmasq or Kea (its memfile in CSV), the last word on each address."""
    lines = text.splitlines()
    is_kea = bool(lines) and lines[0].startswith("address,")
    found: dict[str, Lease | None] = {}
    for address, lease in _kea(lines) if is_kea else _dnsmasq(lines):
        found[address] = lease
    return [lease for lease in found.values() if lease]


def _dnsmasq(lines: Iterable[str]) -> Iterator[tuple[str, Lease | None]]:
    """Lines such as `1764241200 02:00:5e:00:00:01 192.168.7.21 pump-1 01:02:00:5e:00:00:01`; `*` is for no name."""
    for line in lines:
        fields = line.split()
        if len(fields) < 4 or not _is_number(fields[0]) or not _is_ipv4(fields[2]):
            continue
        ends = float(fields[0]) or float("inf")  # 0: for ever
        yield fields[2], Lease(fields[2], fields[1], "" if fields[3] == "*" else fields[3], ends)


def _kea(lines: list[str]) -> Iterator[tuple[str, Lease | None]]:
    """Rows of `kea-leases4.csv`: each change appends one, so that the last of an address holds."""
    try:
        for row in csv.DictReader(lines):
            if not all(isinstance(row.get(name), str) for name in _KEA_COLUMNS) or not _is_ipv4(row["address"]):
                continue
            ends = float(row["expire"]) if _is_number(row["expire"]) else 0.0
            is_assigned = row["state"] == _KEA_ASSIGNED
            lease = Lease(row["address"], row["hwaddr"], row["hostname"].rstrip("."), ends)
            yield row["address"], lease if is_assigned else None
    except csv.Error:
        return


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()  # a raised two is a digit, and no number


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
