# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a hand scanner is, as somebody writes it into settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...display_text import bracketed, quoted
from ...errors import IotoError

KEYBOARD, SERIAL, TCP = "keyboard", "serial", "tcp"
DEFAULT_BAUD_RATE = 9600
"""What scanners on a serial line are set to when they are new. A line over USB (ttyACM) has no rate of its own."""
_BAUD_RATES = range(300, 4_000_001)
_PORTS = range(1, 65_536)
_SERIAL = re.compile(r"(?P<path>/[^\x00]*?)(?::(?P<rate>[0-9]{1,7}))?")
_TCP = re.compile(r"(?://)?(?:\[(?P<ip>[0-9A-Fa-f:.%a-z]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>[0-9]{1,5})")


class ScannerAddressError(IotoError):
    """A text that does not say where a hand scanner is."""


@dataclass(frozen=True, slots=True)
class ScannerAddress:
    """Where a hand scanner is."""

    kind: str
    """`keyboard`, `serial` or `tcp`."""
    place: str
    """The full path of a device, or a host."""
    number: int = 0
    """Bits a second of a serial line, or a TCP port."""

    def __str__(self) -> str:
        number = f":{self.number}" if self.number else ""
        place = bracketed(self.place) if self.kind == TCP else self.place
        return f"{self.kind}:{place}{number}"


def parse_scanner_address(text: str) -> ScannerAddress:
    """Return where the scanner is that `text` names, such as `serial:/dev/ttyUSB0:115200`.

    Raises `ScannerAddressError`.
    """
    kind, _colon, rest = text.strip().partition(":")
    if kind == KEYBOARD and re.fullmatch(r"/[^\x00]+", rest):
        return ScannerAddress(kind, rest)
    if kind == SERIAL and (found := _SERIAL.fullmatch(rest)) and len(found["path"]) > 1:
        rate = int(found["rate"] or DEFAULT_BAUD_RATE)
        if rate in _BAUD_RATES:
            return ScannerAddress(kind, found["path"], rate)
    if kind == TCP and (found := _TCP.fullmatch(rest)) and int(found["port"]) in _PORTS:
        return ScannerAddress(kind, found["ip"] or found["host"], int(found["port"]))
    raise ScannerAddressError(
        f"The scanner {quoted(text)} is nowhere; write keyboard:/dev/input/by-id/NAME-event-kbd, "
        "serial:/dev/serial/by-id/NAME, serial:/dev/ttyUSB0:115200 with its bits a second, or tcp:HOST:PORT."
    )
