# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of whole images: reflinks where the file system can, holes stay holes."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from .image import ImageError, tail
from .tools import run, said

_BLOCK = 64 * 1024


def clone(source: Path, target: Path) -> None:
    """Make `target` a copy of the file `source`, which shares its blocks where the file system can."""
    done = run("cp", "--reflink=auto", "--sparse=auto", "--", source, target)
    if done.returncode:
        raise ImageError(f"The image {source.name} could not be copied ({tail(said(done))}); free space or correct it.")


def can_share(source: Path, folder: Path) -> bool:
    """Say whether copies of `source` in `folder` share their blocks with it."""
    probe = folder / ".ioto-reflink-probe"
    try:
        return run("cp", "--reflink=always", "--", source, probe).returncode == 0
    finally:
        probe.unlink(missing_ok=True)


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
