# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.firmware_checksums`; its documentation is in `plugins/modules/`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.firmware_images.checksums import LIST, renew_list


class ActionModule(IotoAction):
    """Write the checksum list of a batch of images."""

    BYPASS_HOST_LOOP = True
    ARGUMENTS: ClassVar[dict[str, Any]] = {}
    _requires_connection = False
    _supports_check_mode = True

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Write one list into each folder that the batch has images in."""
        folders: dict[Path, dict[str, str]] = defaultdict(dict)
        for facts in self.batch(("ioto_outcome",)).values():
            made = facts.get("ioto_outcome", {})
            if made.get("sha256") and not made.get("failed"):
                path = Path(made["path"])
                folders[path.parent][path.name] = made["sha256"]
        changed = [renew_list(folder, names) for folder, names in folders.items() if not self.check_mode]
        return {"changed": any(changed), "paths": [str(folder / LIST) for folder in sorted(folders)]}
