# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole disk with a partition table, MBR or GPT: the file system in one partition is what changes."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .copies import carve, clone, paste
from .image import Change, Entry, Image, ImageError
from .tools import run, said
from .workspace import subfolder

_SECTOR = 512
_LARGE_SECTOR = 4096
_GPT_HEADER = struct.Struct("<8s64xQII")
_GPT_ENTRY = struct.Struct("<32xQQ")
_MOST_ENTRIES = 1024
_NUMBER = re.compile(r"\d+$")


class Disk(Image):
    """The image of a disk; `inner` opens the file system that was carved out of one partition."""

    format = "disk"

    def __init__(
        self,
        path: Path,
        scratch: Path,
        *,
        inner: Callable[[Path, Path], Image | None],
        has_config: Callable[[Image], bool],
        partition: int | None,
    ) -> None:
        super().__init__(path, scratch)
        self._open = inner
        self.number, self._offset, self._length, self._inner = self._choose(has_config, partition)

    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        return self._inner.look(paths)

    def write(self, target: Path, change: Change, work: Path) -> None:
        changed = work / "partition-changed"
        self._inner.write(changed, change, subfolder(work, "partition"))
        if changed.stat().st_size > self._length:
            raise self.full(f"its partition has {self._length} bytes")
        clone(self.path, target)
        paste(changed, target, self._offset, self._length)
        changed.unlink()

    def check(self) -> None:
        self._inner.check()

    def check_replayed(self) -> None:
        self._inner.check_replayed()

    def _choose(self, has_config: Callable[[Image], bool], number: int | None) -> tuple[int, int, int, Image]:
        fitting: list[tuple[int, int, int, Image]] = []
        table = self._partitions()
        if number is not None and number not in table:
            raise ImageError(f"The disk {self.path.name} has no partition {number}; it has {_numbers(list(table))}.")
        for index, (offset, length) in table.items():
            if number not in {None, index}:
                continue
            folder = self.scratch / f"partition-{index}"
            folder.mkdir()
            carved = folder / f"{self.path.name}, partition {index}"
            carve(self.path, offset, length, carved)
            inner = self._open(carved, folder)
            if inner is None:
                carved.unlink()
            elif number is not None or has_config(inner):
                fitting.append((index, offset, length, inner))
        if len(fitting) > 1:
            raise ImageError(
                f"The partitions {_numbers([fit[0] for fit in fitting])} of {self.path.name} have the directory; say "
                "which one to use (partition)."
            )
        if not fitting:
            where = f"Partition {number}" if number is not None else "No partition"
            raise ImageError(
                f"{where} of {self.path.name} has a file system that we know with the agent's configuration directory; "
                "give config_dir, or partition."
            )
        return fitting[0]

    def _partitions(self) -> dict[int, tuple[int, int]]:
        """Offset and length, in bytes, of each partition by its number."""
        found = self._large_sectors() or self._with_sfdisk()
        end = self.path.stat().st_size
        for number, (offset, length) in found.items():
            if length <= 0:
                raise self.damaged(f"partition {number} ends before it begins")
            if offset + length > end:
                raise self.damaged(f"partition {number} ends behind the end of the disk")
        if not found:
            raise self.damaged("it has no partitions")
        return found

    def _with_sfdisk(self) -> dict[int, tuple[int, int]]:
        done = run("sfdisk", "--json", self.path, cwd=self.scratch, image=self.path)
        if done.returncode:
            raise self.damaged(said(done))
        table = json.loads(done.stdout)["partitiontable"]
        sector = table.get("sectorsize", _SECTOR)
        found = {}
        for partition in table.get("partitions", []):
            number = int(_NUMBER.findall(str(partition["node"]))[-1])
            found[number] = partition["start"] * sector, partition["size"] * sector
        return found

    def _large_sectors(self) -> dict[int, tuple[int, int]]:
        """The partitions of a GPT for sectors of 4096 bytes, where there is one; sfdisk takes a file for 512."""
        with self.path.open("rb") as file:
            file.seek(_LARGE_SECTOR)
            header = file.read(_GPT_HEADER.size)
            if not header.startswith(b"EFI PART"):
                return {}
            _unused, first, count, size = _GPT_HEADER.unpack(header)
            file.seek(first * _LARGE_SECTOR)
            entries = [file.read(size) for _unused in range(min(count, _MOST_ENTRIES))]
        found = {}
        for number, entry in enumerate(entries, 1):
            if len(entry) >= _GPT_ENTRY.size and any(entry[:16]):
                start, end = _GPT_ENTRY.unpack_from(entry)
                found[number] = start * _LARGE_SECTOR, (end + 1 - start) * _LARGE_SECTOR
        return found


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)
