# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pip is told to install is what the project depends on, and who lacks something is told what to type."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils import requirements
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.tools import PACKAGES
from ansible_collections.ioto.serialization.plugins.plugin_utils.requirements import (
    FEATURES,
    MissingPackagesError,
    missing,
    require,
    requirements_file,
)

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def lines(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def pinned(name: str) -> dict[str, list[str]]:
    """The packages of a file with hashes: name and version, and the hashes of each."""
    found: dict[str, list[str]] = {}
    for line in lines(name):
        if match := re.match(r"[a-z0-9-]+==[^ ]+", line):
            hashes = found.setdefault(match[0], [])
        else:
            hashes += re.findall(r"sha256:[0-9a-f]{64}", line)
    return found


def test_the_requirements_are_those_of_the_project() -> None:
    assert lines("requirements.txt") == PROJECT["dependencies"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_has_a_file_and_a_name_for_a_sentence(extra: str) -> None:
    assert lines(f"requirements-{extra}.txt") == EXTRAS[extra]
    assert extra in FEATURES
    assert requirements_file(extra) == ROOT / f"requirements-{extra}.txt"


@pytest.mark.parametrize("feature", [None, *FEATURES])
def test_where_everything_is_installed_nothing_is_missing(feature: str | None) -> None:
    require(feature)


def test_the_files_are_what_the_tool_makes() -> None:
    done = subprocess.run(
        [sys.executable, "tools/requirements.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if "There is no uv" in done.stderr:
        pytest.skip("there is no uv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_station_gets_one_version_of_each_package_with_its_hashes_and_nothing_of_ansible() -> None:
    packages, on_postgresql = pinned("requirements-station.txt"), pinned("requirements-station-postgresql.txt")
    names = {package.partition("==")[0] for package in packages}
    wanted = {re.match(r"[a-z0-9-]+", package)[0] for package in EXTRAS["service"]}  # type: ignore[index]

    assert {"sqlalchemy", *wanted} <= names
    assert names.isdisjoint({"ansible-core", "psycopg", "jinja2", "cryptography"})
    assert all(hashes for hashes in on_postgresql.values())
    assert packages.items() <= on_postgresql.items()
    assert {package.partition("==")[0] for package in on_postgresql.keys() - packages.keys()} >= {
        "psycopg",
        "psycopg-binary",
    }


def test_an_execution_environment_gets_every_feature_and_every_program() -> None:
    assert lines("requirements-execution-environment.txt") == [
        "-r requirements.txt",
        *(f"-r requirements-{extra}.txt" for extra in sorted(EXTRAS)),
    ]
    on_debian = {line.split()[0] for line in lines("bindep.txt") if line and "platform:rpm" not in line}
    assert {*PACKAGES.values()} - {"coreutils"} <= on_debian


@pytest.fixture
def lacking_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the collection whose requirements this Python does not fulfil."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "requirements.txt").write_text("ansible-core>=99\nnot-there-at-all>=1\nsqlalchemy>=99\nurllib3>=1\n")
    monkeypatch.setattr(requirements, "_FOLDER", folder)
    return folder / "requirements.txt"


def test_what_is_missing_and_what_is_too_old_stand_in_one_sentence_with_a_command(lacking_file: Path) -> None:
    with pytest.raises(MissingPackagesError, match=r"lacks not-there-at-all, sqlalchemy>=99 \(there is 2\.") as caught:
        require()
    command = str(caught.value).partition("; install them: ")[2]
    assert shlex.split(command) == [sys.executable, "-m", "pip", "install", "-r", str(lacking_file)]


def test_a_python_of_the_system_is_left_alone(lacking_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdlib = lacking_file.parent / "lib"
    stdlib.mkdir()
    (stdlib / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(requirements.sysconfig, "get_path", lambda _name: str(stdlib))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    command = missing().rpartition(": ")[2]
    assert command == (
        f"{sys.executable} -m venv ~/ioto-venv && ~/ioto-venv/bin/pip install -r {shlex.quote(str(lacking_file))}"
    )


def test_a_station_which_has_no_such_files_is_set_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "_FOLDER", tmp_path)
    sentence = missing("postgresql", ModuleNotFoundError("No module named 'psycopg'", name="psycopg"))
    assert "lacks psycopg, needed for a ledger on PostgreSQL; run the role ioto.serialization.service" in sentence
