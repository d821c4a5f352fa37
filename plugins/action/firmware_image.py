# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.firmware_image`; its documentation is in `plugins/modules/firmware_image.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.image_batch import (
    ImageJob,
    ResultOptions,
    make_image,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import warm_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (
    load_client,
)

# As in serialize: made ready once, before Ansible forks a worker for each image.
warm_up()
load_client()


class ActionModule(IotoAction):
    """Make a unit's firmware image."""

    OPTIONS = options_of("firmware_image")
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run the transaction on the image."""
        result_options = ResultOptions(reveal=arguments["reveal"], diff=self.wants_diff, check=self.check_mode)
        with self.ledger(arguments) as ledger:
            return make_image(ImageJob(self.host, arguments), ledger, result_options)
