# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.summary`; its documentation is in `plugins/modules/summary.py`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch import run_record
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.run_record import foretell_records, record_run
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.summary import (
    VARIABLES,
    BatchSummary,
    Fate,
    summarize,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.recording import job_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Sum up a batch."""

    BYPASS_HOST_LOOP = True
    OPTIONS = options_of("summary")
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Count what was done."""
        hosts = self.batch({*VARIABLES, *run_record.VARIABLES})
        summary = summarize(hosts, check=self.check_mode, tags=_tags(self.task_vars))
        try:
            records = self._record(summary, arguments)
        except IotoError as error:
            # Of a step of a job, which others go by.
            return {"failed": True, "msg": "\n".join([*summary.lines, f"That is not in the ledger: {error}"])}
        return {
            "changed": False,
            "lines": [*summary.lines, *records],
            "not_done": list(summary.not_done),
            "failures": _failures(summary),
            "not_reached": [host for host, fate in summary.fates.items() if fate is Fate.UNREACHABLE],
        }

    def _record(self, summary: BatchSummary, arguments: Mapping[str, Any]) -> list[str]:
        if self.check_mode:
            return foretell_records(summary, partial(Ledger.of_run, read_only=True))
        # Not at the top: most runs are no step of a job.
        if arguments["slice"]:
            from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.slices import (  # noqa: PLC0415
                record_slice,
            )

            return record_slice(summary, Ledger.of_run, number=arguments["slice"])
        if job_of(summary.hosts.values()) and arguments["started"]:
            from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.finish import (  # noqa: PLC0415
                record_finish,
            )

            return record_finish(summary, Ledger.of_run, started=arguments["started"])
        return record_run(summary, Ledger.of_run, started=arguments["started"])


def _failures(summary: BatchSummary) -> dict[str, dict[str, Any]]:
    """Return what is known of failures beside their sentences, by host: the kind, and who is a twin."""
    outcomes = {host: facts.get("ioto_outcome") for host, facts in summary.hosts.items() if host in summary.not_done}
    return {
        host: found
        for host, outcome in outcomes.items()
        if isinstance(outcome, Mapping)
        and (found := {name: outcome[name] for name in ("failure", "twin", "unreachable") if outcome.get(name)})
    }


def _tags(task_vars: Mapping[str, Any]) -> str:
    """Return the options of the command line that leave tasks out, as they are typed; empty without such options."""
    run, skipped = (task_vars.get(f"ansible_{which}_tags") or () for which in ("run", "skip"))
    chosen = [f"--tags {','.join(run)}"] if list(run) not in ([], ["all"]) else []
    return " ".join([*chosen, *([f"--skip-tags {','.join(skipped)}"] if skipped else [])])
