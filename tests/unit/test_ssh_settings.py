# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection settings are what the real ssh makes of the inventory and its files; what cannot be honoured is named."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_arguments import SettingsError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_program import SshProgram
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_settings import (
    HostKeyPolicy,
    SshSettings,
    resolve_settings,
)
from tests.support.ansible import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("ssh"), reason="needs OpenSSH's client")

HOME = pwd.getpwuid(os.getuid()).pw_dir
"""What ssh takes for our home, whatever the environment says."""


def resolve(options: dict[str, Any], program: SshProgram | None = None) -> SshSettings:
    """The settings for `options`, without the files of whoever runs the tests, unless one is named."""
    return resolve_settings({**options, "ssh_args": f"-F none {options.get('ssh_args', '')}"}, program)


@pytest.fixture
def configuration(tmp_path: Path) -> Callable[[str], str]:
    """What writes a configuration file, and returns the ssh arguments that name it."""

    def write(text: str) -> str:
        file = tmp_path / "config"
        file.write_text(text, encoding="utf-8")
        return f"-F {file}"

    return write


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has a line for each call of the real ssh."""
    log, folder, ssh = tmp_path / "calls", tmp_path / "bin", shutil.which("ssh")
    folder.mkdir()
    wrapper = folder / "ssh"
    wrapper.write_text(f'#!/bin/sh\necho "$*" >>{log}\nexec {ssh} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    log.touch()
    return log


def test_host_user_and_key_are_those_of_the_inventory() -> None:
    settings = resolve(
        {"host": "10.0.0.7", "port": 2222, "remote_user": "line", "private_key_file": "/keys/line", "timeout": 4}
    )
    assert (settings.host, settings.port, settings.user) == ("10.0.0.7", 2222, "line")
    assert (settings.key_files, settings.default_keys, settings.timeout) == (("/keys/line",), (), 4.0)


def test_host_keys_are_left_to_the_ledger_unless_ssh_is_told_otherwise() -> None:
    assert resolve({"host": "a"}).policy is HostKeyPolicy.LEDGER
    strict = resolve({"host": "a", "ssh_common_args": "-o StrictHostKeyChecking=yes"})
    assert strict.policy is HostKeyPolicy.STRICT
    new = resolve({"host": "a", "ssh_extra_args": "-oStrictHostKeyChecking=accept-new"})
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
    assert resolve({"host": "a", "ssh_args": words}).policy is policy
    proofs = resolve(
        {"host": "a", "password": "x", "ssh_args": "-o PasswordAuthentication=NO -o PubkeyAuthentication=No"}
    )
    assert (proofs.password, proofs.public_key_login) == (None, False)


def test_host_keys_are_checked_where_ansible_was_told_to_and_ssh_was_not() -> None:
    assert resolve({"host": "a", "host_key_checking": True}).policy is HostKeyPolicy.STRICT
    assert resolve({"host": "a", "host_key_checking": False}).policy is HostKeyPolicy.LEDGER
    told = {"host": "a", "host_key_checking": True, "ssh_args": "-o StrictHostKeyChecking=no"}
    assert resolve(told).policy is HostKeyPolicy.LEDGER


def test_times_are_written_as_for_ssh_and_all_keys_are_tried(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in ("one", "the other"))
    for key in (one, other):
        key.touch()
    words = f"-o ConnectTimeout=1m30s -o ServerAliveInterval=5 -i {one} -i /nowhere -o 'IdentityFile=\"{other}\"'"
    settings = resolve({"host": "a", "ssh_args": words})
    assert (settings.timeout, settings.keepalive) == (90.0, 5)
    assert settings.key_files == (str(one), str(other))
    assert resolve({"host": "a", "ssh_args": "-i /nowhere"}).key_files == ("/nowhere",)
    assert resolve({"host": "a", "timeout": 4, "ssh_args": "-o ConnectTimeout=none"}).timeout == 4.0


def test_a_jump_host_is_checked_and_never_gets_the_password_of_the_device() -> None:
    options = {"host": "a", "password": "geheim", "ssh_common_args": "-J gate,ops@[fd00::1]:2200 -o User=line"}
    settings = resolve({**options, "ssh_args": "-o StrictHostKeyChecking=no"})
    second = settings.jump
    assert second is not None
    assert (second.host, second.port, second.user) == ("fd00::1", 2200, "ops")
    first = second.jump
    assert first is not None
    assert (first.host, first.port, first.user) == ("gate", 22, pwd.getpwuid(os.getuid()).pw_name)
    assert {first.password, second.password} == {None}
    assert {first.policy, second.policy} == {HostKeyPolicy.STRICT}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"connection": "local"}, "local"),
        ({"become": True}, "become"),
        ({"ssh_common_args": "-o ProxyCommand='nc %h %p'"}, "proxycommand nc %h %p"),
        ({"ssh_extra_args": "-D 1080"}, "dynamicforward 1080"),
        ({"ssh_args": "-W there:22"}, "-W there:22"),
        ({"ssh_args": "there -4"}, "there"),
        ({"ssh_args": "-4"}, "addressfamily inet"),
        ({"ssh_args": "-o VerifyHostKeyDNS=yes"}, "verifyhostkeydns true"),
        ({"pkcs11_provider": "/lib/token.so"}, "pkcs11"),
        ({"ssh_executable": "/opt/wrapper"}, "/opt/wrapper"),
        ({"ssh_args": "-o StrictHostKeyChecking=ask"}, "stricthostkeychecking ask"),
        ({"ssh_args": "-o IdentityAgent=/run/agent"}, "identityagent /run/agent"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(options: dict[str, object], name: str) -> None:
    with pytest.raises(SettingsError, match="does not honour") as caught:
        resolve({"host": "a", **options})
    assert name in str(caught.value)
    assert "ioto_engine: ansible" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("-F /etc/own", "file /etc/own: No such file or directory"),
        ("-o StrictHostKeyChecking=on", 'unsupported option "on"'),
        ("-o ConnectTimeout=soon", "invalid time value"),
        ("-o Prot=22", "Bad configuration option: prot"),
        ("-p 0", "Bad port '0'"),
        ("-J gate:70000", "Invalid -J argument"),
        ("-J :22", "Invalid -J argument"),
        ("-o", "requires argument"),
        ("-o 'open", "No closing quotation"),
    ],
)
def test_what_ssh_does_not_take_is_told_in_its_own_words(words: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve({"host": "a", "ssh_args": words})
    assert reason in str(caught.value)


@pytest.mark.parametrize("host", ["-oProxyCommand=true", "--", "a\nb", "a\x00b", "a b", ""])
def test_the_name_of_a_host_is_never_an_option(host: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        resolve({"host": host})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"port": 0}, "'0' is not a port"),
        ({"port": 65536}, "'65536' is not a port"),
        ({"port": "9" * 5000}, "is not a port"),
        ({"port": "\u0662\u0662x"}, "is not a port"),
        ({"timeout": "nan"}, "The timeout 'nan' is not valid"),
        ({"timeout": -1}, "The timeout '-1' is not valid"),
        ({"reconnection_retries": "many"}, "The reconnection_retries 'many' is not valid"),
    ],
)
def test_a_number_that_means_nothing_is_told(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve({"host": "a", **options})
    assert sentence in str(caught.value)


def test_everything_that_is_not_honoured_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        resolve({"host": "a", "become": True, "ssh_args": "-W x -o LocalCommand=y"})
    assert all(name in str(caught.value) for name in ("become", "-W", "localcommand"))


def test_the_arguments_that_ansible_itself_adds_make_no_difference() -> None:
    plain = resolve({"host": "a", "ssh_args": "-o ControlMaster=auto -o ControlPersist=60s"})
    assert plain == resolve({"host": "a"})


def test_host_blocks_count_as_they_do_for_ssh(configuration: Callable[[str], str]) -> None:
    words = configuration(
        "Host *.line !old.line gate\n  User line\n  Port 2200\n"
        "Host=old.* ne?t\n  User past\n"
        "Host *\n  User other\n  ServerAliveInterval 7\n  SendEnv LANG LC_*\n  ControlMaster auto\n"
    )
    program = SshProgram()
    found = {
        host: resolve({"host": host, "ssh_args": words}, program)
        for host in ("a.line", "old.line", "gate", "gate2", "next", "neat.x", "Gate")
    }
    assert {host: (settings.user, settings.port) for host, settings in found.items()} == {
        **{"a.line": ("line", 2200), "old.line": ("past", 22), "gate": ("line", 2200), "gate2": ("other", 22)},
        **{"next": ("past", 22), "neat.x": ("other", 22), "Gate": ("other", 22)},
    }
    assert all(settings.keepalive == 7 for settings in found.values())
    assert resolve({"host": "a.line", "port": 77, "remote_user": "me", "ssh_args": words}).port == 77


def test_included_files_count_also_from_others_and_by_pattern(
    configuration: Callable[[str], str], tmp_path: Path, calls: Path
) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/1.conf").write_text(f"Include {tmp_path}/last\n", encoding="utf-8")
    (tmp_path / "last").write_text("Host dev-7 # the odd one\n  User seven\n", encoding="utf-8")
    words = configuration(f'Host dev-*\n  Include "{tmp_path}/more/*.conf"\nHost *\n  User all\n')
    program = SshProgram()
    users = [resolve({"host": f"dev-{number}", "ssh_args": words}, program).user for number in range(10)]
    assert users == [*["all"] * 7, "seven", "all", "all"]
    assert len(calls.read_text(encoding="utf-8").splitlines()) == 3  # of the defaults, of dev-7, and of the others


def test_a_match_is_asked_for_each_host(configuration: Callable[[str], str], calls: Path) -> None:
    words = configuration('Match exec "test %h = dev-3"\n  Port 333\nMatch originalhost dev-4\n  Port 444\n')
    program = SshProgram()
    ports = [resolve({"host": f"dev-{number}", "ssh_args": words}, program).port for number in range(6)]
    assert ports == [22, 22, 22, 333, 444, 22]
    assert len(calls.read_text(encoding="utf-8").splitlines()) == 7


def test_a_match_that_never_ends_is_waited_for_once(
    configuration: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_program.SECONDS", 0.5)
    words = configuration(f'Match exec "echo $$ >{tmp_path}/pid; sleep 1000; true"\n  Port 333\n')
    program = SshProgram()
    for _unused in range(2):
        with pytest.raises(SettingsError, match="says nothing"):
            resolve({"host": "a", "ssh_args": words}, program)
    process = int((tmp_path / "pid").read_text(encoding="utf-8"))
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}").exists() and "State:\tZ" not in Path(f"/proc/{process}/status").read_text():
        assert time.monotonic() < deadline


def test_a_thousand_hosts_cost_one_call_and_have_their_own_names(
    configuration: Callable[[str], str], calls: Path, tmp_path: Path
) -> None:
    words = configuration(
        f"Host 10.*.?.* dev*\n  HostName %h.lan\n  UserKnownHostsFile {tmp_path}/%n/%h-%p\n  IdentityFile ~/%h-%p\n"
    )
    program = SshProgram()
    hosts = {f"10.0.{number // 200}.{number % 200}": 1000 + number for number in range(1000)}
    for host, port in hosts.items():
        settings = resolve({"host": host, "port": port, "ssh_args": words}, program)
        assert (settings.host, settings.port) == (f"{host}.lan", port)
        assert settings.known_hosts[0] == f"{tmp_path}/{host}/{host}.lan-{port}"
        assert settings.key_files == (f"{HOME}/{host}.lan-{port}",)
    assert len(calls.read_text(encoding="utf-8").splitlines()) == 2  # one of the defaults


@pytest.mark.parametrize(
    "host", ["dev-1", "dev-1000", "d", "10.0.0.7", "fd00::7", "FD00::0007", "127.1", "Dev-1", "x@y"]
)
def test_what_is_put_in_for_a_host_is_what_ssh_says_of_it(host: str, configuration: Callable[[str], str]) -> None:
    words = (
        *configuration("Host d* 1* f*\n  HostName %h\n  UserKnownHostsFile /%h%h/%n%p\n  Port 6553\n").split(" ", 1),
        *("-o", "HostKeyAlias=d", "-o", "User=line"),
    )
    program = SshProgram()
    program.values(words, "dev-2")
    said = subprocess.run(("ssh", "-G", *words, host, "true"), capture_output=True, text=True, check=True).stdout
    found = {name: value for name, value in program.values(words, host).items() if name != "controlpath"}
    assert [f"{name} {value}" for name, values in found.items() for value in values] == [
        f"{line.partition(' ')[0].lower()} {line.partition(' ')[2]}" for line in said.splitlines()
    ]


def test_hosts_that_stand_in_a_file_by_their_names_have_calls_of_their_own(
    configuration: Callable[[str], str],
) -> None:
    words = configuration("Host a b\n  HostName a\nHost c\n  HostName %h%h\n")
    program = SshProgram()
    assert [resolve({"host": host, "ssh_args": words}, program).host for host in "abcd"] == ["a", "a", "cc", "d"]


def test_a_jump_host_of_the_configuration_has_its_own_options(
    configuration: Callable[[str], str], tmp_path: Path
) -> None:
    key = tmp_path / "gate-key"
    key.touch()
    words = configuration(
        "Host dev-*\n  ProxyJump gate\n  User line\n"
        f"Host gate\n  HostName 192.0.2.1\n  User ops\n  Port 2200\n  IdentityFile {tmp_path}/%n-key\n"
        "  ProxyJump outer\n  StrictHostKeyChecking accept-new\n"
    )
    options = {"host": "dev-1", "ssh_args": words, "ssh_common_args": "-o ServerAliveInterval=7 -o ConnectTimeout=3"}
    settings = resolve(options)
    gate = settings.jump
    assert gate is not None
    assert (settings.user, settings.keepalive) == ("line", 7)
    assert (gate.host, gate.port, gate.user, gate.key_files) == ("192.0.2.1", 2200, "ops", (str(key),))
    assert (gate.keepalive, gate.policy) == (0, HostKeyPolicy.ACCEPT_NEW)
    assert gate.jump is not None and gate.jump.host == "outer"


def test_jump_hosts_in_a_circle_are_refused(configuration: Callable[[str], str]) -> None:
    words = configuration("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    with pytest.raises(SettingsError, match="does not honour proxyjump"):
        resolve({"host": "dev", "ssh_args": f"{words} -o ProxyJump=a"})


def test_tokens_and_variables_in_the_names_of_keys_are_put_in(
    configuration: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINE", "seven")
    tokens = "%%|%d|%h|%i|%j|%k|%L|%l|%n|%p|%r|%u|${LINE}"
    words = configuration(
        f"Host dev\n  HostName %h.lan\n  HostKeyAlias alias\n  User line\n  IdentityFile ~/{tokens}\n"
    )
    whole = socket.gethostname()
    user = pwd.getpwuid(os.getuid()).pw_name
    expected = f"%|{HOME}|dev.lan|{os.getuid()}||alias|{whole.split('.')[0]}|{whole}|dev|22|line|{user}|seven"
    settings = resolve({"host": "dev", "ssh_args": words})
    assert settings.key_files == (f"{HOME}/{expected}",)
    assert settings.key_alias == "alias"

    # How this one is made differs from version to version, so that ssh itself is the measure.
    words = configuration("IdentityFile /%C\nUserKnownHostsFile /%C\n")
    settings = resolve({"host": "dev", "port": 77, "ssh_args": words})
    assert settings.key_files == settings.known_hosts[:1]

    words = configuration("IdentityFile /${NO_SUCH_LINE}/key\n")
    with pytest.raises(SettingsError, match="which stands for nothing"):
        resolve({"host": "dev", "ssh_args": words})
    for strange in ({"private_key_file": "~nobody-here/key"}, {"ssh_args": "-i ~nobody-here/key"}):
        with pytest.raises(SettingsError, match="begins with a user whom nobody knows"):
            resolve({"host": "dev", **strange})


def test_certificates_are_looked_for_where_they_are_named_and_beside_their_keys(
    configuration: Callable[[str], str], tmp_path: Path
) -> None:
    named, beside = tmp_path / "dev-22.pub", tmp_path / "key-cert.pub"
    for file in (tmp_path / "key", named, beside):
        file.touch()
    words = configuration(f"IdentityFile {tmp_path}/key\nCertificateFile {tmp_path}/%h-%p.pub\nCertificateFile ~/no\n")
    assert resolve({"host": "dev", "ssh_args": words}).certificates == (str(named), str(beside))


def test_lists_of_algorithms_may_be_added_to_and_taken_from() -> None:
    plain = resolve({"host": "a"})
    assert not plain.algorithms
    added = resolve({"host": "a", "ssh_args": "-o Ciphers=+aes256-cbc -o MACs=-hmac-sha1*"}).algorithms
    assert added["ciphers"][-1] == "aes256-cbc" and "aes128-ctr" in added["ciphers"]
    assert "hmac-sha2-256" in added["digests"] and "hmac-sha1" not in added["digests"]


def test_to_be_asked_is_refused_wherever_it_is_written(configuration: Callable[[str], str]) -> None:
    assert resolve({"host": "a", "ssh_args": configuration("# StrictHostKeyChecking ask\n")}).host == "a"
    with pytest.raises(SettingsError, match="stricthostkeychecking ask"):
        resolve({"host": "a", "ssh_args": configuration("Host *\n  StrictHostKeyChecking ask\n")})
    told = {"host": "a", "ssh_args": "-o StrictHostKeyChecking=ask", "host_key_checking": False}
    with pytest.raises(SettingsError, match="stricthostkeychecking ask"):
        resolve(told)


def test_the_first_value_counts_in_the_order_of_ansibles_plugin() -> None:
    options = {"host": "a", "port": 3, "remote_user": "u", "timeout": 4}
    assert resolve({**options, "ssh_args": "-p 2 -l v"}).port == 2
    assert resolve({**options, "ssh_common_args": "-p 2 -o User=v -o ConnectTimeout=9"}).port == 3
    settings = resolve({**options, "ssh_common_args": "-o Port=2 -o User=v -o ConnectTimeout=9"})
    assert (settings.port, settings.user, settings.timeout) == (3, "u", 4.0)
    checked = {"ssh_common_args": "-o StrictHostKeyChecking=yes", "host_key_checking": False}
    assert resolve({**options, **checked}).policy is HostKeyPolicy.LEDGER


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_the_files_of_the_user_and_of_the_machine_count(tmp_path: Path) -> None:
    home, machine, users = tmp_path / "home", tmp_path / "ssh", tmp_path / "passwd"
    (home / ".ssh").mkdir(parents=True)
    machine.mkdir()
    (home / ".ssh/config").write_text("Host dev-*\n  User line\n  Include lines/*\n", encoding="utf-8")
    (home / ".ssh/lines").mkdir()
    (home / ".ssh/lines/one").write_text("Host dev-1\n  Port 2201\n", encoding="utf-8")
    (machine / "ssh_config").write_text("Host dev-2\n  Port 2202\nHost *\n  User machine\n", encoding="utf-8")
    for folder in (home / ".ssh", home / ".ssh/config", home / ".ssh/lines", home / ".ssh/lines/one"):
        folder.chmod(0o700)
    users.write_text(f"root:x:0:0::{home}:/bin/sh\n", encoding="utf-8")
    script = (
        "import json; "
        "from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet import ssh_program, ssh_settings; "
        "ssh = ssh_program.SshProgram(); "
        "hosts = ('dev-0', 'dev-1', 'dev-2', 'other'); "
        "found = [ssh_settings.resolve_settings({'host': host}, ssh) for host in hosts]; "
        "print(json.dumps([(one.user, one.port) for one in found]))"
    )
    mounts = 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/ssh && shift 2 && exec "$@"'
    done = subprocess.run(
        ("unshare", "-m", "sh", "-c", mounts, "sh", users, machine, sys.executable, "-c", script),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT / "playbooks/collections")},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["line", 22], ["line", 2201], ["line", 2202], ["machine", 22]]


def test_a_key_that_only_a_file_of_ssh_names_may_be_missing(
    configuration: Callable[[str], str], tmp_path: Path
) -> None:
    words = configuration(f"IdentityFile {tmp_path}/absent\n")
    assert resolve({"host": "dev", "ssh_args": words}).keys_to_try() == []
    for asked in ({"private_key_file": f"{tmp_path}/absent"}, {"ssh_extra_args": f"-i {tmp_path}/absent"}):
        assert resolve({"host": "dev", "ssh_args": words, **asked}).keys_to_try() == [f"{tmp_path}/absent"]
