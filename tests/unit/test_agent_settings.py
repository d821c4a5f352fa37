# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's configuration: both generations, and what overrides them."""

from __future__ import annotations

import sys
import tracemalloc
from types import FrameType

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.agent_settings import (
    AgentSettings,
    AgentSettingsError,
    SerializeMode,
    change_settings,
    identity_overrides,
    read_settings,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import (
    ALL_FILES,
    FileKind,
    Observation,
    RemoteFile,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.reader import Json5Error

NEW = """{
    profile: 'dev', // the bench
    services: {
        cloud: true,
        serialize: 'auto',
    },
    api: { serialize: 'http://192.0.2.1:1234/ioto/serialize' },
}
"""
OLD = """{
    services: { cloud: { enable: true, serialize: "factory" } },
}
"""


def seen(*, folder: str = "/etc/ioto", **files: str) -> Observation:
    contents = {name.replace("_json5", ".json5"): text for name, text in files.items()}
    found = {
        name: RemoteFile(name, FileKind.REGULAR, f"{folder}/{name}", contents[name].encode())
        if name in contents
        else RemoteFile(name, FileKind.ABSENT, f"{folder}/{name}")
        for name in ALL_FILES
    }
    return Observation("present", found)


def settings(**files: str) -> AgentSettings:
    found = read_settings(seen(**files), where="bench")
    assert found is not None
    return found


def changed(found: AgentSettings, mode: SerializeMode | None = None, url: str | None = None) -> str:
    return change_settings(found, mode=mode, url=url, where="bench").data.decode()


def test_newer_agents_have_the_mode_in_services() -> None:
    found = settings(ioto_json5=NEW)

    assert (found.file.name, found.key, found.mode) == ("ioto.json5", "services.serialize", "auto")
    assert found.url == "http://192.0.2.1:1234/ioto/serialize"
    assert changed(found, SerializeMode.FACTORY) == NEW.replace("'auto'", "'factory'")


def test_older_agents_have_it_in_the_cloud_object() -> None:
    found = settings(config_json5=OLD)

    assert (found.key, found.mode) == ("services.cloud.serialize", "factory")
    assert changed(found, SerializeMode.NONE) == OLD.replace("factory", "none")


def test_a_cloud_that_is_no_object_is_left_as_it_is() -> None:
    found = settings(config_json5="{ services: { cloud: true } }")

    assert found.key == "services.serialize"
    assert "cloud: true, serialize: 'auto'" in changed(found, SerializeMode.AUTO)


def test_a_cloud_object_without_a_mode_gets_it_inside() -> None:
    found = settings(config_json5="{ services: { cloud: { enable: true } } }")
    assert "cloud: { enable: true, serialize: 'auto' }" in changed(found, SerializeMode.AUTO)


def test_a_file_with_both_places_gets_both_changed() -> None:
    found = settings(config_json5="{ services: { serialize: 'none', cloud: { serialize: 'none' } } }")

    assert changed(found, SerializeMode.AUTO).count("'auto'") == 2
    assert "none" not in changed(found, SerializeMode.AUTO)


def test_the_newer_file_counts_where_both_are_there() -> None:
    assert settings(ioto_json5=NEW, config_json5=OLD).file.name == "ioto.json5"


def test_a_setting_that_is_so_already_changes_no_byte() -> None:
    found = settings(ioto_json5=NEW)
    assert changed(found, SerializeMode.AUTO, "http://192.0.2.1:1234/ioto/serialize") == NEW


@pytest.mark.parametrize(
    "files",
    [
        {"ioto_json5": NEW, "local_json5": "{ services: { serialize: 'none' } }"},
        {
            "ioto_json5": NEW.replace(
                "{", "{ conditional: { profile: { dev: { services: { serialize: 'none' } } } },", 1
            )
        },
        {
            "ioto_json5": NEW,
            "local_json5": "{ profile: 'x', conditional: { profile: { x: { services: { serialize: 'none' } } } } }",
        },
        {
            "ioto_json5": NEW.replace(
                "{", "{ board: 'B', conditional: { board: { B: { services: { serialize: 'none' } } } },", 1
            ),
        },
        {
            "ioto_json5": NEW.replace("profile: 'dev',", "").replace(
                "{", "{ conditional: { profile: { dev: { services: { serialize: 'none' } } } },", 1
            ),
        },
    ],
    ids=[
        "local.json5",
        "the active profile",
        "a profile of local.json5 itself",
        "another property",
        "no profile is dev",
    ],
)
def test_a_setting_that_something_overrides_is_refused_with_the_place(files: dict[str, str]) -> None:
    found = settings(**files)

    assert [override.value for override in found.overrides] == ["none"]
    assert found.mode == "none"
    with pytest.raises(AgentSettingsError, match=r"services\.serialize in /etc/ioto/"):
        change_settings(found, mode=SerializeMode.AUTO, url=None, where="bench")
    assert changed(found, SerializeMode.NONE)


@pytest.mark.parametrize(
    "files",
    [
        {
            "ioto_json5": NEW.replace(
                "{", "{ conditional: { profile: { prod: { services: { serialize: 'none' } } } },", 1
            )
        },
        # Decided before local.json5 is read.
        {
            "ioto_json5": NEW.replace(
                "{", "{ conditional: { profile: { prod: { services: { serialize: 'none' } } } },", 1
            ),
            "local_json5": "{ profile: 'prod' }",
        },
        {
            "ioto_json5": NEW,
            "local_json5": "{ conditional: { profile: { dev: { services: { '?serialize': 'none' } } } } }",
        },
    ],
    ids=["a profile that is not active", "a profile that local.json5 sets", "only where there is none"],
)
def test_what_does_not_hold_overrides_nothing(files: dict[str, str]) -> None:
    found = settings(**files)

    assert (found.overrides, found.mode) == ([], "auto")
    assert changed(found, SerializeMode.FACTORY) == files["ioto_json5"].replace("'auto'", "'factory'")


def test_in_the_newer_file_the_mode_goes_beside_the_cloud_whatever_that_is() -> None:
    found = settings(ioto_json5="{ services: { cloud: { enable: true, serialize: 'factory' } } }")

    assert (found.key, found.mode) == ("services.serialize", "auto")
    assert "serialize: 'factory' }, serialize: 'none'" in changed(found, SerializeMode.NONE)


@pytest.mark.parametrize("text", ["", "serialize: false", "serialize: ''", "serialize: null", "serialize: 'Factory'"])
def test_a_mode_that_is_none_of_the_words_is_auto(text: str) -> None:
    assert settings(ioto_json5=f"{{ services: {{ {text} }} }}").mode == "auto"


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"local_json5": "{ device: { id: 'JT08FFQXWQ' } }"}, ("local.json5", "device.id")),
        (
            {"local_json5": "{ conditional: { profile: { dev: { device: { id: 'JT08FFQXWQ' } } } } }"},
            ("local.json5", "conditional.profile.dev.device.id"),
        ),
        (
            {"device_json5": "{ model: 'P', conditional: { 'device.model': { P: { id: 'JT08FFQXWQ' } } } }"},
            ("device.json5", "conditional.device.model.P.id"),
        ),
        (
            {
                "ioto_json5": "{ profile: 'line' }",
                "device_json5": "{ conditional: { profile: { line: { id: 'JT08FFQXWQ' } } } }",
            },
            ("device.json5", "conditional.profile.line.id"),
        ),
        ({"local_json5": "{ device: { id: null } }"}, ("local.json5", "device.id")),
        (
            {"device_json5": "{ conditional: { profile: { dev: { '=id': 'JT08FFQXWQ' } } } }"},
            ("device.json5", "conditional.profile.dev.=id"),
        ),
        ({"local_json5": "{ device: 'pump' }"}, ("local.json5", "device")),
    ],
)
def test_what_wins_over_an_id_that_we_write_is_found(files: dict[str, str], place: tuple[str, str]) -> None:
    override = identity_overrides(seen(**files), where="bench")["id"]

    assert (override.path, override.key) == (f"/etc/ioto/{place[0]}", place[1])
    assert override.value in {"JT08FFQXWQ", None}


@pytest.mark.parametrize(
    "files",
    [
        {"ioto_json5": "{ device: { id: 'JT08FFQXWQ' } }"},
        {"ioto_json5": "{ conditional: { profile: { dev: { device: { id: 'JT08FFQXWQ' } } } } }"},
        {"device_json5": "{ conditional: { profile: { prod: { id: 'JT08FFQXWQ' } } } }"},
        {"device_json5": "{ conditional: { profile: { dev: { '?id': 'JT08FFQXWQ' } } } }"},
        {
            "ioto_json5": "{ profile: 'x' }",
            "local_json5": "{ conditional: { profile: { dev: { device: { id: 'A' } } } } }",
        },
    ],
)
def test_what_does_not_win_over_an_id_that_we_write_is_none(files: dict[str, str]) -> None:
    assert identity_overrides(seen(**files), where="bench") == {}


def test_a_product_is_overridden_likewise() -> None:
    overrides = identity_overrides(seen(local_json5="{ device: { product: 'P' } }"), where="bench")
    assert [(name, override.key) for name, override in overrides.items()] == [("product", "device.product")]


def test_a_device_without_a_configuration_has_no_settings() -> None:
    assert read_settings(seen(), where="bench") is None


def test_of_devices_with_the_same_files_each_is_told_of_its_own() -> None:
    files = {"ioto_json5": NEW, "local_json5": "{ device: { id: 'JT08FFQXWQ' } }"}
    paths = [
        identity_overrides(seen(folder=folder, **files), where="bench")["id"].path for folder in ("/etc/ioto", "/data")
    ]
    assert paths == ["/etc/ioto/local.json5", "/data/local.json5"]


def test_of_devices_with_the_same_broken_file_each_is_told_of_its_own() -> None:
    for folder, where in (("/etc/ioto", "pump-1"), ("/data", "pump-2")):
        with pytest.raises(Json5Error, match=f"^{folder}/local.json5 on {where} on line 1"):
            identity_overrides(seen(folder=folder, local_json5="{ device: "), where=where)


def test_a_file_of_very_many_members_takes_no_more_for_each_of_them_than_a_short_one() -> None:
    steps = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal steps
        steps += 1

    def steps_for(members: int) -> int:
        nonlocal steps
        text = f"{{ {','.join(f'm{number}: 1' for number in range(members))} }}"
        steps = 0
        sys.setprofile(count)
        try:
            assert identity_overrides(seen(local_json5=text), where="bench") == {}
        finally:
            sys.setprofile(None)
        return steps

    assert steps_for(2000) < 20 * steps_for(200)


def test_a_long_name_is_not_kept_anew_for_each_setting_below_it() -> None:
    text = f"{{ {'n' * 20_000}: {{ {','.join(f'm{number}: 1' for number in range(1000))} }} }}"
    tracemalloc.start()
    try:
        assert identity_overrides(seen(local_json5=text), where="bench") == {}
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
