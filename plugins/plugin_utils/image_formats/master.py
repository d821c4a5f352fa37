# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A master image: the base with a place in it for the file, from which the images of a batch are copied.

Most formats store a small file as it is, in one piece, and no checksum covers it. So the programs that know the format
make one image with random letters instead of the file, and each unit's image is a copy of that one with its own
bytes there. A second master with other letters has to pass the format's own checker as well: what keeps a checksum over
the file (an inode with inline data), or compresses it, has no master, and its images are made one by one.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .copies import clone
from .image import Change, Image, ImageError
from .paths import Walk
from .workspace import subfolder

_BLOCK = 1 << 18
_LEAST = 16
"""Letters that cannot stand in an image by chance."""


@dataclass(frozen=True, slots=True)
class Master:
    """An image at `path` in which the bytes of the file begin at `place`; `image` is what it was made from."""

    path: Path
    place: int
    image: Image

    def copy_to(self, target: Path, data: bytes) -> None:
        """Make `target` the image that has `data`, of the length that was planned for, as its file."""
        clone(self.path, target)
        with target.open("r+b") as file:
            file.seek(self.place)
            file.write(data)
        self.image.seal(target)

    def compare(self, target: Path, data: bytes) -> str:
        """Return the SHA-256 of `target`; raise `ImageError` where it differs in more than `data` from the master."""
        checksum, at, block = hashlib.sha256(), 0, bytearray(_BLOCK)
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as wanted,
            target.open("rb", buffering=0) as found,
        ):
            if os.fstat(found.fileno()).st_size != len(wanted):
                raise self._differs(target)
            while length := found.readinto(block):
                del block[length:]
                checksum.update(block)
                with wanted[at : at + length] as same:
                    if block != same and block != self._expected(data, bytes(block), bytes(same), at):
                        raise self._differs(target)
                at += length
        return checksum.hexdigest()

    def _differs(self, target: Path) -> ImageError:
        return ImageError(
            f"The image {target.name} differs from its base in more than device.json5; see whether the disk and the "
            "memory of this machine are sound."
        )

    def _expected(self, data: bytes, found: bytes, wanted: bytes, at: int) -> bytes:
        """What has to stand at `at`: the master's `wanted` with what of `data` belongs there; sealed bytes as found."""
        if at == 0:
            wanted = found[: self.image.sealed] + wanted[self.image.sealed :]
        start, end = max(self.place - at, 0), min(self.place + len(data) - at, len(wanted))
        if start >= end:
            return wanted
        return wanted[:start] + data[at + start - self.place : at + end - self.place] + wanted[end:]


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
    trial, other = folder / "trial", _letters(len(change.data))
    master.copy_to(trial, other)
    try:
        made = open_like(trial, subfolder(folder, "look"))
        _unused, read = Walk(made).end(change.path)
        made.check()
        fits = read is not None and read.data == other
    except ImageError:
        fits = False
    trial.unlink()
    return master if fits else None


def _letters(length: int) -> bytes:
    return "".join(secrets.choice(string.ascii_letters) for _unused in range(length)).encode()


def _only_place(path: Path, letters: bytes) -> int | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place = data.find(letters)
        return place if place >= 0 and data.find(letters, place + 1) < 0 else None
