# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.preflight`; its documentation is in `plugins/modules/preflight.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import filters, require
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.preflight.batch import BatchPreflight
from ansible_collections.ioto.serialization.plugins.plugin_utils.preflight.playbook import check_playbook


class ActionModule(BatchAction):
    """Check a batch as a whole."""

    OPTIONS = options_of("preflight")
    complete = staticmethod(complete)
    require = staticmethod(require)

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """List every problem."""
        everybody = self.task_vars["ansible_play_hosts_all"]
        if arguments["names_only"]:
            return check_playbook(self, everybody, arguments)
        preflight = BatchPreflight(self)
        result = preflight.run(everybody, arguments)
        if preflight.announcement:
            self._display.display(preflight.announcement)
        return result if result.get("failed") else {**result, "uses_filters": filters.have_been_used()}
