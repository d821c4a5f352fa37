# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.preflight`; its documentation is in `plugins/modules/preflight.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import require
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check import VARIABLES, check_batch
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check_options import (
    check_options,
    property_notices,
    without,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.preflight import (
    conclude,
    of_modes,
    without_value,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.problem import Problem, list_problems
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.run_record import begin_run
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.scan_files import OF_FILES, check_scan_files
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.selection import check_limit, check_sources
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.unknown_variables import (
    OWN,
    check_names,
    check_not_read,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints import options as checkpoint_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware import options as firmware_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import options as label_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.hosts import check_hosts, labelled_hosts
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import options as ledger_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.jobs import job_problems
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.run_number import THIS_RUN
from ansible_collections.ioto.serialization.plugins.plugin_utils.modes import Mode, is_for_fleet
from ansible_collections.ioto.serialization.plugins.plugin_utils.option import Option
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import VARIABLES_OF_ALL, options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.report import options as report_options


class ActionModule(BatchAction):
    """Check a batch as a whole."""

    OPTIONS = options_of("preflight")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """List every problem."""
        names = dict.fromkeys(
            (
                *(*VARIABLES, *firmware_options.VARIABLES, *label_options.VARIABLES, *report_options.VARIABLES),
                *checkpoint_options.VARIABLES,
                OWN,
            )
        )
        everybody = self.task_vars["ansible_play_hosts_all"]
        if arguments["names_only"]:
            return self._check_names(everybody, arguments)
        found, unreadable = self.readable(everybody, names)
        hosts = of_modes(found, arguments["modes"])
        report, report_problems = report_options.run_report(hosts, complete)
        checkpoint, checkpoint_problems = checkpoint_options.run_checkpoint(hosts, complete, _check_key)
        mistyped = check_options(hosts, complete, label_options.label_variables)
        of_units = check_batch(hosts)
        of_labels, without_label = check_hosts(
            without(hosts, mistyped), lambda options: complete(options, label_options.ARGUMENTS)
        )
        names_of_all = self.names(everybody)
        problems = [
            *self._check_selection(),
            *without_value(unreadable),
            *check_names(names_of_all, VARIABLES_OF_ALL, found),
            *check_not_read(names_of_all, arguments["not_read"], hosts),
            *of_units,
            *check_options(hosts, complete),
            *self._check_images(without(hosts, of_units)),
            *self._check_ways([host for host, found in hosts.items() if is_for_fleet(found)]),
            *mistyped,
            *of_labels,
            *report_problems,
            *(Problem(tuple(members), sentence) for members, sentence in checkpoint_problems),
        ]
        started = datetime.now(UTC)
        ends = {"report": report, "checkpoint": checkpoint and {**checkpoint, "run": THIS_RUN}}
        result = conclude(hosts, problems, labelled=labelled_hosts(hosts), started=started, **ends)
        told = [f"One unit gets no label, and the others go on: {problem}" for problem in without_label]
        if told := [*told, *property_notices(hosts)]:
            result["warnings"] = told
        if not self.check_mode and not result.get("failed"):
            begin_run(hosts, Ledger)
            # At once and in a line of its own, since a run that is killed says nothing more.
            self._display.display(
                f"This is the run {THIS_RUN}; to report it: ansible-playbook ioto.serialization.report "
                f"-e ioto_report_run={THIS_RUN}"
            )
            return {**result, "run": THIS_RUN}
        return result

    def _check_names(self, everybody: Sequence[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """List the problems of a playbook that gives no unit its identity."""
        read: Mapping[str, Option] = firmware_options.NUMBERED
        if arguments["ledger_job"]:
            read = {**ledger_options.OF_THE_PLAYBOOK, **checkpoint_options.OF_THE_PLAYBOOK}
        elif arguments["scan_files"]:
            read = OF_FILES
        found, unreadable = self.readable(everybody, (OWN, "ioto_mode", *read))

        def taken(variables: Mapping[str, Any]) -> Mapping[str, Option]:
            return {name: option for name, option in read.items() if name in variables and name != ledger_options.JOB}

        problems = [
            *self._check_selection(),
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

    def _check_selection(self) -> list[Problem]:
        """List what Ansible has left out of the run with a warning."""
        sources, patterns, known = self.selection()
        return [*check_sources(sources), *check_limit(patterns, known)]

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
