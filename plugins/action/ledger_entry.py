# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.ledger_entry`; its documentation is in `plugins/modules/ledger_entry.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.recording import Recording
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.tasks import EXCHANGE
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import enter_ledger, refuse_absent
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.upkeep import UPKEEP
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Change what a ledger says."""

    _requires_connection = False
    OPTIONS = options_of("ledger_entry")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make the entry."""
        if keep_up := UPKEEP.get(arguments["action"]):
            return keep_up(arguments, check=self.check_mode)
        if exchange := EXCHANGE.get(arguments["action"]):
            return exchange(arguments, Recording.of(arguments).context(self.host), check=self.check_mode)
        context = Recording.of(arguments).context(self.host)
        # Opened to be written, a ledger at a mistyped place would be a new one.
        with Ledger(arguments["ledger"], read_only=True) as ledger:
            if arguments["action"] != "import":
                refuse_absent(ledger)
            elif ledger.is_absent:  # and so would it for a file that is refused
                enter_ledger(ledger, arguments, context, check=True)
        with self.ledger(arguments) as ledger:
            return enter_ledger(ledger, arguments, context, check=self.check_mode)
