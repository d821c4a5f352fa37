# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the adapter to Ansible does by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import _uninterrupted

_OF_TWO_USERS = """
import os, subprocess
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.connection_guard import ConnectionGuard
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.ssh_log import SshLog
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import Deadline

of_root = subprocess.Popen(["sleep", "600"])
os.setuid(65534)
own = subprocess.Popen(["sleep", "600"])
with ConnectionGuard(Deadline(0.2), "/bin/sh -s", SshLog(None)) as guard:
    print(own.wait(timeout=60), guard.verdict.name, of_root.poll())
"""


@pytest.fixture
def come() -> Iterator[list[int]]:
    """The signals that were handled."""
    come: list[int] = []
    numbers = signal.SIGINT, signal.SIGTERM
    before = {number: signal.signal(number, lambda number, _frame: come.append(number)) for number in numbers}
    yield come
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_nothing_is_locked_and_then_comes_through(come: list[int], number: int) -> None:
    with _uninterrupted():
        os.kill(os.getpid(), number)
        assert come == []
    assert come == [number]

    os.kill(os.getpid(), number)
    assert come == [number, number]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to start a program and be another user then")
def test_a_program_of_another_user_does_not_keep_the_others_of_a_connection() -> None:
    path = os.pathsep.join(sys.path)
    run = subprocess.Popen(
        [sys.executable, "-c", _OF_TWO_USERS],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert run.stdout is not None
        assert run.stdout.readline() == "-9 TOO_LONG None\n"
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
