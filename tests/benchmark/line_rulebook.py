# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a board waits at a line that ansible-rulebook runs, beside one plain `provision.yml` in the same run.

A part of `tests.benchmark.line`, for whom IOTO_ANSIBLE_RULEBOOK names an ansible-rulebook; needs Java, and root for the
boards. Time is from when SSH answers to the recap of the run that the rulebook started.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.fleet import Device, Fleet, dropbear
from tests.fleet.jig import Jig
from tests.support.rulebook import NO_JAVA, NO_RULEBOOK, RULEBOOK, java, rulebook, write_settings

SLOT = "slot-1"
RECAP = "PLAY RECAP"


def missing() -> str | None:
    """Return why this part cannot be measured here, or None where it can."""
    if RULEBOOK is None:
        return NO_RULEBOOK
    if java() is None:
        return NO_JAVA
    return None if dropbear.available() else "the boards need root, dropbear and BusyBox"


def measure_rulebook(
    state: Path, fleet: Fleet, boards: Iterator[Device], rounds: int, plain: Callable[[Device], float]
) -> Mapping[str, list[float]]:
    """Return seconds of a `plain` run and of a board at the rulebook's line, in turns. `state` is the user's home."""
    figures: dict[str, list[float]] = {"plain": [], "rulebook": []}
    jig = Jig(fleet, 1, "rulebook")
    write_settings(jig, state)
    with rulebook("ioto.serialization.line", jig, state) as running:
        # Java and the first run take their time to start, as they do once a day.
        jig.plug(SLOT, next(boards))
        running.wait_for(lambda: RECAP in running.printed)
        jig.pull(SLOT)
        for done in range(1, rounds + 1):
            figures["plain"].append(plain(next(boards)))
            jig.plug(SLOT, next(boards))
            began = time.monotonic()
            running.wait_for(lambda done=done: running.printed.count(RECAP) > done)  # type: ignore[misc]
            figures["rulebook"].append(time.monotonic() - began)
            jig.pull(SLOT)
    return figures
