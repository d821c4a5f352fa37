# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typing mistakes in an inventory, all told at once and by name; none of them ends in an image of something else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.support.ansible import ROOT, provision
from tests.support.shell_device import PRODUCT

pytestmark = pytest.mark.ansible

MISTAKES: dict[str, tuple[dict[str, object], str]] = {
    "zeros": ({"ioto_claim_id": "0000000000"}, "is zeros, or the digits in their order"),
    "counted": ({"ioto_claim_id": "1234567890"}, "is zeros, or the digits in their order"),
    "longer": ({"ioto_claim_id": "JT08FFQXWQ0"}, "has 11 characters, and those of this line have 10"),
    "dashed-name": ({"ioto-claim-id": "JT08FFQXWQ"}, "the variable ioto-claim-id is unknown: did you mean"),
    "bare-name": ({"claimid": "JT08FFQXWQ"}, "the variable claimid is unknown: did you mean ioto_claim_id?"),
    "another-word": ({"uci": "JT08FFQXWQ"}, "the variable uci is unknown: did you mean ioto_claim_id?"),
    "short-prefix": ({"iotoclaim": "JT08FFQXWQ"}, "the variable iotoclaim is unknown: did you mean ioto_claim_id?"),
    "capitals": ({"ioto_serial": "sn-1"}, "differ in capitals or signs alone"),
    "signs": ({"ioto_serial": "SN 2"}, "differ in capitals or signs alone"),
    "dash": ({"ioto_serial": "SN\N{EN DASH}3"}, "in which a program has put dashes, quotes or spaces of its own"),
    "space": ({"ioto_serial": "SN\N{NO-BREAK SPACE}4"}, "printable characters"),
    "yes": ({"ioto_serial": "TRUE"}, "looks like a yes or no that a spreadsheet has made"),
    "exponent": ({"ioto_serial": "8.6E14"}, "looks like a long number that a spreadsheet has rounded"),
    "ledger": ({"ioto_ledger": ""}, "ioto_ledger is there and empty"),
}


def test_mistakes_of_an_inventory_are_all_told_by_name(tmp_path: Path, home: Path) -> None:
    hosts: dict[str, dict[str, object]] = {
        name: {"ioto_serial": f"X-{name}", **given} for name, (given, _sentence) in MISTAKES.items()
    }
    hosts |= {"one": {"ioto_serial": "SN-1"}, "two": {"ioto_serial": "SN-2"}}
    inventory = tmp_path / "hosts.yml"
    variables = {"ioto_mode": "firmware", "ioto_product": PRODUCT, "ioto_firmware_dest": str(tmp_path / "out")}
    inventory.write_text(yaml.safe_dump({"all": {"vars": variables, "hosts": hosts}}, allow_unicode=True))

    run = provision(home, "-i", inventory)

    assert run.status == 2 and not (tmp_path / "out").exists(), run.output
    # The default callback shows the lines of a message in one.
    told = [line for line in run.output.replace("\\n", "\n").splitlines() if line.startswith("- ")]
    for name, (_given, sentence) in MISTAKES.items():
        about = [line for line in told if name in line.removeprefix("- ").split(": ")[0].split(", ")]
        assert any(sentence in line for line in about), (name, about, run.output)
    # Ansible itself shows the line of a variable whose name it does not like.
    assert not any("JT08FFQXWQ" in line for line in told)


def test_a_pattern_allows_serials_that_look_alike(tmp_path: Path, home: Path) -> None:
    hosts = {name: {"ioto_serial": serial} for name, serial in {"a": "ab1", "b": "AB1", "c": "8.6E14"}.items()}
    variables = {
        "ioto_mode": "firmware",
        "ioto_product": PRODUCT,
        "ioto_firmware_dest": str(tmp_path / "out"),
        "ioto_serial_pattern": "[A-Za-z0-9.]+",
    }
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"vars": variables, "hosts": hosts}}))

    run = provision(home, "-i", inventory)

    assert run.status == 0 and "3 devices: 3 done" in run.output, run.output


PARTS = {"finish.yml", "flows.yml", "nobody.yml"}
PLAYBOOKS = sorted({path.name for path in (ROOT / "playbooks").glob("*.yml")} - PARTS)
"""All that people run, without the parts of others."""


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_value_that_was_cut_at_a_space_is_refused_by_every_playbook(
    tmp_path: Path, home: Path, playbook: str
) -> None:
    inventory = tmp_path / "hosts.yml"
    host = {"unit": {"ioto_mode": "none", "ansible_connection": "local"}}
    inventory.write_text(yaml.safe_dump({"line": {"hosts": host}, "service": {"hosts": host}}))

    run = provision(home, "-i", inventory, "-e", "ioto_reason=two words of it", playbook=ROOT / "playbooks" / playbook)

    assert run.status == 2 and run.output.count("was touched") + run.output.count("nothing was done"), run.output
    told = " ".join(run.output.replace('\\"', '"').split())  # a callback shows a result as JSON
    assert """write a value with spaces as JSON: -e '{"ioto_reason": "two words"}'.""" in told
    assert run.changed == 0 and not (home / ".local").exists()


@pytest.mark.parametrize("variable", ["ioto_scan", "ioto_scan_image"])
def test_one_label_for_several_units_is_refused_before_any_device(tmp_path: Path, home: Path, variable: str) -> None:
    picture = tmp_path / "label.png"
    Image.new("L", (8, 8)).save(picture)
    given = "JT08-FFQXWQ" if variable == "ioto_scan" else str(picture)
    nowhere = {"ansible_host": "192.0.2.1", "ansible_user": "nobody"}
    hosts = {"a": nowhere, "b": nowhere, "c": {**nowhere, "ioto_mode": "none"}}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    run = provision(home, "-i", inventory, "-e", f"{variable}={given}", playbook=ROOT / "playbooks/verify.yml")

    assert run.status == 2 and not run.unreachable, run.output
    kind = "label" if variable == "ioto_scan" else "picture"
    told = " ".join(run.output.split())
    assert f"a, b: the same {kind} is given for each ({variable}); a label is on one unit: " in told
    assert "FFQXWQ" not in run.output and "nothing was done" in told
