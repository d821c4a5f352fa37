# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each action has its page, and its page is where ansible-doc looks for it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.option import FLOW_MODULES
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import TABLE, options_of

COLLECTION = "ansible_collections.ioto.serialization.plugins"
ROOT = Path(__file__).parents[2]
ACTIONS = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py"))
GROUPS: dict[str, list[str]] = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]


def documented(module: str) -> dict[str, Any]:
    documentation = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{module}").DOCUMENTATION)
    return dict(documentation.get("options", {}))


def test_each_action_has_a_page_and_is_in_the_group_of_all() -> None:
    assert "serialize" in ACTIONS
    assert sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py")) == ACTIONS
    assert GROUPS["all"] == ACTIONS


@pytest.mark.parametrize(("group", "option"), [("ledger", "ledger"), ("device", "config_dir")])
def test_a_group_has_the_actions_that_take_its_default(group: str, option: str) -> None:
    assert GROUPS[group] == [action for action in ACTIONS if option in options_of(action)]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_names_the_groups_that_its_action_is_in(action: str) -> None:
    page = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{action}").DOCUMENTATION)
    said = page.get("attributes", {}).get("action_group", {}).get("membership", ["ioto.serialization.all"])

    assert said == [f"ioto.serialization.{group}" for group, actions in sorted(GROUPS.items()) if action in actions]


def test_the_table_names_no_module_that_is_not_there() -> None:
    assert {module for option in TABLE for module in option.modules} | FLOW_MODULES <= set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_takes_the_options_of_its_own_page(action: str) -> None:
    taken = importlib.import_module(f"{COLLECTION}.action.{action}").ActionModule.OPTIONS

    assert taken == options_of(action)
    assert list(documented(action)) == list(taken)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_says_the_defaults_and_choices_that_hold(action: str) -> None:
    for name, option in documented(action).items():
        spec = options_of(action)[name].spec
        assert (option.get("default"), option.get("choices")) == (spec.get("default"), spec.get("choices")), name


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_names_each_variable_that_counts_and_no_other(action: str) -> None:
    for name, option in documented(action).items():
        row = options_of(action)[name]
        told = (f"variable C({row.variable}) counts", f"as the variable C({row.variable})")
        assert any(words in str(option) for words in told) == (row.falls_back(action) or row.is_deliberate), name
