# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.checkpoint`; its documentation is in `plugins/modules/checkpoint.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import require
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of


class ActionModule(IotoAction):
    """Sign a checkpoint, or verify one."""

    _requires_connection = False
    OPTIONS = options_of("checkpoint")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do it."""
        require("checkpoints")
        # Not at the top: the library is needed where somebody signs or verifies.
        from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.task import (  # noqa: PLC0415
            checkpoint_task,
        )

        return checkpoint_task(arguments, check=self.check_mode)
