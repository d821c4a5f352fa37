# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.serialize_fleet`; its documentation is in `plugins/modules/serialize_fleet.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import require
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.results import sum_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import VARIABLES
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of

# Before the engine is imported: the others do without it.
require("fleet")

from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.batch import Batch  # noqa: E402
from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.engine import Engine  # noqa: E402


class ActionModule(BatchAction):
    """Give all devices of the play their identities."""

    OPTIONS = options_of("serialize_fleet")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run the transaction for every host, many at a time."""
        self.refuse_delegation()
        self.refuse_unseen(VARIABLES)
        engine = Engine(
            at_once=self.forks,
            processes=arguments["processes"],
            reveal=arguments["reveal"],
            diff=self.wants_diff,
        )
        batch = Batch.prepare(
            self.hosts((*VARIABLES, *self.ssh_variables())),
            ssh_options=self.ssh_options,
            complete=complete,
            check=self.check_mode,
        )
        results = list(batch.left_alone)
        for result in engine.run(batch.jobs, log=self.log):
            self.tell(result)
            results.append(result)
        return sum_up(results, "device")
