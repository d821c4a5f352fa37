# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device is now: its identity, its agent's configuration, and what else has a say. Changes nothing."""

from __future__ import annotations

from typing import Any

from .. import claim_ids
from ..display_text import printable
from ..identity.marks import ANY_MARKS, IdentifyingMarks
from ..json5.reader import JsonValue
from .agent_settings import SerializeMode
from .device import Device
from .state import DeviceState
from .unit_identity import hardware_identity


def report_device(
    device: Device, config_dir: str, *, reveal: bool, marks: IdentifyingMarks = ANY_MARKS
) -> dict[str, Any]:
    """Return what `device_info` documents. Claim IDs are masked unless `reveal`. Raises `IotoError`.

    `marks` say what identifies a device.
    """
    state = DeviceState.read(device, config_dir)
    claim_id, document, settings = state.claim_id, state.members, state.agent
    hardware = hardware_identity(state.observation, marks)
    if claim_id is not None and not reveal:
        claim_id = claim_ids.mask(claim_id)
    result = {
        "claim_id": claim_id,
        "product": state.product,
        "serial": hardware.get("serial") or hardware.get("mac"),
        "hardware": hardware,
        "path": printable(state.file.path) if state.file.exists else None,
        "document": document if reveal else _masked_ids(document),
        "agent": settings
        and {
            "config_file": printable(settings.file.path),
            "key": settings.key,
            "mode": settings.mode.value,
            "url": settings.url,
            "overrides": [
                {
                    "path": override.path,
                    "key": override.key,
                    "value": _masked(override.value) if _is_id(override.key) and not reveal else override.value,
                }
                for override in settings.overrides
            ],
        },
        "provisioned": state.provisioned,
    }
    if settings and settings.mode is SerializeMode.NONE and claim_id is None:
        result["warnings"] = [
            f"{state.name} has no claim ID yet, and its agent (mode {settings.mode}) serves nothing before it has one: "
            "run ioto.serialization.provision, or set another mode (agent_config)."
        ]
    return result


def _masked_ids(value: JsonValue) -> JsonValue:
    """Return `value` with each `id` in it masked, those of a conditional too."""
    if isinstance(value, list):
        return [_masked_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _masked(child) if _is_id(key) else _masked_ids(child) for key, child in value.items()}


def _is_id(key: str) -> bool:
    return key.rpartition(".")[2].lstrip("+-=?") == "id"


def _masked(value: JsonValue) -> JsonValue:
    """Return what stands where an ID should as it may be shown: one of digits may be a number, or in a list."""
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {key: _masked(child) for key, child in value.items()}
    return value if value is None or isinstance(value, bool) else claim_ids.mask(str(value))
