# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of image offers: look at files, and make a copy in which one small file is another one."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from ..display_text import printable
from ..errors import IotoError
from ..json5.reader import MAX_BYTES

DEFAULT_MODE = 0o600
READ_AT_MOST = MAX_BYTES + 1
"""Bytes of a file that `look` reads: one more than a configuration may have, so that a larger one is seen."""


class ImageError(IotoError):
    """An image that cannot be used or made; nothing of it is left behind."""


class Kind(StrEnum):
    """What stands at a path of an image."""

    REGULAR = "regular"
    DIRECTORY = "directory"
    LINK = "link"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Entry:
    """A path of an image, not followed. `mtime` is in seconds; `data` is there for a file, `target` for a link."""

    kind: Kind
    mode: int = DEFAULT_MODE
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    data: bytes = b""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """The file to put: `path` from the image's root, its bytes, and its metadata (`replaces` where one is there).

    A new file gets owner and timestamp of its directory, so that the same base and ID give the same image.
    """

    path: str
    data: bytes
    entry: Entry
    replaces: bool

    def is_read_as(self, read: Entry | None) -> bool:
        """Say whether `read`, which stands at `path` in the new image, is the file that was put there."""
        wanted = (self.data, self.entry.mode, self.entry.uid, self.entry.gid)
        return read is not None and (read.data, read.mode, read.uid, read.gid) == wanted


class Image(ABC):
    """An image, a tree or an archive at `path`; `scratch` is an empty folder of its own for what lies in between."""

    format: ClassVar[str]
    needs_directory: ClassVar[bool] = True
    """Whether a file can only be put where its directory is."""
    stays: ClassVar[bool] = True
    """Whether nobody changes it while it is open: an image is made and given its name, never edited."""
    sealed: ClassVar[int] = 0
    """Bytes at its beginning that say something about all the others, such as a checksum; see `seal`."""

    def __init__(self, path: Path, scratch: Path) -> None:
        self.path = path
        self.scratch = scratch
        self._seen: dict[str, Entry | None] = {}
        self._turn = threading.Lock()

    def look(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        """Return what stands at those of the absolute `paths` where something is; links are not followed.

        What was seen once is remembered, so that many threads may look at one base.
        """
        with self._turn:
            if not self.stays:
                self._seen.clear()
            if unseen := [path for path in dict.fromkeys(paths) if path not in self._seen]:
                found = self._read_entries(unseen)
                self._seen.update({path: found.get(path) for path in unseen})
            seen = {path: self._seen[path] for path in paths}
        return {path: entry for path, entry in seen.items() if entry is not None}

    @abstractmethod
    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        """Do what `look` does, without a memory."""

    @abstractmethod
    def write(self, target: Path, change: Change, work: Path) -> None:
        """Make `target` a copy of this image with `change` in it; `work` is an empty folder for what lies between.

        Threads may do so at once, each with a target and a folder of its own.
        """

    def seal(self, target: Path) -> None:
        """Bring the `sealed` bytes of `target` up to date, an image of this kind whose other bytes were changed."""
        if self.sealed:
            raise NotImplementedError

    @abstractmethod
    def check(self) -> None:
        """Raise `ImageError` where the image is damaged."""

    def check_replayed(self) -> None:  # noqa: B027 - most formats have no journal
        """Raise `ImageError` where the first mount would change what is in the image, and so undo what is put there."""

    def damaged(self, said: str) -> ImageError:
        """Return the error for an image whose own checker found `said`."""
        return ImageError(
            f"The {self.format} image {self.path.name} is damaged ({tail(said)}); make or fetch the base image anew."
        )

    def full(self, said: str = "") -> ImageError:
        """Return the error for an image in which there is no room."""
        reason = f" ({tail(said)})" if said else ""
        return ImageError(f"The image {self.path.name} has no room for device.json5{reason}; make it larger.")


def tail(said: str) -> str:
    """Return the last line that a program said, fit for a sentence."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return printable(lines[-1][-200:]).rstrip(".") if lines else "it said nothing"
