# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.label`; its documentation is in `plugins/modules/label.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.recording import Recording
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.task import make_labels
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Make the labels of a batch."""

    BYPASS_HOST_LOOP = True
    OPTIONS = options_of("label")
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make them."""
        context = Recording.of(arguments).context(self.host)
        with self.ledger(arguments) as ledger:
            result = make_labels(ledger, arguments, context=context, check=self.check_mode)
        if not result.get("failed"):
            self._display.display(result["msg"])
        return result
