# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What paramiko reads from and writes to: it counts what comes, and can be ended at any instant from outside."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress

import paramiko

GREETING = 256 * 1024
"""Bytes that a server may send until it has let us in."""

_PIECE = 32 * 1024
_LONGER = 1.0


class PeerSocket:
    """A connection to one SSH server for one `paramiko.Transport`, whose thread alone reads from it.

    paramiko keeps whatever a server says of itself, however long it is; here no more comes in than is allowed. It also
    reads the beginning of each packet, then the rest of it: two calls of the system, and twice the lock of the
    interpreter is given away. Here what has come is taken at once.
    """

    def __init__(self, connection: socket.socket | paramiko.Channel) -> None:
        self._connection = connection
        self._come = b""
        self._allowed: int | None = GREETING
        self._ended = False
        self._closed = False  # paramiko asks for it, as a socket has it
        self.has_sent_too_much = False
        self.has_hung_up = False
        self.has_spoken = False
        self._is_patient = False

    def be_patient(self) -> None:
        """Wait for as long as it takes from now on, until somebody ends it: no look at a clock before each call."""
        if isinstance(self._connection, socket.socket):
            self._is_patient = True
            self._connection.settimeout(None)

    def allow(self, more: int | None) -> None:
        """Let so many bytes more come in; None: as many as there are."""
        self._allowed = None if more is None or self._allowed is None else self._allowed + more

    def recv(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""
        if not self._come:
            self._come = self._take()
        piece, self._come = self._come[:size], self._come[size:]
        return piece

    def send(self, data: bytes) -> int:
        """Send what goes out at once of `data`, and return how many bytes these are."""
        return 0 if self._ended else self._connection.send(data)

    def settimeout(self, seconds: float | None) -> None:
        """Wait for at least a second: paramiko looks ten times in it whether it was closed. A shutdown wakes it."""
        if self._is_patient:
            return
        is_socket = isinstance(self._connection, socket.socket)
        self._connection.settimeout(max(seconds, _LONGER) if seconds and is_socket else seconds)

    def end(self) -> None:
        """Have whoever reads or writes here see the end of the connection, at once. Waits for nothing."""
        self._ended = True
        if isinstance(self._connection, socket.socket):
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection, as paramiko does in any of its threads."""
        self._closed = True
        self.end()

    def release(self) -> None:
        """Give the descriptor back. Nobody may read or write any more."""
        self.close()
        self._connection.close()

    def _take(self) -> bytes:
        if self._ended:
            return b""
        try:
            come = self._connection.recv(_PIECE)
        except ConnectionError:
            self.has_hung_up = True
            raise
        self.has_hung_up = not come and not self._ended
        self.has_spoken = self.has_spoken or bool(come)
        if self._allowed is not None:
            self._allowed -= len(come)
            if self._allowed < 0:
                self.has_sent_too_much = True
                raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        return come
