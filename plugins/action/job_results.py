# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.job_results`; its documentation is in `plugins/modules/job_results.py`."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check import VARIABLES
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.check import Step, check_job
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.job.finish import job_results
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.problem import list_problems
from ansible_collections.ioto.serialization.plugins.plugin_utils.display_text import counted
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(BatchAction):
    """Say what the slices of a job did."""

    OPTIONS = options_of("job_results")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Read it from the ledger."""
        job = check_job(self.batch(VARIABLES), partial(Ledger.of_run, read_only=True), Step.FINISH)
        if job.problems:
            return {"failed": True, "msg": list_problems(job.problems, untouched="nothing was finished")}
        sources, _patterns, _known = self.selection()
        results = job_results(job, sources)
        done = sum(not (result.get("failed") or result.get("unreachable")) for result in results)
        return {
            "changed": False,
            "msg": f"The slices of the job {job.number} have done {done} of {counted(len(results), 'device')}.",
            "results": results,
        }
