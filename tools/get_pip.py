# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip.py that ansible-test fetches: that host is no package registry, and not open everywhere.

ansible-test runs it with the Python of an environment that has no pip yet. tools/sanity.py links it to where
ansible-test looks first, so the link leads back to this clone, whose own pip then installs into that environment.

The environment of the sanity test `import` also gets what the collection needs at run time. ansible-test has no setting
for that; without it, the test would report every file that leads to SQLAlchemy or json5, and prove nothing about them.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OF_GET_PIP_ALONE = {"--no-setuptools", "--no-wheel"}


def run_time_requirements() -> list[str]:
    """Return what pyproject.toml names for run time, extras included, but ansible-core, which ansible-test brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    return [name for name in [*project["dependencies"], *extras] if not name.startswith("ansible-core")]


if __name__ == "__main__":
    python_with_pip = ROOT / ".venv" / "bin" / "python"
    arguments = [argument for argument in sys.argv[1:] if argument not in OF_GET_PIP_ALONE]
    if "sanity.import.plugin" in sys.prefix:
        arguments += run_time_requirements()
    command = [str(python_with_pip), "-m", "pip", "--python", sys.executable, "install", *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)
