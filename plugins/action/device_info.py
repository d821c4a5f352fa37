# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.device_info`; its documentation is in `plugins/modules/device_info.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.connection import seconds_for
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.report import report_device
from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.marks import IdentifyingMarks
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Read a device, change nothing."""

    OPTIONS = options_of("device_info")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Look at the device."""
        device = self.device(seconds_for(arguments["device_timeout"]))
        marks = IdentifyingMarks.without(arguments["shared_hardware"])
        return report_device(device, arguments["config_dir"], reveal=arguments["reveal"], marks=marks)
