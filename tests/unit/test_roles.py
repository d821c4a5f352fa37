# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role keeps its promises on paper: the argument spec and the defaults name the same variables."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.filter.core import FilterModule
from ansible.template import Templar, trust_as_template

from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())


def load(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def options_of_role(role: Path) -> dict[str, Any]:
    """Return the options of all entry points of a role."""
    entry_points = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    return {name: option for entry in entry_points.values() for name, option in entry.get("options", {}).items()}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_has_an_argument_spec(role: Path) -> None:
    assert load(role / "meta" / "argument_specs.yml").get("argument_specs")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_documented_in_the_argument_spec(role: Path) -> None:
    assert set(load(role / "defaults" / "main.yml")) - set(options_of_role(role)) == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_documented_default_is_the_one_that_holds(role: Path) -> None:
    documented = {name: option["default"] for name, option in options_of_role(role).items() if "default" in option}
    held = load(role / "defaults" / "main.yml")
    assert {name: held.get(name, "no default") for name in documented} == documented


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_default_that_is_no_template_is_in_the_argument_spec_too(role: Path) -> None:
    plain = {
        name
        for name, value in load(role / "defaults" / "main.yml").items()
        if not ("{{" in str(value) or value is None)
    }
    assert plain - {name for name, option in options_of_role(role).items() if "default" in option} == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_required_variable_has_no_default(role: Path) -> None:
    required = {name for name, option in options_of_role(role).items() if option.get("required")}
    assert required & set(load(role / "defaults" / "main.yml")) == set()


def said_by_variables(task: dict[str, Any]) -> set[str]:
    """Return the variables that count for a role's task without being named in it."""
    found = set()
    for name, arguments in task.items():
        # One task for all hosts reads their variables itself, as a task for each would.
        module = name.removeprefix("ioto.serialization.").replace("firmware_batch", "firmware_image")
        for option in options_of(module).values():
            may_replace = isinstance(arguments, dict) and arguments.get("may_replace")
            may_replace = may_replace or name.endswith("firmware_batch")
            if option.falls_back(module) or (option.is_deliberate and may_replace):
                found.add(str(option.variable))
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_of_the_argument_spec_is_used_and_every_one_that_is_named_is_in_it(role: Path) -> None:
    files = [path for folder in ("tasks", "templates", "vars") for path in sorted((role / folder).glob("*.*"))]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    registered = set(re.findall(r"register: (\w+)", text))
    named = set(re.findall(r"\bioto_\w+", text)) - registered
    tasks = [task for path in (role / "tasks").glob("*.yml") for task in yaml.safe_load(path.read_text("utf-8"))]
    counting = set().union(*map(said_by_variables, tasks))

    assert named <= set(options_of_role(role))
    assert set(options_of_role(role)) <= named | counting


def test_a_serial_in_a_prompt_steers_no_terminal() -> None:
    tasks = yaml.safe_load((ROOT / "roles" / "verify" / "tasks" / "ask.yml").read_text(encoding="utf-8"))
    prompt = trust_as_template(tasks[0]["ansible.builtin.pause"]["prompt"])
    hostile = {"inventory_hostname": "pump-1", "ioto_verdict": {}, "ioto_serial": "SN-1\x1b[2J\u202e/Ä.7"}
    shown = Templar(DataLoader(), variables=hostile).template(prompt)
    assert shown.startswith("Scan the label of pump-1 (S/N SN-1  2J /Ä.7); Enter alone goes on to the next, and this")
    unnamed = Templar(DataLoader(), variables={**hostile, "ioto_serial": 17}).template(prompt)
    assert "(S/N 17)" in unnamed


@pytest.mark.parametrize("role", ["line", "service"])
def test_settings_of_any_script_are_toml(role: str) -> None:
    said = {"operator": "\U00020bb7\u91ce \U0001f600", "unit": ["a\u0007b", 'q"\\'], "rate": 1.5, "mdns": True}
    # Rendered into no page: nothing to escape.
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT / "roles" / role / "templates"))
    environment.filters |= {**FilterModule().filters(), "combine": lambda one, other: {**one, **other}}
    variables = {"__ioto_line_settings": said, "ioto_server_settings": said, "__ioto_server_names": ["station"]}
    found = tomllib.loads(environment.get_template("settings.toml.j2").render(ansible_managed="test", **variables))
    assert {name: value for name, value in found.items() if name in said} == said
