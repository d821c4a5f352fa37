# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback that notes, where each play begins and where all end, how much CPU the run has had, workers included.

The environment variable `IOTO_PLAY_COSTS` names the file, to which it adds a line of JSON for each: the play's name,
empty for the end, and seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: play_costs
type: aggregate
short_description: Note what each play costs
description: For the benchmark alone.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Ansible's entry point."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "play_costs"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Note that a play begins."""
        _note(play.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Note that all have ended."""
        _note("")


def _note(name: str) -> None:
    # A worker counts once it was waited for, which Ansible itself does only when it starts the next one.
    for worker in multiprocessing.active_children():
        worker.join()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    line = json.dumps([name, sum(one.ru_utime + one.ru_stime for one in used)])
    with Path(os.environ["IOTO_PLAY_COSTS"]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
