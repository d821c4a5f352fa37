# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.report`; its documentation is in `plugins/modules/report.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction, complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch import run_record
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch import summary as batch_summary
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.recording import job_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import options as label_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.task import Surroundings, make_report


class ActionModule(IotoAction):
    """Report what became of a batch."""

    BYPASS_HOST_LOOP = True
    OPTIONS = options_of("report")
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Write it."""
        names = {*batch_summary.VARIABLES, *run_record.VARIABLES, *label_options.VARIABLES}
        hosts = self.batch(names)
        around = Surroundings(
            hosts=hosts,
            complete=lambda options: complete(options, label_options.ARGUMENTS),
            open_ledger=lambda location: Ledger(location, read_only=True),
            run=job_of(hosts.values()),
        )
        return make_report(arguments, around, check=self.check_mode)
