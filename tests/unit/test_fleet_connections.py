# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine says of connections that cannot be made, as far as no device is needed for it."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")

import paramiko
from cryptography.hazmat.primitives.asymmetric import ec, ed448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import Deadline, UnreachableError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet import ssh_connector, ssh_keys
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.engine import _gather
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.host_keys import known_types
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_arguments import SettingsError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_connector import Connector
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_keys import (
    KeyFileError,
    SilentAgentError,
    load_key,
    open_agent,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_settings import (
    HostKeyPolicy,
    SshSettings,
)


@pytest.mark.parametrize("host", ["a..b", "a" * 67 + ".lan"])
def test_a_name_that_can_be_no_hosts_is_told_and_is_no_defect(host: str) -> None:
    with pytest.raises(UnreachableError, match="that is not the name of a host"):
        Connector().connect("bench-1", SshSettings(host=host), Deadline(1))


def test_a_server_of_ssh_1_alone_is_not_sent_to_the_other_engine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def greet() -> None:
            server.settimeout(10)
            connection, _peer = server.accept()
            with connection:
                connection.sendall(b"SSH-1.5-OpenSSH_2.3\r\n")
                while connection.recv(4096):
                    pass

        greeting = pool.submit(greet)
        settings = SshSettings(host="127.0.0.1", port=server.getsockname()[1])
        with pytest.raises(UnreachableError, match="it speaks SSH 1 alone") as error:
            Connector().connect("bench-1", settings, Deadline(5))
        greeting.result()
    assert "ioto_engine" not in str(error.value)


def test_a_server_that_says_no_more_than_its_name_is_left_when_its_time_is_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def greet() -> bytes:
            server.settimeout(10)
            connection, _peer = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                while said := connection.recv(4096):
                    last = said
                return last

        greeting = pool.submit(greet)
        settings = SshSettings(host="127.0.0.1", port=server.getsockname()[1])
        with pytest.raises(UnreachableError, match=r"was not done within 0\.5 s"):
            Connector().connect("bench-1", settings, Deadline(0.5))
        assert greeting.result(timeout=60)  # it has seen the end of the connection


def test_a_file_with_revoked_keys_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("other ssh-ed25519 AAAA\n@revoked * ssh-ed25519 AAAA\n", encoding="utf-8")

    with pytest.raises(SettingsError, match="has revoked keys"):
        known_types(SshSettings(host="a", policy=HostKeyPolicy.STRICT, known_hosts=(str(file),)))


@pytest.mark.parametrize(
    "line",
    [
        "@cert-authority * ssh-ed25519 AAAA",  # for certificates, of which the engine knows none
        *("bench ssh-ed25519 AAAA", "bench ssh-rsa AAAAB3NzaC1yc2E=", "bench some-type not-base64", "bench"),
        "h\xe4user ssh-ed25519 AAAA",
    ],
)
def test_a_line_of_known_hosts_that_nobody_understands_leaves_the_others(tmp_path: Path, line: str) -> None:
    key = paramiko.ECDSAKey.generate()
    known = f"bench {key.get_name()} {key.get_base64()}"
    file = tmp_path / "known_hosts"
    file.write_bytes(f"{line}\n|1|zz|zz {known.removeprefix('bench ')}\n{known}\n".encode("latin-1"))

    settings = SshSettings(host="bench", policy=HostKeyPolicy.STRICT, known_hosts=(str(file), str(tmp_path / "none")))
    assert known_types(settings) == (key.get_name(),)


@pytest.mark.parametrize(
    "key",
    [
        x25519.X25519PrivateKey.generate(),
        ed448.Ed448PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256K1()),
    ],
    ids=type,
)
def test_a_key_that_ssh_has_not_is_refused_by_name(tmp_path: Path, key: Any) -> None:
    file = tmp_path / "key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    with pytest.raises(KeyFileError, match=f"^The private key {file} is of no kind that is known here"):
        load_key(str(file), None)


def test_a_key_whose_file_is_damaged_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "key"
    key = ec.generate_private_key(ec.SECP256R1())
    whole = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode().splitlines(keepends=True)
    data = base64.b64decode("".join(whole[1:-1]))
    file.touch(mode=0o600)
    for place in range(0, len(data), 3):
        body = base64.encodebytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]).decode()
        file.write_text(f"{whole[0]}{body}{whole[-1]}", encoding="ascii")
        load_key.cache_clear()
        with suppress(KeyFileError):  # not every byte of it counts
            load_key(str(file), None)


def test_an_agent_that_says_nothing_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "agent"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place))
        silent.listen()
        with pytest.raises(TimeoutError):
            open_agent(0.1)  # the device has no more time, which says nothing of the agent
        monkeypatch.setattr(ssh_keys, "_PATIENCE", 0.1)
        with pytest.raises(SilentAgentError, match=f"^The ssh agent at {place} does not answer"):
            open_agent(0.1)
        with pytest.raises(SilentAgentError):
            open_agent(3600)  # asked no more
    assert open_agent_elsewhere(monkeypatch, tmp_path) == ()


def open_agent_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "none"))
    return open_agent(30).get_keys()


def test_a_process_that_is_killed_in_the_middle_of_a_result_ends_its_results_alone() -> None:
    ends = [os.pipe() for _unused in range(2)]
    whole, cut = (Connection(end[0], writable=False) for end in ends)
    with Connection(ends[0][1], readable=False) as results:
        results.send("whole")
    os.write(ends[1][1], struct.pack("!i", 1000) + b"the beginning")
    os.close(ends[1][1])

    assert list(_gather([cut, whole])) == ["whole"]


class _WithoutProof(paramiko.ServerInterface):
    """A server that lets everybody in."""

    def check_auth_none(self, _username: str) -> int:
        return int(paramiko.AUTH_SUCCESSFUL)

    def get_allowed_auths(self, _username: str) -> str:
        return "none"


@pytest.fixture
def door() -> Iterator[SshSettings]:
    """The way to a server that lets everybody in."""
    key = paramiko.ECDSAKey.generate()

    def serve() -> None:
        while True:
            try:
                connection, _peer = server.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.start_server(event=Event(), server=_WithoutProof())

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield SshSettings(host="127.0.0.1", port=server.getsockname()[1], use_agent=False)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("step", ["_shake_hands", "_log_in"])
def test_a_device_that_hangs_up_between_two_steps_is_unreachable_and_no_defect(
    door: SshSettings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = getattr(ssh_connector, step)

    def and_hang_up(*arguments: Any) -> None:
        before(*arguments)
        next(argument for argument in arguments if isinstance(argument, paramiko.Transport)).end()

    monkeypatch.setattr(ssh_connector, step, and_hang_up)
    with (
        pytest.raises(UnreachableError, match=r"bench-1.*\(it hung up\)"),
        Connector().connect("bench-1", door, Deadline(30)) as device,
    ):
        device.run("true")
