# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that had nothing to do, by a slip in a tag, a name or a number, is no success, and says so in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    State,
    StateChange,
)
from tests.support.ansible import ROOT, Run, provision, sampled
from tests.support.shell_device import PRODUCT

pytestmark = pytest.mark.ansible


def play(home: Path, name: str, *options: str | Path, **more: str) -> Run:
    return provision(home, *options, playbook=ROOT / f"playbooks/{name}.yml", **more)


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """An inventory whose one host is left alone."""
    path = tmp_path / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": {"pump": {"ioto_mode": "none"}}}}))
    return path


@pytest.mark.parametrize(
    "name", ["provision", "job_provision", "bind", "firmware", "labels", "ledger", "verify", "report", "audit"]
)
def test_tags_that_leave_out_the_check_are_refused(home: Path, nobody: Path, name: str) -> None:
    run = play(home, name, "-i", nobody, "--tags", "nonsense", "--skip-tags", "always")
    assert run.status != 0 and "--skip-tags always leaves out the check" in run.output, run.output


@pytest.mark.parametrize("name", ["provision", "bind", "firmware", "labels", "verify", "report", "audit"])
@pytest.mark.parametrize("task", ["no such task", "Count what was done"])
def test_a_start_in_the_middle_is_refused(home: Path, nobody: Path, name: str, task: str) -> None:
    run = play(home, name, "-i", nobody, "--start-at-task", task)
    assert run.status != 0 and "--start-at-task leaves out the check" in run.output, run.output


def test_an_inventory_that_cannot_be_read_among_others_ends_a_run_of_the_clone(home: Path, nobody: Path) -> None:
    (nobody.parent / "more.yml").write_text("all: {hosts: {pump-2: {ioto_mode: manual}")
    run = play(
        home, "provision", "-i", nobody, "-i", nobody.parent / "more.yml", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg")
    )
    assert run.status != 0, run.output
    assert f"Completely failed to parse inventory source {nobody.parent / 'more.yml'}" in run.output


@pytest.mark.parametrize("check", [(), ("--check",)])
@pytest.mark.parametrize(
    ("variables", "sentence"),
    sampled(
        [
            ({"ioto_label_dest": "{}/labels.pdff"}, "'labels.pdff' does not name such a file; let the name of"),
            ({"ioto_label_dest": "{}/labels.pdf", "ioto_label_format": "zpl"}, "end in .zpl, or give another"),
            ({"ioto_label_dest": "{}/labels.png", "ioto_label_format": "png"}, "let ioto_label_dest be a folder"),
            (
                {"ioto_label_dest": "{}/file/labels.pdf"},
                "The labels cannot be written below '{}/file'; give another place",
            ),
            (
                {"ioto_label_dest": "{}/file", "ioto_label_format": "svg"},
                "The labels cannot be written below '{}/file'",
            ),
            ({"ioto_label_dest": "{}/folder.pdf"}, "'{}/folder.pdf', which is a folder; name a file in it"),
            ({"ioto_report_dest": "{}/report.htmll"}, "let its name end in .html"),
            ({"ioto_report_dest": "{}/file/report.html"}, "The report cannot be written below '{}/file'"),
            ({"ioto_report_dest": "{}/folder.html"}, "'{}/folder.html', which is a folder; name a file in it"),
        ]
    ),
)
def test_a_place_for_files_that_cannot_be_is_found_before_anything_is_done(
    tmp_path: Path, home: Path, check: tuple[str, ...], variables: dict[str, str], sentence: str
) -> None:
    (tmp_path / "file").touch()
    for ending in ("pdf", "html"):
        (tmp_path / f"folder.{ending}").mkdir()
    always = {"ioto_product": PRODUCT, "ioto_firmware_count": 1, "ioto_firmware_dest": str(tmp_path / "out")}
    placed = {name: value.replace("{}", str(tmp_path)) for name, value in variables.items()}
    run = play(home, "firmware", "-e", json.dumps({**always, **placed}), *check)
    assert run.status == 2 and sentence.replace("{}", str(tmp_path)) in run.output, run.output
    assert not (tmp_path / "out").exists()
    assert not (home / ".local/share/ioto/ledger.db").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("verify", "no host of this inventory is to be checked"), ("service", "no host in the group")],
)
def test_hosts_that_are_nobodys_are_no_success(home: Path, nobody: Path, name: str, sentence: str) -> None:
    run = play(home, name, "-i", nobody, "--tags", "nonsense")
    assert run.status == 2 and "There is nothing to do: " in run.output and sentence in run.output, run.output


@pytest.mark.parametrize("name", ["firmware", "labels", "report", "verify"])
def test_a_mistyped_variable_is_named_by_every_playbook(home: Path, nobody: Path, name: str) -> None:
    inventory = ("-i", nobody) if name == "verify" else ()
    run = play(home, name, *inventory, "-e", "ioto_firmware_cuont=3")
    assert run.status == 2, run.output
    assert "the variable ioto_firmware_cuont is unknown: did you mean ioto_firmware_count?" in run.output


@pytest.mark.parametrize(
    ("variables", "sentence"),
    sampled(
        [
            ({"ioto_firmware_count": -3}, "ioto_firmware_count is -3; give a whole number from 0 to 100000."),
            ({"ioto_firmware_count": 1.5}, "ioto_firmware_count is 1.5; give a whole number"),
            ({"ioto_firmware_count": "ten"}, "ioto_firmware_count is ten; give a whole number"),
            ({"ioto_firmware_count": "1e9"}, "ioto_firmware_count is 1e9; give a whole number"),
            ({"ioto_firmware_count": True}, "ioto_firmware_count is a yes or no; give a whole number"),
            ({"ioto_firmware_count": 0}, "There is nothing to do: "),
            ({"ioto_firmware_count": 2, "ioto_firmware_first": -1}, "ioto_firmware_first is -1; give a whole number"),
            (
                {"ioto_firmware_count": 2, "ioto_firmware_serial": "SN-"},
                "ioto_firmware_serial is SN-; give a text with",
            ),
            ({"ioto_firmware_count": 1, "ioto_service_retries": -1}, "ioto_service_retries is -1; give a whole number"),
            ({"ioto_firmware_count": 1, "ioto_firmware_partition": 0}, "ioto_firmware_partition is 0; give a whole"),
            (
                {"ioto_firmware_count": 1, "ioto_claim_id_length": 9},
                "ioto_claim_id_length is 9; give a whole number from",
            ),
        ]
    ),
)
def test_a_number_that_cannot_be_is_told_in_a_sentence(
    tmp_path: Path, home: Path, variables: dict[str, object], sentence: str
) -> None:
    always = {"ioto_product": PRODUCT, "ioto_firmware_dest": str(tmp_path / "out")}
    run = play(home, "firmware", "-e", json.dumps({**always, **variables}))
    assert run.status == 2 and sentence in run.output, run.output
    assert not (tmp_path / "out").exists()


def test_labels_that_are_all_there_are_no_work_and_it_is_said(tmp_path: Path, home: Path) -> None:
    place = tmp_path / "ledger.db"
    with Ledger(str(place)) as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="generated", context=Context("test")))
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, Context("test")))
    options = ("-e", json.dumps({"ioto_ledger": str(place), "ioto_label_dest": str(tmp_path / "labels.pdf")}))

    first, second = play(home, "labels", *options), play(home, "labels", *options)

    assert first.status == 0, first.output
    assert second.status == 2, second.output
    assert f"No label is due: no unit of the ledger {place} is verified and has no label" in second.output


def test_an_inventory_that_is_not_there_leaves_no_unit_out(tmp_path: Path, home: Path, nobody: Path) -> None:
    run = play(home, "provision", "-i", nobody, "-i", tmp_path / "missing.yml", "--limit", "pump,pmup")
    assert run.status == 2, run.output
    assert f"{tmp_path}/missing.yml: this inventory does not exist" in run.output
    assert "pmup: --limit names it, and no host or group is called so: did you mean pump?" in run.output


@pytest.mark.parametrize("name", ["provision", "verify"])
@pytest.mark.parametrize("limit", [(), ("--limit", "pump-1")])
def test_an_inventory_with_a_mistake_is_to_be_corrected(
    tmp_path: Path, home: Path, name: str, limit: tuple[str, ...]
) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    pump-1: {}\n     pump-2: {}\n")
    run = play(home, name, "-i", tmp_path / "hosts.yml", *limit)
    assert run.status != 0 and "There is nothing to do: " in run.output, run.output
    assert "cannot be read, correct it, or give one that has some with -i" in run.output


def test_a_limit_beside_an_inventory_without_hosts_is_refused(home: Path) -> None:
    """It leaves out the controller, too, which would fail without it."""
    run = play(home, "provision", "--limit", "pump-1")
    assert run.status != 0 and "There is nothing to do: --limit has no hosts to choose from" in run.output, run.output


def test_hosts_that_ansible_would_leave_out_for_their_names_are_refused(tmp_path: Path, home: Path) -> None:
    strange = ("pump 3", "star*", "!bang", "~tilde", "aa:bb:cc:dd:ee:ff", "{{ 1 }}")
    plain = ("pump-1", "fe80::1", "x;id")
    units = {
        name: {"ioto_serial": f"P-{number}", "ansible_host": f"192.0.2.{number}"}
        for number, name in enumerate((*strange, *plain), 11)
    }
    path = tmp_path / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"vars": {"ioto_mode": "manual", "ioto_product": PRODUCT}, "hosts": units}}))
    run = play(home, "provision", "-i", path)
    assert run.status != 0 and f"The batch has {len(strange)} problems, and no device was touched" in run.output
    for name in strange:
        assert f"{name}: Ansible takes its name for a pattern" in run.output, run.output
