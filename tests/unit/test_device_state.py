# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at a device means, and which fault in its files troubles whom."""

from __future__ import annotations

from typing import NoReturn

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    ALL_FILES,
    FileKind,
    Interface,
    Observation,
    RemoteFile,
    StoredDevice,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.report import report_device
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.state import DeviceState
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError

BROKEN = "{ id: "


def state(directory: str = "present", host_key: str | None = None, **files: str) -> DeviceState:
    contents = {name.replace("_json5", ".json5"): text for name, text in files.items()}
    found = {
        name: RemoteFile(name, FileKind.REGULAR, f"/etc/ioto/{name}", contents[name].encode())
        if name in contents
        else RemoteFile(name, FileKind.ABSENT, f"/etc/ioto/{name}")
        for name in ALL_FILES
    }
    interfaces = (Interface("eth0", "00:1b:21:33:44:55", virtual=False),)
    return DeviceState("bench", "/etc/ioto", Observation(directory, found, interfaces=interfaces), host_key)


def test_a_state_has_every_fact_of_one_look() -> None:
    found = state(
        host_key="SHA256:one",
        device_json5="{ id: 'JT08FFQXWQ', product: 'P', model: 'PUMP' }",
        local_json5="{ device: { id: 'AAAAAAAAAA' } }",
        provision_json5="{ id: 'JT08FFQXWQ' }",
        ioto_json5="{ services: { serialize: 'factory' } }",
    )

    assert (found.claim_id, found.product, found.members["model"]) == ("JT08FFQXWQ", "P", "PUMP")
    assert [override.value for override in found.overrides.values()] == ["AAAAAAAAAA"]
    assert found.provisioned and found.provisioned_id == "JT08FFQXWQ"
    assert found.agent is not None and found.agent.mode == "factory"
    assert found.unit("SN-1").details == {"mac": "00:1b:21:33:44:55", "host_key": "SHA256:one"}


def test_a_device_without_files_says_nothing_of_itself() -> None:
    found = state()

    found.check_ready()
    assert (found.claim_id, found.product, found.overrides, found.provisioned, found.agent) == (
        None,
        None,
        {},
        False,
        None,
    )


def test_a_fault_in_a_file_that_the_agent_does_not_load_troubles_nobody() -> None:
    found = state(device_json5="{ id: 'JT08FFQXWQ' }", ioto_json5="{}", config_json5=BROKEN)

    found.check_ready()
    assert found.claim_id == "JT08FFQXWQ"


def test_an_id_that_the_main_file_holds_is_the_devices_own() -> None:
    found = state(ioto_json5="{ device: { id: 'JT08FFQXWQ' } }", device_json5="{ product: 'P' }")

    assert (found.claim_id, found.overrides) == ("JT08FFQXWQ", {})
    assert found.id_place is not None and found.id_place.startswith("device.id in ")
    assert found.id_place.endswith("/ioto.json5")
    assert state(device_json5="{ id: 'JT08FFQXWQ' }", ioto_json5="{ device: { id: 'JT08FFQXWX' } }").id_place is None


@pytest.mark.parametrize(
    ("text", "provisioned"),
    [
        ("{ registered: true }", False),
        ("{}", False),
        ("{ id: 'JT08FFQXWQ' }", True),
        ("{ registered: true, a: 1 }", True),
    ],
)
def test_a_device_that_is_registered_alone_is_not_claimed(text: str, provisioned: bool) -> None:
    assert state(provision_json5=text).provisioned is provisioned


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"directory": "absent"}, r"no directory /etc/ioto on bench.*its configuration is \(ioto_config_dir\)\."),
        ({"device_json5": BROKEN}, r"device\.json5 on bench"),
        ({"device_json5": "{ id: 'JT08FFQXWQ', id: 'AAAAAAAAAA' }"}, "id"),
        ({"local_json5": BROKEN}, r"local\.json5 on bench"),
        ({"ioto_json5": BROKEN}, r"ioto\.json5 on bench"),
        ({"provision_json5": BROKEN}, r"provision\.json5 on bench"),
        ({"device.json": "{}"}, "very old firmware"),
    ],
)
def test_a_device_that_cannot_hold_an_identity_or_says_nothing_sure_of_it_is_not_ready(
    files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(IotoError, match=sentence):
        state(**files).check_ready()


@pytest.mark.parametrize("claim_id", ["1234567890", "['JT08FFQXWQ']", "{ id: ['JT08FFQXWQ', 1234567890] }"])
def test_an_id_of_any_kind_is_masked_in_what_is_told_of_a_device(claim_id: str) -> None:
    said = report_device(_Stored(state(device_json5=f"{{ id: {claim_id} }}").observation), "/etc/ioto", reveal=False)

    assert "JT08FFQX" not in repr(said) and "12345678" not in repr(said)
    assert "****" in repr(said["document"])


class _Stored(StoredDevice):
    """A device of which one look is known."""

    name = "bench"

    def __init__(self, observation: Observation) -> None:
        self._observation = observation

    def look(self, config_dir: str) -> Observation:
        return self._observation

    def put(self, path: str, old: bytes | None, new: bytes) -> NoReturn:
        raise AssertionError

    def settle(self, path: str) -> NoReturn:
        raise AssertionError
