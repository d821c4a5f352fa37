# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role `service` copies to a station is a whole program, with what the role installs there and no Ansible."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.errors import ServiceError
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.server import inherited_listener

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "plugins/plugin_utils"
VARIABLES = yaml.safe_load((ROOT / "roles/service/vars/main.yml").read_text(encoding="utf-8"))

IMPORT_ALL = """
import importlib, importlib.abc, json, pathlib, sys

missing = set(json.loads(sys.argv[1]))


class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Missing())
sys.path.insert(0, ".")
for path in sorted(pathlib.Path("core").rglob("*.py")):
    parts = path.with_suffix("").parts
    if parts[-1] != "__main__":
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        print("imported", path)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a folder with the program in `core`, as it is on a station."""
    for name in [*VARIABLES["__ioto_server_modules"], *files_in(VARIABLES["__ioto_server_folders"])]:
        target = tmp_path / "core" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CORE / name, target)
    return tmp_path


def test_every_file_of_the_program_can_be_imported_without_ansible(program: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, json.dumps(sorted(not_on_a_station()))],
        cwd=program,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shipped = [path for path in (program / "core").rglob("*.py") if path.stem != "__main__"]
    assert done.stdout.count("imported") == len(shipped) > 20


def test_the_program_starts_by_its_name_on_a_station(program: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core.service", "--help"], cwd=program, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_no_socket_to_listen_at_is_refused_in_a_sentence() -> None:
    one, other = socket.socketpair()
    with one, other, socket.socket(type=socket.SOCK_DGRAM) as of_udp, Path("/dev/null").open("rb") as file:
        for number in (one.fileno(), of_udp.fileno(), file.fileno(), -5, 10**30):
            with pytest.raises(ServiceError, match=rf"inherited socket {number} \(.*give --listener the number"):
                inherited_listener(number)
        of_udp.getsockname()  # it is left open to whoever has it


def test_folders_of_the_program_are_copied_with_all_that_is_in_them() -> None:
    """A folder that is named takes its subfolders with it only where these are named, too."""
    named = set(VARIABLES["__ioto_server_folders"])
    for folder in named:
        inner = {
            path.relative_to(CORE).as_posix()
            for path in (CORE / folder).iterdir()
            if path.is_dir() and path.name != "__pycache__"
        }
        assert inner <= named


def files_in(folders: list[str]) -> Iterator[str]:
    for folder in folders:
        yield from (path.relative_to(CORE).as_posix() for path in (CORE / folder).iterdir() if path.is_file())


def not_on_a_station() -> set[str]:
    """Return the import names of the packages here that the role does not install, Ansible's among them."""
    installed = on_a_station()
    missing = {
        name
        for name, distributions in metadata.packages_distributions().items()
        if not {canonical(distribution) for distribution in distributions} & installed
    }
    assert {"ansible", "urllib3", "paramiko"} <= missing
    return missing | {"ansible_collections", "plugins"}


def on_a_station() -> set[str]:
    """Return the packages that the role installs, with what these need."""
    pinned = (ROOT / "requirements-station-postgresql.txt").read_text(encoding="utf-8")
    return {canonical(name) for name in re.findall(r"^([\w.-]+)==", pinned, re.MULTILINE)}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
