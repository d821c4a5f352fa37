# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ssh program of a connection of Ansible's says, apart from what the device says on stderr.

Ansible's plugin takes both from one pipe, where a device may write what ssh writes. `ssh -E` has a place of its own for
ssh's words: a pipe of ours, by its name in /proc, so that nothing of it is on a disk, and a peer that floods it waits.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

_DESCRIPTORS = Path("/proc/self/fd")
_PIECE = 64 * 1024
_KEPT = 64 * 1024
"""Bytes of the log that are kept of its beginning, where ssh says that it was let in, and as many of its end.

A connection that ends at once has 10,000. Between the two a peer may make ssh complain without end.
"""
_LEVEL = "DEBUG2"
"""The first that tells with which status a device's command has ended, also over a connection that ssh keeps."""


class SshLog:
    """The log of the ssh that `connection` starts in the block; empty where it starts none, or there is no /proc."""

    def __init__(self, connection: Any) -> None:
        self.size = 0
        self._connection = connection
        self._before: Mapping[str, Any] = {}
        self._beginning = b""
        self._end = b""
        self._pipe: tuple[int, int] | None = None

    def __enter__(self) -> SshLog:
        names = "ssh_args", "ssh_extra_args"
        if _DESCRIPTORS.is_dir() and all(self._connection.has_option(name) for name in names):
            self._pipe = os.pipe()
            os.set_blocking(self._pipe[0], False)
            self._before = {name: self._connection.get_option(name) for name in names}
            # Of an option of ssh the first counts, of a flag the last.
            first, last = f"-o LogLevel={_LEVEL}", f"-E {shlex.quote(f'/proc/{os.getpid()}/fd/{self._pipe[1]}')}"
            self._connection.set_option("ssh_args", f"{first} {self._before['ssh_args'] or ''}")
            self._connection.set_option("ssh_extra_args", f"{self._before['ssh_extra_args'] or ''} {last}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for name, value in self._before.items():
            self._connection.set_option(name, value)
        self.read()
        if self._pipe is not None:
            for end in self._pipe:
                os.close(end)
            self._pipe = None

    @property
    def text(self) -> str:
        """The beginning and the end of what ssh has said, in whole lines; empty where it has no log."""
        kept = self._beginning + self._end
        if self.size > len(kept):
            kept = self._beginning.rpartition(b"\n")[0] + b"\n" + self._end.partition(b"\n")[2]
        return kept.decode("utf-8", "surrogateescape").replace("\r\n", "\n")

    def read(self) -> None:
        """Take what has come. It waits for nothing; one thread at a time may do it."""
        if self._pipe is None:
            return
        with suppress(BlockingIOError):
            while piece := os.read(self._pipe[0], _PIECE):
                self.size += len(piece)
                missing = _KEPT - len(self._beginning)
                self._beginning += piece[:missing]
                self._end = (self._end + piece[missing:])[-_KEPT:]
