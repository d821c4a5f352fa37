# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tar archives, plain or compressed: every header and byte of the other members is copied as it is."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .compression import Compression, compression_of, pack, unpack
from .copies import copy_range
from .image import READ_AT_MOST, Change, Entry, Image, ImageError, Kind

_BLOCK = tarfile.BLOCKSIZE
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)
_SIZE_LETTERS = 11


class Tar(Image):
    """An archive of a root file system."""

    format = "tar"

    def __init__(self, path: Path, scratch: Path) -> None:
        super().__init__(path, scratch)
        with path.open("rb") as file:
            self._compression = compression_of(file.read(8))
        self._plain = path
        if self._compression is not Compression.NONE:
            self._plain = scratch / "unpacked"
            unpack(path, self._plain, self._compression)
        self._members: dict[str, tarfile.TarInfo] = {}
        self._prefix = ""
        self._has_more = False
        self._read()

    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        found = {}
        with self._plain.open("rb") as file:
            for path in paths:
                if path in self._members:
                    member = self._members[path]
                    file.seek(member.offset_data)
                    data = file.read(min(member.size, READ_AT_MOST)) if member.isreg() else b""
                    found[path] = _entry(member, data)
                elif any(name.startswith(path + "/") for name in self._members):
                    found[path] = Entry(Kind.DIRECTORY, 0o755)
        return found

    def write(self, target: Path, change: Change, work: Path) -> None:
        plain = target if self._compression is Compression.NONE else work / "changed"
        old = self._members.get(change.path)
        header = self._new_header(change) if old is None else self._changed_header(old, len(change.data))
        start = self._end if old is None else old.offset
        after = self._end if old is None else old.offset_data + _rounded(old.size)
        size = self._plain.stat().st_size
        with self._plain.open("rb") as read, plain.open("wb") as write:
            copy_range(read, write, 0, start)
            write.write(header + change.data.ljust(_rounded(len(change.data)), b"\0"))
            copy_range(read, write, after, self._end)
            if size % tarfile.RECORDSIZE or self._has_more:
                copy_range(read, write, self._end, size)
            else:
                write.write(bytes(2 * _BLOCK))
                write.write(bytes(-write.tell() % tarfile.RECORDSIZE))
        if plain is not target:
            pack(plain, target, self._compression, self.path)
            plain.unlink()

    def check(self) -> None:
        """To read it was to check it: each header has a checksum."""

    def _read(self) -> None:
        self._end = 0
        try:
            with tarfile.open(self._plain, "r:", ignore_zeros=False) as archive:
                for member in archive:
                    if archive.offset <= member.offset:  # it would be read for ever
                        raise self.damaged("a size in it is negative")
                    # Of two members with one name, the later one is what unpacking leaves.
                    self._members[_absolute(member.name)] = member
                    self._prefix = "./" if member.name.startswith("./") or member.name == "." else ""
                self._end = archive.offset  # a sparse member's size says nothing of its place
        except tarfile.ReadError as error:
            if self._plain.stat().st_size and self._plain.read_bytes().count(0) == self._plain.stat().st_size:
                return  # an archive of nothing
            raise self.damaged(str(error)) from None
        except (tarfile.TarError, ValueError) as error:  # numbers in extended headers are taken as they are
            raise self.damaged(str(error)) from None
        self._look_behind()

    def _look_behind(self) -> None:
        """See what follows the last member: blocks of zeros, and what somebody appended to them."""
        with self._plain.open("rb") as file:
            file.seek(self._end)
            if any(file.read(_BLOCK)):  # Python's reader takes that for the end
                raise self.damaged(f"the header at byte {self._end} is not one of an archive")
            while not self._has_more and (block := file.read(1 << 16)):
                self._has_more = block.count(0) != len(block)

    def _changed_header(self, member: tarfile.TarInfo, size: int) -> bytes:
        if not member.isreg() or member.issparse() or "size" in member.pax_headers:
            raise ImageError(
                f"The file {member.name} in {self.path.name} is a hard link, sparse or of a size in a header of its "
                "own; pack it as a plain file."
            )
        with self._plain.open("rb") as file:
            file.seek(member.offset)
            header = bytearray(file.read(member.offset_data - member.offset))
        block = header[-_BLOCK:]
        block[_SIZE] = f"{size:0{_SIZE_LETTERS}o}\0".encode()
        block[_CHECKSUM] = b" " * 8
        block[_CHECKSUM] = f"{sum(block):06o}\0 ".encode()
        header[-_BLOCK:] = block
        return bytes(header)

    def _new_header(self, change: Change) -> bytes:
        member = tarfile.TarInfo(self._prefix + change.path.lstrip("/"))
        member.size, member.mode = len(change.data), change.entry.mode
        member.uid, member.gid, member.mtime = change.entry.uid, change.entry.gid, change.entry.mtime
        return member.tobuf(tarfile.GNU_FORMAT)


class Overlay(Tar):
    """An archive that is unpacked over a root file system, as OpenWrt's `sysupgrade -r` does: it holds what differs."""

    format = "overlay"
    needs_directory = False


def empty_archive(target: Path) -> None:
    """Write a gzip-compressed archive of nothing: what an overlay without a base is made from."""
    with tarfile.open(target, "w:gz"):
        pass


def _entry(member: tarfile.TarInfo, data: bytes) -> Entry:
    kind = (
        Kind.REGULAR
        if member.isreg()
        else Kind.DIRECTORY
        if member.isdir()
        else Kind.LINK
        if member.issym()
        else Kind.SPECIAL
    )
    return Entry(kind, member.mode, member.uid, member.gid, int(member.mtime), data, member.linkname)


def _absolute(name: str) -> str:
    return "/" + "/".join(part for part in name.split("/") if part not in {"", "."})


def _rounded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
