# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a ssh tells how it began and how it ended, however much a peer makes it say between."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.ssh_log import SshLog

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the log is a pipe by its name in /proc")


class Options(dict[str, str]):
    """The options of a connection of Ansible's, as far as the log asks for them."""

    has_option = dict.__contains__
    get_option = dict.__getitem__
    set_option = dict.__setitem__


@pytest.mark.parametrize("complaints", [0, 1, 2_000, 50_000])
def test_a_flood_of_complaints_hides_neither_the_login_nor_the_end(complaints: int) -> None:
    connection = Options(ssh_args="", ssh_extra_args="")
    first, last = "Authenticated to 192.0.2.1", "debug1: Exit status 3"
    lines = [first, *(f"dispatch_protocol_error: type 200 seq {number}" for number in range(complaints)), last]

    with SshLog(connection) as log:
        path = shlex.split(connection["ssh_extra_args"])[-1]
        with Path(path).open("w", encoding="utf-8") as ssh:
            for line in lines:
                ssh.write(f"{line}\r\n")
                ssh.flush()
                log.read()

    told = log.text.splitlines()
    assert (told[0], told[-1]) == (first, last)
    assert set(told) <= set(lines)
    assert len(log.text) <= 128 * 1024
    assert len(told) > min(len(lines), 2_000) * 0.99
