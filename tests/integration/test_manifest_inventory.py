# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin `manifest`, as ansible-inventory and ansible-playbook see it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ansible import WARM, sampled

pytestmark = pytest.mark.ansible

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
ORDER = "address,serial,mode,claim_id,user,model\n"
COLLECTIONS = Path(__file__).parents[2] / "playbooks/collections"
OTHER_PLUGINS = {
    "ANSIBLE_INVENTORY_ENABLED": "host_list,script,auto,yaml,ini,toml",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false",
}
"""What Ansible does by itself; the `ansible.cfg` of a clone has our plugin, too, and ends where none reads a file."""


def run(program: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1"}
    command = [Path(sys.executable).parent / program, *arguments]
    return WARM.run(command, Path.cwd(), {**kept, **environment}, apart=True)


def write(folder: Path, order: str, *options: str, name: str = "manifest.yml") -> Path:
    """Write the order and the inventory file that names it; return the latter."""
    (folder / "order.csv").write_text(order)
    inventory = folder / name
    inventory.write_text("\n".join(["plugin: ioto.serialization.manifest", "path: order.csv", *options]) + "\n")
    return inventory


def listed(inventory: Path, **environment: str) -> dict[str, dict[str, object]]:
    """What ansible-inventory says, with plain host variables under `hostvars`."""
    result = run("ansible-inventory", "-i", inventory, "--list", **environment)
    assert result.returncode == 0, result.stderr
    everything: dict[str, dict[str, object]] = json.loads(result.stdout)
    everything["hostvars"] = everything["_meta"]["hostvars"]  # type: ignore[assignment]
    return everything


def test_rows_become_hosts_variables_and_groups(tmp_path: Path) -> None:
    order = f"{ORDER}10.0.0.1:2222,SN-1,manual,jto8ffqxwq,root,Meter 3\n[fe80::1],SN-2,auto,,,\n,SN-3,firmware,,,\n"
    inventory = listed(write(tmp_path, order, f"product: {PRODUCT}"))
    text = {"__ansible_unsafe": "Meter 3"}
    variables = inventory["hostvars"]["SN-1"]
    assert variables == {
        "ansible_host": {"__ansible_unsafe": "10.0.0.1"},
        "ansible_port": 2222,
        "ansible_user": {"__ansible_unsafe": "root"},
        "ioto_serial": {"__ansible_unsafe": "SN-1"},
        "ioto_product": {"__ansible_unsafe": PRODUCT},
        "ioto_mode": {"__ansible_unsafe": "manual"},
        "ioto_claim_id": {"__ansible_unsafe": "JT08FFQXWQ"},
        "ioto_properties": {"model": text},
    }
    assert set(inventory["hostvars"]["SN-3"]) == {"ioto_serial", "ioto_product", "ioto_mode"}
    assert [inventory[mode].get("hosts") for mode in ("manual", "auto", "firmware")] == [["SN-1"], ["SN-2"], ["SN-3"]]
    assert "factory" in inventory["all"]["children"]


def test_group_variables_hold_where_a_row_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(f"ioto_product: {PRODUCT}\n")
    inventory = listed(write(tmp_path, f"{ORDER}10.0.0.1,SN-1,auto,,,\n"))
    assert PRODUCT in str(inventory["hostvars"]["SN-1"]["ioto_product"])  # type: ignore[index]


def test_groups_are_constructed_from_columns(tmp_path: Path) -> None:
    options = (
        "keyed_groups:",
        "  - key: ioto_properties.model",
        "    prefix: model",
        "compose:",
        "  twice: ioto_serial * 2",
    )
    inventory = listed(write(tmp_path, f"{ORDER}10.0.0.1,SN-1,auto,,,Meter\n", *options))
    assert inventory["model_Meter"]["hosts"] == ["SN-1"]
    assert "SN-1SN-1" in str(inventory["hostvars"]["SN-1"]["twice"])  # type: ignore[index]


def test_a_template_in_a_cell_is_never_evaluated(tmp_path: Path) -> None:
    attack = "{{ lookup('ansible.builtin.pipe', 'touch " + str(tmp_path / "owned") + "') }}"
    inventory = write(
        tmp_path,
        f'{ORDER}10.0.0.1,"{attack}",auto,,,"{attack}"\n',
        "compose:",
        "  copy: ioto_properties.model",
        "keyed_groups:",
        "  - key: ioto_serial",
    )
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n"
        '        msg: "{{ ioto_serial }} {{ ioto_properties.model }} {{ copy }} {{ ioto_properties | to_json }}"\n'
    )
    result = run("ansible-playbook", "-i", inventory, playbook, ANSIBLE_STDOUT_CALLBACK="default")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("lookup('ansible.builtin.pipe'") >= 4
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("program", ["ansible-inventory", "ansible-playbook"])
def test_a_bad_order_stops_the_run_with_one_error_that_lists_every_row(tmp_path: Path, program: str) -> None:
    good, again = "10.0.0.3,SN-3,manual,JT08FFQXWQ,,\n", "10.0.0.4,SN-3,manual,JT08FFQXWQ,,\n"
    inventory = write(tmp_path, f"{ORDER}-x,SN-1,auto,,,\n10.0.0.2,SN-2,manuel,,,\n{good}{again}")
    playbook = tmp_path / "play.yml"
    playbook.write_text("- hosts: localhost\n  gather_facts: false\n  tasks: [ansible.builtin.debug: {msg: it ran}]\n")
    result = run(program, "-i", inventory, playbook if program == "ansible-playbook" else "--list")
    assert result.returncode == 4
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert lines[0].startswith(f"[ERROR]: {tmp_path}/order.csv has 4 problems; no unit was taken from it.")
    assert [line.split(":")[0] for line in lines[1:]] == ["  line 2", "  line 3", "  line 5", "  line 5"]
    assert "JT08FF" not in result.stderr


def test_the_csv_file_itself_is_an_inventory_where_the_plugin_is_enabled(tmp_path: Path) -> None:
    write(tmp_path, f"{ORDER}10.0.0.1,SN-1,auto,,,\n")
    enabled = {"ANSIBLE_INVENTORY_ENABLED": "ioto.serialization.manifest,host_list,script,auto,yaml,ini,toml"}
    assert listed(tmp_path / "order.csv", **enabled)["auto"]["hosts"] == ["SN-1"]
    (tmp_path / "order.csv").write_text(f"{ORDER}10.0.0.1,SN-1,manuel,,,\n")
    result = run("ansible-inventory", "-i", tmp_path / "order.csv", "--list", **enabled)
    assert (result.returncode, result.stdout) == (4, "")
    assert "line 2: The mode 'manuel'" in result.stderr


def test_the_manifest_that_a_csv_file_needs_is_shown_and_works_as_shown(tmp_path: Path) -> None:
    """Also in a folder of inventories, and where the file has spaces, by which Ansible's own plugin gives up."""
    playbook = COLLECTIONS.parent / "labels.yml"
    for name, model in (("order 1.csv", "Meter"), ("order.csv", "Meter 3")):
        folder = tmp_path / name.removesuffix(".csv")
        folder.mkdir()
        order = folder / name
        order.write_text(f"{ORDER}10.0.0.1,SN-1,manual,JT08FFQXWQ,,{model}\n")
        for source in (order, folder):
            result = run("ansible-playbook", "-i", source, playbook, **OTHER_PLUGINS)
            assert result.returncode != 0
            assert f"{order} is a CSV file, and Ansible alone would take each of its lines for a host." in result.stderr
            assert "Traceback" not in result.stderr
        assert "JT08FF" not in result.stdout + result.stderr
        shown = result.stderr.partition("these two lines:\n")[2].splitlines()
        manifest = Path(shown[2].removeprefix("and run again with -i "))
        manifest.write_text("\n".join(shown[:2]))
        assert listed(manifest)["manual"]["hosts"] == ["SN-1"]


def test_a_csv_file_is_no_problem_where_the_plugin_reads_it_or_ansible_does_not(tmp_path: Path) -> None:
    order = tmp_path / "order.csv"
    order.write_text(f"{ORDER}10.0.0.1,SN-1,manual,,,\n")
    playbook = COLLECTIONS.parent / "labels.yml"
    enabled = {"ANSIBLE_INVENTORY_ENABLED": "ioto.serialization.manifest,ini"}
    ignored = {**OTHER_PLUGINS, "ANSIBLE_INVENTORY_IGNORE": ".csv"}
    for source, environment in ((order, enabled), (tmp_path, ignored)):
        result = run("ansible-playbook", "-i", source, playbook, **environment)
        assert "is a CSV file" not in result.stderr
        assert "give one of dest (ioto_label_dest" in result.stdout


@pytest.mark.parametrize(
    ("inventory", "message"),
    sampled(
        [
            ("path: nowhere.csv", "cannot be read: No such file or directory"),
            ("delimiter: ','", "names no production order; set path"),
            ("path: order.csv\nproduct: XX", "The product 'XX' is not a product ID"),
            (
                "path: order.csv\ncolumn: {x: y}",
                "The option 'column' of the inventory file is unknown: did you mean columns?",
            ),
            ("path: order.csv\nprodcut: x", "did you mean product?"),
            ("path: order.csv\nmod: auto", "did you mean mode?"),
            ("path: order.csv\nencoding: klingon", "The encoding 'klingon' is not known"),
        ]
    ),
)
def test_a_bad_inventory_file_stops_the_run_in_one_sentence(tmp_path: Path, inventory: str, message: str) -> None:
    file = write(tmp_path, f"{ORDER}10.0.0.1,SN-1,auto,,,\n", name="line1.manifest.yml")
    file.write_text(f"plugin: ioto.serialization.manifest\n{inventory}\n")
    result = run("ansible-inventory", "-i", file, "--list")
    assert result.returncode == 4
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_order_is_read_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    inventory = write(tmp_path, "")
    for first, delimiter, encoding in (("sep=,\r\n", ",", "utf-8"), ("", "\t", "utf-16"), ("", ";", "utf-8-sig")):
        rows = "Address,Serial,Mode,\r\n10.0.0.1,SN-1,auto,\r\n".replace(",", delimiter)
        (tmp_path / "order.csv").write_bytes(f"{first}{rows}".encode(encoding))
        assert listed(inventory)["auto"]["hosts"] == ["SN-1"]


def test_a_setting_that_is_not_the_files_is_named_with_what_to_set(tmp_path: Path) -> None:
    result = run("ansible-inventory", "-i", write(tmp_path, "address;serial\n", "delimiter: ','"), "--list")
    assert "line 1: The header looks separated by ';'; set the delimiter to it." in result.stderr
    inventory = write(tmp_path, "")
    (tmp_path / "order.csv").write_bytes("address;Ort\n10.0.0.1;Köln\n".encode("cp1252"))
    assert "or set its encoding, such as cp1252" in run("ansible-inventory", "-i", inventory, "--list").stderr


def test_another_file_name_is_not_taken(tmp_path: Path) -> None:
    result = run(
        "ansible-inventory", "-i", write(tmp_path, f"{ORDER}10.0.0.1,SN-1,auto,,,\n", name="hosts.yml"), "--list"
    )
    assert "could not be verified by inventory plugin" in " ".join(result.stderr.split())
    assert "SN-1" not in result.stdout


def test_ansible_doc_knows_the_plugin() -> None:
    result = run("ansible-doc", "-t", "inventory", "ioto.serialization.manifest", "--json")
    assert result.returncode == 0, result.stderr
    documented = json.loads(result.stdout)["ioto.serialization.manifest"]["doc"]["options"]
    assert {"path", "delimiter", "encoding", "mode", "product", "columns", "keyed_groups"} <= set(documented)


def test_a_play_for_all_hosts_has_them_in_the_order_of_the_rows_whatever_their_flows(tmp_path: Path) -> None:
    rows = [("P-3", "manual"), ("P-1", "auto"), ("P-2", "manual"), ("P-4", "firmware")]
    order = "address,serial,mode\n" + "".join(f"192.0.2.{i},{name},{mode}\n" for i, (name, mode) in enumerate(rows, 1))
    play = [
        {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"var": "ansible_play_hosts_all"}}]}
    ]
    (tmp_path / "play.yml").write_text(json.dumps(play))

    result = run("ansible-playbook", "-i", write(tmp_path, order), tmp_path / "play.yml")

    # Each host says it, and they end in any order.
    said = re.findall(r"^P-1: ansible_play_hosts_all = (\S+)$", result.stdout, re.MULTILINE)
    assert said == [name for name, _mode in rows], result.stdout
