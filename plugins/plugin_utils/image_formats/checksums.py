# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksum files beside an image, in the format of coreutils' `sha256sum`: `HEX  NAME`, a line an image."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..private_files import write_private

LIST = "SHA256SUMS"

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


def renew_lists(results: Iterable[Mapping[str, Any]]) -> Sequence[Path]:
    """Write the list of each folder that has images of `results` (those of `firmware_image`); return the lists."""
    folders: dict[Path, dict[str, str]] = defaultdict(dict)
    for result in results:
        if result.get("sha256"):
            image = Path(result["path"])
            folders[image.parent][image.name] = result["sha256"]
    for folder, checksums in folders.items():
        renew_list(folder, checksums)
    return [folder / LIST for folder in sorted(folders)]


def renew_list(folder: Path, checksums: Mapping[str, str]) -> bool:
    """Have `SHA256SUMS` in `folder` say `checksums` (by file name); say whether it had to be changed.

    Lines of other files that are still there stay; those of files that are gone go.
    """
    place = folder / LIST
    old = place.read_text(encoding="utf-8") if place.exists() else ""
    known = {}
    for line in old.splitlines():
        value, _unused, name = line.partition("  ")
        if name and (folder / name).is_file():
            known[name] = value
    known.update(checksums)
    new = "".join(f"{value}  {name}\n" for name, value in sorted(known.items()))
    if new == old:
        return False
    _replace(place, new)
    return True


def _replace(place: Path, text: str) -> None:
    if place.exists() and place.read_text(encoding="utf-8", errors="replace") == text:
        return
    write_private(place, text.encode())
