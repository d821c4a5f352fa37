# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` on the collection as it would be published: `tools/sanity.py ENVIRONMENT [ARGUMENT...]`.

It needs a real ansible_collections/NAMESPACE/NAME path, so the collection is first built and installed into
a temporary one.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from get_pip import run_time_requirements

ROOT = Path(__file__).resolve().parent.parent
PYTHON_VERSION = "import sys; print(*sys.version_info[:2], sep='.')"
REQUIREMENTS_MODULE = "import ansible_test._internal.python_requirements as module; print(module.__file__)"


def main() -> int:
    environment, *arguments = sys.argv[1:]
    programs = ROOT / environment / "bin"
    # ansible-test keeps its environments in its home: another home when our part of what is in them changes.
    home = ROOT / ".cache" / f"ansible-test-{sha256(repr(run_time_requirements()).encode()).hexdigest()[:8]}"
    _furnish(home, programs)
    # Not below the clone: there, ansible-test would ask git for the files, and git ignores them.
    with tempfile.TemporaryDirectory(prefix="ioto-sanity-") as collections:
        galaxy = ["ansible-galaxy", "collection", "install", ".", "-p", collections, "--force", "--offline"]
        # A home of its own: what we put into its cache is no business of the user's other collections.
        environ = os.environ | {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}"}
        status, output = _run(galaxy, ROOT, environ)
        if status == 0:
            installed = Path(collections, "ansible_collections", "ioto", "serialization")
            # One Python, the environment's own: a name on PATH for another may be pyenv's, and not start.
            test = ["ansible-test", "sanity", "--color", "no", "--python", _ask(programs, PYTHON_VERSION), *arguments]
            status, output = _run(test, installed, environ)
            if "All targets skipped" in output:
                print("ansible-test found no file to check, so this proves nothing.")
                status = 1
    return status


def _run(command: list[str], folder: str | Path, environ: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    print(done.stdout, flush=True)
    return done.returncode, done.stdout


def _furnish(home: Path, programs: Path) -> None:
    """Put into `home` what ansible-test would fetch or forget: the stand-in for get-pip, and pip's configuration."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    configuration = home / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    # Renamed to their places: one for another ansible-core may be at work there.
    with tempfile.TemporaryDirectory(dir=home) as made:
        link, text = Path(made, "link"), Path(made, "text")
        link.symlink_to(ROOT / "tools" / "get_pip.py")
        link.replace(cache / f"get_pip_{_pip_version(programs).replace('.', '_')}.py")
        text.touch(mode=0o600)  # it may hold a password
        text.write_text(_pip_configuration(), encoding="utf-8")
        text.replace(configuration)


def _pip_version(programs: Path) -> str:
    """Return the pip version that this ansible-test gives its environments; it is part of the name it looks for."""
    path = _ask(programs, REQUIREMENTS_MODULE)
    found = re.search(r"pip='([\d.]+)'", Path(path).read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{path} no longer says which pip it wants; teach tools/sanity.py where to find that.")
    return found[1]


def _ask(programs: Path, program: str) -> str:
    """Return what a Python program of one line prints in the environment."""
    command = [str(programs / "python"), "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _pip_configuration() -> str:
    """Return pip's configuration of this machine, environment variables included, which ansible-test drops."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    settings = {}
    for line in sorted(listed.stdout.splitlines(), reverse=True):  # an environment variable (":env:") wins: last
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if section in {"global", "install", ":env:"}:
            settings[option] = str(ast.literal_eval(value)).replace("\n", "\n  ")
    if proxy := os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        settings.setdefault("proxy", proxy)
    settings["quiet"] = "2"  # errors alone: the rest hides what ansible-test says
    return "[global]\n" + "".join(f"{option} = {value}\n" for option, value in settings.items())


if __name__ == "__main__":
    sys.exit(main())
