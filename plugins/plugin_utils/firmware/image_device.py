# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A firmware image as a device of the transaction: it is looked at, and a new one is made with the file in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..device.device import (
    ALL_FILES,
    FileKind,
    Observation,
    RemoteFile,
    StoredDevice,
    WriteFailure,
    WriteStep,
    Written,
)
from ..display_text import printable
from ..image_formats.checksums import digest, renew_beside
from ..image_formats.detect import open_image
from ..image_formats.disk import Disk
from ..image_formats.image import Change, Entry, Image, ImageError, Kind, tail
from ..image_formats.master import Master
from ..image_formats.paths import CONFIG_DIRS, Walk, find_config_dir, has_directory
from ..image_formats.shared_images import SharedImages
from ..image_formats.tar import empty_archive
from ..image_formats.tools import run, said
from ..image_formats.tree import Tree, put
from ..image_formats.workspace import scratch, subfolder, workspace
from ..json5.reader import MAX_BYTES
from ..private_files import sync

_IMAGE_MODE = 0o600
_KINDS = {
    Kind.REGULAR: FileKind.REGULAR,
    Kind.DIRECTORY: FileKind.DIRECTORY,
    Kind.SPECIAL: FileKind.SPECIAL,
    Kind.LINK: FileKind.LOOP,  # a link that could be followed is not seen here
}


class ImageDevice(StoredDevice):
    """One unit's image. Where `dest` is there already, it is looked at in place of `base`.

    The new image appears as `dest` when it is complete, on the disk, and read back; it is readable by its owner only,
    since it holds a claim ID. Use it inside `open_device`.
    """

    def __init__(
        self,
        base: Path,
        dest: Path,
        work: Path,
        *,
        format: str | None,
        partition: int | None,
        shared_images: SharedImages | None = None,
    ) -> None:
        self._base = base
        self._dest = dest
        self._work = work
        self._format = format
        self._partition = partition
        self._shared_images = shared_images
        self._image: Image | None = None
        self._master: Master | None = None
        self._sha256: str | None = None
        self._config_dir: str | None = None
        self.made = False
        """Whether the image was made by this run."""

    @property
    def name(self) -> str:
        """The image's file name."""
        return self._dest.name

    def config_dir(self, given: str | None) -> str:
        """Return the configuration directory in the image: the one that is `given`, or one that is found."""
        self._config_dir = given
        image = self._opened()
        if given is not None:
            if image.needs_directory and not has_directory(image, given):
                image.check()  # a damaged one may have lost it
                raise ImageError(
                    f"There is no directory {printable(given)} in {self._source.name}; install the agent there first, "
                    "or say where its configuration is (ioto_config_dir)."
                )
            return given
        found = find_config_dir(image)
        if found is None and not image.needs_directory:
            return CONFIG_DIRS[0]
        if found is None:
            image.check()  # a damaged one may have lost it
            raise ImageError(
                f"None of {', '.join(CONFIG_DIRS)} is in the image {self._source.name}; say where the agent's "
                "configuration is (ioto_config_dir), or install the agent there first."
            )
        self._config_dir = found
        return found

    def look(self, config_dir: str) -> Observation:
        """See the image as a probe sees a device; there is no hardware to identify."""
        image = self._opened()
        walk = Walk(image)
        walk.fetch(f"{config_dir}/{name}" for name in ALL_FILES)
        _unused, directory = walk.end(config_dir)
        present = directory is not None and directory.kind is Kind.DIRECTORY
        if present or (directory is None and not image.needs_directory):
            state = "present"
        else:
            image.check()
            state = "absent" if directory is None else "other"
        return Observation(
            directory=state,
            files={name: _remote(name, *walk.end(f"{config_dir}/{name}")) for name in ALL_FILES},
            # A base that needs no change is no image of the unit yet: `settle` has to make it.
            leftovers=0 if self._dest.exists() else 1,
        )

    def put(self, path: str, old: bytes | None, new: bytes) -> Written | WriteFailure:
        """Make the image with `new` at `path`, and return the file as it was read back out of it."""
        image = self._opened()
        _unused, now = Walk(image).end(path)
        if (now.data if now is not None else None) != old:
            return WriteFailure(WriteStep.CHANGED, "")
        entry = now if now is not None else self._new_entry(image, path)
        change = Change(path, new, entry, replaces=now is not None)
        read = self._read_back(self._make(image, change), change)
        return Written(_remote(path.rpartition("/")[2], path, read))

    def settle(self, path: str) -> None:
        """Make the image as the base is: the base has the unit's identity already."""
        image = self._opened()
        _unused, now = Walk(image).end(path)
        if now is None:
            raise ImageError(f"There is no {path} in {self._source.name}; run again.")
        self._shared_images = None  # no other image has this file
        self._read_back(self._make(image, Change(path, now.data, now, replaces=True)), None)

    def finish(self) -> str | None:
        """Renew the checksums beside the image, and return its SHA-256; a tree has none."""
        if self._dest.is_dir():
            return None
        sha256 = self._sha256 or digest(self._dest)
        if self._base != self._dest:
            renew_beside(self._base, self._dest, sha256)
        return sha256

    @property
    def _source(self) -> Path:
        return self._dest if self._dest.exists() else self._base

    def _opened(self) -> Image:
        if self._image is None:
            self._refuse_stale()
            if self._shared_images is not None and self._source == self._base:
                self._image = self._shared_images.base(
                    self._base, format=self._format, config_dir=self._config_dir, partition=self._partition
                )
            else:
                self._image = self._open(self._source, "source")
            if isinstance(self._image, Disk):
                self._partition = self._image.number
        return self._image

    def _refuse_stale(self) -> None:
        if not self._dest.exists() or self._dest.is_dir() or not self._base.exists():
            return
        if self._base.stat().st_mtime_ns > self._dest.stat().st_mtime_ns:
            raise ImageError(
                f"The image {self._dest} is older than its base {self._base.name}; remove it to have it made anew with "
                "the same claim ID."
            )

    def _open(self, path: Path, folder: str) -> Image:
        return open_image(
            path,
            subfolder(self._work, folder),
            format=self._format,
            config_dir=self._config_dir,
            partition=self._partition,
        )

    def _new_entry(self, image: Image, path: str) -> Entry:
        _unused, directory = Walk(image).end(path.rpartition("/")[0] or "/")
        if directory is None:
            return Entry(Kind.REGULAR)
        return Entry(Kind.REGULAR, uid=directory.uid, gid=directory.gid, mtime=directory.mtime)

    def _make(self, image: Image, change: Change) -> Path:
        if isinstance(image, Tree) and image.path == self._dest:
            put(self._dest, change)
            self.made = True
            return self._dest
        try:
            self._master = self._shared_images.master(image, change) if self._shared_images is not None else None
            if self._master is not None:
                target = self._work / self._dest.name
                self._master.copy_to(target, change.data)
            else:
                target = subfolder(self._work, "made") / self._dest.name
                image.write(target, change, subfolder(self._work, "writing"))
        except ImageError:
            image.check()  # that its base is damaged says more
            raise
        return target

    def _read_back(self, target: Path, change: Change | None) -> Entry | None:
        """Believe only what is read out of the new image; then it gets its final name.

        What was made from a master is compared with it, byte by byte: the programs of the format have read and checked
        its trial.
        """
        read = None
        if self._master is not None and change is not None:
            self._sha256 = self._master.compare(target, change.data)
            read = self._master.read(change.data)
        if read is None:
            read = self._read_out(target, change)
        if target != self._dest:
            if target.is_dir():
                synced = run("sync", "-f", target)  # which BusyBox knows as well
                if synced.returncode:
                    raise ImageError(
                        f"The image {self._dest.name} could not be brought to the disk ({tail(said(synced))}); see "
                        "whether the disk is sound and has room, then run again."
                    )
            else:
                if stat.S_IMODE(target.stat().st_mode) != _IMAGE_MODE:
                    target.chmod(_IMAGE_MODE)
                sync(target)
            target.replace(self._dest)
            sync(self._dest.parent)
            self.made = True
        self._image = None
        return read

    def _read_out(self, target: Path, change: Change | None) -> Entry | None:
        """Have the programs of the format read the file of `change` out of the new image; raise where it is damaged."""
        made = self._open(target, ".made-look")  # beside the image of a master, whose name begins with no dot
        read = None
        if change is not None:
            _unused, read = Walk(made).end(change.path)
            if not change.is_read_as(read):
                raise ImageError(
                    f"The image {self._dest.name} reads back differently from what was written; see whether its base "
                    "is whole and has room for another small file."
                )
        if self._master is None or change is None:
            made.check()
        return read


@contextmanager
def open_device(
    base: Path | None,
    dest: Path,
    *,
    format: str | None = None,
    partition: int | None = None,
    check: bool = False,
    shared_images: SharedImages | None = None,
) -> Iterator[ImageDevice]:
    """Open the image of one unit; with `check` nothing is made beside it. `shared_images` are what a batch has in
    common.

    Without a `base`, an overlay archive (OpenWrt's, tar.gz) is made that holds nothing but the file.
    """
    try:
        with scratch() if check else workspace(dest) as work:
            if base is None:
                base = work / "empty.tar.gz"
                empty_archive(base)
                os.utime(base, (0, 0))  # it is never newer than what was made from it
                format, shared_images = format or "overlay", None
                if format != "overlay":
                    raise ImageError(f"An image of format {format} needs a base; give one, or format overlay.")
            yield ImageDevice(base, dest, work, format=format, partition=partition, shared_images=shared_images)
    except OSError as error:
        raise ImageError(
            f"The image {dest} could not be made or read ({error.strerror or error}); see whether there is room on "
            "its disk and whether its folder can be written, then run again."
        ) from None


def _remote(name: str, path: str, entry: Entry | None) -> RemoteFile:
    if entry is None:
        return RemoteFile(name, FileKind.ABSENT, path)
    if len(entry.data) > MAX_BYTES:
        raise ImageError(f"The file {path} is larger than {MAX_BYTES // 1024} KiB, so it is not a configuration file.")
    # As in ls: set-ID and sticky bits are no part of the mode that is compared.
    return RemoteFile(name, _KINDS[entry.kind], path, entry.data, entry.mode & 0o777, entry.uid, entry.gid)
