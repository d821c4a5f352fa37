# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.ledger_entry`; its documentation is in `plugins/modules/ledger_entry.py`."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import LEDGER_ARGUMENT, REVEAL_ARGUMENT
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import enter_ledger


class ActionModule(IotoAction):
    """Change what a ledger says."""

    _requires_connection = False
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        **LEDGER_ARGUMENT,
        **REVEAL_ARGUMENT,
        "action": {"type": "str", "choices": ["import", "retire", "rebind", "resolve"], "required": True},
        "claim_id": {"type": "str"},
        "product": {"type": "str"},
        "serial": {"type": "str"},
        "new_serial": {"type": "str"},
        "reason": {"type": "str"},
        "src": {"type": "path"},
        "format": {"type": "str", "choices": ["csv", "jsonl"], "default": "csv"},
    }

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make the entry."""
        with self.ledger(arguments) as ledger:
            return enter_ledger(ledger, arguments, self.context(), check=self.check_mode)
