# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address on TCP in front of PostgreSQL's socket, which may fall silent, and lead to another server later.

Silent, it takes connections and whatever comes on them, and passes nothing on in either direction, as does a server
that hangs. What was under way is lost then, also when it speaks again; a new connection is as good as ever.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

Item = TypeVar("Item")

_CHUNK = 65_536


class SilentProxy:
    """Listens at a free port of `host`, in a thread of its own, and passes on to the socket at `target`."""

    def __init__(self, target: Path, host: str = "127.0.0.1") -> None:
        self.target = target
        self._host = host
        self.port = 0
        self.silent = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="silent-proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fall_silent(self) -> None:
        """Pass nothing on from now on, on any connection."""
        self.silent = True

    def speak(self, target: Path | None = None) -> None:
        """Serve new connections again, which lead to `target` from now on. Those from before stay silent for ever."""
        self.target = target or self.target
        self.silent = False

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Be silent as long as the block takes."""
        self.fall_silent()
        try:
            yield
        finally:
            self.speak()

    def _await(self, what: Coroutine[None, None, Item]) -> Item:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _close(self) -> None:
        self._server.close()
        await self._cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            while await reader.read(_CHUNK):
                pass
            return
        far_reader, far_writer = await asyncio.open_unix_connection(self.target)
        deaf = False

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            nonlocal deaf
            while data := await source.read(_CHUNK):
                deaf = deaf or self.silent
                if not deaf:
                    sink.write(data)
                    await sink.drain()
            if not deaf and not self.silent:
                sink.close()

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(copy(reader, far_writer))
                group.create_task(copy(far_reader, writer))
        except* OSError:
            pass
        finally:
            far_writer.close()


if __name__ == "__main__":
    with SilentProxy(Path(sys.argv[1]), "0.0.0.0") as standing:  # in a network of its own
        print(standing.port, flush=True)
        sys.stdin.read()
