# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files that pip installs from, out of pyproject.toml and uv.lock: `tools/requirements.py [--check]`.

`requirements.txt` and a file for each extra hold ranges, for a controller that has other things installed as well.
`requirements-station.txt` and `requirements-station-postgresql.txt` hold one version of each package with the hashes of
uv.lock, for a station that has an environment of its own. `requirements-execution-environment.txt` names all files of
ranges, since ansible-builder reads one. With `--check` nothing is written; exit status 1 where a file
is not what it would be.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from plugins.plugin_utils.requirements import FEATURES  # noqa: E402

# What is read off the project's own environment, which the setup puts there where the machine has no uv.
UV_PATH = f"{os.environ['PATH']}:{ROOT / '.cache/uv-env/bin'}"
NOT_ON_A_STATION = ("ansible-core", "urllib3", "jinja2")  # what the service has no use for


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and name the files that are out of date")
    check = parser.parse_args().check
    files = requirements_files()
    stale = [name for name, text in files.items() if _read(ROOT / name) != text]
    left_over = sorted({path.name for path in ROOT.glob("requirements*.txt")} - set(files))
    if check:
        for name in stale:
            print(f"{name} is not what pyproject.toml and uv.lock say; run tools/requirements.py.")
        for name in left_over:
            print(f"{name} belongs to no extra of pyproject.toml; remove it.")
        return 1 if stale or left_over else 0
    for name in stale:
        (ROOT / name).write_text(files[name], encoding="utf-8")
        print(f"wrote {name}")
    return 0


def requirements_files() -> dict[str, str]:
    """Return what each file has to hold, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {
        "requirements.txt": _ranges(
            "What ioto.serialization needs in the Python that runs Ansible", project["dependencies"]
        )
    }
    for extra, packages in sorted(project["optional-dependencies"].items()):
        if extra not in FEATURES:
            raise SystemExit(
                f"What is the extra {extra} for? Say so in FEATURES of plugins/plugin_utils/requirements.py"
            )
        files[f"requirements-{extra}.txt"] = _ranges(f"Needed for {FEATURES[extra]}, beside requirements.txt", packages)
    everything = "\n".join(f"-r {name}" for name in files)
    head = _head("Everything, for an execution environment", "pyproject.toml")
    files["requirements-execution-environment.txt"] = "\n".join([*head, everything, ""])
    files["requirements-station.txt"] = _pinned("What the role service installs on a station", "service")
    files["requirements-station-postgresql.txt"] = _pinned(
        "What the role service installs on a station whose ledger is on PostgreSQL", "service", "postgresql"
    )
    files["requirements-line.txt"] = _pinned(
        "What the role line installs on a station at a hands-free line",
        "labels",
        "postgresql",
        "progress",
        "scanner",
        pruned=(),
    )
    return files


def _ranges(headline: str, packages: list[str]) -> str:
    return "\n".join([*_head(headline, "pyproject.toml"), *packages, ""])


def _pinned(headline: str, *extras: str, pruned: Sequence[str] = NOT_ON_A_STATION) -> str:
    """Return one version of each package that `extras` need, and of what those need, with the hashes of all its files.

    The lock holds them for every platform and Python; markers say where a package is left out.
    """
    uv = shutil.which("uv", path=UV_PATH)
    if uv is None:
        raise SystemExit("There is no uv; run tools/setup, which installs it, and then this again.")
    command = [uv, "export", "--quiet", "--frozen", "--no-dev", "--no-header", "--no-annotate", "--no-emit-project"]
    command += [argument for extra in extras for argument in ("--extra", extra)]
    command += [argument for package in pruned for argument in ("--prune", package)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"uv export failed: {done.stderr.strip()}")
    return "\n".join([*_head(headline, "uv.lock"), done.stdout])


def _head(headline: str, source: str) -> list[str]:
    return [f"# {headline}. tools/requirements.py makes this file from {source}."]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
