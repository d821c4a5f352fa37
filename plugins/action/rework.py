# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.rework`; its documentation is in `plugins/modules/rework.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import parse_operator
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.recording import Recording
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.rework.task import rework_units
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import refuse_absent
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Do acts of rework."""

    _requires_connection = False
    OPTIONS = options_of("rework")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do them."""
        # Opened to be written, a ledger at a mistyped place would be a new one.
        with Ledger(arguments["ledger"], read_only=True) as ledger:
            refuse_absent(ledger)
        context = Recording.of(arguments).context()
        with self.ledger(arguments) as ledger:
            return rework_units(ledger, arguments, context, check=self.check_mode, operator_of=parse_operator)
