# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device is now: its identity, its agent's configuration, and what else has a say. Changes nothing."""

from __future__ import annotations

from typing import Any

from .. import claim_ids
from ..display_text import printable
from ..json5.document import Json5Document
from .agent_settings import read_settings
from .device import PROVISION_FILE, Device, FileKind
from .scripts import probe
from .unit_identity import hardware_identity
from .verified_write import check_usable


def report_device(device: Device, config_dir: str, *, reveal: bool) -> dict[str, Any]:
    """Return what `device_info` documents. Claim IDs are masked unless `reveal`. Raises `IotoError`."""
    observation = probe(device, config_dir)
    file = observation.device_file
    check_usable(file, where=device.name)
    whole = Json5Document.parse(file.data, name=f"{printable(file.path)} on {device.name}").value
    document = whole if isinstance(whole, dict) else {}
    hardware = hardware_identity(observation)
    settings = read_settings(observation, where=device.name)
    claim_id = document.get("id")
    if isinstance(claim_id, str) and not reveal:
        claim_id = claim_ids.mask(claim_id)
    return {
        "claim_id": claim_id,
        "product": document.get("product"),
        "serial": hardware.get("serial") or hardware.get("mac"),
        "hardware": hardware,
        "path": printable(file.path) if file.exists else None,
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
        "provisioned": observation.files[PROVISION_FILE].kind is not FileKind.ABSENT,
    }


def _masked(value: object) -> object:
    return claim_ids.mask(value) if isinstance(value, str) else value
