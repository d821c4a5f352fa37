# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.verify`; its documentation is in `plugins/modules/verify.py`."""

from __future__ import annotations

from typing import Any

from ansible import constants as C

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction, plain
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import seconds_for
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.recording import Recording
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.verification.task import verify_unit


class ActionModule(IotoAction):
    """Compare label, device and ledger."""

    OPTIONS = options_of("verify")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Judge the unit, and say the verdict at once in a line of its own."""
        self.asks_again = arguments["ask_again"]
        hosts = plain(self.task_vars["ansible_play_hosts_all"])
        context = Recording.of(arguments).context(self.host)
        with self.ledger(arguments) as ledger:
            result = verify_unit(
                self.device(seconds_for(arguments["device_timeout"])),
                ledger,
                arguments,
                hosts,
                context=context,
                check=self.check_mode,
            )
        colour = "COLOR_OK" if result["passed"] else "COLOR_ERROR"
        self._display.display(result["msg"], color=C.config.get_config_value(colour))
        return result
