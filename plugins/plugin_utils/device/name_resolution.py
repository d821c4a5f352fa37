# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a name, within a time: the system's resolver takes as long as it likes, and cannot be told to stop.

A thread asks it, and whoever has waited enough leaves that behind; it ends when the resolver does. Who asks for the
same name meanwhile waits for the same thread, and there are only so many of them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Condition, Event, Thread
from time import monotonic
from typing import Any

Addresses = Sequence[tuple[Any, ...]]
"""What `socket.getaddrinfo` returns for streams."""

_MOST_AT_A_TIME = 32


class _Question:
    """A name that is being asked for."""

    def __init__(self) -> None:
        self.answered = Event()
        self.addresses: Addresses = ()
        self.failure: Exception | None = None


class NameResolver:
    """Asks the system's resolver, in at most so many threads. Threads may share one."""

    def __init__(self, most_at_a_time: int = _MOST_AT_A_TIME) -> None:
        self._most = most_at_a_time
        self._changed = Condition()
        self._under_way: dict[tuple[str, int], _Question] = {}

    def addresses(self, host: str, port: int, seconds: float) -> Addresses:
        """Return the addresses of `host`. Raises `TimeoutError` after `seconds`, or what `getaddrinfo` does."""
        with suppress(socket.gaierror):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        until = monotonic() + seconds
        question = self._question((host, port), seconds)
        if not question.answered.wait(max(0.0, until - monotonic())):
            raise TimeoutError
        if question.failure is not None:
            raise question.failure
        return question.addresses

    def _question(self, key: tuple[str, int], seconds: float) -> _Question:
        def may_ask() -> bool:
            return key in self._under_way or len(self._under_way) < self._most

        with self._changed:
            if not self._changed.wait_for(may_ask, seconds):
                raise TimeoutError
            if key not in self._under_way:
                self._under_way[key] = _Question()
                Thread(target=self._ask, args=key, daemon=True).start()
            return self._under_way[key]

    def _ask(self, host: str, port: int) -> None:
        question = self._under_way[host, port]
        try:
            question.addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as error:  # an invalid name fails in its encoding
            question.failure = error
        with self._changed:
            del self._under_way[host, port]
            self._changed.notify_all()
        question.answered.set()


_resolver = NameResolver()


def addresses(host: str, port: int, seconds: float) -> Addresses:
    """Return the addresses of `host`, from the resolver that all of this process share. Raises as that does."""
    return _resolver.addresses(host, port, seconds)


class AddressTries:
    """The addresses of a host, to be tried one after the other; those of a kind that the kernel lacks are passed over.

    `failure` is that of the last one.
    """

    def __init__(self, found: Addresses) -> None:
        self._found = found
        self.failure = OSError("it has no address")

    def __iter__(self) -> Iterator[tuple[socket.socket, Any]]:
        """Yield for each address a socket that is not connected, and the address."""
        for family, kind, protocol, _name, address in self._found:
            try:
                connection = socket.socket(family, kind, protocol)
            except OSError as error:  # such as one of IPv6 on a machine that has none
                self.failure = error
            else:
                yield connection, address

    @contextmanager
    def using(self, connection: socket.socket) -> Iterator[None]:
        """Close the socket where the block fails; an `OSError` is this address's own."""
        try:
            yield
        except OSError as error:
            connection.close()
            self.failure = error
        except BaseException:
            connection.close()
            raise


def _renew() -> None:
    """Have a child begin anew: it has none of the threads."""
    global _resolver  # noqa: PLW0603
    _resolver = NameResolver()


os.register_at_fork(after_in_child=_renew)
