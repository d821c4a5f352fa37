# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a host are what Ansible's own `hostvars` says, template or not, facts or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleError, AnsibleValueOmittedError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars import manager
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.host_variables import HostVariables

INVENTORY = """
all:
  vars:
    product: 01G8YJKKRNTHW213TRZYX3YH0M
    number_on_it: "SN-{{ number }}"
    brace: "a } and a {"
    own_signs: "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\\n[% number %]"
    settings: {port: 22, names: [a, "{{ number }}"], plain: {deep: [1, null, true, 2.5]}}
    plain: {port: 22, names: [a, b], none: null}
    day: 2026-11-28
    missing: "{{ nobody_says_it }}"
    left_out: "{{ omit }}"
  hosts:
    unit-1: {number: 1, ansible_host: 10.0.0.1}
    unit-2: {number: 2}
"""


@pytest.fixture
def hostvars(tmp_path: Path) -> HostVars:
    (tmp_path / "hosts.yml").write_text(INVENTORY, encoding="utf-8")
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(tmp_path / "hosts.yml")])
    return HostVars(inventory, VariableManager(loader=loader, inventory=inventory), loader)


def test_each_value_is_that_of_hostvars(hostvars: HostVars) -> None:
    for host in ("unit-1", "unit-2"):
        theirs, ours = hostvars[host], HostVariables(hostvars, host, DataLoader())
        assert list(ours) == list(theirs)
        assert len(ours) == len(theirs)
        for name in ours.keys() - {"missing", "left_out", "omit"}:
            assert ours[name] == theirs[name], name
    assert ours["number_on_it"] == "SN-2"
    assert ours["own_signs"] == 2
    assert ours["settings"]["names"] == ["a", 2]
    assert "number_on_it" in ours
    assert "elsewhere" not in ours


def test_what_has_no_value_fails_as_in_hostvars(hostvars: HostVars) -> None:
    ours = HostVariables(hostvars, "unit-1", DataLoader())
    with pytest.raises(AnsibleError, match="nobody_says_it"):
        ours["missing"]
    with pytest.raises(AnsibleValueOmittedError):
        ours["left_out"]
    with pytest.raises(KeyError):
        ours["elsewhere"]


def test_facts_are_cleaned_as_ansible_cleans_them(hostvars: HostVars) -> None:
    hostvars._variable_manager.set_host_facts("unit-1", {"colour": "red", "ansible_ssh_user": "intruder"})
    cleaned = manager.clean_facts
    ours = HostVariables(hostvars, "unit-1", DataLoader())
    assert manager.clean_facts is cleaned
    assert ours["colour"] == "red"
    assert "ansible_ssh_user" not in ours
    assert "colour" not in HostVariables(hostvars, "unit-2", DataLoader())
