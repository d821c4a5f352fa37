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


@pytest.mark.parametrize(
    ("words", "policy"),
    [
        ("-o StrictHostKeyChecking=Yes", HostKeyPolicy.STRICT),
        ("-o StrictHostKeyChecking=TRUE", HostKeyPolicy.STRICT),
        ("-o StrictHostKeyChecking=Accept-New", HostKeyPolicy.ACCEPT_NEW),
        ("-o StrictHostKeyChecking=Off", HostKeyPolicy.LEDGER),
    ],
)
def test_case_means_nothing_in_values_as_in_ssh(words: str, policy: HostKeyPolicy) -> None:
    assert resolve_settings({"host": "a", "ssh_args": words}).policy is policy
    proofs = resolve_settings(
        {"host": "a", "password": "x", "ssh_args": "-o PasswordAuthentication=NO -o PubkeyAuthentication=No"}
    )
    assert (proofs.password, proofs.public_key_login) == (None, False)


def test_host_keys_are_checked_where_ansible_was_told_to_and_ssh_was_not() -> None:
    assert resolve_settings({"host": "a", "host_key_checking": True}).policy is HostKeyPolicy.STRICT
    assert resolve_settings({"host": "a", "host_key_checking": False}).policy is HostKeyPolicy.LEDGER
    told = {"host": "a", "host_key_checking": True, "ssh_args": "-o StrictHostKeyChecking=no"}
    assert resolve_settings(told).policy is HostKeyPolicy.LEDGER


def test_times_are_written_as_for_ssh_and_all_keys_are_tried() -> None:
    words = "-o ConnectTimeout=1m30s -o ServerAliveInterval=5 -i /a -o IdentityFile=/b"
    settings = resolve_settings({"host": "a", "ssh_args": words})
    assert (settings.timeout, settings.keepalive, settings.key_files) == (90.0, 5, ("/a", "/b"))
    assert resolve_settings({"host": "a", "timeout": 4, "ssh_args": "-o ConnectTimeout=none"}).timeout == 4.0


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
        ({"ssh_executable": "/opt/wrapper"}, "/opt/wrapper"),
        ({"ssh_args": "-o StrictHostKeyChecking=ask"}, "stricthostkeychecking ask"),
        ({"ssh_args": "-o StrictHostKeyChecking=on"}, "stricthostkeychecking on"),
        ({"ssh_args": "-o ConnectTimeout=soon"}, "connecttimeout soon"),
        ({"ssh_args": "-o ServerAliveInterval=5x"}, "serveraliveinterval 5x"),
        ({"ssh_args": "-o IdentityAgent=/run/agent"}, "identityagent /run/agent"),
        ({"ssh_args": "-o HostName=%h.lan"}, "hostname %h.lan"),
        ({"ssh_args": "-p ssh"}, "port ssh"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(options: dict[str, object], name: str) -> None:
    with pytest.raises(SettingsError, match="does not honour") as caught:
        resolve_settings({"host": "a", **options})
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"port": 0}, "'0' is no port"),
        ({"port": 65536}, "'65536' is no port"),
        ({"port": "9" * 5000}, "is no port"),
        ({"port": "\u0662\u0662x"}, "is no port"),
        ({"ssh_args": "-J gate:70000"}, "'70000' is no port"),
        ({"ssh_args": "-J :22"}, "is none; write user@host:port"),
        ({"timeout": "nan"}, "The timeout 'nan' is none"),
        ({"timeout": -1}, "The timeout '-1' is none"),
        ({"reconnection_retries": "many"}, "The reconnection_retries 'many' is none"),
    ],
)
def test_a_number_that_means_nothing_is_told(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_settings({"host": "a", **options})
    assert sentence in str(caught.value)


def test_everything_that_is_not_honoured_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_settings({"host": "a", "become": True, "ssh_args": "-W x -o LocalCommand=y"})
    assert all(name in str(caught.value) for name in ("become", "-W", "LocalCommand"))


def test_the_arguments_that_ansible_itself_adds_make_no_difference() -> None:
    plain = resolve_settings({"host": "a", "ssh_args": "-o ControlMaster=auto -o ControlPersist=60s"})
    assert plain == resolve_settings({"host": "a"})
