# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine is told of how to run is refused where nothing could be run so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")

from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.engine import Engine, EngineError


@pytest.mark.parametrize("processes", [0, -1])
def test_devices_need_a_process(processes: int) -> None:
    with pytest.raises(EngineError, match="processes has to be 1 or more"):
        Engine(at_once=5, processes=processes)


_WITHOUT_PROCESSES = """
import multiprocessing.popen_fork, os, resource
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.engine import DeviceJob, Engine, EngineError
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.look import Look
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.ssh_settings import SshSettings
from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.marks import ANY_MARKS

jobs = [DeviceJob("bench-1", SshSettings(host="192.0.2.1"), Look("/etc/ioto", None, ANY_MARKS, 5.0))]
os.setuid(65533)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    list(Engine(at_once=1).run(jobs, log=print))
except EngineError as error:
    print(error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be a user who may start no process")
def test_a_system_that_starts_no_process_is_told_before_a_device_is_touched() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _WITHOUT_PROCESSES],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.startswith("The system starts no process for the fleet engine ("), run.stderr
