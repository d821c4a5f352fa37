# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of threads that may wait for something that does not come, such as an answer of a name server."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor
from contextlib import suppress


async def end(pool: Executor, *, seconds: float) -> bool:
    """Have the threads of `pool` end what they do, and nothing that waits for them; return whether they did in time."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wait() -> None:
        pool.shutdown(cancel_futures=True)
        with suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, name="end", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            await ended.wait()
    except TimeoutError:
        return False
    return True
