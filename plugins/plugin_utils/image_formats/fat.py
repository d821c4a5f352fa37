# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FAT12, FAT16 and FAT32 through mtools. FAT knows no owners, no modes and no links."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .copies import clone
from .image import READ_AT_MOST, Change, Entry, Image, ImageError, Kind, tail
from .tools import run, said

_ATTRIBUTES = re.compile(r"^ *([A-Z ]*?) +::", re.MULTILINE)


class Fat(Image):
    """A file system of DOS, as boot partitions have it."""

    format = "fat"

    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        found = {}
        for number, path in enumerate(paths):
            attributes = self._attributes(path)
            if attributes is None:
                continue
            if self._attributes(f"{path}/.") is not None:
                found[path] = Entry(Kind.DIRECTORY)
                continue
            copied = self.scratch / f"copy-{number}"
            done = run(
                "mcopy", "-m", "-n", "-i", self.path, f"::{path}", copied.name, cwd=self.scratch, image=self.path
            )
            if done.returncode:
                raise self.damaged(said(done))
            data = copied.read_bytes()[:READ_AT_MOST]
            found[path] = Entry(Kind.REGULAR, mtime=int(copied.stat().st_mtime), data=data)
            copied.unlink()
        return found

    def write(self, target: Path, change: Change, work: Path) -> None:
        clone(self.path, target)
        new = work / "new"
        new.write_bytes(change.data)
        if change.entry.mtime:
            os.utime(new, (change.entry.mtime, change.entry.mtime))
        old = self._attributes(change.path) if change.replaces else None
        done = run("mcopy", "-m", "-o", "-i", target, new.name, f"::{change.path}", cwd=work, image=target)
        if done.returncode:
            complaint = said(done)
            if "full" in complaint.lower() or "no space" in complaint.lower():
                raise self.full(complaint)
            raise ImageError(
                f"The file {change.path} could not be put into {self.path.name} ({tail(complaint)}); see whether "
                "the image is whole."
            )
        if old is not None:
            flags = [f"{'+' if letter in old else '-'}{letter.lower()}" for letter in "ARHS"]
            run("mattrib", *flags, "-i", target, f"::{change.path}", cwd=work, image=target)

    def check(self) -> None:
        done = run("fsck.fat", "-n", self.path, cwd=self.scratch, image=self.path)
        if done.returncode:
            lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines()[1:] if line.strip()]
            raise self.damaged(lines[0] if lines else said(done))

    def _attributes(self, path: str) -> str | None:
        """The letters of a file's attributes, or None where there is no such file or directory."""
        done = run("mattrib", "-i", self.path, f"::{path}", cwd=self.scratch, image=self.path)
        if done.returncode or not done.stdout.strip():
            return None
        match = _ATTRIBUTES.search(done.stdout.decode("utf-8", "replace"))
        return match[1] if match else ""
