# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark beside a ledger that is open: how many events it holds, so that none goes missing without a word.

While a ledger is open, its newest transactions are in its write-ahead log, `ledger.db-wal`. SQLite takes a ledger
whose log was removed, or cut short, as whole and older. So the number of the last event stands in `ledger.db-open`,
too, and who opens the ledger compares.

- **Writing.** After a commit, the process raises the number in the mark to the one it has committed; one that commits
  all the time, ten times a second. The number is never above what is on the disk, so a process that dies at any instant
  leaves a mark that refuses nothing. It may be below: the mark is not synced, so that after a power cut it may be some
  seconds old.
- **Reading.** At opening, the number is read first and the ledger afterwards: what others commit between makes the
  ledger newer, never the mark. A ledger that holds fewer events than its mark says is refused. That is all that is
  refused: whether the log is there does not matter, for SQLite removes it when the last process closes the ledger,
  also when that is somebody's `sqlite3`, after it has moved all of it into the ledger.
- **The size.** An older file that was put beside the log of a newer one has the newest events, from that log, and lacks
  others. So the bytes of the file, which never become fewer, stand in the mark's second line, and are compared as well.
- **Removing.** Who closes the ledger removes the mark if SQLite has removed the log by that, and nobody by hand. It
  looks at the log and removes the mark under the mark's lock (`flock`). A number is written under that lock as well,
  into a mark that is still there: whoever finds that it was removed meanwhile makes a new one. As its transaction made
  a log, that one stays. Who was refused removes nothing.
- **Restoring.** A copy that SQLite's backup made and that has no log is not a ledger whose log was lost, and is told by
  its header (journal mode `delete`). The mark of what it replaces is removed before the copy's header is changed.

Nobody waits long for the lock: it is held for some system calls. Where it cannot be had, as where the disk is full,
the mark stays as it is, which is safe.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_LOCK_TIMEOUT = 2.0
"""Seconds to wait for another process that holds the mark: it may be changing a copy's header, which syncs the disk."""

_PAUSE = 0.1
"""Seconds between two numbers that one process writes: more would tell no more losses, and cost each transaction."""

_LENGTH = 32


class Held(NamedTuple):
    """What a ledger held when it was last open: the number of its last event, and the bytes of its file, at least."""

    events: int
    size: int


class OpenMark:
    """The mark beside one ledger, as one open database of this process sees it."""

    def __init__(self, ledger: Path) -> None:
        """Look after the mark of `ledger`; nothing is read or made yet."""
        self._ledger = ledger
        self.path = ledger.with_name(f"{ledger.name}-open")
        self.log = ledger.with_name(f"{ledger.name}-wal")
        self._handle: int | None = None
        self._written = 0
        self._next_time = 0.0

    @property
    def is_due(self) -> bool:
        """Whether a number has to be written after the next commit."""
        return time.monotonic() >= self._next_time

    def read(self) -> Held:
        """Return what the mark says; nothing without a mark, or with one that was torn by a power cut."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return Held(0, 0)
        try:
            return Held(_number_in(handle), _number_in(handle, _LENGTH))
        finally:
            os.close(handle)

    def raise_to(self, number: int, size: int) -> None:
        """Have the mark say that at least `number` events are in the ledger, which they are, and so many bytes."""
        if number <= self._written:
            return
        self._next_time = time.monotonic() + _PAUSE
        with suppress(OSError):
            while self._handle is None or not self._raise_in(self._handle, number, size):
                self._let_go()
                self._handle = open_beside(self._ledger, self.path)

    @contextmanager
    def kept(self) -> Iterator[bool]:
        """Let no other process write or remove the mark meanwhile; say whether there is one, and that can be had."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            yield False
            return
        try:
            yield _lock(handle) and os.fstat(handle).st_nlink > 0
        finally:
            os.close(handle)

    def remove(self) -> None:
        """Remove the mark."""
        self.path.unlink(missing_ok=True)

    def close(self, *, may_remove: bool) -> None:
        """Let go of the mark; with `may_remove`, remove it where SQLite has moved all of the log and removed it."""
        self._let_go()
        if not may_remove:
            return
        with suppress(OSError), self.kept() as is_kept:
            if is_kept and not self.log.exists():
                self.remove()

    def _raise_in(self, handle: int, number: int, size: int) -> bool:
        """Raise the number in an open mark; return whether that is still the ledger's mark."""
        if not _lock(handle):
            return True
        try:
            if not os.fstat(handle).st_nlink:
                return False
            if _number_in(handle) < number:
                os.pwrite(handle, _encode(number), 0)
            if _number_in(handle, _LENGTH) < size:
                os.pwrite(handle, _encode(size), _LENGTH)
            self._written = number
            return True
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)

    def _let_go(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._written = 0


def open_beside(ledger: Path, path: Path) -> int:
    """Open the file at `path`, and make it where it is absent. Raises `OSError`.

    Whoever may use the ledger may use what is beside it, as SQLite has it for the log.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(OSError):
        owner = ledger.stat()
        os.fchmod(handle, stat.S_IMODE(owner.st_mode))
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _lock(handle: int) -> bool:
    """Take the lock of the mark, if it can be had in time."""
    deadline = time.monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        except OSError:  # a file system without locks
            return False


def _encode(number: int) -> bytes:
    digits = f"{number:020}"
    return f"{digits} {zlib.crc32(digits.encode()):08x}\n".ljust(_LENGTH).encode()


def _number_in(handle: int, start: int = 0) -> int:
    found = os.pread(handle, _LENGTH, start)
    digits = found[:20]
    return int(digits) if digits.isdigit() and found == _encode(int(digits)) else 0
