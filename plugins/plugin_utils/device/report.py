# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device is now: its identity, its agent's configuration, and what else has a say. Changes nothing."""

from __future__ import annotations

from typing import Any

from .. import claim_ids
from ..display_text import printable
from .device import Device
from .state import DeviceState


def report_device(device: Device, config_dir: str, *, reveal: bool) -> dict[str, Any]:
    """Return what `device_info` documents. Claim IDs are masked unless `reveal`. Raises `IotoError`."""
    state = DeviceState.read(device, config_dir)
    claim_id, document, hardware, settings = state.claim_id, state.members, state.hardware, state.agent
    if claim_id is not None and not reveal:
        claim_id = claim_ids.mask(claim_id)
    return {
        "claim_id": claim_id,
        "product": state.product,
        "serial": hardware.get("serial") or hardware.get("mac"),
        "hardware": hardware,
        "path": printable(state.file.path) if state.file.exists else None,
        "document": {**document, "id": claim_id} if "id" in document else document,
        "agent": settings
        and {
            "config_file": printable(settings.file.path),
            "key": settings.key,
            "mode": settings.mode,
            "url": settings.url,
            "overrides": [
                {
                    "path": override.path,
                    "key": override.key,
                    "value": _masked(override.value) if override.key == "device.id" and not reveal else override.value,
                }
                for override in settings.overrides
            ],
        },
        "provisioned": state.provisioned,
    }


def _masked(value: object) -> object:
    return claim_ids.mask(value) if isinstance(value, str) else value
