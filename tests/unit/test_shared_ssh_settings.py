# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that hosts share are those that each would have alone, whatever ssh puts into them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_arguments import SettingsError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_program import SshProgram
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_settings import (
    SharedSettings,
    SshSettings,
    resolve_settings,
)

pytestmark = pytest.mark.skipif(not shutil.which("ssh"), reason="needs OpenSSH's client")

HOSTS = (
    ("dev-1", None),
    ("dev-2", 2222),
    ("dev-3", 22),
    ("10.0.0.7", None),
    ("10.0.0.8", 2200),
    ("Dev-4", None),
    ("dev-5", None),
)
CONFIGURATIONS = {
    "nothing": ("", 3),
    "a user and a port for some": ("Host dev-*\n  User line\n  Port 2201\n", 5),
    "another name for each": ("Host dev-*\n  HostName %h.example\n", 7),
    "a key for each": ("IdentityFile {folder}/%h\n", 7),
    "a known name for each": ("Host dev-*\n  HostKeyAlias %n\n", 7),
    "a jump host": ("Host dev-*\n  ProxyJump way.example\n", 5),
    "a match": ("Match host dev-1\n  User other\n", 7),
}
"""By what they say, and how often settings are worked out for `HOSTS`: once for those that are alike."""


@pytest.mark.parametrize("said", CONFIGURATIONS)
def test_each_host_has_the_settings_that_it_would_have_alone(said: str, tmp_path: Path) -> None:
    text, times = CONFIGURATIONS[said]
    (tmp_path / "config").write_text(text.format(folder=tmp_path), encoding="utf-8")
    for name in ("dev-1", "dev-3"):
        (tmp_path / name).write_text("", encoding="utf-8")
    options = {"ssh_args": f"-F {tmp_path / 'config'}", "remote_user": None, "password": "secret"}
    worked_out: list[SshSettings] = []
    shared = SharedSettings(options, SshProgram(), worked_out.append)
    for host, port in HOSTS:
        alone = resolve_settings({**options, "host": host, "port": port})
        assert shared.of(host, port) == alone, (said, host)
    assert len(worked_out) == times


def test_a_refusal_is_of_each_host(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Host dev-*\n  ProxyCommand nc %h %p\n", encoding="utf-8")
    shared = SharedSettings({"ssh_args": f"-F {tmp_path / 'config'}"}, SshProgram())
    for host in ("dev-1", "dev-2"):
        with pytest.raises(SettingsError, match="proxycommand nc"):
            shared.of(host, None)
    assert shared.of("other", None).host == "other"


def test_settings_that_the_check_refuses_are_shared_with_nobody() -> None:
    def refuse(settings: SshSettings) -> None:
        raise SettingsError(f"No key for {settings.host}.")

    shared = SharedSettings({"ssh_args": "-F none"}, SshProgram(), refuse)
    for host in ("dev-1", "dev-2"):
        with pytest.raises(SettingsError, match=host):
            shared.of(host, None)
