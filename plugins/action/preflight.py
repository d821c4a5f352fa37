# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.preflight`; its documentation is in `plugins/modules/preflight.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import filters, require
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check import NOBODY, VARIABLES, check_batch
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check_options import (
    check_options,
    property_notices,
    without,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.check import (
    CheckedJob,
    Step,
    check_job,
    next_steps,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.finish import still_to_come
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.slices import begin_slice, slices_to_replace
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.preflight import (
    conclude,
    of_modes,
    without_value,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.problem import Problem, list_problems
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.run_record import begin_run
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.selection import (
    check_host_names,
    check_limit,
    check_sources,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.unknown_variables import (
    OWN,
    check_names,
    check_not_read,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints import options as checkpoint_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware import options as firmware_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import options as label_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.hosts import check_hosts, labelled_hosts
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import options as ledger_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.run_number import THIS_RUN, new_run_number
from ansible_collections.ioto.serialization.plugins.plugin_utils.modes import Mode, is_for_fleet
from ansible_collections.ioto.serialization.plugins.plugin_utils.option import Option
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import VARIABLES_OF_ALL, options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.report import options as report_options

_OF_DEVICES = tuple(dict.fromkeys((*VARIABLES, *firmware_options.VARIABLES, OWN)))
_OF_ALL = tuple(
    dict.fromkeys((*_OF_DEVICES, *label_options.VARIABLES, *report_options.VARIABLES, *checkpoint_options.VARIABLES))
)
"""What has to be known of each host, where labels, a report and a checkpoint are made in the end, too."""


@dataclass(slots=True)
class _End:
    """What the plays after the devices' have to know, and what is wrong with it."""

    problems: Sequence[Problem] = ()
    labelled: list[str] = field(default_factory=lambda: NOBODY)
    report: dict[str, Any] | None = None
    checkpoint: dict[str, Any] | None = None
    told: list[str] = field(default_factory=list)

    def wait_for(self, others: str | None) -> None:
        """Have no labels made before each host had its slice: one may yet be the twin of a unit that is done."""
        if others and self.labelled != NOBODY:
            self.labelled = NOBODY
            self.told.append(
                f"No labels are made before each host of the job has had its slice; {others}. Finish again then."
            )


class ActionModule(BatchAction):
    """Check a batch as a whole."""

    OPTIONS = options_of("preflight")
    _slice = ""

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """List every problem."""
        everybody = self.task_vars["ansible_play_hosts_all"]
        if arguments["names_only"]:
            return self._check_names(everybody, arguments)
        step = Step(arguments["step"]) if arguments["step"] else None
        found, unreadable = self.readable(everybody, _OF_DEVICES if step is Step.PROVISION else _OF_ALL)
        hosts = of_modes(found, arguments["modes"])
        names_of_all = self.names(everybody)
        started = datetime.now(UTC)
        job = check_job(hosts, partial(Ledger.of_run, read_only=True), step)
        problems = [
            *self._check_selection(everybody),
            *without_value(unreadable),
            *check_names(names_of_all, VARIABLES_OF_ALL, found),
            *check_not_read(names_of_all, arguments["not_read"], hosts),
            *job.problems,
            *self._check_devices(hosts, step),
        ]
        if step is Step.FINISH and not job.problems:
            hosts = {host: hosts[host] for host in dict.fromkeys((*job.order, *hosts))}
        # What comes after the devices is nothing for a slice: neither labels nor a report are made where it is.
        end = _End() if step is Step.PROVISION else self._check_end(hosts, job.number or THIS_RUN)
        problems += end.problems
        if not problems:
            problems += self._begin(hosts, job, step, started)
        if step is Step.FINISH and job.records and not problems:
            started = job.started
            end.wait_for(still_to_come(job))
        result = conclude(
            hosts, problems, labelled=end.labelled, report=end.report, checkpoint=end.checkpoint, started=started
        )
        if told := [*end.told, *(property_notices(hosts) if step is not Step.FINISH else ())]:
            result["warnings"] = told
        if result.get("failed"):
            return result
        return {**result, "uses_filters": filters.have_been_used(), **self._numbers(job, step)}

    def _check_devices(self, hosts: Mapping[str, Mapping[str, Any]], step: Step | None) -> list[Problem]:
        """Problems of what is done with each device or image, which the finish of a job touches no more."""
        if step is Step.FINISH:
            return [*check_batch(hosts, with_ledgers=False), *check_options(hosts, complete)]
        of_units = check_batch(hosts)
        return [
            *of_units,
            *check_options(hosts, complete),
            *self._check_images(without(hosts, of_units)),
            *self._check_ways([host for host, found in hosts.items() if is_for_fleet(found)]),
        ]

    def _check_end(self, hosts: Mapping[str, Mapping[str, Any]], run: str) -> _End:
        """Problems of the labels, the report and the checkpoint, and what the plays that make them have to know."""
        report, report_problems = report_options.run_report(hosts, complete)
        checkpoint, checkpoint_problems = checkpoint_options.run_checkpoint(hosts, complete, _check_key)
        mistyped = check_options(hosts, complete, label_options.label_variables)
        of_labels, without_label = check_hosts(
            without(hosts, mistyped), lambda options: complete(options, label_options.ARGUMENTS)
        )
        problems = [
            *mistyped,
            *of_labels,
            *report_problems,
            *(Problem(tuple(members), sentence) for members, sentence in checkpoint_problems),
        ]
        told = [f"One unit gets no label, and the others go on: {problem}" for problem in without_label]
        return _End(problems, labelled_hosts(hosts), report, checkpoint and {**checkpoint, "run": run}, told)

    def _begin(
        self, hosts: Mapping[str, Mapping[str, Any]], job: CheckedJob, step: Step | None, started: datetime
    ) -> list[Problem]:
        """Record that the run begins, or the job, or the slice of one; return why it may not."""
        if step is Step.FINISH or not any(variables.get("ioto_mode") != Mode.NONE for variables in hosts.values()):
            return []
        if step is Step.PROVISION:
            may_replace, problems = slices_to_replace(hosts, job)
            self._slice = new_run_number()
            open_ledger = partial(Ledger.of_run, read_only=self.check_mode)
            return problems or begin_slice(
                hosts, self._slice, open_ledger, may_replace=may_replace, check=self.check_mode
            )
        if not self.check_mode:
            try:
                begin_run(hosts, Ledger.of_run, job_started=started if step is Step.CHECK else None)
            except IotoError as error:  # as where it could not be opened: nothing is begun without it
                return [Problem(tuple(hosts), str(error), error.kind)]
        return []

    def _numbers(self, job: CheckedJob, step: Step | None) -> dict[str, Any]:
        """Return the numbers under which all is recorded, and say them at once: a run that is killed says no more."""
        if step is Step.FINISH:
            return {"run": job.number}
        if self.check_mode:
            return {}
        if step is Step.PROVISION:
            self._display.display(f"This is the slice {self._slice} of the job {job.number}.")
            return {"run": job.number, "slice": self._slice}
        if step is Step.CHECK:
            self._display.display(f"This is the job {THIS_RUN}; {next_steps(THIS_RUN)}")
            return {"run": THIS_RUN}
        self._display.display(
            f"This is the run {THIS_RUN}; to report it: ansible-playbook ioto.serialization.report "
            f"-e ioto_report_run={THIS_RUN}"
        )
        return {"run": THIS_RUN}

    def _check_names(self, everybody: Sequence[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """List the problems of a playbook that gives no unit its identity."""
        # Not at the top: the check of a batch has no use for them.
        from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.scan_files import (  # noqa: PLC0415
            OF_FILES,
            check_scan_files,
        )
        from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.jobs import job_problems  # noqa: PLC0415

        read: Mapping[str, Option] = firmware_options.NUMBERED
        if arguments["ledger_job"]:
            read = {**ledger_options.OF_THE_PLAYBOOK, **checkpoint_options.OF_THE_PLAYBOOK}
        elif arguments["scan_files"]:
            read = OF_FILES
        found, unreadable = self.readable(everybody, (OWN, "ioto_mode", *read))

        def taken(variables: Mapping[str, Any]) -> Mapping[str, Option]:
            return {name: option for name, option in read.items() if name in variables and name != ledger_options.JOB}

        problems = [
            *self._check_selection(everybody),
            *without_value(unreadable),
            *check_names(self.names(everybody), VARIABLES_OF_ALL, found),
            *check_options(found, complete, taken),
        ]
        if arguments["scan_files"]:
            problems += check_scan_files(found, complete, everybody)
        if arguments["ledger_job"]:
            problems += [
                Problem((host,), sentence) for host, variables in found.items() for sentence in job_problems(variables)
            ]
        if problems:
            return {"failed": True, "msg": list_problems(problems, untouched="nothing was done")}
        return {"changed": False, "devices": len(found)}

    def _check_selection(self, everybody: Sequence[str]) -> list[Problem]:
        """List what Ansible leaves out of the run with a warning."""
        sources, patterns, known = self.selection()
        strange = check_host_names(self.taken_for_patterns(everybody))
        return [*check_sources(sources), *check_limit(patterns, known), *strange]

    def _check_images(self, hosts: Mapping[str, Mapping[str, Any]]) -> Sequence[Problem]:
        """Problems of the images of a batch."""
        if not any(variables.get("ioto_mode") == Mode.FIRMWARE for variables in hosts.values()):
            return []
        # Not at the top: other flows have no use for what opens images.
        from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.check import (  # noqa: PLC0415
            check_images,
        )

        return check_images(hosts, complete, at_once=self.forks)

    def _check_ways(self, fleet: Sequence[str]) -> list[Problem]:
        """Problems of the connections that the fleet engine would make."""
        if not fleet:
            return []
        require("fleet")
        # Not at the top: the library is needed where somebody chose the fleet engine alone.
        from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.batch import check_ways  # noqa: PLC0415

        # Of these hosts alone: a password may come from a lookup that takes its time.
        hosts, unreadable = self.readable(fleet, self.ssh_variables())
        return [*without_value(unreadable), *check_ways(hosts, ssh_options=self.ssh_options)]


def _check_key(key: str, passphrase_file: str | None) -> None:
    """Raise `IotoError` where the private key that is to sign cannot be used."""
    require("checkpoints")
    # Not at the top: the library is needed where somebody signs.
    from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.keys import (  # noqa: PLC0415
        private_key,
    )

    private_key(key, passphrase_file)
