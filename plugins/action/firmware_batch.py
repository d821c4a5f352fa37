# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.firmware_batch`; its documentation is in `plugins/modules/firmware_batch.py`."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import BatchAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.results import sum_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.check import prepare
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.image_batch import ImageBatch, ResultOptions
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware.options import VARIABLES
from ansible_collections.ioto.serialization.plugins.plugin_utils.image_formats.checksums import renew_lists
from ansible_collections.ioto.serialization.plugins.plugin_utils.option import specs
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of

IMAGE_ARGUMENTS = specs(options_of("firmware_image"))


class ActionModule(BatchAction):
    """Make the images of all hosts of the play."""

    OPTIONS = options_of("firmware_batch")

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make the images, several at a time, and write the checksum lists."""
        self.refuse_unseen(VARIABLES)
        jobs = prepare(self.hosts(VARIABLES), IMAGE_ARGUMENTS, complete, at_once=self.forks)
        result_options = ResultOptions(reveal=arguments["reveal"], diff=self.wants_diff, check=self.check_mode)
        results = []
        try:
            for result in ImageBatch(jobs, result_options, at_once=self.forks).run(log=self.log):
                self.tell(result)
                results.append(result)
        finally:
            lists, troubles = ([], []) if self.check_mode else renew_lists(results)
        warned = {"warnings": troubles} if troubles else {}
        return {**sum_up(results, "image"), "lists": [str(place) for place in lists], **warned}
