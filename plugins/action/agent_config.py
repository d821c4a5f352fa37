# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.agent_config`; its documentation is in `plugins/modules/agent_config.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.agent_configuration import configure_agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import seconds_for
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Set how the agent serializes."""

    OPTIONS = options_of("agent_config")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Edit the agent's configuration in place."""
        return configure_agent(
            self.device(seconds_for(arguments["device_timeout"])),
            arguments["config_dir"],
            mode=arguments["serialize"],
            url=arguments["api_serialize"],
            check=self.check_mode,
            diff=self.wants_diff,
            volatile=arguments["volatile"],
            unsynced=arguments["unsynced"],
            anew=True,
        )
