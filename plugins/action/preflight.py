# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.preflight`; its documentation is in `plugins/modules/preflight.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import require
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import (
    UnreadableVariablesError,
    complete,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check import VARIABLES, check_batch, plays
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check_options import check_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.problem import Problem
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.flow import VARIABLES as FLOW_VARIABLES
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import SERIALIZE_ARGUMENTS
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import options as label_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.hosts import check_hosts, labelled_hosts
from ansible_collections.ioto.serialization.plugins.plugin_utils.modes import Mode, is_for_fleet
from ansible_collections.ioto.serialization.plugins.plugin_utils.report import options as report_options


class ActionModule(BatchAction):
    """Check a batch as a whole."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "modes": {"type": "list", "elements": "str", "choices": list(Mode), "default": list(Mode)},
    }

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """List every problem."""
        names = dict.fromkeys((*VARIABLES, *FLOW_VARIABLES, *label_options.VARIABLES, *report_options.VARIABLES))
        hosts, unreadable = _readable(lambda: self.batch(names))
        if arguments["modes"] != list(Mode):
            hosts = {host: found for host, found in hosts.items() if found.get("ioto_mode") in arguments["modes"]}
        report, report_problems = report_options.run_report(hosts, complete)
        problems = [
            *unreadable,
            *check_batch(hosts),
            *check_options(hosts, SERIALIZE_ARGUMENTS, complete),
            *self._check_ways([host for host, found in hosts.items() if is_for_fleet(found)]),
            *check_hosts(hosts, lambda options: complete(options, label_options.ARGUMENTS)),
            *report_problems,
        ]
        if not problems:
            found = {**plays(hosts), "label": labelled_hosts(hosts), "batch": list(hosts) or ["!all"]}
            started = datetime.now(UTC).isoformat()
            return {"changed": False, "devices": len(hosts), "plays": found, "started": started, "report": report}
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        lines = [f"The batch has {count}, and no device was touched:", *(f"- {problem}" for problem in problems)]
        return {"failed": True, "msg": "\n".join(lines)}

    def _check_ways(self, fleet: Sequence[str]) -> Iterator[Problem]:
        """Problems of the connections that the fleet engine would make."""
        if not fleet:
            return
        require("fleet")
        from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.batch import check_ways  # noqa: PLC0415

        # Of these hosts alone: a password may come from a lookup that takes its time.
        hosts, unreadable = _readable(lambda: self.variables(fleet, self.ssh_variables()))
        yield from unreadable
        for sentence, members in check_ways(hosts, ssh_options=self.ssh_options).items():
            yield Problem(tuple(members), sentence)


def _readable(
    read: Callable[[], Mapping[str, dict[str, Any]]],
) -> tuple[Mapping[str, dict[str, Any]], Sequence[Problem]]:
    """Return the variables that `read` gives of hosts, and the problems of hosts whose templates make no value."""
    try:
        return read(), []
    except UnreadableVariablesError as error:
        problems = [Problem((host,), text) for host, texts in error.sentences.items() for text in texts]
        return error.hosts, problems
