# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a ledger's file and its log are still those that were opened, and no smaller than they were.

The file never shrinks, for nothing is ever deleted from it (but when somebody has SQLite `VACUUM` it): one that is
smaller was written over by an older one. The log shrinks when somebody has SQLite move all of it into the file, and
then SQLite says so in the index beside it, `-shm`.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from .records import LedgerError

_HEADER = struct.Struct("=16xI")  # in the index: where it says how many frames are in the log
_PAGE_SIZE = struct.Struct("=14xH")
_LOG_HEAD = 32
_FRAME_HEAD = 24

_kept_open: list[int] = []
"""Descriptors of indexes. To close one would let go of the locks that SQLite has on it, in the whole process."""


class InPlace:
    """What was seen of a ledger's file, and of its log, when they were last looked at."""

    def __init__(self, ledger: Path, log: Path) -> None:
        """Look at the file at `ledger`, which is about to be opened."""
        self._ledger = str(ledger)
        self._log = str(log)
        self._index = ledger.with_name(f"{ledger.name}-shm")
        found = _status(self._ledger)
        self._identity = _identity(found)
        self._log_identity: tuple[int, int] | None = None
        self._log_size = 0
        self.size = found.st_size if found is not None else 0
        """Bytes of the file."""

    def begin(self) -> None:
        """Look at the log, which is there from now on."""
        found = _status(self._log)
        self._log_identity = _identity(found)
        self._log_size = found.st_size if found is not None else 0

    def require(self) -> None:
        """Refuse where the file, or its log, was removed, replaced or written over. To be asked within a write."""
        found = _status(self._ledger)
        if found is None or _identity(found) != self._identity or found.st_size < self.size:
            raise LedgerError(
                f"The ledger {self._ledger} was removed or replaced while it was open, so nothing was recorded; put it "
                "back, and run again."
            )
        self.size = found.st_size
        if self._log_identity is None:
            return
        found = _status(self._log)
        if found is None or _identity(found) != self._log_identity or not self._is_whole(found.st_size):
            raise LedgerError(
                f"The log {self._log} was removed, replaced or cut short while the ledger was open, so nothing was "
                "recorded; end every process that uses the ledger, and run again."
            )

    def note(self) -> None:
        """Look at the sizes after a commit."""
        if (found := _status(self._log)) is not None:
            self._log_size = found.st_size

    def is_same(self) -> bool:
        """Whether both are still those that were opened."""
        return (_identity(_status(self._ledger)), _identity(_status(self._log))) == (self._identity, self._log_identity)

    def _is_whole(self, size: int) -> bool:
        if size >= self._log_size:
            return True
        try:
            if not _kept_open or not os.path.samestat(os.fstat(_kept_open[-1]), self._index.stat()):
                _kept_open.append(os.open(self._index, os.O_RDONLY | os.O_CLOEXEC))
            header = os.pread(_kept_open[-1], _HEADER.size, 0)
            (frames,) = _HEADER.unpack(header)
            (page_size,) = _PAGE_SIZE.unpack(header[: _PAGE_SIZE.size])
        except (OSError, struct.error):
            return False
        # 65,536 does not fit in, and is written as 1.
        frame = _FRAME_HEAD + (65536 if page_size == 1 else page_size)
        return size >= (_LOG_HEAD + frames * frame if frames else 0)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  # three times in each transaction, and a Path takes three times as long
    except OSError:
        return None


def _identity(status: os.stat_result | None) -> tuple[int, int] | None:
    return None if status is None else (status.st_dev, status.st_ino)
