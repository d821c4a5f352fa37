# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the check of a batch is about, and what it comes to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..batch.check import NOBODY, plays
from ..batch.problem import NO_IMAGE, Problem, list_problems
from ..errors import FailureKind
from ..modes import Mode
from .controller import Hosts

_NOTHING_TO_DO = (
    "There is nothing to do: no host of this inventory has a flow that is run here; give a group its ioto_mode, "
    "or another inventory with -i."
)


def of_modes(hosts: Hosts, modes: Collection[str]) -> Hosts:
    """Return those of `hosts` whose `ioto_mode` is one of `modes`; where `modes` are all, also those that have none."""
    if set(modes) == set(Mode):
        return hosts
    return {host: variables for host, variables in hosts.items() if variables.get("ioto_mode") in modes}


def without_value(sentences: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Return the problems of hosts that have variables without a value; `sentences`, by host, say which and why."""
    return [Problem((host,), sentence) for host, found in sentences.items() for sentence in found]


def conclude(
    hosts: Hosts,
    problems: Sequence[Problem],
    *,
    labelled: Sequence[str],
    report: Mapping[str, Any] | None,
    checkpoint: Mapping[str, Any] | None = None,
    started: datetime,
) -> dict[str, Any]:
    """Return the task's result: every problem, or the hosts of each play and what the last plays have to know.

    `labelled` are the hosts that take part in labelling, `report` are the options of the run's report,
    and `checkpoint` those of its checkpoint.
    """
    if problems:
        kinds = {problem.kind for problem in problems}
        kind = next(iter(kinds)) if len(kinds) == 1 else FailureKind.SETTINGS
        told = list_problems(problems, untouched=_untouched(hosts))
        return {"failed": True, "failure": kind.value, "msg": told}
    if not any(variables.get("ioto_mode") != Mode.NONE for variables in hosts.values()):
        return {"failed": True, "msg": _NOTHING_TO_DO}
    batch = list(hosts)
    ends = {"report": batch if report else NOBODY, "checkpoint": batch if checkpoint else NOBODY}
    found = {**plays(hosts), "label": labelled, **ends, "batch": batch}
    return {
        "changed": False,
        "devices": len(hosts),
        "plays": found,
        "started": started.isoformat(),
        "report": report,
        "checkpoint": checkpoint,
    }


def _untouched(hosts: Hosts) -> str:
    modes = {str(variables.get("ioto_mode")) for variables in hosts.values()} - {Mode.NONE}
    if modes == {Mode.FIRMWARE}:
        return NO_IMAGE
    return f"no device was touched, and {NO_IMAGE}" if Mode.FIRMWARE in modes else "no device was touched"
