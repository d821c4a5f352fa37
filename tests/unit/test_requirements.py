# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pip is told to install is what the project depends on."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_requirements_are_those_of_the_project_and_name_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()

    assert {line for line in lines if not line.startswith("#")} == set(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        assert set(extra) <= {line.removeprefix("# ") for line in lines}


def test_a_station_gets_what_the_project_says_of_its_service() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {*project["dependencies"], *chain(*project["optional-dependencies"].values())}
    station = (ROOT / "roles/service/vars/main.yml").read_text(encoding="utf-8")
    packages = set(re.findall(r"'([^']+>=[^']+)'", station))

    assert {"sqlalchemy>=2.0", *project["optional-dependencies"]["service"]} <= packages <= known
