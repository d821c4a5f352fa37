# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task leaves out, the variables of its host say; and where they say nonsense, they are named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import AllocationRequest, Context
from tests.support.ansible import ROOT, Run, provision_here

pytestmark = pytest.mark.ansible

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"


@pytest.fixture
def bench(tmp_path: Path) -> dict[str, Any]:
    """Return the variables of a host that is this machine, with a folder for its /etc/ioto."""
    (tmp_path / "ioto").mkdir()
    return {
        "ansible_connection": "local",
        "ioto_mode": "manual",
        "ioto_config_dir": str(tmp_path / "ioto"),
        "ioto_product": PRODUCT,
        "ioto_serial": "SN-1",
        "ioto_ledger": str(tmp_path / "line.db"),
    }


def run(folder: Path, variables: dict[str, Any], *tasks: dict[str, Any], defaults: dict[str, Any] | None = None) -> Run:
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"bench-1": variables}}}))
    play = {"hosts": "all", "gather_facts": False, "tasks": list(tasks), "module_defaults": defaults or {}}
    playbook = folder / "play.yml"
    playbook.write_text(yaml.safe_dump([play]))
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks/collections")}
    return provision_here(folder, "-i", folder / "inventory.yml", "-v", playbook=playbook, **paths)


def task(module: str, **options: Any) -> dict[str, Any]:
    return {"name": module, f"ioto.serialization.{module}": options}


def expect_filters(*, used: bool) -> tuple[dict[str, Any], ...]:
    """Return the check of a batch, and a task that fails where that tells otherwise whether templates have filters."""
    told = {"ansible.builtin.assert": {"that": f"_ioto_batch.uses_filters == {used}"}}
    return {**task("preflight"), "register": "_ioto_batch"}, told


def claims(folder: Path) -> dict[str, str | None]:
    """The unit of each claim ID in the ledger of the line."""
    with Ledger(folder / "line.db", read_only=True) as ledger:
        return {claim.claim_id: claim.unit for claim in ledger.claims()}


def test_a_bare_task_does_what_the_variables_of_its_host_say(tmp_path: Path, bench: dict[str, Any]) -> None:
    check = expect_filters(used=False)
    done = run(tmp_path, {**bench, "ioto_claim_id": "{{ 'jt08ff' ~ 'qxwq' }}"}, *check, task("serialize"))

    assert done.status == 0, done.output
    assert claims(tmp_path) == {"JT08FFQXWQ": "SN-1"}
    assert "JT08FFQXWQ" in (tmp_path / "ioto/device.json5").read_text()


def test_what_a_task_says_counts_more_than_a_variable(tmp_path: Path, bench: dict[str, Any]) -> None:
    variables = {**bench, "ioto_claim_id": "JT08FFQXWQ", "ioto_scan": "7QK2M9XW4T"}
    done = run(tmp_path, variables, task("serialize", claim_id="AAAAAAAAAA", serial="SN-2"))

    assert done.status == 0, done.output
    assert claims(tmp_path) == {"AAAAAAAAAA": "SN-2"}


def test_a_given_id_is_no_matter_of_a_task_that_takes_another_source(tmp_path: Path, bench: dict[str, Any]) -> None:
    done = run(tmp_path, {**bench, "ioto_claim_id": "JT08FFQXWQ"}, task("serialize", source="generated"))

    assert done.status == 0, done.output
    assert "JT08FFQXWQ" not in claims(tmp_path)


def test_a_variable_alone_replaces_nothing_unless_the_task_says_so(tmp_path: Path, bench: dict[str, Any]) -> None:
    bench["ioto_serial"] = "{{ 'sn-1' | upper }}"
    first = run(tmp_path, bench, *expect_filters(used=True), task("serialize"))
    assert first.status == 0, first.output
    before = claims(tmp_path)

    (old,) = before
    again = run(tmp_path, {**bench, "ioto_replace_id": old, "ioto_reason": "lost"}, task("serialize"))

    assert (again.status, again.changed) == (2, 0), again.output
    assert "ioto_replace_id counts in the roles alone: give this task replace_id" in " ".join(again.output.split())
    assert claims(tmp_path) == before
    asked = {**bench, "ioto_replace_id": old, "ioto_reason": "lost"}
    replaced = run(tmp_path, asked, task("serialize", may_replace=True))
    assert replaced.status == 0, replaced.output
    assert set(claims(tmp_path)) > {old}


def test_a_value_of_the_wrong_kind_is_told_by_the_name_of_its_variable(tmp_path: Path, bench: dict[str, Any]) -> None:
    done = run(tmp_path, {**bench, "ioto_claim_id_length": "ten"}, task("serialize"))

    assert done.status != 0
    assert "ioto_claim_id_length" in done.output and "Traceback" not in done.output
    assert not (tmp_path / "line.db").exists()


def test_a_task_says_itself_what_is_a_failure_and_how_often_to_try(tmp_path: Path, bench: dict[str, Any]) -> None:
    (tmp_path / "ioto/device.json5").write_text("{ product: ")
    judged = {**task("serialize"), "register": "found", "failed_when": "found.nothing is defined"}
    tried = {**task("serialize"), "register": "again", "until": "again is success", "retries": 1, "delay": 0}
    told = {"ansible.builtin.debug": {"msg": "{{ again.attempts | default(0) }} attempts, {{ found.msg }}"}}
    done = run(tmp_path, bench, judged, {**tried, "ignore_errors": True}, told)

    assert done.status == 0, done.output
    assert "FAILED - RETRYING" in done.output and "1 attempts, " in done.output, done.output


def test_a_template_that_makes_no_value_is_told_in_a_sentence(tmp_path: Path, bench: dict[str, Any]) -> None:
    done = run(tmp_path, {**bench, "ioto_serial": "{{ of_nobody }}"}, task("serialize"))

    assert done.status != 0
    assert "ioto_serial has no value: " in done.output and "Traceback" not in done.output


def test_a_variable_that_is_omitted_says_nothing(tmp_path: Path, bench: dict[str, Any]) -> None:
    done = run(tmp_path, {**bench, "ioto_claim_id": "{{ nothing | default(omit) }}"}, task("serialize"))

    assert done.status == 0, done.output
    assert list(claims(tmp_path).values()) == ["SN-1"]


def test_a_variable_that_is_omitted_is_unset_for_a_batch_as_well(tmp_path: Path, bench: dict[str, Any]) -> None:
    """For the check before, the role, the labels and the report alike."""
    omitted = dict.fromkeys(("ioto_claim_id", "ioto_scan", "ioto_label_dest", "ioto_report_dest"), "{{ omit }}")
    variables = {**bench, **omitted, "ioto_mode": "manual"}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"bench-1": variables}}}))

    done = provision_here(tmp_path, "-i", tmp_path / "inventory.yml")

    assert done.status == 0, done.output
    assert list(claims(tmp_path).values()) == ["SN-1"]


def test_a_token_is_neither_shown_nor_needed_where_no_service_is_asked(tmp_path: Path, bench: dict[str, Any]) -> None:
    variables = {**bench, "ioto_service_token": "{{ from_a_vault_that_is_locked }}"}
    assert run(tmp_path, variables, task("serialize")).status == 0

    variables = {**bench, "ioto_service_token": "s3cret", "ioto_service_url": "http://127.0.0.1:1/"}
    asked = run(tmp_path, {**variables, "ioto_service_retries": 0}, task("serialize", source="service", serial="SN-9"))

    assert "s3cret" not in asked.output
    assert asked.status != 0


def test_the_ledgers_own_actions_take_the_ledger_of_the_line_and_no_claim(
    tmp_path: Path, bench: dict[str, Any]
) -> None:
    with Ledger(tmp_path / "line.db") as ledger:
        ledger.allocate(
            AllocationRequest(PRODUCT, "SN-1", source="given", context=Context("tester@bench"), claim_id="JT08FFQXWQ")
        )
    variables = {**bench, "ioto_claim_id": "JT08FFQXWQ", "ioto_label_reason": "smudged"}

    found = run(tmp_path, variables, task("ledger_info"))
    entered = run(tmp_path, variables, task("ledger_entry", action="retire", reason="scrapped"))

    assert str(tmp_path / "line.db") in found.output
    assert entered.status != 0
    assert "Nothing says which claim is meant" in entered.output


def test_defaults_for_the_whole_collection_are_those_of_its_tasks(tmp_path: Path, bench: dict[str, Any]) -> None:
    (tmp_path / "other").mkdir()
    defaults = {"group/ioto.serialization.all": {"config_dir": str(tmp_path / "other"), "reveal": True}}
    done = run(
        tmp_path, {**bench, "ioto_claim_id": "JT08FFQXWQ"}, task("serialize"), task("device_info"), defaults=defaults
    )

    assert done.status == 0, done.output
    assert (tmp_path / "other/device.json5").exists()
    assert not (tmp_path / "ioto/device.json5").exists()
    assert '"claim_id": "JT08FFQXWQ"' in done.output


def test_values_of_images_and_labels_are_told_by_variable_before_any_device_is_touched(
    tmp_path: Path, bench: dict[str, Any]
) -> None:
    labelled = {**bench, "ioto_mode": "manual", "ioto_label_dest": str(tmp_path / "labels.pdf")}
    image = {"ioto_mode": "firmware", "ioto_serial": "SN-2", "ioto_firmware_dest": str(tmp_path)}
    wrong = {
        "bench-1": {**labelled, "ioto_label_copies": "many"},
        "image-1": {**image, "ioto_service_retries": "often"},
    }
    for host, sentence in (
        ("bench-1", "ioto_label_copies is many; give a whole number"),
        ("image-1", "ioto_service_retries is often; give a whole number"),
    ):
        (tmp_path / "inventory.yml").write_text(
            yaml.safe_dump({"all": {"hosts": {"bench-1": labelled, **{host: wrong[host]}}}})
        )
        done = provision_here(tmp_path, "-i", tmp_path / "inventory.yml")

        assert done.status != 0
        assert f"- {host}: {sentence}" in done.output
    assert not (tmp_path / "ioto/device.json5").exists()


def test_problems_of_devices_and_of_images_are_one_list(tmp_path: Path, bench: dict[str, Any]) -> None:
    """Each is told once, also that an image has no unit, which both the units and the images lack."""
    image = {"ioto_mode": "firmware", "ioto_firmware_dest": str(tmp_path), "ioto_ledger": str(tmp_path / "line.db")}
    hosts = {
        "bench-1": {**bench, "ioto_mode": "manual", "ioto_product": "nope"},
        "image-1": {**image, "ioto_serial": "SN-2", "ioto_firmware_base": str(tmp_path / "nowhere.img")},
        "image-2": image,
    }
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    done = provision_here(tmp_path, "-i", tmp_path / "inventory.yml")

    assert done.status != 0
    assert "The batch has 3 problems, and no device was touched, and no image was made:" in done.output
    for host, problem in (("bench-1", "product"), ("image-1", "nowhere"), ("image-2", "nothing identifies the unit")):
        assert re.search(rf"- {host}: .*{problem}", done.output), done.output


def test_defaults_for_the_groups_of_ledger_and_device_suit_every_task_of_theirs(
    tmp_path: Path, bench: dict[str, Any]
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ioto.json5").write_text("{ services: { serialize: 'auto' } }\n")
    defaults = {
        "group/ioto.serialization.ledger": {"ledger": str(tmp_path / "other.db")},
        "group/ioto.serialization.device": {"config_dir": str(tmp_path / "other")},
    }
    tasks = (
        task("serialize"),
        task("device_info", reveal=True),
        task("agent_config", serialize="none"),
        task("ledger_info"),
        task("ledger_entry", action="retire", claim_id="JT08FFQXWQ", reason="scrapped"),
    )
    done = run(tmp_path, {**bench, "ioto_claim_id": "JT08FFQXWQ"}, *tasks, defaults=defaults)

    assert done.status == 0, done.output
    assert (tmp_path / "other/device.json5").exists()
    assert "none" in (tmp_path / "other/ioto.json5").read_text()
    assert not list((tmp_path / "ioto").iterdir())
    assert (tmp_path / "other.db").exists() and not (tmp_path / "line.db").exists()
    assert '"claim_id": "JT08FFQXWQ"' in done.output


@pytest.mark.parametrize("inventory", [[], ["-i", "/nowhere/inventory.yml"], ["-i", "empty.yml"]])
@pytest.mark.parametrize("playbook", ["provision", "firmware", "bind", "verify"])
def test_a_run_for_nobody_is_no_success_and_says_so(tmp_path: Path, playbook: str, inventory: list[str]) -> None:
    (tmp_path / "empty.yml").write_text("all: {hosts: {}}")
    done = provision_here(tmp_path, *inventory, playbook=ROOT / f"playbooks/{playbook}.yml")

    assert done.status == 2, done.output
    # The images of firmware.yml need no host, so that its batch is checked even then.
    is_refused = playbook == "firmware" and "/nowhere/inventory.yml" in inventory
    sentence = "/nowhere/inventory.yml: this inventory does not exist" if is_refused else "There is nothing to do: "
    assert sentence in done.output


def test_tags_that_skip_every_flow_are_no_success(tmp_path: Path, bench: dict[str, Any]) -> None:
    (tmp_path / "inventory.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {"bench-1": {**bench, "ioto_mode": "manual"}}}})
    )
    done = provision_here(tmp_path, "-i", tmp_path / "inventory.yml", "--tags", "nothing_has_this")

    assert done.failed == {"bench-1"}
    sentence = "bench-1: nothing was done with it, since --tags nothing_has_this leaves out its flow; run without that."
    assert sentence in done.output
    assert "run again" not in done.output


def test_names_that_nobody_reads_are_refused_with_the_nearest_one(tmp_path: Path, bench: dict[str, Any]) -> None:
    mistyped = {"ioto_cliam_id": "JT08FFQXWQ", "ioto_lable_printer": "x", "ioto_colour_of_the_jig": "red"}
    done = run(tmp_path, {**bench, "ioto_mode": "manual", **mistyped}, task("preflight"))

    assert done.status != 0
    for sentence in (
        "bench-1: the variable ioto_cliam_id is unknown: did you mean ioto_claim_id?",
        "bench-1: the variable ioto_lable_printer is unknown: did you mean ioto_label_printer?",
        "bench-1: the variable ioto_colour_of_the_jig is unknown; remove it, or list it in ioto_own_variables",
    ):
        assert sentence in done.output


def test_names_of_ones_own_and_of_all_our_parts_are_known(tmp_path: Path, bench: dict[str, Any]) -> None:
    known = {
        "ioto_mode": "manual",
        "ioto_server_user": "nobody",
        "ioto_firmware_count": 3,
        "ioto_own_variables": ["ioto_colour_of_the_jig"],
        "ioto_colour_of_the_jig": "red",
    }
    done = run(tmp_path, {**bench, **known}, task("preflight"))

    assert done.status == 0, done.output
