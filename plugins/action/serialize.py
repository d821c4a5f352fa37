# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.serialize`; its documentation is in `plugins/modules/serialize.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.flow import plan_flow, run_flow
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import warm_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of

# Ansible's main process loads this file before it forks a worker for each device: what is made ready here is not made
# again by each of them.
warm_up()


class ActionModule(IotoAction):
    """Give a device its identity."""

    OPTIONS = options_of("serialize")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run its flow."""
        self.asks_again = arguments["ask_again"]
        flow = plan_flow(arguments, check=self.check_mode)
        with self.ledger(arguments) as ledger:
            return run_flow(
                self.device(flow.device_seconds),
                flow,
                ledger,
                host=self.host,
                reveal=arguments["reveal"],
                diff=self.wants_diff,
            )
