# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of whole images: reflinks where the file system can, holes stay holes."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

_BLOCK = 64 * 1024
_FICLONE = 0x40049409  # of linux/fs.h
_CANNOT_SHARE = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS})


def clone(source: Path, target: Path) -> None:
    """Make the new file `target` a copy of the file `source`, sharing its blocks where the file system can.

    It is its owner's alone (0600) from the beginning: a mode that changes later has to get onto the disk later, too.
    """
    made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(made, "wb") as write, source.open("rb") as read:
        if not _share(read, write):
            _copy_data(read.fileno(), write.fileno())


def can_share(source: Path, folder: Path) -> bool:
    """Say whether copies of `source` in `folder` share their blocks with it."""
    with source.open("rb") as read, tempfile.TemporaryFile(dir=folder) as write:
        return _share(read, write)


def _share(read: IO[bytes], write: IO[bytes]) -> bool:
    try:
        fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
    except OSError as error:
        if error.errno in _CANNOT_SHARE:
            return False
        raise
    return True


def _copy_data(read: int, write: int) -> None:
    """Copy what is no hole of the file `read` into the empty file `write`."""
    size = os.fstat(read).st_size
    os.ftruncate(write, size)
    end = 0
    while end < size:
        try:
            start = os.lseek(read, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        end = os.lseek(read, start, os.SEEK_HOLE)
        while start < end:
            copied = _copy_some(read, write, start, end - start)
            if not copied:
                raise OSError(errno.EIO, "it was cut off meanwhile")
            start += copied


def _copy_some(read: int, write: int, start: int, length: int) -> int:
    try:
        return os.copy_file_range(read, write, length, start, start)
    except OSError as error:
        if error.errno not in _CANNOT_SHARE:
            raise
    return os.pwrite(write, os.pread(read, min(length, _BLOCK), start), start)


def carve(source: Path, offset: int, length: int, target: Path) -> None:
    """Copy `length` bytes at `offset` of `source` into the new file `target`; zeros become holes."""
    with source.open("rb") as read, target.open("wb") as write:
        read.seek(offset)
        left = length
        while block := read.read(min(_BLOCK, left)):
            left -= len(block)
            if block.count(0) == len(block):
                write.seek(len(block), 1)
            else:
                write.write(block)
        write.truncate(length - left)


def paste(source: Path, target: Path, offset: int, length: int) -> None:
    """Put `source` and zeros, `length` bytes in all, at `offset` of `target`; what is the same is not written."""
    with source.open("rb") as read, target.open("r+b") as write:
        for place in range(0, length, _BLOCK):
            size = min(_BLOCK, length - place)
            new = read.read(size).ljust(size, b"\0")
            write.seek(offset + place)
            if write.read(size) != new:
                write.seek(offset + place)
                write.write(new)


def copy_range(read: BinaryIO, write: BinaryIO, start: int, end: int) -> None:
    """Append the bytes from `start` to `end` of `read` to `write`."""
    read.seek(start)
    left = end - start
    while left and (block := read.read(min(_BLOCK, left))):
        left -= len(block)
        write.write(block)
