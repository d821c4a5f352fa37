# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the tasks that the flows are made of, as Ansible's argument specs write them."""

from __future__ import annotations

from typing import Any

from ..serialization.sources.table import CHOICES, FALLBACKS

CONFIG_DIR_ARGUMENT: dict[str, Any] = {"config_dir": {"type": "path", "default": "/etc/ioto"}}
LEDGER_ARGUMENT: dict[str, Any] = {"ledger": {"type": "str"}}
REVEAL_ARGUMENT: dict[str, Any] = {"reveal": {"type": "bool", "default": False}}
IDENTITY_ARGUMENTS: dict[str, Any] = {
    "source": {"type": "str", "choices": list(CHOICES)},
    "claim_id": {"type": "str"},
    "product": {"type": "str"},
    "serial": {"type": "str"},
    "properties": {"type": "dict"},
    "length": {"type": "int", "default": 10},
    "service_url": {"type": "str"},
    "service_token": {"type": "str", "no_log": True},
    "service_timeout": {"type": "float", "default": 30.0},
    "service_retries": {"type": "int", "default": 5},
    "service_ca_file": {"type": "path"},
    "force": {"type": "bool", "default": False},
    "replace_provisioned": {"type": "bool", "default": False},
}
AGENT_ARGUMENTS: dict[str, Any] = {
    "agent_wait": {"type": "int", "default": 30},
    "agent_restart": {"type": "list", "elements": "str", "default": []},
    "agent_fallback": {"type": "str", "choices": ["none", *FALLBACKS], "default": "none"},
}
SCAN_ARGUMENTS: dict[str, Any] = {
    "scan": {"type": "str", "no_log": False},
    "qr": {"type": "str"},
    "layout": {"type": "str"},
}
SERIALIZE_ARGUMENTS: dict[str, Any] = {
    **IDENTITY_ARGUMENTS,
    **SCAN_ARGUMENTS,
    **CONFIG_DIR_ARGUMENT,
    **LEDGER_ARGUMENT,
    **REVEAL_ARGUMENT,
    **AGENT_ARGUMENTS,
}
"""The arguments of `serialize`."""
