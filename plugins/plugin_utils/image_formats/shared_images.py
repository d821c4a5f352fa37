# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the images of a batch have in common: their bases, opened once, and the masters that they are copied from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from .detect import open_image
from .image import Change, Image
from .master import Master, make_master
from .workspace import subfolder

Thing = TypeVar("Thing")


class SharedImages:
    """A folder on the file system of the images, for threads that make them at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._turns: dict[Hashable, threading.Lock] = {}
        self._made: dict[Hashable, object] = {}
        self._opened_as: dict[int, Callable[[Path, Path], Image]] = {}

    def close(self) -> None:
        """Let go of the masters; the folder can be removed then. Nobody may use them any more."""
        for made in self._made.values():
            if isinstance(made, Master):
                made.close()

    def base(self, path: Path, *, format: str | None, config_dir: str | None, partition: int | None) -> Image:
        """Return the base at `path`, opened as `open_image` does. Raises `ImageError`."""

        def open_like(path: Path, scratch: Path) -> Image:
            return open_image(path, scratch, format=format, config_dir=config_dir, partition=partition)

        def make(folder: Path) -> Image:
            image = open_like(path, folder)
            self._opened_as[id(image)] = open_like
            return image

        try:
            known = path.stat()
        except OSError:
            return open_like(path, self._new_folder())  # that says what is wrong
        # One that is replaced in the middle of a batch is another base.
        key = (path, known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, format, config_dir, partition)
        return self._once(key, make)

    def master(self, image: Image, change: Change) -> Master | None:
        """Return the master of a base of ours for `change`; None where it has none, or `image` is no base of ours."""
        open_like = self._opened_as.get(id(image))
        if open_like is None:
            return None
        key = (id(image), len(change.data), replace(change, data=b"", entry=replace(change.entry, data=b"")))
        return self._once(key, lambda folder: make_master(image, change, folder, open_like))

    def _once(self, key: Hashable, make: Callable[[Path], Thing]) -> Thing:
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            if key not in self._made:
                self._made[key] = make(self._new_folder())
            return self._made[key]  # type: ignore[return-value]  # what the same key was made with

    def _new_folder(self) -> Path:
        with self._lock:
            number = len(list(self._folder.iterdir()))
            return subfolder(self._folder, str(number))
