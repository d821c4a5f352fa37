# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `ioto.serialization.label`; its documentation is in `plugins/modules/label.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter import LEDGER_ARGUMENT, IotoAction
from ansible_collections.ioto.serialization.plugins.plugin_utils.label_task import make_labels


class ActionModule(IotoAction):
    """Make the labels of a batch."""

    BYPASS_HOST_LOOP = True
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "claim_ids": {"type": "list", "elements": "str", "no_log": False},
        "scope": {"type": "str", "choices": ["ledger", "play"], "default": "ledger"},
        "preprint": {"type": "int"},
        "product": {"type": "str"},
        "dest": {"type": "path"},
        "format": {"type": "str", "choices": ["pdf", "svg", "png", "zpl"], "default": "pdf"},
        "sheet": {"type": "raw"},
        "sheet_start": {"type": "int", "default": 1},
        "printer": {"type": "str"},
        "printer_timeout": {"type": "float", "default": 30.0},
        "layout": {"type": "str", "default": "standard"},
        "dpi": {"type": "int"},
        "qr": {"type": "str"},
        "brand": {"type": "str", "default": ""},
        "product_name": {"type": "str", "default": ""},
        "product_names": {"type": "dict", "default": {}},
        "logo": {"type": "path", "default": ""},
        "copies": {"type": "int", "default": 1},
        "reason": {"type": "str", "default": ""},
        **LEDGER_ARGUMENT,
    }
    _requires_connection = False

    def outcome(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make them."""
        names = ("ioto_outcome", "ioto_label_product_name")
        hosts = self.batch(names) if arguments["scope"] == "play" else {}
        if arguments["dest"]:
            arguments["dest"] = str(Path(arguments["dest"]).expanduser().absolute())
        with self.ledger(arguments) as ledger:
            return make_labels(ledger, arguments, hosts, context=self.context(), check=self.check_mode)
