# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An unpacked tree: a folder that is the root of a device's file system."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..private_files import sync
from .image import READ_AT_MOST, Change, Entry, Image, ImageError, Kind, tail
from .tools import run, said

_KINDS = {stat.S_IFREG: Kind.REGULAR, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}


class Tree(Image):
    """A folder."""

    format = "tree"
    stays = False

    def _read_entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        found = {}
        for path in paths:
            # A parent that is a link could lead out of the tree; the walk follows it itself, from the root.
            if any((self.path / parent.lstrip("/")).is_symlink() for parent in _parents(path)):
                continue
            place = self.path / path.lstrip("/")
            try:
                info = place.lstat()
                kind = _KINDS.get(stat.S_IFMT(info.st_mode), Kind.SPECIAL)
                data = _head(place) if kind is Kind.REGULAR else b""
                target = str(place.readlink()) if kind is Kind.LINK else ""
            except (FileNotFoundError, NotADirectoryError):
                continue
            except PermissionError:
                raise ImageError(f"The file {place} may not be read; become its owner or root.") from None
            mode = stat.S_IMODE(info.st_mode)
            found[path] = Entry(kind, mode, info.st_uid, info.st_gid, int(info.st_mtime), data, target)
        return found

    def write(self, target: Path, change: Change, work: Path) -> None:
        self._copy(target)
        put(target, change)

    def check(self) -> None:
        """A folder has no structure of its own that could be damaged."""

    def _copy(self, target: Path) -> None:
        # Where a link leads: cp -a would copy the link, and the file would be put into the base through it.
        done = run("cp", "-a", "--reflink=auto", "--", self.path.resolve(), target)
        if done.returncode:
            raise ImageError(
                f"The tree {self.path.name} could not be copied ({tail(said(done))}); free space, or run as root or "
                "under fakeroot where it has device nodes or files of others."
            )
        # As somebody else than root, cp -a says nothing where it could not keep an owner.
        for folder, folders, files in os.walk(self.path):
            for name in (*folders, *files):
                place = Path(folder, name)
                old, new = place.lstat(), (target / place.relative_to(self.path)).lstat()
                if (old.st_mode, old.st_uid, old.st_gid) != (new.st_mode, new.st_uid, new.st_gid):
                    raise ImageError(
                        f"The owner of {place} cannot be kept in a copy of the tree; run as root or under fakeroot."
                    )


def put(root: Path, change: Change) -> None:
    """Put the file of `change` into the tree at `root`: at every instant the old one or the new one is there."""
    place = root / change.path.lstrip("/")
    folder = place.parent.stat()
    temporary = place.with_name(f".{place.name}.ioto-new")
    entry = change.entry
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            file.write(change.data)
            file.flush()
            os.fsync(file.fileno())
        if change.replaces:
            for name in os.listxattr(place):
                os.setxattr(temporary, name, os.getxattr(place, name))
        temporary.chmod(entry.mode)
        if (entry.uid, entry.gid) != (temporary.stat().st_uid, temporary.stat().st_gid):
            os.chown(temporary, entry.uid, entry.gid)
        os.utime(temporary, (entry.mtime, entry.mtime))
        temporary.replace(place)
        os.utime(place.parent, ns=(folder.st_atime_ns, folder.st_mtime_ns))
        sync(place.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ImageError(
            f"The file {place} could not be written ({error.strerror}); free space, or become its owner or root."
        ) from None


def _parents(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _head(place: Path) -> bytes:
    with place.open("rb") as file:
        return file.read(READ_AT_MOST)
