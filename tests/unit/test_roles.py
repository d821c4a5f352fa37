# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role keeps its promises on paper: the argument spec and the defaults name the same variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware import image_batch as firmware_batch

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())


def load(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def options_of(role: Path) -> dict[str, Any]:
    """Return the options of all entry points of a role."""
    entry_points = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    return {name: option for entry in entry_points.values() for name, option in entry.get("options", {}).items()}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_has_an_argument_spec(role: Path) -> None:
    assert load(role / "meta" / "argument_specs.yml").get("argument_specs")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_documented_in_the_argument_spec(role: Path) -> None:
    assert set(load(role / "defaults" / "main.yml")) - set(options_of(role)) == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_documented_default_is_the_one_that_holds(role: Path) -> None:
    documented = {name: option["default"] for name, option in options_of(role).items() if "default" in option}
    held = load(role / "defaults" / "main.yml")
    assert {name: held.get(name, "no default") for name in documented} == documented


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_default_that_is_no_template_is_in_the_argument_spec_too(role: Path) -> None:
    plain = {
        name
        for name, value in load(role / "defaults" / "main.yml").items()
        if not ("{{" in str(value) or value is None)
    }
    assert plain - {name for name, option in options_of(role).items() if "default" in option} == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_required_variable_has_no_default(role: Path) -> None:
    required = {name for name, option in options_of(role).items() if option.get("required")}
    assert required & set(load(role / "defaults" / "main.yml")) == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_argument_spec_names_the_variables_that_the_tasks_use_and_no_others(role: Path) -> None:
    files = [path for folder in ("tasks", "templates", "vars") for path in sorted((role / folder).glob("*.*"))]
    tasks = "".join(path.read_text(encoding="utf-8") for path in files)
    registered = set(re.findall(r"register: (\w+)", tasks))
    used = set(re.findall(r"\bioto_\w+", tasks)) - registered
    if "ioto.serialization.firmware_batch" in tasks:  # one task for all hosts, which reads their variables itself
        used |= set(firmware_batch.VARIABLES) - {"ioto_mode"}

    assert used == set(options_of(role))
