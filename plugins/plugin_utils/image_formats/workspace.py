# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder beside an image that is being made, so that the last step is a rename on one file system.

Its name is always the same for the same image, and a run that was killed leaves nothing but this folder: the next one
empties it. The kernel's lock on it ends with the process, and keeps two runs from making one image at once.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .image import ImageError

_SHARED = ".ioto-work"


@contextmanager
def workspace(dest: Path) -> Iterator[Path]:
    """Make and lock the working folder of the image `dest`, and remove it in the end."""
    folder = dest.with_name(f".{dest.name}.ioto-work")
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ImageError(
            f"The image {dest} cannot be made ({error.strerror}); see whether its folder can be written."
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImageError(f"Another run makes the image {dest} just now; wait for it.") from None
        _empty(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(lock)


@contextmanager
def shared_workspace(folder: Path) -> Iterator[Path]:
    """Make a folder in `folder` for what the images there have in common, and remove it in the end.

    All runs share its parent; the first one to come while no other is there removes what killed ones have left.
    """
    parent = folder / _SHARED
    lock = _share(parent)
    try:
        own = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield own
        finally:
            shutil.rmtree(own)
            if _locked_alone(lock):
                parent.rmdir()
    finally:
        os.close(lock)


def _share(parent: Path) -> int:
    while True:
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue  # another run has just removed it
        except OSError as error:
            raise ImageError(
                f"No images can be made in {parent.parent} ({error.strerror}); see whether the folder can be written."
            ) from None
        if _locked_alone(lock):
            _empty(parent)
        fcntl.flock(lock, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), parent.stat()):
                return lock
        os.close(lock)


def _locked_alone(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for looking at an image that is not changed, and remove it in the end."""
    with tempfile.TemporaryDirectory(prefix="ioto-image-") as folder:
        yield Path(folder)


def subfolder(folder: Path, name: str) -> Path:
    """Return a new, empty folder in `folder`."""
    made = folder / name
    if made.exists():
        shutil.rmtree(made)
    made.mkdir()
    return made


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
