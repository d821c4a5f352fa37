# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compressions around a tar: read one, and make it again as it was."""

from __future__ import annotations

import errno
import gzip
import lzma
import shutil
import zlib
from enum import StrEnum
from pathlib import Path

from .image import ImageError, tail
from .tools import run, said

_NO_ROOM = "No space left on device"
_GZIP_BEST, _GZIP_FAST = 2, 4  # the byte XFL of RFC 1952
_GZIP_NAME = 0x08
_XZ_CHECK = 7  # where the stream header has the type of its check
_XZ_PRESET = 6  # a dictionary of 8 MiB, what xz does by itself: not more than small devices can unpack
_ZSTD_DESCRIPTOR = 4
_ZSTD_CHECKSUM = 0x04


class Compression(StrEnum):
    """How an archive is compressed."""

    NONE = "none"
    GZ = "gz"
    XZ = "xz"
    ZST = "zst"


_MAGIC = {b"\x1f\x8b": Compression.GZ, b"\xfd7zXZ\x00": Compression.XZ, b"\x28\xb5\x2f\xfd": Compression.ZST}


def compression_of(head: bytes) -> Compression:
    """Return the compression of a file that begins with `head`."""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), Compression.NONE)


def unpack(source: Path, target: Path, kind: Compression) -> None:
    """Write what `source` holds, uncompressed, to `target`. Raises `ImageError` where it is damaged."""
    try:
        if kind is Compression.ZST:
            done = run("zstd", "-q", "-d", "-f", "-o", target, "--", source, image=source)
            if _NO_ROOM in said(done):
                raise OSError(errno.ENOSPC, _NO_ROOM)
            if done.returncode:
                raise ImageError(_damaged(source, tail(said(done))))
            return
        opener = gzip.open if kind is Compression.GZ else lzma.open
        with opener(source, "rb") as read, target.open("wb") as write:
            shutil.copyfileobj(read, write)
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise ImageError(_damaged(source, str(error).rstrip("."))) from None


def pack(source: Path, target: Path, kind: Compression, like: Path) -> None:
    """Compress `source` into `target`; what the header of `like` says (name, time, checks) stays."""
    with like.open("rb") as file:
        head = file.read(1024)
    if kind is Compression.ZST:
        check = [] if head[_ZSTD_DESCRIPTOR] & _ZSTD_CHECKSUM else ["--no-check"]
        done = run("zstd", "-q", "-f", *check, "-o", target, "--", source, image=like)
        if done.returncode:
            raise ImageError(f"The archive {like.name} could not be compressed ({tail(said(done))}); free space.")
    elif kind is Compression.GZ:
        level = {_GZIP_BEST: 9, _GZIP_FAST: 1}.get(head[8], 6)
        with source.open("rb") as read, target.open("wb") as raw:
            packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
            raw.write(_gzip_header(head))
            checksum = size = 0
            while block := read.read(1 << 16):
                checksum, size = zlib.crc32(block, checksum), size + len(block)
                raw.write(packer.compress(block))
            raw.write(packer.flush() + checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"))
    else:
        with source.open("rb") as read, lzma.open(target, "wb", check=head[_XZ_CHECK], preset=_XZ_PRESET) as write:
            shutil.copyfileobj(read, write)


def _gzip_header(head: bytes) -> bytes:
    """The first ten bytes of a gzip file and its name; nothing else that may stand there is of use."""
    end = head.find(0, 10)
    if head[3] != _GZIP_NAME or end < 0:  # behind so long a name, an end was not read
        return head[:3] + b"\0" + head[4:10]
    return head[: end + 1]


def _damaged(source: Path, complaint: str) -> str:
    return f"The archive {source.name} is damaged ({complaint}); make or fetch the base image anew."
