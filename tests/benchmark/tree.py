# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions that are measured: this one, and others that today's benchmark is laid over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE, PICTURE = "docs/docsite/rst/measured.rst", "docs/docsite/rst/measured.svg"
"""What a run writes into the repository."""
_BENCHMARK = ("tests/benchmark", "tests/fleet", "tests/services", "tests/support")
_CHANGED = "with uncommitted changes"
_VERSIONS = "import platform, importlib.metadata as m; print(platform.python_version(), m.version('ansible-core'))"


@dataclass(frozen=True)
class Tree:
    """One revision in a folder, with the Python that has what it needs."""

    revision: str
    root: Path
    python: Path

    def versions(self) -> tuple[str, str]:
        """Return those of Python and ansible-core."""
        done = subprocess.run((self.python, "-c", _VERSIONS), capture_output=True, text=True, check=True)
        python, core = done.stdout.split()
        return python, core

    def environment(self) -> dict[str, str]:
        """Return the environment of what is measured in it."""
        kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        return {**kept, "PYTHONPATH": str(self.root / "playbooks/collections"), "PYTHONUNBUFFERED": "1"}


def present() -> Tree:
    """Return what lies in this folder."""
    return Tree(described(ROOT), ROOT, Path(sys.executable))


def described(root: Path) -> str:
    """Return what git calls the revision in a folder, and whether files were changed since."""
    try:
        revision = _git(root, "describe", "--always", "--tags")
        changed = _git(root, "status", "--porcelain", "--", ".", f":!{PAGE}", f":!{PICTURE}")
    except (OSError, subprocess.CalledProcessError):
        return "a folder without git"
    return f"{revision}, {_CHANGED}" if changed else revision


def all_laid_out(revisions: Iterable[str], folder: Path) -> list[Tree]:
    """Return what lies in this folder, and each of `revisions` once. Raises as `laid_out` does."""
    trees = [present()]
    for revision in revisions:
        name = _named(revision)
        if name == trees[0].revision:
            raise ValueError(f"{revision} is the revision at hand; name another one with --against.")
        if name not in [tree.revision for tree in trees]:
            trees.append(laid_out(revision, folder))
    return trees


def laid_out(revision: str, folder: Path) -> Tree:
    """Put a revision into `folder`, lay today's benchmark over it, and make the environment that its lock file names.

    Raises `ValueError` where there is no such revision, `RuntimeError` where there is no environment.
    """
    name = _named(revision)
    root = folder / name
    root.mkdir(parents=True)
    with subprocess.Popen(("git", "archive", name), cwd=ROOT, stdout=subprocess.PIPE) as packed:
        subprocess.run(("tar", "-x", "-C", str(root)), stdin=packed.stdout, check=True)
    if (root / "tests").exists():
        shutil.rmtree(root / "tests")
    for part in _BENCHMARK:
        shutil.copytree(ROOT / part, root / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    pyinfra = ROOT / ".venv-pyinfra"
    if pyinfra.exists():
        (root / pyinfra.name).symlink_to(pyinfra)
    return Tree(name, root, _python_of(root))


def _named(revision: str) -> str:
    """Return git's name for a revision. Raises `ValueError` if git does not know it."""
    try:
        return _git(ROOT, "describe", "--always", "--tags", f"{revision}^{{commit}}")
    except OSError:
        raise ValueError("There is no git here to lay out another revision; install git.") from None
    except subprocess.CalledProcessError as error:
        if "not a git repository" in error.stderr:
            raise ValueError("This folder is no clone, so it has no other revisions; use one by git clone.") from None
        raise ValueError(f"git knows no revision {revision!r} here; name another one with --against.") from None


def _python_of(root: Path) -> Path:
    if (root / "uv.lock").read_bytes() == (ROOT / "uv.lock").read_bytes():
        return Path(sys.executable)
    base = Path(sys.base_prefix) / f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(root / ".venv"), "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    command = ("uv", "sync", "--quiet", "--locked", "--all-extras", "--python", str(base))
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RuntimeError("There is no uv to make the environment of another revision; use `make bench`.") from None
    if done.returncode:
        raise RuntimeError(f"uv cannot make the environment of {root.name}: {done.stderr.strip()}")
    return root / ".venv/bin/python"


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(("git", *arguments), cwd=root, capture_output=True, text=True, check=True).stdout.strip()
