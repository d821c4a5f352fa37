# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection settings come from the inventory's own words, and what cannot be honoured is named."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_settings import (
    HostKeyPolicy,
    SettingsError,
    resolve_settings,
)


def test_host_user_and_key_are_those_of_the_inventory() -> None:
    settings = resolve_settings(
        {"host": "10.0.0.7", "port": 2222, "remote_user": "line", "private_key_file": "/keys/line", "timeout": 4}
    )
    assert (settings.host, settings.port, settings.user) == ("10.0.0.7", 2222, "line")
    assert (settings.key_files, settings.default_keys, settings.timeout) == (("/keys/line",), False, 4.0)


def test_host_keys_are_left_to_the_ledger_unless_ssh_is_told_otherwise() -> None:
    assert resolve_settings({"host": "a"}).policy is HostKeyPolicy.LEDGER
    strict = resolve_settings({"host": "a", "ssh_common_args": "-o StrictHostKeyChecking=yes"})
    assert strict.policy is HostKeyPolicy.STRICT
    new = resolve_settings({"host": "a", "ssh_extra_args": "-oStrictHostKeyChecking=accept-new"})
    assert new.policy is HostKeyPolicy.ACCEPT_NEW


def test_a_jump_host_is_checked_and_never_gets_the_password_of_the_device() -> None:
    settings = resolve_settings({"host": "a", "password": "geheim", "ssh_common_args": "-J gate,ops@[fd00::1]:2200"})
    second = settings.jump
    assert second is not None
    assert (second.host, second.port, second.user) == ("fd00::1", 2200, "ops")
    first = second.jump
    assert first is not None
    assert (first.host, first.port) == ("gate", 22)
    assert {first.password, second.password} == {None}
    assert {first.policy, second.policy} == {HostKeyPolicy.STRICT}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"connection": "local"}, "local"),
        ({"become": True}, "become"),
        ({"ssh_common_args": "-o ProxyCommand='nc %h %p'"}, "ProxyCommand nc %h %p"),
        ({"ssh_args": "-F /etc/own"}, "-F /etc/own"),
        ({"ssh_extra_args": "-D 1080"}, "-D"),
        ({"ssh_args": "-o Ciphers=+aes256-cbc"}, "ciphers"),
        ({"pkcs11_provider": "/lib/token.so"}, "pkcs11"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(options: dict[str, object], name: str) -> None:
    with pytest.raises(SettingsError, match="does not honour") as caught:
        resolve_settings({"host": "a", **options})
    assert name in str(caught.value)


def test_everything_that_is_not_honoured_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_settings({"host": "a", "become": True, "ssh_args": "-W x -o LocalCommand=y"})
    assert all(name in str(caught.value) for name in ("become", "-W", "LocalCommand"))


def test_the_arguments_that_ansible_itself_adds_make_no_difference() -> None:
    plain = resolve_settings({"host": "a", "ssh_args": "-o ControlMaster=auto -o ControlPersist=60s"})
    assert plain == resolve_settings({"host": "a"})
