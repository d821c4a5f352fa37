# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies that are JSON5: read in Python, beside the event loop, so that the worst of them hold up nobody else.

Strict JSON is read at once. The largest JSON5 body, made to be slow, takes a twentieth of a second. One thread reads
them, of one address only so many wait, and while it reads, the threads of this process hand the interpreter over ten
times as often as usual.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from .errors import RefusedError
from .unit_body import Body, parse_json5

_OF_ONE_ADDRESS = 4
_OF_ALL = 32
_RETRY_AFTER = {"Retry-After": "2"}
_SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another one wants it. Python has one such time for all threads of a
process; it is the usual one again when the body has been read."""


class Json5Bodies:
    """Reads JSON5. Everything but the reading happens on the event loop."""

    def __init__(self, max_body: int) -> None:
        """Let as many bytes wait as are 4 of the largest bodies (`max_body` bytes) of one address, 32 of all."""
        self._of_one_address = _OF_ONE_ADDRESS * max_body
        self._of_all = _OF_ALL * max_body
        self._waiting: Counter[str] = Counter()
        self._all_waiting = 0
        self._usual_switch_seconds = sys.getswitchinterval()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="json5")

    async def read(self, data: bytes, address: str) -> Body:
        """Return the object of a body. Raises `RefusedError`."""
        size = len(data)
        if self._waiting[address] + size > self._of_one_address or self._all_waiting + size > self._of_all:
            self._forget(address, 0)
            raise RefusedError(
                429,
                "json5",
                "Too many bodies in JSON5 wait to be read; ask again later, or send JSON, which is read at once.",
                headers=_RETRY_AFTER,
            )
        self._waiting[address] += size
        self._all_waiting += size
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._parse, data)
        finally:
            self._forget(address, size)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _forget(self, address: str, size: int) -> None:
        self._all_waiting -= size
        self._waiting[address] -= size
        if self._waiting[address] <= 0:
            del self._waiting[address]

    def _parse(self, data: bytes) -> Body:
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            return parse_json5(data)
        finally:
            sys.setswitchinterval(self._usual_switch_seconds)
