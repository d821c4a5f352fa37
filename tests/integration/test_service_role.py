# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units that the role `service` installs: systemd takes them, and finds little to complain about."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import yaml

ROLE = Path(__file__).resolve().parents[2] / "roles" / "service"
EXPOSURE = {"ioto-service.service": 2.0, "ioto-service-backup.service": 1.0}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return a folder with the role's units, for paths that exist here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("the Debian package systemd is not installed")
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    # Rendered into a temporary folder, never into a page: nothing to escape.
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROLE / "templates"))
    here = {"ansible_managed": "test", "__ioto_server_python": sys.executable, "ioto_server_user": "daemon"}
    for template in (ROLE / "templates").glob("ioto-*.j2"):
        text = environment.get_template(template.name).render({**defaults, **here})
        (tmp_path / template.stem).write_text(text, encoding="utf-8")
    return tmp_path


def test_systemd_takes_the_units(units: Path) -> None:
    found = sorted(str(path) for path in units.iterdir())
    assert len(found) == 3
    done = subprocess.run(["systemd-analyze", "verify", *found], capture_output=True, text=True, check=False)
    # It looks at others as well, of packages which it may have something to say of.
    told = [line for line in done.stderr.splitlines() if str(units) in line or "ioto-" in line]
    assert (done.returncode, told) == (0, [])


@pytest.mark.parametrize("unit", EXPOSURE)
def test_the_units_are_hardened(units: Path, unit: str) -> None:
    threshold = f"--threshold={EXPOSURE[unit] * 10:.0f}"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", threshold, str(units / unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    assert "Overall exposure level" in done.stdout
