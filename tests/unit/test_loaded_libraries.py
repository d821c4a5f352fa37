# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run loads: what it needs, compiled once, and before processes are forked that would each load it again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.ansible import ROOT

CORE = "ansible_collections.ioto.serialization.plugins.plugin_utils"
ACTIONS = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
CONDITIONS = {"when", "failed_when", "changed_when", "until"}
FORKED_FOR_EACH_HOST = {"firmware_image"}
"""The actions that may ask a service, and that Ansible loads before it forks a worker for each host.

For `serialize`, the lookup of the hosts of the factory flow loads it.
"""


_OPTIONS = """
import sys
from {core}.ansible_adapter.action import complete
from {core}.flows.flow import flow_options, plan_flow
from {core}.flows.options import FLEET_ARGUMENTS
plan_flow(complete(flow_options({variables}), FLEET_ARGUMENTS), check=False)
"""


_LOOKUP = """
from ansible_collections.ioto.serialization.plugins.lookup.batch_hosts import LookupModule
class HostVars:
    raw_get = lambda self, host: {{"_ioto_batch": {{"plays": {{"{flow}": ["{found}"]}}, {more}}}}}
found = LookupModule().run(["{flow}"], {{"hostvars": HostVars(), "groups": {{"all": ["a"]}}}})
assert found == ["{found}"]
"""

_AS_ANSIBLE = """
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader(["{collections}"])
from {core}.ledger import ledger
"""

_PASSES = """
import gc
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader(["{collections}"])
import {core}
passes = []
gc.callbacks.append(lambda phase, about: passes.append(phase))
from {core}.ledger import ledger
assert len(passes) < 20, len(passes)
"""


def loaded(program: str, **variables: str) -> set[str]:
    """Return the modules that `program` has loaded."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "playbooks/collections"), **variables}
    command = (sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules)")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def asks_services(program: str) -> bool:
    """Whether `program` has loaded what asks a service."""
    return "urllib3" in loaded(program)


def loading(actions: set[str]) -> str:
    return "\n".join(f"import ansible_collections.ioto.serialization.plugins.action.{name}" for name in sorted(actions))


def test_actions_that_ask_no_service_load_nothing_for_it() -> None:
    assert not asks_services(loading(ACTIONS - FORKED_FOR_EACH_HOST - {"serialize_fleet"}))


def test_what_is_forked_for_each_host_has_it_loaded_before() -> None:
    assert [action for action in sorted(FORKED_FOR_EACH_HOST) if not asks_services(loading({action}))] == []


def test_the_lookup_of_the_factory_flow_has_it_loaded_where_it_has_hosts() -> None:
    assert asks_services(_LOOKUP.format(flow="factory", found="a", more=""))
    assert not asks_services(_LOOKUP.format(flow="factory", found="!all", more=""))
    assert not asks_services(_LOOKUP.format(flow="manual", found="a", more=""))


def test_a_flow_that_asks_a_service_loads_it_when_it_is_planned_and_no_other_does() -> None:
    manual = {"ioto_mode": "manual"}
    factory = {"ioto_mode": "factory", "ioto_service_url": "http://127.0.0.1:1/"}
    assert not asks_services(_OPTIONS.format(core=CORE, variables=manual))
    assert asks_services(_OPTIONS.format(core=CORE, variables=factory))


def test_ansible_compiles_the_core_once(tmp_path: Path) -> None:
    program = _AS_ANSIBLE.format(collections=ROOT / "playbooks/collections", core=CORE)
    modules = loaded(program, PYTHONPATH="", PYTHONPYCACHEPREFIX=str(tmp_path), PYTHONDONTWRITEBYTECODE="")
    wanted = {name.rpartition(".")[2] for name in modules if name.startswith(f"{CORE}.ledger.")}
    kept = {file.name.partition(".")[0] for file in tmp_path.rglob("plugin_utils/ledger/**/*.pyc")}
    assert wanted and wanted <= {*kept, *(file.parent.name for file in tmp_path.rglob("__init__.*.pyc"))}


def test_a_run_loads_nothing_that_other_runs_need() -> None:
    modules = loaded(loading({"preflight", "serialize", "summary"}))
    others = (
        *("labels.layout", "labelling.selection", "report.page", "firmware.check", "fleet.engine", "service.app"),
        *("scanning.picture_file", "production_order.order", "batch.job.record", "device.ssh_complaints"),
    )
    libraries = {"urllib3", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "reportlab", "PIL"}
    assert "sqlalchemy.dialects.sqlite" in modules
    assert not modules & {*libraries, *(f"{CORE}.{name}" for name in others)}


def test_workers_leave_what_was_loaded_before_them_to_the_main_process() -> None:
    program = f"{loading({'serialize'})}\nimport gc\nassert len(gc.get_objects()) < gc.get_freeze_count() / 10"
    loaded(program)


def test_the_garbage_collector_hardly_looks_at_what_is_loaded(tmp_path: Path) -> None:
    program = _PASSES.format(collections=ROOT / "playbooks/collections", core=CORE)
    loaded(program, PYTHONPATH="", PYTHONPYCACHEPREFIX=str(tmp_path))


def has_filters(program: str) -> bool:
    """Whether `program` has loaded the filters of templates."""
    return any(name.startswith("ansible.plugins.filter.core") for name in loaded(program))


def test_actions_load_no_filters_of_templates() -> None:
    assert not has_filters(loading(ACTIONS))


def test_the_lookup_of_a_flow_loads_the_filters_where_its_hosts_have_templates_with_some() -> None:
    assert has_filters(_LOOKUP.format(flow="manual", found="a", more='"uses_filters": True'))
    assert not has_filters(_LOOKUP.format(flow="manual", found="a", more=""))
    assert not has_filters(_LOOKUP.format(flow="manual", found="!all", more='"uses_filters": True'))


def templates_in(content: object, *, is_condition: bool = False) -> Iterator[str]:
    """Yield the templates of a playbook or a role's tasks, conditions among them."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from templates_in(value, is_condition=key in CONDITIONS)
    elif isinstance(content, list):
        for item in content:
            yield from templates_in(item, is_condition=is_condition)
    elif isinstance(content, str) and (is_condition or "{{" in content):
        yield content


@pytest.mark.parametrize(
    "file", ["provision.yml", "flows.yml", "finish.yml", "nobody.yml", "manual", "auto", "factory", "verify"]
)
def test_what_every_run_reads_has_no_filter(file: str) -> None:
    path = ROOT / "playbooks" / file if file.endswith(".yml") else ROOT / f"roles/{file}/tasks/main.yml"
    templates = list(templates_in(yaml.safe_load(path.read_text(encoding="utf-8"))))
    assert [template for template in templates if "|" in template] == []


def test_what_checks_each_unit_has_no_filter() -> None:
    plays = yaml.safe_load((ROOT / "playbooks/verify.yml").read_text(encoding="utf-8"))
    templates = list(templates_in([play["tasks"] for play in plays if play.get("ignore_unreachable")]))
    assert templates and [template for template in templates if "|" in template] == []
