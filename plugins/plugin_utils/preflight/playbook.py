# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a playbook that gives no unit its identity: names of variables, its files, the job of a ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..batch.check_options import check_options
from ..batch.problem import Problem, list_problems
from ..batch.unknown_variables import OWN, check_names
from ..checkpoints import options as checkpoint_options
from ..firmware import options as firmware_options
from ..ledger import options as ledger_options
from ..option import Option
from ..option_table import VARIABLES_OF_ALL
from .controller import Controller
from .result import without_value
from .selection import check_selection


def check_playbook(controller: Controller, everybody: Sequence[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the task's result: every problem of the hosts `everybody`, or how many hosts there are."""
    # Not at the top: the check of a batch has no use for them.
    from ..batch.scan_files import OF_FILES, check_scan_files  # noqa: PLC0415
    from ..ledger.jobs import job_problems  # noqa: PLC0415

    read: Mapping[str, Option] = firmware_options.NUMBERED
    if arguments["ledger_job"]:
        read = {**ledger_options.OF_THE_PLAYBOOK, **checkpoint_options.OF_THE_PLAYBOOK}
    elif arguments["scan_files"]:
        read = OF_FILES
    found, unreadable = controller.readable(everybody, (OWN, "ioto_mode", *read))

    def taken(variables: Mapping[str, Any]) -> Mapping[str, Option]:
        return {name: option for name, option in read.items() if name in variables and name != ledger_options.JOB}

    problems = [
        *check_selection(controller, everybody),
        *without_value(unreadable),
        *check_names(controller.names(everybody), VARIABLES_OF_ALL, found),
        *check_options(found, controller.complete, taken),
    ]
    if arguments["scan_files"]:
        problems += check_scan_files(found, controller.complete, everybody)
    if arguments["ledger_job"]:
        problems += [
            Problem((host,), sentence) for host, variables in found.items() for sentence in job_problems(variables)
        ]
    if problems:
        return {"failed": True, "msg": list_problems(problems, untouched="nothing was done")}
    return {"changed": False, "devices": len(found)}
