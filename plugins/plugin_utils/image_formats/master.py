# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A master image: the base with a place in it for the file, from which the images of a batch are copied.

Most formats store a small file as it is, in one piece, and no checksum covers it. So the programs that know the format
make one image with random letters instead of the file, and each unit's image is a copy of that one with its own
bytes there. A trial, a copy with other letters, has to pass the format's own checker as well, and its programs have to
read those letters out of it: what keeps a checksum over the file (an inode with inline data), or compresses it, has no
master, and its images are made one by one. What the programs would read out of an image follows from its bytes, and
those are the trial's but for the letters. So each image is compared with the master, byte by byte, and they are not
asked again.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .copies import clone
from .image import Change, Entry, Image, ImageError
from .paths import Walk
from .workspace import subfolder

_BLOCK = 1 << 18
"""Bytes that are compared at a time: what a processor keeps at hand, of the image and of its master."""
_LEAST = 16
"""Letters that cannot stand in an image by chance."""


class Master:
    """An image at `path` in which the bytes of the file begin at `place`; `image` is what it was made from.

    It is mapped once for all that are compared with it, until it is closed, and what stands before the file is hashed
    once for all. `trial` is the file as it was read out of the trial, once there was one.
    """

    trial: Entry | None = None

    def __init__(self, path: Path, place: int, image: Image) -> None:
        self._path = path
        self._place = place
        self._image = image
        with path.open("rb") as file:
            self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes = memoryview(self._mapped)
        self._hashed = 0 if image.sealed else place
        self._start = hashlib.sha256(self._bytes[: self._hashed])

    def close(self) -> None:
        """Let go of the file, so that its folder can be removed from any file system; nobody may use it any more."""
        self._bytes.release()
        self._mapped.close()

    def copy_to(self, target: Path, data: bytes) -> None:
        """Make `target` the image that has `data`, of the length that was planned for, as its file."""
        clone(self._path, target)
        with target.open("r+b") as file:
            file.seek(self._place)
            file.write(data)
        self._image.seal(target)

    def compare(self, target: Path, data: bytes) -> str:
        """Return the SHA-256 of `target`; raise `ImageError` where it differs in more than `data` from the master."""
        checksum, at, block = self._start.copy(), 0, bytearray(_BLOCK)
        with target.open("rb", buffering=0) as found:
            if os.fstat(found.fileno()).st_size != len(self._bytes):
                raise self._differs(target)
            while length := found.readinto(block):
                del block[length:]
                if block != self._bytes[at : at + length] and block != self._expected(data, block, at):
                    raise self._differs(target)
                if at + length > self._hashed:  # what stands before is the master's, byte by byte
                    with memoryview(block) as new:
                        checksum.update(new[max(self._hashed - at, 0) :])
                at += length
        if at != len(self._bytes):  # cut off meanwhile
            raise self._differs(target)
        return checksum.hexdigest()

    def read(self, data: bytes) -> Entry | None:
        """Return the file of an image that `compare` found to have `data`.

        None where the image has bytes that were not compared, since they seal the others: it has to be looked at.
        """
        return None if self._image.sealed or self.trial is None else replace(self.trial, data=data)

    def _differs(self, target: Path) -> ImageError:
        return ImageError(
            f"The image {target.name} differs from its base in more than device.json5; see whether the disk and the "
            "memory of this machine are sound."
        )

    def _expected(self, data: bytes, found: bytearray, at: int) -> bytearray:
        """What has to stand at `at`, where `found` does: the master's, with what of `data` belongs there.

        Sealed bytes are what was found.
        """
        wanted = bytearray(self._bytes[at : at + len(found)])
        if at == 0:
            wanted[: self._image.sealed] = found[: self._image.sealed]
        start, end = max(self._place - at, 0), min(self._place + len(data) - at, len(wanted))
        if start < end:
            wanted[start:end] = data[at + start - self._place : at + end - self._place]
        return wanted


def make_master(image: Image, change: Change, folder: Path, open_like: Callable[[Path, Path], Image]) -> Master | None:
    """Make the master for changes like `change`, in `folder`; None where the format cannot have one.

    `open_like` opens an image as `image` was opened, with an empty folder for what lies between.
    """
    if not image.stays or len(change.data) < _LEAST:
        return None
    letters = _letters(len(change.data))
    path = folder / "master"
    image.write(path, replace(change, data=letters), subfolder(folder, "writing"))
    place = _only_place(path, letters)
    if place is None:
        path.unlink()
        return None
    master = Master(path, place, image)
    trial, other = folder / "trial", replace(change, data=_letters(len(change.data)))
    master.copy_to(trial, other.data)
    try:
        made = open_like(trial, subfolder(folder, "look"))
        _unused, read = Walk(made).end(change.path)
        made.check()
    except ImageError:
        read = None
    trial.unlink()
    if other.is_read_as(read):
        master.trial = read
        return master
    master.close()
    return None


def _letters(length: int) -> bytes:
    return "".join(secrets.choice(string.ascii_letters) for _unused in range(length)).encode()


def _only_place(path: Path, letters: bytes) -> int | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place = data.find(letters)
        return place if place >= 0 and data.find(letters, place + 1) < 0 else None
