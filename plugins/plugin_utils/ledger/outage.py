# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one process of a run found out the hard way about a server, for all the others: that it does not answer.

Each device would wait its full time for that, in a process of its own or not, and one after the other. So who has
waited in vain leaves a note, and for some seconds all others are told at once; then one tries again. The note is in
memory that the processes share which are forked after this file was imported.
"""

from __future__ import annotations

import mmap
import struct
import time
import zlib

from .records import LedgerError

_LAYOUT = struct.Struct("dL")
"""Until when, by the clock that all processes of a machine share, and which server."""
_NOTE = mmap.mmap(-1, _LAYOUT.size)
_LEAST_SECONDS = 1.0
"""Who was told sooner lost no time, and neither will the next."""


class Outage:
    """The note about the server of one ledger. Where `pause` is 0, none is left, and none read."""

    def __init__(self, name: str, pause: float) -> None:
        """`name` is that of the ledger, in messages; `pause` is how many seconds the note holds."""
        self._name = name
        self._pause = pause
        self._number = zlib.crc32(name.encode())

    def check(self) -> None:
        """Raise `LedgerError` where somebody has waited in vain a moment ago."""
        until, number = _LAYOUT.unpack_from(_NOTE)
        if self._pause and number == self._number and time.monotonic() < until:
            raise LedgerError(
                f"The ledger {self._name} did not answer a moment ago, and nothing was recorded; see whether its "
                "server and the way to it work, and run again."
            )

    def note(self, seconds: float) -> None:
        """Leave the note, where somebody waited in vain for so many seconds."""
        if self._pause and seconds >= _LEAST_SECONDS:
            _LAYOUT.pack_into(_NOTE, 0, time.monotonic() + self._pause, self._number)
