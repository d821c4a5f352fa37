# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage that fails, as a worn flash does: real file systems on loop devices. Needs root, and Debian's e2fsprogs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROGRAMS = ("mkfs.ext4", "losetup", "mount")
_MIB = 1024 * 1024


def available() -> bool:
    """Say whether this machine and this user can have such storage."""
    return os.geteuid() == 0 and all(map(shutil.which, _PROGRAMS)) and Path("/dev/loop-control").exists()


class Storage:
    """A file system of its own, mounted at `root`."""

    def __init__(self, root: Path, image: Path, loop: str) -> None:
        self.root = root
        self._image = image
        self._loop = loop

    def lose(self, name: str) -> None:
        """Cut the storage off where the file `name` lies: it can still be listed, and no longer be read."""
        _run("sync", "-f", self.root)
        Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
        for path in self.root.rglob("*"):
            # What was looked at is in the machine's memory, and stays there.
            if path.is_file() and path.name not in {name, "first"}:
                path.read_bytes()
            path.stat()
        os.truncate(self._image, _MIB)
        _run("losetup", "-c", self._loop)

    def copy(self, to: Path) -> None:
        """Copy what the storage has at this instant: what a power cut would leave."""
        shutil.copyfile(self._image, to)

    def fill(self, *, leave: int = 0) -> None:
        """Have what lies under the file system take `leave` bytes more, of which the file system knows nothing."""
        _run("sync", "-f", self.root)
        with (self._image.parent / "fill").open("wb", buffering=0) as file:
            with suppress(OSError):
                while True:
                    file.write(b"\xff" * 65536)
            file.truncate(max(0, file.tell() - leave))


@contextmanager
def storage(folder: Path) -> Iterator[Storage]:
    """Make storage of 8 MiB below `folder`, with a first file in it that takes more than half.

    One at a time on this machine: to lose a file drops the machine's memory, and with it what another one has lost.
    """
    with alone(), _storage(folder) as made:
        yield made


@contextmanager
def alone() -> Iterator[None]:
    """Have no such storage on this machine, but what is made within. A copy of its mounts would hold it busy."""
    with (Path(tempfile.gettempdir()) / "ioto-block-devices.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _storage(folder: Path) -> Iterator[Storage]:
    root, under = folder / "mounted", folder / "under"
    for path in (root, under):
        path.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", "size=10m", "ioto-test", under)
    try:
        image = under / "image"
        with image.open("wb") as file:
            file.truncate(8 * _MIB)
        # Small blocks, as a device has them on so little: those that e2fsprogs 1.47.1 takes leave no room for the file.
        _run("mkfs.ext4", "-q", "-F", "-b", "1024", image)
        loop = _run("losetup", "--find", "--show", image).strip()
        try:
            _run("mount", loop, root)
            try:
                (root / "first").write_bytes(bytes(5 * _MIB))
                yield Storage(root, image, loop)
            finally:
                _run("umount", root)
        finally:
            _run("losetup", "-d", loop)
    finally:
        # A namespace of another test, made meanwhile, has the mount as well, and keeps the loop device until it ends.
        _run("umount", "--lazy", under)


@contextmanager
def unwritten_ext4(image: Path, root: Path) -> Iterator[Path]:
    """Mount the ext4 in `image` at `root`, so that nothing gets into `image` for minutes but what is synced."""
    root.mkdir()
    loop = _run("losetup", "--find", "--show", image).strip()
    try:
        _run("mount", "-o", "commit=600", loop, root)
        try:
            yield root
        finally:
            _run("umount", "-l", root)
    finally:
        _run("losetup", "-d", loop)
    root.rmdir()


SHARING = {"xfs": ("mkfs.xfs", "-q", "-m", "reflink=1"), "btrfs": ("mkfs.btrfs", "-q")}
"""The file systems whose files can share blocks, and how each is made."""
_SMALLEST = 320 * _MIB
"""What both of them take; the file under it has holes."""


def why_no_sharing(kind: str) -> str | None:
    """Say why this machine and this user cannot have a file system of `SHARING`; None where they can."""
    program = SHARING[kind][0]
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        return f"only root can mount {kind}, where there are loop devices"
    if shutil.which(program) is None:
        return f"{program} is not installed"
    if f"\t{kind}\n" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        return f"the kernel of this machine mounts no {kind}"
    return None


@contextmanager
def sharing_file_system(kind: str, folder: Path) -> Iterator[Path]:
    """Have a file system of `SHARING` below `folder`, as its root folder."""
    root, image = folder / kind, folder / f"{kind}.storage"
    root.mkdir()
    with image.open("wb") as file:
        file.truncate(_SMALLEST)
    _run(*SHARING[kind], image)
    with alone():
        _run("mount", "-o", "loop", image, root)
        try:
            yield root
        finally:
            _run("umount", root)


def _run(*command: object) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
