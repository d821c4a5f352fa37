# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell a format by its magic bytes, never by a name, and open the image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..private_files import open_regular
from . import uimage
from .compression import Compression, compression_of, unpack
from .disk import Disk
from .ext import Ext
from .fat import Fat
from .image import Image, ImageError
from .paths import find_config_dir, has_directory
from .squashfs import SquashFs
from .tar import Overlay, Tar
from .tree import Tree
from .uimage import UImage

FORMATS = ("tree", "tar", "overlay", "ext", "fat", "squashfs", "disk", "uimage")

_HEAD = 4096 + 8
_FILE_SYSTEMS: dict[str, Callable[[Path, Path], Image]] = {
    "tar": Tar,
    "ext": Ext,
    "fat": Fat,
    "squashfs": SquashFs,
}


def open_image(
    path: Path, scratch: Path, *, format: str | None = None, config_dir: str | None = None, partition: int | None = None
) -> Image:
    """Open the image at `path`; `format` (one of `FORMATS`) says what it has to be, `overlay` how a tar is meant.

    `config_dir` and `partition` choose the partition of a disk. Raises `ImageError`.
    """
    image = _open(path, scratch, format=format, config_dir=config_dir, partition=partition)
    image.check_replayed()
    return image


def _open(path: Path, scratch: Path, *, format: str | None, config_dir: str | None, partition: int | None) -> Image:
    found = detect(path, scratch)
    if format not in {None, found} and (format, found) != ("overlay", "tar"):
        raise ImageError(f"The image {path.name} is of format {found}, not {format}; leave format out, or correct it.")
    if found == "tree":
        return Tree(path, scratch)
    if format == "overlay":
        return Overlay(path, scratch)
    if found == "uimage":
        return UImage(path, scratch, inner=_open_file_system)
    if found == "disk":
        return Disk(
            path,
            scratch,
            inner=_open_file_system,
            has_config=lambda image: has_directory(image, config_dir) if config_dir else bool(find_config_dir(image)),
            partition=partition,
        )
    return _FILE_SYSTEMS[found](path, scratch)


def detect(path: Path, scratch: Path) -> str:
    """Return which of `FORMATS` stands at `path`. Raises `ImageError` for anything else."""
    if path.is_dir():
        return "tree"
    try:
        head = _head(path)
    except OSError as error:
        raise ImageError(f"The image {path} cannot be read ({error.strerror}); correct the path or its mode.") from None
    if (compression := compression_of(head)) is not Compression.NONE:
        inside = scratch / "detected"
        unpack(path, inside, compression)
        head = _head(inside)
        inside.unlink()
        if _is_tar(head) or not any(head):  # zeros are an archive of nothing
            return "tar"
        raise ImageError(f"The image {path.name} is compressed ({compression}) and holds no tar; unpack it first.")
    if head.startswith(b"\xd0\x0d\xfe\xed"):
        raise ImageError(
            f"The image {path.name} is a flattened image tree of U-Boot (FIT); serialize the file system that it is "
            "made from, then run mkimage."
        )
    if (found := _file_system(head)) is not None:
        return found
    if head.startswith(uimage.MAGIC):
        return "uimage"
    if head[510:512] == b"\x55\xaa" or head[512:520] == b"EFI PART" or head[4096:4104] == b"EFI PART":
        return "disk"
    raise ImageError(
        f"The format of {path.name} is unknown; give a folder, tar (plain, gz, xz, zst), ext2/3/4, FAT, SquashFS, a "
        "disk with MBR or GPT, or a legacy image of U-Boot."
    )


def _open_file_system(path: Path, scratch: Path) -> Image | None:
    """Open what was carved out of a container, or return None where it is nothing that we know."""
    head = _head(path)
    if compression_of(head) is not Compression.NONE:
        return Tar(path, scratch) if detect(path, scratch) == "tar" else None
    found = _file_system(head)
    return _FILE_SYSTEMS[found](path, scratch) if found else None


def _file_system(head: bytes) -> str | None:
    if _is_tar(head):
        return "tar"
    if head.startswith(b"hsqs"):
        return "squashfs"
    if head[0x438:0x43A] == b"\x53\xef":
        return "ext"
    if head[510:512] == b"\x55\xaa" and (head[54:59] in {b"FAT12", b"FAT16"} or head[82:87] == b"FAT32"):
        return "fat"
    return None


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _head(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(_HEAD)
