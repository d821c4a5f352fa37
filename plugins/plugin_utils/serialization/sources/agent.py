# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent makes its own ID: it is started again, saves one, and its factory service knows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...device.agent_process import restart_trouble
from ...device.device import Device
from ...device.scripts import await_change
from ...device.state import DeviceState
from ...device.unit_identity import UnitIdentity
from ...json5.reader import Json5Error, JsonValue
from .factory_service import FactoryService
from .generated import Generated
from .source import ClaimSource, SourceError


@dataclass(frozen=True, slots=True)
class Agent(ClaimSource):
    """The agent's own ID: it is started again, and saves one (or does not: 2.8 to 3.0.0).

    `seconds` is how long to wait on the device. `fallback` writes an ID instead where the agent saves none.
    `checked_by` is the service that the agent asked: it is told what the agent saved, and has to know the unit under
    that ID.
    """

    name: ClassVar[str] = "agent"
    on_device: ClassVar[bool] = True
    costs_elsewhere: ClassVar[bool] = True
    name_of_found: ClassVar[str] = "agent"
    FALLBACKS: ClassVar[Mapping[str, type[ClaimSource]]] = {
        source.name: source for source in (Generated, FactoryService)
    }

    seconds: int = 30
    fallback: ClaimSource | None = None
    checked_by: FactoryService | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Agent:
        """Return the source of the options `agent_*`; the service of `service_url` is the one that the agent asks."""
        fallback = cls.FALLBACKS.get(options["agent_fallback"])
        return cls(
            seconds=options["agent_wait"],
            fallback=fallback.from_options(options) if fallback else None,
            checked_by=FactoryService.from_options(options) if options["service_url"] else None,
        )

    def members_for(self, unit: UnitIdentity) -> Mapping[str, JsonValue]:
        """Return what names the unit: the agent sends its device.json5 to the service."""
        return unit.naming_members if self.checked_by is not None else {}

    @property
    def written(self) -> ClaimSource:
        """The fallback; without one, nothing is written."""
        return self.fallback or self

    def claim_id(self, body: Mapping[str, JsonValue]) -> str:
        """Refuse: the agent has to have saved an ID before."""
        raise SourceError("The agent makes the claim ID, and has saved none; see its log, then run again.")

    def await_id(self, device: Device, config_dir: str, old: bytes | None, restart: Sequence[str]) -> DeviceState:
        """Start the agent again, and wait until it has saved an ID, or until time is up and there is a `fallback`."""
        for state in self._saves(device, config_dir, old, restart):
            try:
                state.check_ready()
            except Json5Error:
                continue  # the agent is in the middle of saving
            if state.claim_id is not None:
                return state
        if self.fallback is not None:
            return DeviceState.read(device, config_dir)
        raise SourceError(
            f"The agent on {device.name} saved no ID within {self.seconds} s: agents 2.8 to 3.0.0 never save one, 2.5 "
            "and 2.6 only one that they make themselves (mode auto), and any version waits where its service does not "
            "answer; see its log. Let the controller write the ID (ioto_agent_fallback, or the flow manual or "
            "factory), or update the agent."
        )

    @property
    def confirmed_at(self) -> str | None:
        """The service that the agent asked."""
        return self.checked_by.confirmed_at if self.checked_by is not None else None

    def confirm(self, body: Mapping[str, JsonValue]) -> str | None:
        """Tell the service that the agent asked."""
        return self.checked_by.confirm(body) if self.checked_by is not None else None

    def _saves(
        self, device: Device, config_dir: str, old: bytes | None, restart: Sequence[str]
    ) -> Iterator[DeviceState]:
        """Start the agent again, and yield a look at the device at each change of its device.json5."""
        left = self.seconds
        command: Sequence[str] | None = restart
        while left > 0:
            observation, left = await_change(device, config_dir, old, seconds=left, restart=command)
            if command is not None and (trouble := restart_trouble(observation.restarted, where=device.name)):
                raise SourceError(trouble)
            file = observation.device_file
            old, command = file.data if file.exists else None, None
            yield DeviceState.understand(device, config_dir, observation)
