# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process whose parent was killed ends, also one that waits for what never comes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

from tests.support.ansible import ROOT

PATIENCE_SECONDS = 30
FAMILY = """
import os, sys, threading
from plugins.plugin_utils.processes.parent_process import ParentProcess
ours, theirs = os.pipe()
if os.fork() == 0:
    ParentProcess().end_with_it(0.1)
    print(os.getpid(), flush=True)
    # More than a pipe holds; its other end is here as well, so that nobody is told of a reader who is gone.
    os.write(theirs, bytes(10_000_000))
threading.Event().wait()
"""


def test_whoever_writes_to_a_parent_that_was_killed_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", FAMILY], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            assert select.select([child], [], [], 0.3)[0] == [], "it waits"
            parent.kill()
            assert select.select([child], [], [], PATIENCE_SECONDS)[0] == [child]
        finally:
            if not select.select([child], [], [], 0)[0]:
                signal.pidfd_send_signal(child, signal.SIGKILL)
            os.close(child)
