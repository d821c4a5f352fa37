# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that an execution environment can be made of the collection, as far as no container engine is needed for it.

The collection is built and installed, ansible-builder says what it would put into an image, and makes the build context
of the definition in the guide.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFINITION = re.compile(r"^\.\. code-block:: yaml\n\n((?:   .*\n|\n)*)", re.MULTILINE)
GUIDE = ROOT / "docs/docsite/rst/execution-environments.rst"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ioto-execution-environment-") as name:
        folder = Path(name)
        _run("ansible-galaxy", "collection", "build", ROOT, "--output-path", folder)
        (archive,) = folder.glob("*.tar.gz")
        _run("ansible-galaxy", "collection", "install", archive, "-p", folder / "collections", "--offline")
        problems = [*_left_out(folder), *_context(folder, archive)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _left_out(folder: Path) -> list[str]:
    """Return a sentence for each package that ansible-builder does not see."""
    pip, bindep = folder / "pip.txt", folder / "bindep.txt"
    _run("ansible-builder", "introspect", folder / "collections", "--write-pip", pip, "--write-bindep", bindep)
    # Fails where it cannot be read; which of its packages this machine has is of no interest.
    _run("bindep", "--file", bindep, "--list_all", "newline")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [package for packages in project["optional-dependencies"].values() for package in packages]
    wanted = {package for package in [*project["dependencies"], *extras] if not package.startswith("ansible-core")}
    system = {line for line in (ROOT / "bindep.txt").read_text(encoding="utf-8").splitlines() if line[:1] not in "#"}
    missing = [*sorted(wanted - _entries(pip)), *sorted(system - _entries(bindep))]
    return [f"ansible-builder does not see {name}; correct meta/execution-environment.yml." for name in missing]


def _entries(file: Path) -> set[str]:
    """Return what ansible-builder wrote, without the collection's name that it puts behind each entry."""
    return {line.partition("  #")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()}


def _context(folder: Path, archive: Path) -> list[str]:
    """Make the build context of the guide's definition; return a sentence for each thing that is not in it."""
    blocks = map(textwrap.dedent, DEFINITION.findall(GUIDE.read_text(encoding="utf-8")))
    definition = next((block for block in blocks if block.startswith("# execution-environment.yml\n")), None)
    if definition is None:
        return [f"{GUIDE.name} has no execution-environment.yml; put it back, or teach tools/execution_environment.py."]
    (folder / "execution-environment.yml").write_text(definition, encoding="utf-8")
    context = folder / "context"
    _run("ansible-builder", "create", "--file", folder / "execution-environment.yml", "--context", context)
    copies = [path for path in context.rglob("*.tar.gz") if path.name == archive.name]
    if not copies:
        return [f"The context holds no {archive.name}; correct the names of the archive in {GUIDE.name}."]
    place = copies[0].relative_to(context / "_build")
    if f"- name: {place}\n" not in (context / "_build" / "requirements.yml").read_text(encoding="utf-8"):
        return [f"The archive lies in {place} of the build, where nothing installs it from; correct {GUIDE.name}."]
    return []


def _run(*command: str | Path) -> None:
    """Run a command; end with its output where it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}")


if __name__ == "__main__":
    sys.exit(main())
