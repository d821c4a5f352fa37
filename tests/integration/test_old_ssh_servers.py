# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which SSH servers each engine reaches: a real one, restricted to what old ones knew; the table of the guide."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import Deadline, UnreachableError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_connector import OLD_ALGORITHMS, Connector
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_settings import resolve_settings
from tests.services.openssh import SERVER, openssh_server

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not SERVER, reason="needs root and the Debian package openssh-server"
)

PLAIN = ("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
OLD = "its SSH server is too old for the fleet engine"
RESTRICTIONS = {
    # What the server is restricted to: what the fleet engine says of it, nothing where it gets in, and whether ssh gets
    # in by itself.
    "KexAlgorithms diffie-hellman-group14-sha256": ("", True),
    "KexAlgorithms diffie-hellman-group-exchange-sha256": ("", True),
    "KexAlgorithms ecdh-sha2-nistp256": ("", True),
    "KexAlgorithms diffie-hellman-group14-sha1": (OLD, False),
    "HostKeyAlgorithms rsa-sha2-256": ("", True),
    "HostKeyAlgorithms ssh-rsa": (OLD, False),
    "Ciphers aes256-ctr": ("", True),
    "MACs hmac-sha1": ("", True),
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys `host` and `user`, of RSA, which every old server knows."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("host", "user"):
        subprocess.run(("ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", folder / name), check=True)
    return folder


@contextmanager
def server(folder: Path, keys: Path, restriction: str) -> Iterator[int]:
    """Run a server, and give its port."""
    login = f"AuthorizedKeysFile {keys}/user.pub", "PermitRootLogin yes", "StrictModes no"
    with openssh_server(folder, keys / "host", *login, restriction) as port:
        yield port


def ssh(port: int, keys: Path, *more: str) -> bool:
    words = ("ssh", *PLAIN, "-o", "IdentitiesOnly=yes", "-i", str(keys / "user"), *more, "-p", str(port))
    done = subprocess.run(
        (*words, "root@127.0.0.1", "echo in"), capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False
    )
    return done.stdout == b"in\n"


@pytest.mark.parametrize("restriction", RESTRICTIONS)
def test_a_server_that_is_too_old_is_named_with_what_reaches_it(tmp_path: Path, keys: Path, restriction: str) -> None:
    said, by_ssh = RESTRICTIONS[restriction]
    options = {
        "host": "127.0.0.1",
        "remote_user": "root",
        "private_key_file": str(keys / "user"),
        "ssh_args": "-F none",
    }
    with server(tmp_path, keys, restriction) as port:
        settings = resolve_settings({**options, "port": port})
        if not said:
            with Connector().connect("bench", settings, Deadline(20)) as device:
                assert device.run("echo in").stdout.strip() == b"in"
        else:
            with pytest.raises(UnreachableError) as error:
                Connector().connect("bench", settings, Deadline(20))
            assert said in str(error.value)
            assert (said != OLD) or str(error.value).endswith(f"ansible_ssh_common_args: {OLD_ALGORITHMS}")
        assert ssh(port, keys) is by_ssh
        assert ssh(port, keys, *OLD_ALGORITHMS.split())


def test_keys_that_may_not_be_used_are_not_offered(tmp_path: Path, keys: Path) -> None:
    options = {"host": "127.0.0.1", "remote_user": "root", "private_key_file": str(keys / "user")}
    with server(tmp_path, keys, "") as port:
        words = "-F none -o IdentityAgent=none -o PubkeyAcceptedAlgorithms="
        good = resolve_settings({**options, "port": port, "ssh_args": f"{words}rsa-sha2-512"})
        with Connector().connect("bench", good, Deadline(20)) as device:
            assert device.run("echo in").stdout.strip() == b"in"
        bad = resolve_settings({**options, "port": port, "ssh_args": f"{words}ssh-ed25519"})
        with pytest.raises(UnreachableError, match="there is neither a key nor a password"):
            Connector().connect("bench", bad, Deadline(20))
