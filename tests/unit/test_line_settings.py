# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a line, its slots in an inventory, and what a run of the playbook is told."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
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
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.scan_desk import ScanDesk
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.scans import ScanOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.settings import LineSettings
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.settings_file import load
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.slot_key import key_problems
from ansible_collections.ioto.serialization.plugins.plugin_utils.line.slots import slots_in
from tests.support.closed_folder import closed_folder


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "line.toml"
    file.write_text(text, encoding="utf-8")
    return file


def inventory(group: str = "slots", **hosts: dict[str, Any]) -> dict[str, Any]:
    return {"_meta": {"hostvars": hosts}, "all": {"children": [group]}, group: {"hosts": [*hosts]}}


def test_paths_are_relative_to_the_settings(tmp_path: Path) -> None:
    for name in ("slots.yml", "labels.yml"):
        (tmp_path / name).touch()
    settings = load(written(tmp_path, 'inventory = ["slots.yml"]\nextra_vars = ["labels.yml"]\ngather_seconds = 1'))
    assert settings.inventory == (str(tmp_path / "slots.yml"),)
    assert settings.extra_vars == (str(tmp_path / "labels.yml"),)
    assert settings.gather_seconds == 1.0


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = 'most_runs = "3"\nmdns = 1\nslot = "a"\ninventory = "x"\ngather_seconds = 99\nextra_vars = ["nowhere.yml"]'
    text += '\nleases = "nowhere.leases"\nservice_url = "ftp://x"\nscanner = "x"\nscan_order = "x"'
    with pytest.raises(LineError) as error:
        load(written(tmp_path, text))
    for said in (
        "hold 'slot', which the station does not know",
        "most_runs in",
        "mdns in",
        "is no true or false",
        "inventory in",
        "is not a list of texts",
        "gather_seconds is 0",
        f"extra_vars names '{tmp_path}/nowhere.yml', which is not there",
        f"leases names '{tmp_path}/nowhere.leases', which is not there",
        "service_url: The URL of the service",
        "scanner: The scanner 'x' is nowhere",
        "scan_order is scan_then_plug or",
    ):
        assert said in str(error.value)
    assert "inventory names none" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "inventory names none"),
        ('inventory = ["a"]\nservice_url = "ftp://x"', "service_url: The URL of the service"),
        ('inventory = ["a"]\nservice_url = "http://[x"', "service_url: The URL of the service"),
        ('inventory = ["a"]\ngather_seconds = nan', "gather_seconds is 0"),
        ('inventory = ["a"]\nmost_arrivals = 0', "most_arrivals is 1"),
        ('inventory = ["a"]\nplaybook = "-x"', "playbook is a name"),
        ('inventory = ["a\\u0007"]', "cannot be seen"),
        ('inventory = ["nowhere.yml"]', "inventory names '.*nowhere.yml', which is not there"),
        (f'inventory = ["{"x" * 300}"]', r"x', which cannot be read \(File name too long\); correct"),
        (
            f'inventory = ["a,"]\nwork_directory = "{"x" * 300}"',
            r"work_directory: the station cannot write to '/.*\(File",
        ),
        ('inventory = ["~nobody-at-all/x"]', "inventory: The path '~nobody-at-all/x' begins with a user"),
        (
            'inventory = ["a,"]\nservice_url = "http://ann:secret@x"',
            "service_url: The URL of the service \\(http://x\\)",
        ),
        ('inventory = ["a,"]\nservice_url = "http://b\u00fccher"', "service_url: The URL"),
        ('inventory = ["a,"]\nstation = " "', "station is a name"),
        ('inventory = ["a,"]\nwork_directory = "/dev/null/x"', "work_directory: the station cannot write below"),
        ("inventory = [", "are not TOML"),
        ("a." * 60_000 + "b = 1", "nest too deeply"),
        ('inventory = ["a"]\nslot_prefix = " "', "slot_prefix is what such a code begins with"),
        ('inventory = ["a"]\nslot_prefix = "s"\nbadge_prefix = "S-"', "slot_prefix and badge_prefix begin alike"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LineError, match=said):
        load(written(tmp_path, text))


def test_files_in_a_folder_that_the_stations_user_may_not_enter_are_told_as_such() -> None:
    text = 'inventory = ["closed/slots.yml"]\nleases = "closed/leases"\nwork_directory = "closed/work/of/it"'
    with TemporaryDirectory() as folder, closed_folder(Path(folder)), pytest.raises(LineError) as error:
        load(written(Path(folder), text))
    for said in (
        "slots.yml', which the station may not read",
        "leases', which the station may not read",
        "cannot write",
    ):
        assert said in str(error.value)


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
        ({"ansible_host": "{{ address }}"}, "write its address or its name as it is"),
        ({"ansible_port": "ssh"}, "a number from 1 to 65535"),
        *(
            ({"ansible_port": port}, "a number from 1 to 65535")
            for port in ("²", "\uff12\uff12", 0, 65536, "9" * 5000, None, True)
        ),
        *(
            ({"ansible_host": host}, "write its address or its name as it is")
            for host in (None, "", " ", 7, ["192.0.2.1"], "[::1]", "root@board", "192.0.2.1:22", "192.168.7", "0x7f.1")
        ),
        *(({"ansible_host": host}, "write its address") for host in ("0.0.0.0", "::", "224.0.0.1", "*.x", "-oX=y")),
        *(({"ansible_host": host}, "set mdns = true") for host in ("a.LOCAL", "a.local.", "local")),
        ({"ansible_ssh_host": "192.0.2.9"}, "write ansible_host in its place"),
        ({"ioto_slot_lease": None}, "write a pattern of a MAC address"),
        ({"ansible_connection": "local"}, "boards are reached by ssh"),
        ({"ioto_serial": "SN-1"}, "an ioto_serial, but each board in it is another"),
        ({"ioto_claim_id": "JT08FFQXWQ"}, "an ioto_claim_id, but each board in it is another"),
        ({"ansible_host": "board.local"}, "set mdns = true"),
        ({"ioto_slot_lease": "pump-*"}, "in the setting leases"),
    ],
)
def test_a_slot_that_cannot_be_watched_is_refused_by_name(variables: dict[str, Any], said: str) -> None:
    with pytest.raises(LineError, match=f"The slot a has .*{said}"):
        slots_in(inventory(a=variables), LineSettings())


@pytest.mark.parametrize(
    "name", ["slot-?", "a b", "a*", "~a", "&a", "!a", "a,b", "a:b", "@file", "-a", "[a]", "::1", "\u0430", "", "x" * 65]
)
def test_a_name_that_would_be_a_pattern_in_a_limit_is_no_slots(name: str) -> None:
    with pytest.raises(LineError, match="has a name that cannot stand in a limit"):
        slots_in(inventory(**{name: {"ansible_host": "192.0.2.1"}}), LineSettings())


@pytest.mark.parametrize("name", ["all", "ungrouped", "slots", "localhost", "127.0.0.1"])
def test_a_name_that_stands_for_other_hosts_is_no_slots(name: str) -> None:
    with pytest.raises(LineError, match=f"The slot {name} is called as .*; call it otherwise"):
        slots_in(inventory(**{name: {"ansible_host": "192.0.2.1"}}), LineSettings())


def test_all_that_is_wrong_with_slots_is_told_at_once() -> None:
    found = inventory(
        a={"ansible_host": None, "ansible_port": 0, "ansible_connection": "local"},
        b={"ansible_host": "192.0.2.1"},
        B={"ansible_host": "192.0.2.2"},
    )
    with pytest.raises(LineError) as error:
        slots_in(found, LineSettings())
    said = str(error.value)
    for one in ("ansible_host None", "ansible_port 0", "ansible_connection 'local'", "'b' and 'B' differ in capital"):
        assert one in said


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ansible_host": "2001:db8::1"}, {"ansible_host": "2001:0db8:0:0::0001"}),
        ({"ansible_host": "192.0.2.1"}, {"ansible_host": "::ffff:192.0.2.1"}),
        ({"ansible_host": "board.example"}, {"ansible_host": "BOARD.example."}),
        ({"ansible_host": "192.0.2.1", "ansible_port": "22"}, {"ansible_host": "192.0.2.1"}),
        ({"ioto_slot_lease": "pump-*"}, {"ioto_slot_lease": "PUMP-*", "ansible_host": "192.0.2.1"}),
    ],
)
def test_two_slots_of_one_place_are_refused_however_it_is_written(one: dict[str, Any], other: dict[str, Any]) -> None:
    with pytest.raises(LineError, match="2 slots have"):
        slots_in(inventory(a=one, b=other), LineSettings(leases="dnsmasq.leases"))


def test_an_ipv6_address_and_a_serial_from_a_template_are_a_slots() -> None:
    (slot,) = slots_in(
        inventory(a={"ansible_host": "fe80::1%eth1", "ioto_serial": "{{ of_this_board }}"}), LineSettings()
    )
    assert (slot.address, slot.port) == ("fe80::1%eth1", 22)


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


@pytest.mark.parametrize("name", ["\U00020bb7\u91ce", "Zo\u00eb \U0001f600", "a\uffff", 'b"\\U0001f600'])
def test_a_name_of_any_script_reaches_the_run_as_it_is(name: str) -> None:
    text = extra_inventory([Board("slot-1", 17, "192.0.2.1")], name)
    assert text is not None
    said = yaml.safe_load(text.replace("!unsafe", "!!str"))["all"]["hosts"]["slot-1"]
    assert said == {"ansible_host": "192.0.2.1", "ioto_operator": name}


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


URL = "https://example.com/?id={claim_id}"
SCANNED = LineSettings(scanner="tcp:127.0.0.1:9000")


def test_scans_are_read_by_what_the_runs_have_of_each_slot() -> None:
    of_inventory = inventory(
        a={"ansible_host": "192.0.2.1", "ioto_label_qr": URL},
        b={"ansible_host": "192.0.2.2", "ioto_label_layout": "standard", "ioto_claim_id_length": "12"},
        c={"ansible_host": "192.0.2.3"},
    )
    a, b, c = slots_in(of_inventory, SCANNED)
    assert (a.labels.templates, a.labels.claim_id_length) == ((URL,), 10)
    assert b.labels.claim_id_length == 12 and all("{claim_id}" in template for template in b.labels.templates)
    assert (c.labels.templates, c.labels.claim_id_length) == (("{claim_id}",), 10)
    settings = ScanDesk(SCANNED, [a, b, c]).scans
    settings.scanned("SLOT:c", 0)
    bound = settings.scanned("https://example.com/?id=JT08FFQXWQ", 1)
    assert (bound.outcome, bound.slot) == (ScanOutcome.BOUND, "c")


def test_a_layout_is_looked_for_where_the_runs_look_for_it(tmp_path: Path) -> None:
    (tmp_path / "mine.json5").write_text(
        json.dumps({"width": 50, "height": 25, "elements": [{"qr": URL, "x": 2, "y": 2, "size": 20}]})
    )
    settings = dataclasses.replace(SCANNED, folder=tmp_path)
    (slot,) = slots_in(inventory(a={"ansible_host": "192.0.2.1", "ioto_label_layout": "mine.json5"}), settings)
    assert slot.labels.templates == (URL,)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ioto_label_qr": "{{ shop }}/{claim_id}"}, "scans are read by it; write it as it is"),
        ({"ioto_claim_id_length": "1" * 5000}, "write a number from 10 to 20"),
        ({"ioto_label_qr": ["{claim_id}"]}, "scans are read by it; write it as it is"),
        ({"ioto_label_qr": "{claim}"}, "has labels that cannot be read by a scan: qr: the template"),
        ({"ioto_label_layout": "no-such-layout"}, "has labels that cannot be read by a scan: The layout"),
        ({"ioto_claim_id_length": "long"}, "ioto_claim_id_length 'long'; write a number"),
        ({"ioto_claim_id_length": True}, "write a number from"),
    ],
)
def test_labels_that_no_scan_could_be_read_by_are_refused_where_there_is_a_scanner(
    variables: dict[str, Any], said: str
) -> None:
    found = inventory(a={"ansible_host": "192.0.2.1", **variables})
    assert slots_in(found, LineSettings())
    with pytest.raises(LineError) as error:
        slots_in(found, SCANNED)
    assert said in str(error.value)


def test_a_key_that_is_no_file_is_told_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said = [*key_problems([None, tmp_path / "pipe", tmp_path, Path("/a\0b"), tmp_path / "nowhere"])]
    for sentence, why in zip(said, ("a pipe", "Is a directory", "holds a NUL", "No such file"), strict=True):
        assert why in sentence and "cannot be read" in sentence


def test_the_prefixes_of_the_codes_are_settings() -> None:
    settings = dataclasses.replace(SCANNED, slot_prefix="JIG-", badge_prefix="ID-")
    scans = ScanDesk(settings, slots_in(inventory(a={"ansible_host": "192.0.2.1"}), settings)).scans
    assert scans.scanned("jig-A", 0).outcome is ScanOutcome.SLOT
    assert scans.scanned("ID-Ann", 2).outcome is ScanOutcome.OPERATOR


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("ledgers/line.db", "/srv/line/ledgers/line.db"),
        ("/var/lib/ledger.db", "/var/lib/ledger.db"),
        ("postgresql://db/ledger", "postgresql://db/ledger"),
        ("", ""),
    ],
)
def test_the_ledger_of_a_slot_is_the_one_that_its_runs_open(said: str, found: str) -> None:
    settings = dataclasses.replace(SCANNED, folder=Path("/srv/line"))
    (slot,) = slots_in(inventory(a={"ioto_ledger": said}), settings)
    assert slot.labels.ledger == found
