# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.firmware_image`; its documentation is in `plugins/modules/firmware_image.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import (
    IDENTITY_ARGUMENTS,
    LEDGER_ARGUMENT,
    REVEAL_ARGUMENT,
    IotoAction,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware_images.destination import destination
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware_images.detect import FORMATS
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware_images.image_device import open_device
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import warm_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization import serialize
from ansible_collections.ioto.serialization.plugins.plugin_utils.task_options import build_request, present_outcome

# As in serialize: made ready once, before Ansible forks a worker for each image.
warm_up()


class ActionModule(IotoAction):
    """Make a unit's firmware image."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        **IDENTITY_ARGUMENTS,
        **LEDGER_ARGUMENT,
        **REVEAL_ARGUMENT,
        "source": {"type": "str", "choices": ["given", "generated", "service"]},
        "serial": {"type": "str", "required": True},
        "base": {"type": "path"},
        "dest": {"type": "path", "required": True},
        "format": {"type": "str", "choices": list(FORMATS)},
        "config_dir": {"type": "path"},
        "partition": {"type": "int"},
    }
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run the transaction on the image."""
        base = Path(arguments["base"]) if arguments["base"] else None
        dest = destination(base, arguments["dest"], arguments["serial"])
        options = {"format": arguments["format"], "partition": arguments["partition"]}
        with (
            open_device(base, dest, check=self.check_mode, **options) as device,
            self.ledger(arguments) as ledger,
        ):
            config_dir = device.config_dir(arguments["config_dir"])
            request = build_request({**arguments, "config_dir": config_dir}, check=self.check_mode)
            outcome = serialize(device, request, ledger, self.context())
            sha256 = None if self.check_mode else device.finish()
        result = present_outcome(outcome, reveal=arguments["reveal"], diff=self.wants_diff)
        return {
            **result,
            "changed": outcome.changed or device.made,
            "device_file": outcome.path,
            "path": str(dest),
            "sha256": sha256,
        }
