# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.label`; its documentation is in `plugins/modules/label.py`."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import LEDGER_ARGUMENT
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import options as label_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.task import make_labels


class ActionModule(IotoAction):
    """Make the labels of a batch."""

    BYPASS_HOST_LOOP = True
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "claim_ids": {"type": "list", "elements": "str", "no_log": False},
        "preprint": {"type": "int"},
        "roll": {"type": "str"},
        "product": {"type": "str"},
        **label_options.ARGUMENTS,
        "order": {"type": "str", "choices": ["ledger", "serial"], "default": "ledger"},
        **LEDGER_ARGUMENT,
    }
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make them."""
        with self.ledger(arguments) as ledger:
            result = make_labels(ledger, arguments, context=self.context(), check=self.check_mode)
        if not result.get("failed"):
            self._display.display(result["msg"])
        return result
