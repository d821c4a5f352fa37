# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the image of a unit goes, and whether the disk has room for a batch of them."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from ..display_text import quoted
from ..image_formats.copies import can_share
from ..image_formats.image import ImageError

MOST_BYTES = 240
"""Of a file name; file systems take 255, and a working folder beside it has a longer one."""
_MASTERS = 2
"""A master image and the trial of it."""
_SHARED_NEED = 1024 * 1024
"""Bytes that an image takes whose blocks are the base's, but for the few that change."""


def destination(base: Path | None, dest: str, serial: str | None) -> Path:
    """Return the path of the image: `dest`, or in the folder `dest` one that is named after the unit's serial.

    `dest` is a folder where it ends with a slash, or is one and `base` is not. Raises `ImageError`.
    """
    path = Path(dest)
    if not (dest.endswith("/") or (_is_folder(path) and (base is None or not _is_folder(base)))):
        return path
    if not serial:
        raise ImageError(f"The image in {dest} has no name without a serial; give ioto_serial, or a dest with a name.")
    name = file_name(serial) + _suffix(base)
    if len(name) > MOST_BYTES:
        raise ImageError(
            f"The serial {quoted(serial[:20])} makes a file name of {len(name)} bytes, and {MOST_BYTES} are the most; "
            "give a shorter ioto_serial, or a dest with a name."
        )
    return path / name


def file_name(serial: str) -> str:
    """Return `serial` as a file name: what is no ASCII letter, digit, dot, dash or underscore becomes %XX.

    So does a dot or a dash that it begins with: it would hide the file, or be an option to somebody's program.
    """
    characters = "".join(
        chr(byte) if byte < 0x80 and (chr(byte).isalnum() or chr(byte) in "._-") else f"%{byte:02X}"
        for byte in serial.encode()
    )
    return f"%{ord(characters[0]):02X}{characters[1:]}" if characters.startswith((".", "-")) else characters


def room(base: Path | None, images: Iterable[Path], *, at_once: int) -> tuple[int, int]:
    """Return the bytes that the `images` which are not there yet need, and those that are free for them.

    `at_once` are made at a time, and each may have its partition or uncompressed archive beside it meanwhile.
    """
    missing = [image for image in images if not image.exists()]
    if not missing or base is None:
        return 0, 0
    folder = next(parent for parent in missing[0].absolute().parents if parent.is_dir())
    each = _size(base)
    if base.is_file() and can_share(base, folder):
        each = min(each, _SHARED_NEED)
    return each * (len(missing) + _MASTERS + min(len(missing), at_once)), shutil.disk_usage(folder).free


def _size(base: Path) -> int:
    if base.is_file():
        return base.stat().st_blocks * 512
    return sum(
        Path(folder, name).lstat().st_blocks * 512 for folder, _unused, files in os.walk(base) for name in files
    ) + sum(4096 for _unused in os.walk(base))


def _suffix(base: Path | None) -> str:
    if base is None:
        return ".tar.gz"
    return "" if _is_folder(base) else "".join(base.suffixes[-2:] if ".tar" in base.suffixes else base.suffixes[-1:])


def _is_folder(path: Path) -> bool:
    """Say whether `path` is a folder. Raises `ImageError` where nobody can see it.

    `Path.is_dir` raises something then, but in Python 3.14, where it says no.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ImageError(f"{path} cannot be looked at ({error.strerror}); correct the path or its mode.") from None
