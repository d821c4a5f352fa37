# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core, in rooms of which each imports only what stands below it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

_OBJECTS_BETWEEN_COLLECTIONS = 20_000


class CompiledOnce(MetaPathFinder):
    """Finds the modules of a package as Python finds all others, whose compiled form it keeps beside them."""

    def __init__(self, package: str) -> None:
        self._prefix = f"{package}."
        self._folders: dict[str, FileFinder] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module is; None leaves it to others."""
        if not path or not fullname.startswith(self._prefix):
            return None
        if path[0] not in self._folders:
            self._folders[path[0]] = FileFinder(path[0], (SourceFileLoader, SOURCE_SUFFIXES))
        return self._folders[path[0]].find_spec(fullname, target)


if __spec__ is not None and not isinstance(__spec__.loader, SourceFileLoader):
    # Ansible's own loader of collections would compile our files at each start: a fifth of the CPU of a run for one
    # device. So ours is asked just before its finder, and after whatever others have put before that.
    of_ansible = [
        number for number, finder in enumerate(sys.meta_path) if type(finder).__module__.partition(".")[0] == "ansible"
    ]
    if of_ansible:
        sys.meta_path.insert(of_ansible[0], CompiledOnce(__name__))
    # What Ansible has loaded until now stays, and so does nearly all that is loaded from here on: the garbage collector
    # need not look at it after each 700 new objects.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
