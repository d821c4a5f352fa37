# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a line, its slots in an inventory, and what a run of the playbook is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.line.errors import LineError
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.playbook import (
    Board,
    command,
    environment,
    extra_inventory,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.settings import LineSettings, load
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.slots import slots_in


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "line.toml"
    file.write_text(text, encoding="utf-8")
    return file


def inventory(group: str = "slots", **hosts: dict[str, Any]) -> dict[str, Any]:
    return {"_meta": {"hostvars": hosts}, "all": {"children": [group]}, group: {"hosts": [*hosts]}}


def test_paths_are_relative_to_the_settings(tmp_path: Path) -> None:
    settings = load(written(tmp_path, 'inventory = ["slots.yml"]\nextra_vars = ["labels.yml"]\ngather_seconds = 1'))
    assert settings.inventory == (str(tmp_path / "slots.yml"),)
    assert settings.extra_vars == (str(tmp_path / "labels.yml"),)
    assert settings.gather_seconds == 1.0


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = 'most_runs = "3"\nmdns = 1\nslot = "a"\ninventory = "x"'
    with pytest.raises(LineError) as error:
        load(written(tmp_path, text))
    for said in ("'slot' is no setting", "most_runs is no whole number", "mdns is no true or false", "inventory is no"):
        assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "inventory names none"),
        ('inventory = ["a"]\nservice_url = "ftp://x"', "service_url is a URL"),
        ('inventory = ["a"]\nservice_url = "http://[x"', "service_url is a URL"),
        ('inventory = ["a"]\ngather_seconds = nan', "gather_seconds is 0"),
        ('inventory = ["a"]\nmost_arrivals = 0', "most_arrivals is 1"),
        ('inventory = ["a"]\nplaybook = "-x"', "playbook is a name"),
        ('inventory = ["a\\u0007"]', "cannot be printed"),
        ("inventory = [", "are not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LineError, match=said):
        load(written(tmp_path, text))


def test_slots_are_the_hosts_of_a_group_and_of_its_children() -> None:
    found = inventory(a={"ansible_host": "192.0.2.1"}, b={"ansible_host": "192.0.2.2", "ansible_port": 2222})
    found["slots"] = {"children": ["left", "right"]}
    found["left"], found["right"] = {"hosts": ["a"], "children": ["slots"]}, {"hosts": ["b", "a"]}
    slots = slots_in(found, LineSettings())
    assert [(slot.name, slot.address, slot.port) for slot in slots] == [
        ("a", "192.0.2.1", 22),
        ("b", "192.0.2.2", 2222),
    ]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ansible_host": "{{ address }}"}, "write its address as it is"),
        ({"ansible_port": "ssh"}, "a number from 1 to 65535"),
        ({"ansible_connection": "local"}, "boards are reached by ssh"),
        ({"ioto_serial": "SN-1"}, "each board in it is another"),
        ({"ansible_host": "board.local"}, "set mdns = true"),
        ({"ioto_slot_lease": "pump-*"}, "in the setting leases"),
    ],
)
def test_a_slot_that_cannot_be_watched_is_refused_by_name(variables: dict[str, Any], said: str) -> None:
    with pytest.raises(LineError, match=f"The slot a has .*{said}"):
        slots_in(inventory(a=variables), LineSettings())


def test_two_slots_at_one_address_are_refused() -> None:
    same = {"ansible_host": "192.0.2.1"}
    with pytest.raises(LineError, match=r"2 slots have '192\.0\.2\.1' with port 22; give each its own"):
        slots_in(inventory(a=same, b=same), LineSettings())
    with pytest.raises(LineError, match="no host in the group 'jig'"):
        slots_in(inventory(a=same), LineSettings(group="jig"))


def test_a_lease_or_an_mdns_name_is_a_slot_where_the_settings_allow_it() -> None:
    by_name = inventory(a={"ansible_host": "board.local"})
    assert slots_in(by_name, LineSettings(mdns=True))[0].address == "board.local"
    (slot,) = slots_in(inventory(a={"ioto_slot_lease": "pump-*"}), LineSettings(leases="dnsmasq.leases"))
    assert (slot.address, slot.lease) == ("", "pump-*")


def test_a_run_is_limited_to_its_boards_and_keeps_no_master_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOTO_STATION_URL", "http://192.0.2.1")
    settings = dataclasses.replace(LineSettings(), inventory=("/slots.yml",))
    boards = [Board("slot-1", 17), Board("slot-2", 18)]
    told = command(settings, boards, Path("/run/extra.yml"))
    assert told[1:] == [
        *("ioto.serialization.provision", "-i", "/slots.yml", "-i", "/run/extra.yml"),
        *("--limit", "slot-1,slot-2", "-f", "2"),
    ]
    found = environment(settings, boards, 7)
    assert found["IOTO_STATION_ARRIVALS"] == '{"slot-1": 17, "slot-2": 18}'
    assert found["IOTO_STATION_FD"] == "7"
    assert "IOTO_STATION_URL" not in found
    for argument in ("ControlMaster=no", "PreferredAuthentications=publickey", "BatchMode=yes"):
        assert argument in found["ANSIBLE_SSH_ARGS"]


def test_what_was_scanned_is_never_a_template() -> None:
    assert extra_inventory([Board("slot-1", 17)], "") is None
    text = extra_inventory([Board("slot-1", 17, claim_id="A'\"\\\n{{ x }}"), Board("slot-2", 18)], "{{ 7 * 7 }}")
    assert text is not None
    assert text.count("!unsafe") == 3

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
    hosts = yaml.load(text, Loader)["all"]["hosts"]
    assert hosts["slot-1"] == {"ioto_claim_id": "A'\"\\\n{{ x }}", "ioto_operator": "{{ 7 * 7 }}"}
    assert hosts["slot-2"] == {"ioto_operator": "{{ 7 * 7 }}"}
