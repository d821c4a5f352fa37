# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.label_hosts`; its documentation is in `plugins/modules/label_hosts.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction, complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import options as label_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.hosts import VARIABLES, label_hosts
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Label the units of a play."""

    BYPASS_HOST_LOOP = True
    OPTIONS = options_of("label_hosts")
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make the labels that the hosts' variables ask for."""
        result = label_hosts(
            self.batch(VARIABLES),
            complete=lambda options: complete(options, label_options.ARGUMENTS),
            open_ledger=lambda location: Ledger.of_run(location, read_only=self.check_mode),
            check=self.check_mode,
        )
        return {**result, "warnings": result["notices"]} if result["notices"] else result
