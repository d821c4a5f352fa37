# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a device means for the identity of its unit."""

from __future__ import annotations

from dataclasses import dataclass

from ..device.agent_settings import identity_override
from ..device.device import (
    DEVICE_FILE,
    LEGACY_DEVICE_FILE,
    PROVISION_FILE,
    Device,
    FileKind,
    Observation,
    RemoteFile,
)
from ..device.verified_write import check_usable
from ..display_text import printable
from ..errors import IotoError
from ..json5.document import MISSING, Json5Document
from ..json5.reader import JsonValue
from .decision import Seen


class SerializationError(IotoError):
    """A unit that did not get its identity; its device.json5 is as it was, or whole."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a device, and what its device.json5 means."""

    observation: Observation
    document: Json5Document
    seen: Seen

    @property
    def file(self) -> RemoteFile:
        """The device.json5 that was seen."""
        return self.observation.device_file

    @property
    def members(self) -> dict[str, JsonValue]:
        """What stands in the device.json5."""
        value = self.document.value
        return value if isinstance(value, dict) else {}


def understand(device: Device, config_dir: str, observation: Observation) -> Look:
    """Return what `observation` of `device` means. Raises `IotoError` where there is nothing to work with."""
    name = device.name
    file = observation.device_file
    if observation.directory != "present":
        raise SerializationError(
            f"There is no directory {config_dir} on {name}: install the agent there, or say where its configuration "
            "is (config_dir)."
        )
    check_usable(file, where=name)
    if observation.files[LEGACY_DEVICE_FILE].exists and not file.exists:
        raise SerializationError(
            f"The device {name} has the {LEGACY_DEVICE_FILE} of very old firmware and no {DEVICE_FILE}: update its "
            "agent first."
        )
    document = _document(file, name)
    provision = observation.files[PROVISION_FILE]
    override = identity_override(observation, where=name)
    return Look(
        observation,
        document,
        Seen(
            claim_id=_held(document, "id"),
            product=_held(document, "product"),
            provisioned=provision.kind is not FileKind.ABSENT,
            provisioned_id=_held(_document(provision, name), "id") if provision.exists else None,
            overriding_id=str(override.value) if override else None,
        ),
    )


def _document(file: RemoteFile, name: str) -> Json5Document:
    return Json5Document.parse(file.data, name=f"{printable(file.path)} on {name}")


def _held(document: Json5Document, key: str) -> str | None:
    """The text at `key`; what is there and no text becomes one, so that it is seen to be wrong."""
    value = document.get(key)
    return None if value is MISSING or value is None or value == "" else str(value)
