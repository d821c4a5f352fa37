# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection is installed by each way of the README, from any folder, and the installed one serializes devices."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from tests.fleet import Fleet
from tests.support.ansible import ROOT, environment

pytestmark = pytest.mark.ansible

GALAXY = Path(sys.executable).parent / "ansible-galaxy"
INSTALLED = Path(".ansible/collections/ansible_collections/ioto/serialization")
PUBLISHED = {
    *("CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md", "bindep.txt"),
    *("changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles", "tests"),
    *(path.name for path in ROOT.glob("requirements*.txt")),
}


def done(*command: str | Path, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, and return how it ended, with all that it printed as its `stdout`."""
    return subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, timeout=300,
    )  # fmt: skip


def galaxy(*arguments: str | Path, cwd: Path, home: Path) -> str:
    """Run `ansible-galaxy collection` and return what it printed."""
    found = done(GALAXY, "collection", *arguments, cwd=cwd, env=environment(home))
    assert (found.returncode, "Traceback" in found.stdout) == (0, False), found.stdout
    return found.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    galaxy("build", "--output-path", folder, cwd=ROOT, home=folder)
    (path,) = folder.glob("ioto-serialization-*.tar.gz")
    return path


def test_the_archive_holds_what_is_used_and_nothing_of_the_workshop(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = {member.name for member in tar.getmembers() if member.isfile()}
        folders = {member.name for member in tar.getmembers() if member.isdir()}
    assert {name.partition("/")[0] for name in names} <= PUBLISHED
    assert {"requirements.txt", "requirements-labels.txt", "requirements-station.txt"} <= names
    assert {"meta/runtime.yml", "meta/execution-environment.yml", "bindep.txt"} <= names
    assert not {name for name in folders | names if "__pycache__" in name or name.endswith((".pyc", ".db"))}
    assert not {name for name in names if name.startswith("tests/") and not name.startswith("tests/sanity/")}
    assert "playbooks/collections" not in folders | names


@pytest.mark.parametrize("place", ["in the clone", "elsewhere"])
@pytest.mark.parametrize("way", ["archive", "git", "clone"])
def test_every_way_of_the_readme_installs_it_from_any_folder(
    request: pytest.FixtureRequest, home: Path, way: str, place: str
) -> None:
    if way == "git":
        if not shutil.which("git") or not (ROOT / ".git").exists():
            pytest.skip("needs git, and a clone in place of an archive")
        # The clone may be another user's; the server of a real repository would not mind either.
        (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
    source = {"clone": str(ROOT), "git": f"git+file://{ROOT}"}.get(way) or str(request.getfixturevalue("archive"))
    folder = ROOT if place == "in the clone" else home
    if (way, place) == ("clone", "in the clone"):
        source = "."

    first = galaxy("install", source, cwd=folder, home=home)
    again = galaxy("install", "--force", source, cwd=folder, home=home)

    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    for printed in (first, again):
        assert f"ioto.serialization:{version} was installed successfully" in printed
    assert (home / INSTALLED / "requirements.txt").exists()
    assert json.loads((home / INSTALLED / "MANIFEST.json").read_text())["collection_info"]["version"] == version


def test_what_was_installed_from_the_archive_into_an_empty_environment_serializes_devices(
    archive: Path, tmp_path: Path, home: Path
) -> None:
    """The README's way on a machine that has nothing of ours, and between its steps what one sees who skips one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    programs = tmp_path / "venv" / "bin"
    # pip keeps the user's own settings, which may name a mirror. All the rest runs in an empty home.
    its_own = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    empty = {**environment(home), "PATH": f"{programs}:{os.defpath}"}

    made = done(sys.executable, "-m", "venv", programs.parent, cwd=elsewhere, env=its_own)
    if made.returncode:
        pytest.skip("this Python makes no environment with pip (Debian: python3-venv)")
    core = done(programs / "pip", "install", "ansible-core>=2.19,<2.22", cwd=elsewhere, env=its_own)
    if core.returncode:
        pytest.skip(f"no package registry can be reached: {core.stdout.strip().splitlines()[-1]}")
    installed = done(programs / "ansible-galaxy", "collection", "install", archive, cwd=elsewhere, env=empty)
    assert installed.returncode == 0, installed.stdout

    with Fleet.start(tmp_path / "fleet", groups={"manual": 2, "auto": 1, "factory": 1}, factory=True) as fleet:
        run = (programs / "ansible-playbook", "-i", fleet.inventory, "ioto.serialization.provision")
        too_early = done(*run, cwd=elsewhere, env=empty)
        command = re.search(r"lacks .*; install them: (.*)$", too_early.stdout, re.MULTILINE)
        assert too_early.returncode != 0 and command, too_early.stdout
        assert command[1].startswith(str(programs))
        assert command[1].endswith(f" -m pip install -r {home / INSTALLED / 'requirements.txt'}")

        packages = done("sh", "-c", command[1], cwd=elsewhere, env=its_own)
        assert packages.returncode == 0, packages.stdout
        first = done(*run, cwd=elsewhere, env=empty)
        second = done(*run, cwd=elsewhere, env=empty)

        assert first.returncode == 0, first.stdout
        assert "4 devices: 4 done, 0 already done, 0 failed, 0 unreachable." in first.stdout
        assert second.returncode == 0, second.stdout
        assert "4 devices: 0 done, 4 already done, 0 failed, 0 unreachable." in second.stdout
        ids = [device.claim_id() for device in fleet.devices]
        assert all(is_valid(claim_id) for claim_id in ids)
        assert len(set(ids)) == len(ids)
        assert (home / ".local/share/ioto/ledger.db").exists()
