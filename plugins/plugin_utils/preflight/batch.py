# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a whole batch, and with it the beginning of its run, its job, or the slice of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ..batch.check import VARIABLES
from ..batch.check_options import property_notices
from ..batch.job.check import CheckedJob, Step, check_job, next_steps
from ..batch.problem import Problem
from ..batch.run_record import begin_run
from ..batch.unknown_variables import OWN, check_names, check_not_read
from ..display_text import typed
from ..errors import IotoError
from ..firmware import options as firmware_options
from ..ledger.ledger import Ledger
from ..ledger.location import Location, address
from ..ledger.run_number import THIS_RUN, new_run_number
from ..modes import Mode
from ..option_table import VARIABLES_OF_ALL
from . import last_plays
from .controller import Controller, Hosts
from .devices import check_devices
from .last_plays import LastPlays, check_last_plays
from .result import conclude, of_modes, without_value
from .selection import check_selection

_OF_DEVICES = tuple(dict.fromkeys((*VARIABLES, *firmware_options.VARIABLES, OWN)))
_OF_ALL = tuple(dict.fromkeys((*_OF_DEVICES, *last_plays.VARIABLES)))
"""What has to be known of each host, where labels, a report and a checkpoint are made in the end, too."""


class BatchPreflight:
    """One check; `announcement` is what it has to say at once, when it has begun a run: a killed run says no more."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._slice = ""
        self.announcement: str | None = None

    def run(self, everybody: Sequence[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the task's result for the hosts `everybody`; `arguments` are the task's."""
        step = Step(arguments["step"]) if arguments["step"] else None
        controller = self._controller
        found, unreadable = controller.readable(everybody, _OF_DEVICES if step is Step.PROVISION else _OF_ALL)
        hosts = of_modes(found, arguments["modes"])
        names_of_all = controller.names(everybody)
        started = datetime.now(UTC)
        job = check_job(hosts, partial(Ledger.of_run, read_only=True), step)
        problems = [
            *check_selection(controller, everybody),
            *without_value(unreadable),
            *check_names(names_of_all, VARIABLES_OF_ALL, found),
            *check_not_read(names_of_all, arguments["not_read"], hosts),
            *job.problems,
            *check_devices(controller, hosts, step),
        ]
        if step is Step.FINISH and not job.problems:
            hosts = {host: hosts[host] for host in dict.fromkeys((*job.order, *hosts))}
        # What comes after the devices is nothing for a slice: neither labels nor a report are made where it is.
        last = LastPlays() if step is Step.PROVISION else check_last_plays(controller, hosts, job.number or THIS_RUN)
        problems += last.problems
        if not problems:
            problems += self._begin(hosts, job, step, started)
        if step is Step.FINISH and job.records and not problems:
            from ..batch.job.finish import still_to_come  # noqa: PLC0415  # most runs are no step of a job

            started = job.started
            last.wait_for(still_to_come(job))
        result = conclude(
            hosts, problems, labelled=last.labelled, report=last.report, checkpoint=last.checkpoint, started=started
        )
        if told := [*last.told, *(property_notices(hosts) if step is not Step.FINISH else ())]:
            result["warnings"] = told
        return result if result.get("failed") else {**result, **self._numbers(hosts, job, step)}

    def _begin(self, hosts: Hosts, job: CheckedJob, step: Step | None, started: datetime) -> list[Problem]:
        """Record that the run begins, or the job, or the slice of one; return why it may not."""
        check_mode = self._controller.check_mode
        if step is Step.FINISH or not any(variables.get("ioto_mode") != Mode.NONE for variables in hosts.values()):
            return []
        if step is Step.PROVISION:
            from ..batch.job.slices import begin_slice, slices_to_replace  # noqa: PLC0415  # as above

            may_replace, problems = slices_to_replace(hosts, job)
            self._slice = new_run_number()
            open_ledger = partial(Ledger.of_run, read_only=check_mode)
            return problems or begin_slice(hosts, self._slice, open_ledger, may_replace=may_replace, check=check_mode)
        if not check_mode:
            try:
                begin_run(hosts, Ledger.of_run, job_started=started if step is Step.CHECK else None)
            except IotoError as error:  # as where it could not be opened: nothing is begun without it
                return [Problem(tuple(hosts), str(error), error.kind)]
        return []

    def _numbers(self, hosts: Hosts, job: CheckedJob, step: Step | None) -> dict[str, Any]:
        """Return the numbers under which all is recorded."""
        if step is Step.FINISH:
            return {"run": job.number}
        if self._controller.check_mode:
            return {}
        if step is Step.PROVISION:
            self.announcement = f"This is the slice {self._slice} of the job {job.number}."
            return {"run": job.number, "slice": self._slice}
        if step is Step.CHECK:
            self.announcement = f"This is the job {THIS_RUN}; {next_steps(THIS_RUN)}"
        else:
            self.announcement = (
                f"This is the run {THIS_RUN}; to report it: ansible-playbook ioto.serialization.report "
                f"-e ioto_report_run={THIS_RUN}{_other_ledger(hosts)}"
            )
        return {"run": THIS_RUN}


def _other_ledger(hosts: Hosts) -> str:
    """Return what has to be typed, too, for the ledger of a run that is not in the default one."""
    ledgers = {facts.get("ioto_ledger") for facts in hosts.values() if facts.get("ioto_mode") != Mode.NONE}
    places = {address(Location.parse(ledger)) for ledger in ledgers}
    if len(places) > 1:
        return " -e ioto_ledger=LEDGER, for each LEDGER"
    return "".join(f" {typed('ioto_ledger', place)}" for place in places - {address(Location.parse())})
