# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From bytes to the usual request: a POST as agents send it, alone, whole, with nothing behind it.

A parser calls back for each part of a head. What it made of some bytes it would make of the same bytes again: so where
a connection's next request begins with the head of the last one, byte by byte, and is as long, only its body is new.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

import httptools

from .access import Scope

_HEAD_END = b"\r\n\r\n"
_UNUSUAL = frozenset((b"expect", b"transfer-encoding"))


class Stage(Enum):
    """How far a request is."""

    COMING = auto()
    WHOLE = auto()
    OTHER = auto()
    """It is not the usual one."""
    MALFORMED = auto()
    """It is not HTTP."""


class UsualRequest:
    """Reads the requests of one connection, one after the other. httptools calls it."""

    def __init__(self, is_usual_url: Callable[[bytes], bool], max_body: int) -> None:
        """A body is of `max_body` bytes at most."""
        self._is_usual_url = is_usual_url
        self._max_body = max_body
        self._parser = httptools.HttpRequestParser(self)
        self._known = b""
        """The head of the last request, if that came as one piece with its body."""
        self._known_length = 0
        self.expect()

    def expect(self) -> None:
        """Wait for the next one."""
        self._begun = 0
        self._is_usual = self._is_whole = False
        self.body = b""
        self.in_head = True

    def close(self) -> None:
        """Let go of the parser, which holds what it calls."""
        del self._parser

    def feed(self, piece: bytes) -> Stage:
        """Take some bytes of it."""
        is_first = not self._begun
        if is_first and len(piece) == self._known_length and piece.startswith(self._known):
            self.body = piece[len(self._known) :]
            return Stage.WHOLE
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            return Stage.OTHER
        except httptools.HttpParserError:
            return Stage.MALFORMED
        if self._begun > 1 or not (self._is_usual or self.in_head):
            return Stage.OTHER
        if not self._is_whole:
            return Stage.COMING
        self._known = piece[: len(piece) - len(self.body)]
        is_known = is_first and self._known.endswith(_HEAD_END) and self._known + self.body == piece
        self._known_length = len(piece) if is_known else 0
        return Stage.WHOLE

    def scope(self, client: tuple[str, int]) -> Scope:
        """Return what ASGI would say of it, as far as `SerializeEndpoint` looks at that: the same for a known head."""
        if self._is_whole:
            raw_path, _mark, query = self._url.partition(b"?")
            self._scope: Scope = {
                "type": "http",
                "method": "POST",
                "raw_path": raw_path,
                "query_string": query,
                "headers": self._headers,
                "client": client,
            }
        return self._scope

    def on_message_begin(self) -> None:
        """Count a request."""
        self._begun += 1
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """See whether an agent could have sent this head."""
        parser = self._parser
        self.in_head = False
        self._is_usual = (
            self._is_usual_url(self._url)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and _UNUSUAL.isdisjoint([name for name, _unused in self._headers])
        )

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless it is too long."""
        self.body += body
        self._is_usual &= len(self.body) <= self._max_body

    def on_message_complete(self) -> None:
        """Note the end."""
        self._is_whole = True
