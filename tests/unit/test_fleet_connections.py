# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine says of connections that cannot be made, as far as no device is needed for it."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import Deadline, UnreachableError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.host_keys import known_types
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_arguments import SettingsError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_connector import Connector
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
        assert greeting.result(timeout=5)  # it has seen the end of the connection


def test_a_file_with_revoked_keys_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("other ssh-ed25519 AAAA\n@revoked * ssh-ed25519 AAAA\n", encoding="utf-8")

    with pytest.raises(SettingsError, match="has revoked keys"):
        known_types(SshSettings(host="a", policy=HostKeyPolicy.STRICT, known_hosts=(str(file),)))
