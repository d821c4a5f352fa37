# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look at a device means: who it says it is, what overrides that, how its agent is set, and its hardware.

Whoever decides, reports or verifies looks at this state, and at no file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as with_fields
from functools import cached_property

from ..display_text import printable
from ..identity.marks import ANY_MARKS, IdentifyingMarks
from ..json5.document import MISSING, Json5Document
from ..json5.reader import JsonValue
from ..json5.second_opinion import check_values
from .agent_load import Setting
from .agent_settings import AgentSettings, Override, effective_id, identity_overrides, read_settings
from .device import (
    AGENT_FILES,
    DEVICE_FILE,
    LEGACY_DEVICE_FILE,
    OVERRIDE_FILE,
    PROVISION_FILE,
    UNCERTAIN_KINDS,
    Device,
    DeviceError,
    FileKind,
    Observation,
    RemoteFile,
)
from .scripts import probe
from .unit_identity import UnitIdentity, identify
from .verified_write import check_usable

IDENTITY_KEYS = ("id", "product")
"""The members of device.json5 that say who a device is."""

_REGISTERED = "registered"


@dataclass(frozen=True, eq=False)
class DeviceState:
    """One look at the device `name`, and what it means.

    A file is parsed once, when the first fact in it is asked for: a fault in a file that nobody needs troubles nobody.
    So each fact may raise `IotoError`, which names the file. `host_key` is the fingerprint of the key with which the
    device answered, where the connection knows it.
    """

    name: str
    config_dir: str
    observation: Observation
    host_key: str | None = None

    @classmethod
    def read(cls, device: Device, config_dir: str) -> DeviceState:
        """Look at `device`, in one script. Raises `IotoError`."""
        return cls.understand(device, config_dir, probe(device, config_dir))

    @classmethod
    def understand(cls, device: Device, config_dir: str, observation: Observation) -> DeviceState:
        """Return what `observation` of `device` means."""
        return cls(device.name, config_dir, observation, device.host_key)

    @property
    def file(self) -> RemoteFile:
        """The device.json5 that was seen, or its absence."""
        return self.observation.device_file

    @cached_property
    def document(self) -> Json5Document:
        """The device.json5; one that is absent is empty."""
        check_usable(self.file, where=self.name)
        return self._parse(self.file)

    @cached_property
    def members(self) -> dict[str, JsonValue]:
        """What stands in the device.json5."""
        value = self.document.value
        return value if isinstance(value, dict) else {}

    @cached_property
    def claim_id(self) -> str | None:
        """The ID that the device has, valid or not: that in the device.json5, else what its main file gives it.

        What wins over both is told by `overrides`.
        """
        return _text(self.members.get("id")) if self._id_elsewhere is None else self._id_elsewhere.text

    @property
    def id_place(self) -> str | None:
        """The key and the file that hold the ID that the device has, where that is not its device.json5."""
        found = self._id_elsewhere
        return None if found is None else f"{printable(found.key)} in {found.path}"

    @cached_property
    def _id_elsewhere(self) -> Setting | None:
        if _text(self.members.get("id")) is not None or "id" in self.overrides:
            return None
        return effective_id(self.observation, where=self.name)

    @property
    def product(self) -> str | None:
        """The product as it stands in the device.json5, valid or not."""
        return _text(self.members.get("product"))

    @cached_property
    def overrides(self) -> Mapping[str, Override]:
        """What the agent takes in place of the `id` and `product` in the device.json5, where something else wins."""
        return identity_overrides(self.observation, where=self.name)

    @cached_property
    def provisioned(self) -> bool:
        """Whether somebody has claimed the device and its cloud has provisioned it: it may be registered alone."""
        file = self.observation.files[PROVISION_FILE]
        if not file.exists:
            return file.kind is not FileKind.ABSENT
        value = self._parse(file).value
        return not isinstance(value, dict) or bool({*value} - {_REGISTERED})

    @cached_property
    def provisioned_id(self) -> str | None:
        """The ID with which the device was provisioned, where it says so."""
        file = self.observation.files[PROVISION_FILE]
        if not file.exists:
            return None
        value = self._parse(file).get("id")
        return None if value is MISSING else _text(value)

    @cached_property
    def agent(self) -> AgentSettings | None:
        """How the agent is set, its mode included; None where it has no configuration."""
        return read_settings(self.observation, where=self.name)

    def unit(self, serial: str | None, marks: IdentifyingMarks = ANY_MARKS) -> UnitIdentity:
        """Return who the unit is; `serial` is the inventory's word for it. Raises `UnitIdentityError`."""
        found = identify(serial, self.observation, where=self.name, marks=marks)
        return with_fields(found, host_key=self.host_key)

    def check_files(self) -> None:
        """Raise `IotoError` where a file is there of which nobody can tell what the agent reads in it."""
        for file in self.observation.files.values():
            if file.kind in UNCERTAIN_KINDS:
                check_usable(file, where=self.name)

    def check_ready(self) -> None:
        """Raise `IotoError` where the device has no place for an identity, or what it says of its own makes no sense.

        From then on, no fact about its identity raises.
        """
        if self.observation.directory != "present":
            raise DeviceError(
                f"There is no directory {self.config_dir} on {self.name}: install the agent there, or say where its "
                "configuration is (ioto_config_dir)."
            )
        check_usable(self.file, where=self.name)
        self.check_files()
        if self.observation.files[LEGACY_DEVICE_FILE].exists and not self.file.exists:
            raise DeviceError(
                f"The device {self.name} has the {LEGACY_DEVICE_FILE} of very old firmware and no {DEVICE_FILE}: "
                "update its agent first."
            )
        for key in IDENTITY_KEYS:
            self.document.get(key)  # one that stands twice
        for name in (*AGENT_FILES, OVERRIDE_FILE, PROVISION_FILE):
            check_usable(self.observation.files[name], where=self.name)
        _unused = self.claim_id, self.overrides, self.provisioned, self.provisioned_id
        check_values(self.document)

    def _parse(self, file: RemoteFile) -> Json5Document:
        return Json5Document.parse(file.data, name=f"{printable(file.path)} on {self.name}")


def _text(value: JsonValue) -> str | None:
    """What is there and no text becomes one, so that it is seen to be wrong."""
    return None if value is None or value == "" else str(value)
