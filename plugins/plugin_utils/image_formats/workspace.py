# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder beside an image that is being made, so that the last step is a rename on one file system.

Its name is always the same for the same image. The kernel's lock on it ends with the process, and keeps two runs from
making one image at once; a run that was killed leaves nothing but this folder, which the next one there removes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..private_files import make_private_folder, refuse_precious
from .image import ImageError

_END = ".ioto-work"
"""How the name of a working folder ends; that of the folder that runs share is nothing else."""

_NOW = fcntl.LOCK_EX | fcntl.LOCK_NB

_swept: set[Path] = set()
"""The folders that this process has looked through for what killed ones left: once is enough for a batch."""


@contextmanager
def workspace(dest: Path) -> Iterator[Path]:
    """Make and lock the working folder of the image `dest`, and remove it in the end."""
    refuse_precious(dest)
    folder = dest.with_name(f".{dest.name}{_END}")
    try:
        make_private_folder(dest.parent)
        _sweep_once(dest.parent)
        lock = _locked(folder, _NOW)
    except BlockingIOError:
        raise ImageError(f"Another run makes the image {dest} just now; wait for it.") from None
    except OSError as error:
        raise ImageError(
            f"The image {dest} cannot be made ({error.strerror}); see whether its folder can be written."
        ) from None
    try:
        try:
            _empty(folder)
        except OSError as error:  # such as what another user has left there
            raise ImageError(
                f"The image {dest} cannot be made, since what an earlier run left in {folder} cannot be removed "
                f"({error.strerror}); remove that folder."
            ) from None
        try:
            yield folder
        finally:
            _remove(folder)
    finally:
        os.close(lock)


@contextmanager
def shared_workspace(folder: Path) -> Iterator[Path]:
    """Make a folder in `folder` for what the images there have in common, and remove it in the end.

    All runs share its parent; the first one to come while no other is there removes what killed ones have left.
    """
    parent = folder / _END
    try:
        make_private_folder(folder)
        _sweep_once(folder)
        lock = _locked(parent, fcntl.LOCK_SH)
    except OSError as error:
        raise ImageError(
            f"No images can be made in {folder} ({error.strerror}); see whether the folder can be written."
        ) from None
    try:
        own = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield own
        finally:
            _discard(own)
            with suppress(BlockingIOError):
                fcntl.flock(lock, _NOW)
                parent.rmdir()
    finally:
        os.close(lock)


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for looking at an image that is not changed, and remove it in the end."""
    with tempfile.TemporaryDirectory(prefix="ioto-image-") as folder:
        yield Path(folder)


def subfolder(folder: Path, name: str) -> Path:
    """Return a new, empty folder in `folder`."""
    made = folder / name
    if made.exists():
        _discard(made)
    made.mkdir()
    return made


def _locked(folder: Path, how: int) -> int:
    """Make `folder` where it is not there, and return the lock on it. Raises `OSError`."""
    while True:
        # Not exist_ok: that complains of a folder that is removed at this moment.
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        with suppress(FileNotFoundError):  # another run has just removed it
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, how)
                if os.path.samestat(os.fstat(lock), folder.stat()):
                    return os.dup(lock)  # which holds the same lock
            finally:
                os.close(lock)


def _sweep_once(folder: Path) -> None:
    if folder in _swept:
        return
    _swept.add(folder)
    # What cannot be looked at or removed stays; the image that is to be made is worth more.
    with suppress(OSError), os.scandir(folder) as entries:
        for left in [folder / entry.name for entry in entries if _is_ours(entry.name)]:
            with suppress(OSError):
                _sweep(left)


def _is_ours(name: str) -> bool:
    return name.startswith(".") and name.endswith(_END)


def _sweep(left: Path) -> None:
    lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, _NOW)  # refused while a run has it
        status = os.fstat(lock)
        # Not one that a run has made in its place meanwhile.
        if status.st_uid == os.geteuid() and os.path.samestat(status, left.lstat()):
            _discard(left)
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()  # an image that was copied from a master leaves nothing in it
    except OSError:
        _discard(folder)


def _discard(folder: Path) -> None:
    """Remove `folder` with all that is in it, also what stands in folders of a tree that their owner may not write."""
    with suppress(PermissionError):
        shutil.rmtree(folder)
        return
    for place, names, _files in os.walk(folder):
        for inside in (Path(place, name) for name in names):
            if not inside.is_symlink():
                inside.chmod(0o700)
    shutil.rmtree(folder)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            _discard(left)
        else:
            left.unlink()
