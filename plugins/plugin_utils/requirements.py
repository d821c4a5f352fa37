# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Python lacks of the packages that the collection needs, and the sentence that says how they get there.

The packages of a feature stand in a file of its own beside the collection's README, which is what pip installs from.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from .errors import IotoError

FEATURES = {
    "checkpoints": "signed checkpoints",
    "fleet": "the fleet engine",
    "labels": "labels",
    "pictures": "pictures of labels",
    "postgresql": "a ledger on PostgreSQL",
    "progress": "the live progress bar",
    "scanner": "a hand scanner on a serial line",
    "service": "the factory service",
}
"""The optional features by the names of their files (`requirements-NAME.txt`), in words for a sentence."""

_FOLDER = Path(__file__).resolve().parents[2]
# Where the module of a package has another name.
_MODULES = {
    "fonttools": "fontTools",
    "freetype-py": "freetype",
    "pillow": "PIL",
    "pyserial": "serial",
    "zxing-cpp": "zxingcpp",
}
_ANSIBLE = "ansible-core"  # is there, and `meta/runtime.yml` says which; the service does without
_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?(?P<versions>.*)")


class MissingPackagesError(IotoError):
    """Python packages that a feature needs are missing or too old."""


def require(feature: str | None = None) -> None:
    """Raise `MissingPackagesError` where this Python lacks what `feature` needs; without one, what everything needs."""
    if any(_lacking(requirements_file(feature))):
        raise MissingPackagesError(missing(feature))


def requirements_file(feature: str | None = None) -> Path:
    """Return the file to install from, with its full path; the copy of the core on a station has none."""
    return _FOLDER / f"requirements{'-' + feature if feature else ''}.txt"


def missing(feature: str | None = None, error: ImportError | None = None) -> str:
    """Return the sentence for a Python that lacks what `feature` needs. `error` is what an import of it said.

    It ends with a command that can be typed as it stands.
    """
    files = [requirements_file(), *([requirements_file(feature)] if feature else [])]
    found = {file: list(_lacking(file)) for file in files}
    packages = [package for lacking in found.values() for package in lacking]
    if not packages and error is not None:
        packages = [error.name] if isinstance(error, ModuleNotFoundError) and error.name else [f"what works ({error})"]
    wanted = FEATURES[feature] if feature else "ioto.serialization"
    if files[-1].exists():
        remedy = _remedy([file for file, lacking in found.items() if lacking] or files[-1:], files)
    else:
        remedy = "run the role ioto.serialization.service for this station again."
    return f"The Python {sys.executable} lacks {', '.join(packages)}, needed for {wanted}; {remedy}"


def _lacking(file: Path) -> Iterator[str]:
    """Yield each package of a requirements file that is missing or not of the versions that the file allows."""
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        found = _LINE.match(line)
        if found is None or found["name"] == _ANSIBLE:
            continue
        name = found["name"]
        if find_spec(_MODULES.get(name, name)) is None:
            yield name
        elif version := _wrong_version(name, found["versions"]):
            yield f"{line} (there is {version})"


def _wrong_version(name: str, allowed: str) -> str | None:
    """Return the version of an installed package where it is not one of the versions `allowed`, such as `>=2.0`."""
    try:
        # It comes with ansible-core, which has it loaded; a station has none.
        from packaging.specifiers import SpecifierSet  # noqa: PLC0415

        version = metadata.version(name)
    except (ImportError, metadata.PackageNotFoundError):
        return None
    return None if SpecifierSet(allowed).contains(version, prereleases=True) else version


def _remedy(needed: Iterable[Path], everything: Iterable[Path]) -> str:
    """Return what to do, ending with the command."""
    python = shlex.quote(sys.executable)
    if sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists():
        return (
            "it belongs to the system, so make an environment of your own and run Ansible from it: "
            f"{python} -m venv ~/ioto-venv && ~/ioto-venv/bin/pip install {_from(everything)}"
        )
    if find_spec("pip"):
        return f"install them: {python} -m pip install {_from(needed)}"
    if shutil.which("uv"):
        return f"install them: uv pip install --python {python} {_from(needed)}"
    return f"install them: {python} -m ensurepip && {python} -m pip install {_from(needed)}"


def _from(files: Iterable[Path]) -> str:
    return " ".join(f"-r {shlex.quote(str(file))}" for file in files)
