# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine refuses, it names as the inventory does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.batch import Batch, FleetBatchError
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.flow import Flow

HOST = {"ioto_mode": "manual", "ioto_product": "01K9F1EETDEV1CEPR0DVCT0001", "ioto_serial": "SN-1"}


def refusal(*hosts: Mapping[str, Any]) -> list[str]:
    batch = {f"host-{number}": {**HOST, **variables} for number, variables in enumerate(hosts, 1)}
    with pytest.raises(FleetBatchError) as caught:
        Batch.prepare(batch, ssh_options=lambda _variables: {}, complete=complete, check=False)
    return str(caught.value).splitlines()[1:]


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"ioto_claim_id_length": "ten"}, "ioto_claim_id_length"),
        ({"ioto_claim_id_length": 5}, "ioto_claim_id_length"),
        ({"ioto_claim_id": "JT08FFQXWQ", "ioto_scan": "JT08FFQXWQ"}, "ioto_scan, ioto_claim_id"),
        ({"ioto_config_dir": "etc"}, "ioto_config_dir"),
        ({"ioto_properties": "none"}, "ioto_properties"),
        ({"ioto_volatile": "perhaps"}, "ioto_volatile"),
        ({"ioto_operator": ["ann"]}, "ioto_operator"),
        ({"ioto_mode": "factory"}, "ioto_service_url"),
        ({"ioto_mode": "factory", "ioto_factory_delivery": "agent"}, "ioto_service_url"),
        ({"ioto_mode": "factory", "ioto_service_url": "http://a/", "ioto_service_timeout": "long"}, "_service_timeout"),
        ({"ioto_mode": "auto", "ioto_agent_fallback": "service"}, "ioto_agent_fallback"),
        ({"ioto_mode": "auto", "ioto_agent_restart": {"a": "b"}}, "ioto_agent_restart"),
    ],
)
def test_a_bad_value_is_told_by_the_name_of_its_variable(variables: Mapping[str, Any], name: str) -> None:
    (line,) = refusal(variables)
    assert name in line


def test_every_bad_value_is_told_at_once_and_once_for_all_that_have_it() -> None:
    wrong = {"ioto_claim_id_length": "ten", "ioto_unsynced": "perhaps"}
    lines = refusal(wrong, wrong, {"ioto_config_dir": "etc"})
    assert [line.partition(":")[0] for line in lines] == ["- host-1, host-2", "- host-1, host-2", "- host-3"]


def test_hosts_that_share_a_check_keep_what_is_their_own() -> None:
    folders = ["/etc/ioto", "/data/ioto", "~/ioto"]
    hosts = {
        f"host-{number}": {**HOST, "ioto_serial": f"SN-{number}", "ioto_config_dir": folder}
        for number, folder in enumerate(folders)
    }
    batch = Batch.prepare(hosts, ssh_options=lambda _variables: {}, complete=complete, check=False)
    requests = [job.flow.request for job in batch.jobs if isinstance(job.flow, Flow)]
    assert [request.serial for request in requests] == ["SN-0", "SN-1", "SN-2"]
    assert [request.config_dir for request in requests] == [*folders[:2], str(Path.home() / "ioto")]
