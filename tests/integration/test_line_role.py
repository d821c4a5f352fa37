# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role `line` installs: a unit that systemd takes, and of the collection all that a station needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import yaml

from tests.fleet import Fleet
from tests.fleet.jig import Jig
from tests.services.line_station import RunningStation

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "line"
EXPOSURE = 3.0


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the role's unit, for paths that exist here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("the Debian package systemd is not installed")
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    # Rendered into a temporary folder, never into a page: nothing to escape.
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROLE / "templates"))
    here = {"ansible_managed": "test", "__ioto_line_python": sys.executable, "ioto_line_user": "daemon"}
    here["__ioto_line_collection"] = str(tmp_path)
    path = tmp_path / "ioto-line.service"
    path.write_text(environment.get_template("ioto-line.service.j2").render({**defaults, **here}), encoding="utf-8")
    return path


def test_systemd_takes_the_unit(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_hardened(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    assert "Overall exposure level" in done.stdout


@pytest.mark.ansible
def test_what_the_role_copies_is_a_whole_station(tmp_path: Path) -> None:
    parts = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))["__ioto_line_parts"]
    installed = tmp_path / "opt/collections/ansible_collections/ioto/serialization"
    for part in parts:
        ignored = shutil.ignore_patterns("__pycache__", "collections")
        shutil.copytree(ROOT / part, installed / part, ignore=ignored)
    with Fleet.start(tmp_path / "fleet", groups={"manual": 1}) as fleet:
        jig = Jig(fleet, slots=1)
        jig.plug("slot-1", fleet.devices[0])
        with RunningStation(tmp_path, jig, root=installed) as station:
            station.wait_for("slot-1 PASS")
            station.stop()
