# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksum files beside an image, in the format of coreutils' `sha256sum`: `HEX  NAME`, a line an image."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import IotoError
from ..private_files import alone_in, write_private

LIST = "SHA256SUMS"

_LINE = re.compile(rb"\S+ [ *](?P<name>.+)")
"""A star says that the file was read as binary, which makes no difference here."""
_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")


def digest(image: Path, algorithm: str = "sha256") -> str:
    """Return the checksum of a file in hex."""
    with image.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def renew_beside(base: Path, dest: Path, sha256: str) -> None:
    """Give `dest` the checksum files that `base` carries beside it, such as `base.img.sha256`."""
    for algorithm in _ALGORITHMS:
        for suffix in (f".{algorithm}", f".{algorithm}sum"):
            source = base.with_name(base.name + suffix)
            if not source.is_file():
                continue
            value = sha256 if algorithm == "sha256" else digest(dest, algorithm)
            with_name = len(source.read_text(encoding="utf-8", errors="replace").split()) > 1
            line = f"{value}  {dest.name}\n" if with_name else f"{value}\n"
            _replace(dest.with_name(dest.name + suffix), line)


def renew_lists(results: Iterable[Mapping[str, Any]]) -> tuple[Sequence[Path], Sequence[str]]:
    """Write the list of each folder that has images of `results` (those of `firmware_image`).

    Return the lists, and why others could not be written: their images are made, and that is what counts.
    """
    folders: dict[Path, dict[str, str]] = defaultdict(dict)
    for result in results:
        if result.get("sha256"):
            image = Path(result["path"])
            folders[image.parent][image.name] = result["sha256"]
    lists, troubles = [], []
    for folder, checksums in sorted(folders.items()):
        try:
            renew_list(folder, checksums)
        except (IotoError, OSError) as error:
            reason = str(error) if isinstance(error, IotoError) else f"{error.strerror}."
            troubles.append(f"The images are made, and their list {folder / LIST} cannot be written: {reason}")
        else:
            lists.append(folder / LIST)
    return lists, troubles


def renew_list(folder: Path, checksums: Mapping[str, str]) -> bool:
    """Have `SHA256SUMS` in `folder` say `checksums` (by file name); say whether it had to be changed.

    Lines of other files that are still there stay; those of files that are gone go. Raises `OSError`.
    """
    place = folder / LIST
    with alone_in(folder):  # another run has images there, too, and its lines are to stay
        old = place.read_bytes() if place.exists() else b""
        lines = {name: f"{value}  {name}".encode() for name, value in checksums.items()}
        for line in old.splitlines():
            match = _LINE.fullmatch(line)
            if match and (folder / (name := os.fsdecode(match["name"]))).is_file():
                lines.setdefault(name, line)
        new = b"".join(line + b"\n" for _unused, line in sorted(lines.items()))
        if new == old:
            return False
        write_private(place, new)
    return True


def _replace(place: Path, text: str) -> None:
    if place.exists() and place.read_text(encoding="utf-8", errors="replace") == text:
        return
    write_private(place, text.encode())
