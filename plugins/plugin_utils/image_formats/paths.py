# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the way in an image: links are followed inside of it, never out of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..display_text import printable
from .image import Entry, Image, ImageError, Kind

CONFIG_DIRS = ("/etc/ioto", "/upper/etc/ioto", "/state/config", "/usr/local/etc/ioto", "/ioto", "/config")
"""Where the agent's configuration may be: installed, in OpenWrt's overlay, in a source tree, in a data partition."""

_MAX_LINKS = 20
# They mean something to debugfs, mtools or unsquashfs.
_SPECIAL = frozenset('"*?[]\\')


class Walk:
    """Paths of one image, each looked at once. `end` of a path is where its links lead."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._seen: dict[str, Entry | None] = {"/": Entry(Kind.DIRECTORY, mode=0o755)}

    def fetch(self, paths: Iterable[str]) -> None:
        """Look at `paths` and at all that leads to them, at once."""
        wanted = dict.fromkeys(part for path in paths for part in _prefixes(path) if part not in self._seen)
        if not wanted:
            return
        for path in wanted:
            if not path.isprintable() or _SPECIAL & set(path):
                raise ImageError(
                    f"The path {printable(path)} in {self._image.path.name} has characters that no tool takes "
                    "unharmed; use another one."
                )
        found = self._image.look(list(wanted))
        self._seen.update({path: found.get(path) for path in wanted})

    def end(self, path: str) -> tuple[str, Entry | None]:
        """Return where `path` leads and what is there (None: nothing). A link that leads to itself is returned."""
        self.fetch([path])
        at, parts, links = "/", deque(_split(path)), 0
        while parts:
            part = parts.popleft()
            if part == "..":
                at = at.rpartition("/")[0] or "/"
                continue
            step = f"{at.rstrip('/')}/{part}"
            if step not in self._seen:
                self.fetch([step])
            entry = self._seen[step]
            if entry is not None and entry.kind is Kind.LINK:
                links += 1
                if links > _MAX_LINKS:
                    return path, entry
                at = "/" if entry.target.startswith("/") else at
                parts.extendleft(reversed(_split(entry.target)))
                continue
            if entry is None or (parts and entry.kind is not Kind.DIRECTORY):
                return "/".join([step, *parts]), None
            at = step
        return at, self._seen[at]


def find_config_dir(image: Image) -> str | None:
    """Return the first of `CONFIG_DIRS` that `image` has."""
    walk = Walk(image)
    walk.fetch(CONFIG_DIRS)
    return next((path for path in CONFIG_DIRS if _is_directory(walk.end(path)[1])), None)


def has_directory(image: Image, path: str) -> bool:
    """Say whether `path` leads to a directory of `image`."""
    return _is_directory(Walk(image).end(path)[1])


def _is_directory(entry: Entry | None) -> bool:
    return entry is not None and entry.kind is Kind.DIRECTORY


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _prefixes(path: str) -> list[str]:
    parts = _split(path)
    return ["/" + "/".join(parts[: count + 1]) for count in range(len(parts)) if ".." not in parts[: count + 1]]
