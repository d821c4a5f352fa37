# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads of requests that were read once: agents send the same bytes for every unit, and need no parser for them.

A parser calls back for each part of a head, which costs more than its work. What it made of some bytes, it would make
of the same bytes again, so a head is learned from a request that the parser took as one whole message, and found again
byte by byte. Nothing is guessed: any other head goes to the parser.
"""

from __future__ import annotations

from typing import NamedTuple

from .access import Scope

MAX_LENGTH = 1024
_MOST = 256
_END = b"\r\n\r\n"


class KnownHead(NamedTuple):
    """What the parser made of a head: how many bytes follow it, and what it says (but for the client)."""

    body_length: int
    scope: Scope


class KnownHeads:
    """The heads of usual requests, by their bytes."""

    def __init__(self) -> None:
        self._heads: dict[bytes, KnownHead] = {}

    def __len__(self) -> int:
        return len(self._heads)

    def find(self, data: bytes) -> tuple[KnownHead, bytes] | None:
        """Return the head and the body where `data` is a whole request with a head that is known."""
        end = data.find(_END) + len(_END)
        known = self._heads.get(data[:end])
        if known is None or len(data) - end != known.body_length:
            return None
        return known, data[end:]

    def learn(self, data: bytes, body: bytes, scope: Scope) -> None:
        """Remember the head of `data`, which the parser read as one message with `body` and what `scope` says."""
        head = data[: len(data) - len(body)]
        # Where there is more, such as a second message, or chunks, the head is not all that stands before the body.
        if len(head) > MAX_LENGTH or head.find(_END) != len(head) - len(_END) or head + body != data:
            return
        if len(self._heads) >= _MOST:
            self._heads.clear()
        said = {name: scope[name] for name in ("method", "raw_path", "query_string", "headers")}
        self._heads[head] = KnownHead(len(body), said)
