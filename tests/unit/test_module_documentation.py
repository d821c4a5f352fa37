# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-doc says of a module is what its action takes: each option, its type, its default and its choices."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

COLLECTION = "ansible_collections.ioto.serialization.plugins"
ROOT = Path(__file__).parents[2]
ACTIONS = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py"))
FACETS = ("type", "elements", "default", "choices", "required")


def documented_options(module: str) -> dict[str, Any]:
    documentation = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{module}").DOCUMENTATION)
    options: dict[str, Any] = {}
    for fragment in documentation.get("extends_documentation_fragment", []):
        name, _, section = fragment.removeprefix("ioto.serialization.").partition(".")
        found = importlib.import_module(f"{COLLECTION}.doc_fragments.{name}").ModuleDocFragment
        options |= yaml.safe_load(getattr(found, section.upper() or "DOCUMENTATION"))["options"]
    return options | documentation.get("options", {})


def facets(option: dict[str, Any]) -> dict[str, Any]:
    return {name: option[name] for name in FACETS if option.get(name) not in (None, False) or name in option}


def test_there_are_actions_to_look_at() -> None:
    assert "serialize" in ACTIONS
    assert sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py")) == ACTIONS


@pytest.mark.parametrize("action", ACTIONS)
def test_every_option_is_documented_as_the_action_takes_it(action: str) -> None:
    arguments = importlib.import_module(f"{COLLECTION}.action.{action}").ActionModule.ARGUMENTS

    documented = {name: facets(option) for name, option in documented_options(action).items()}

    assert documented == {name: facets(option) for name, option in arguments.items()}
