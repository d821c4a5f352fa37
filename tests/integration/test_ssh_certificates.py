# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet engine logs in with certificates, at a real OpenSSH server that takes nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import Deadline, UnreachableError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_connector import Connector
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_settings import resolve_settings
from tests.services.openssh import SERVER, openssh_server

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not SERVER, reason="needs root and the Debian package openssh-server"
)


def make_key(file: Path, kind: str = "ed25519") -> Path:
    subprocess.run(("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file), check=True)
    return file


def certify(key: Path, authority: Path, certificate: Path) -> None:
    """Have `authority` vouch for `key` as root's."""
    sign = ("ssh-keygen", "-q", "-s", authority, "-I", "line", "-n", "root", f"{key}.pub")
    subprocess.run(sign, check=True)
    Path(f"{key}-cert.pub").rename(certificate)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_key(tmp_path / "authority")


@pytest.fixture
def port(tmp_path: Path, authority: Path) -> Iterator[int]:
    """The port of a server that takes certificates of the authority alone."""
    with openssh_server(
        tmp_path,
        make_key(tmp_path / "host"),
        *(f"TrustedUserCAKeys {authority}.pub", "AuthorizedKeysFile none", "PasswordAuthentication no"),
        "PermitRootLogin yes",
    ) as port:
        yield port


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_opens_what_its_key_does_not(tmp_path: Path, authority: Path, port: int, kind: str) -> None:
    key, other = make_key(tmp_path / "key", kind), make_key(tmp_path / "other", kind)
    certificate, of_other = tmp_path / f"line-{port}.pub", tmp_path / "of-other.pub"
    certify(other, authority, of_other)
    words = f"-F none -o IdentityAgent=none -o CertificateFile={of_other}"
    options = {"host": "127.0.0.1", "port": port, "remote_user": "root", "private_key_file": str(key)}
    with pytest.raises(UnreachableError, match="does not let root in"):
        Connector().connect("bench", resolve_settings({**options, "ssh_args": words}), Deadline(60))

    certify(key, authority, certificate)
    named = {**options, "ssh_args": f"{words} -o CertificateFile={tmp_path}/line-%p.pub"}
    with Connector().connect("bench", resolve_settings(named), Deadline(60)) as device:
        assert device.run("echo in").stdout.strip() == b"in"

    certificate.rename(f"{key}-cert.pub")
    with Connector().connect("bench", resolve_settings({**options, "ssh_args": words}), Deadline(60)) as device:
        assert device.run("echo in").stdout.strip() == b"in"
