# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV files that Ansible was given as an inventory, where nothing has it read them as production orders.

Its `ini` plugin then takes each line for the name of a host, or stops in the middle of the file with a warning.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..display_text import printable
from ..errors import IotoError

PLUGIN = "ioto.serialization.manifest"
"""The inventory plugin that reads production orders."""

_END = ".csv"


class BareOrderError(IotoError):
    """A production order that is to be read through a manifest, and was given by itself."""


def refuse_bare_orders(sources: Iterable[str], *, enabled: Collection[str], ignored_ends: Collection[str]) -> None:
    """Raise `BareOrderError` where one of the inventory's `sources` is a CSV file, or a folder that has one.

    `enabled` are the inventory plugins that Ansible tries for every source: with ours among them, CSV is read as it
    should be. In a folder, Ansible passes over files with `ignored_ends`.
    """
    if PLUGIN in enabled:
        return
    for order in (order for source in sources for order in _orders(Path(source), ignored_ends)):
        manifest = order.with_suffix(".manifest.yml")
        raise BareOrderError(
            f"{printable(str(order))} is a CSV file, and Ansible alone would take each of its lines for a host. Write "
            f"{printable(manifest.name)} beside it, with these two lines:\n"
            f"plugin: {PLUGIN}\npath: {_as_yaml(order.name)}\n"
            f"and run again with -i {printable(str(manifest))}"
        )


def _orders(source: Path, ignored_ends: Collection[str]) -> Iterator[Path]:
    # What cannot be looked at is Ansible's to tell.
    with suppress(OSError):
        if source.suffix.lower() == _END and source.is_file():
            yield source
        elif _END not in ignored_ends and source.is_dir():
            yield from sorted(path for path in source.iterdir() if path.suffix.lower() == _END and path.is_file())


def _as_yaml(name: str) -> str:
    return name if name.replace(".", "").replace("-", "").replace("_", "").isalnum() else json.dumps(name)
