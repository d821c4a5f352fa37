# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""U-Boot's legacy image (`mkimage`): a header with two checksums around one of the other formats.

The header is 64 bytes, big-endian; see include/image.h of U-Boot.
"""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .copies import carve
from .image import Change, Entry, Image, ImageError
from .workspace import subfolder

MAGIC = b"\x27\x05\x19\x56"

_HEADER = struct.Struct(">4sIIIIII4B32s")
_SINGLE = frozenset({1, 2, 3, 5, 6, 7})
"""Types with one payload behind the header: standalone, kernel, ramdisk, firmware, script, file system."""


class UImage(Image):
    """A payload with U-Boot's header."""

    format = "uimage"
    sealed = _HEADER.size

    def __init__(self, path: Path, scratch: Path, *, inner: Callable[[Path, Path], Image | None]) -> None:
        super().__init__(path, scratch)
        with path.open("rb") as file:
            self._head = file.read(_HEADER.size)
        if len(self._head) < _HEADER.size:
            raise self.damaged("it is cut off")
        self._fields = list(_HEADER.unpack(self._head))
        size, kind = self._fields[3], self._fields[9]
        if kind not in _SINGLE:
            raise ImageError(f"The U-Boot image {path.name} is of type {kind}, which has no single payload; unpack it.")
        if path.stat().st_size < _HEADER.size + size:
            raise self.damaged("it is cut off")
        self.check()
        folder = scratch / "payload"
        folder.mkdir()
        payload = folder / f"{path.name}, payload"
        carve(path, _HEADER.size, size, payload)
        opened = inner(payload, folder)
        if opened is None:
            raise ImageError(
                f"The U-Boot image {path.name} holds nothing that we know; serialize its payload's source."
            )
        self._inner = opened

    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        return self._inner.look(paths)

    def write(self, target: Path, change: Change, work: Path) -> None:
        changed = work / "payload-changed"
        self._inner.write(changed, change, subfolder(work, "payload"))
        with target.open("wb") as write, changed.open("rb") as read:
            write.write(bytes(_HEADER.size))
            shutil.copyfileobj(read, write)
        changed.unlink()
        self.seal(target)

    def seal(self, target: Path) -> None:
        fields = [*self._fields]
        fields[3], fields[6] = target.stat().st_size - _HEADER.size, _checksum(target, _HEADER.size)
        fields[1] = 0
        fields[1] = zlib.crc32(_HEADER.pack(*fields))
        with target.open("r+b") as write:
            write.write(_HEADER.pack(*fields))

    def check(self) -> None:
        fields = [*self._fields]
        fields[1] = 0
        if zlib.crc32(_HEADER.pack(*fields)) != self._fields[1]:
            raise self.damaged("the checksum of its header is wrong")
        if behind := self.path.stat().st_size - _HEADER.size - self._fields[3]:
            raise ImageError(
                f"{behind} bytes follow the payload of the U-Boot image {self.path.name}, and would be lost; cut them "
                "off, and append them again to what is made."
            )
        if _checksum(self.path, _HEADER.size) != self._fields[6]:
            raise self.damaged("the checksum of its payload is wrong")

    def check_replayed(self) -> None:
        self._inner.check_replayed()


def _checksum(path: Path, start: int) -> int:
    checksum = 0
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(1 << 16):
            checksum = zlib.crc32(block, checksum)
    return checksum
