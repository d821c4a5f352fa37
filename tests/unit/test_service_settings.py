# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the settings of a service is told at once, with the file, before anything is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service.errors import ServiceError
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.settings import load


def test_every_setting_of_a_file_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('rate = "often"\nport = "http"\nnetworks = "10.0.0.0/8"\nspeed = 9\n', encoding="utf-8")
    with pytest.raises(ServiceError) as caught:
        load(file, {}, {})
    told = str(caught.value).splitlines()
    beginnings = (
        "The setting rate ",
        "The setting port ",
        "The setting networks ",
        f"The settings {file} hold 'speed'",
    )
    assert len(told) == len(beginnings)
    assert all(line.startswith(beginning) for line, beginning in zip(told, beginnings, strict=True))
    assert all(str(file) in line for line in told)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('port = 1\nhost = "127.0.0.1"\nlength = 12\n', encoding="utf-8")
    settings = load(file, {"IOTO_SERVICE_PORT": "2", "IOTO_SERVICE_HOST": "127.0.0.2"}, {"port": 3})
    assert (settings.port, settings.host, settings.length) == (3, "127.0.0.2", 12)
