# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment that holds ansible-core, and of our packages those that are named, made without a network."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def make_bare_python(folder: Path, *packages: str) -> Path:
    """Make it in `folder`, with the ansible-core and the `packages` of the Python that runs this; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    here = Path(sysconfig.get_path("purelib"))
    for name in _closure("ansible-core", *packages):
        for top in {Path(file).parts[0] for file in metadata.files(name) or () if Path(file).parts[0] != ".."}:
            if (here / top).exists() and top != "__pycache__":
                (place / top).symlink_to(here / top)
    return python


def _closure(*names: str) -> set[str]:
    """Return the distributions `names` and all that they need here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # its marker leaves it out
        found.add(name)
        waiting += [match[0] for line in requirements if "extra ==" not in line and (match := _NAME.match(line))]
    return found
