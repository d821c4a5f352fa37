# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.ledger_info`; its documentation is in `plugins/modules/ledger_info.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import query_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Look things up in a ledger."""

    _requires_connection = False
    OPTIONS = options_of("ledger_info")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Look up."""
        with Ledger(arguments["ledger"], read_only=True) as ledger:
            return query_ledger(ledger, arguments, check=self.check_mode)
