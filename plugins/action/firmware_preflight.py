# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.firmware_preflight`; its documentation is in `plugins/modules/`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.problem import NO_IMAGE, list_problems
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.check import check_images, is_ours
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.options import VARIABLES
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(BatchAction):
    """Check a batch of images as a whole."""

    OPTIONS = options_of("firmware_preflight")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """List every problem."""
        hosts = self.batch(VARIABLES)
        problems = check_images(hosts, complete, at_once=self.forks)
        if not problems:
            return {
                "changed": False,
                "images": sum(map(is_ours, hosts.values())),
            }
        return {"failed": True, "msg": list_problems(problems, untouched=NO_IMAGE)}
