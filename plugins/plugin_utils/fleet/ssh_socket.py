# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket that asks the system less often than paramiko does."""

from __future__ import annotations

import socket

_PIECE = 32 * 1024
_LONGER = 1.0


class BufferedSocket(socket.socket):
    """A connected socket for one `paramiko.Transport`, whose thread alone reads from it.

    paramiko reads the beginning of each packet, then the rest of it: two calls of the system, and twice the lock of
    the interpreter is given away. Here what has come is taken at once.
    """

    def __init__(self, connection: socket.socket) -> None:
        """Take over `connection`, which is of no use any more."""
        seconds = connection.gettimeout()
        super().__init__(connection.family, connection.type, connection.proto, fileno=connection.detach())
        self.settimeout(seconds)
        self._come = b""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return at most `size` bytes; none at the end."""
        if not self._come:
            self._come = super().recv(_PIECE, flags)
        piece, self._come = self._come[:size], self._come[size:]
        return piece

    def settimeout(self, seconds: float | None) -> None:
        """Wait for at least a second: paramiko looks ten times in it whether it was closed. A shutdown wakes it."""
        super().settimeout(seconds and max(seconds, _LONGER))
