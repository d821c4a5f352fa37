# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done with one device, and doing it: the one way in which every flow goes, whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..device.agent_configuration import configure_agent
from ..device.connection import DEVICE_SECONDS, seconds_for
from ..device.device import Device
from ..display_text import quoted
from ..errors import IotoError
from ..ledger.claim_ledger import ClaimLedger
from ..modes import Mode
from ..option import AGENT_FACTORY, AUTO, FACTORY, FLEET, MANUAL, Option, given_by, of_flow
from ..serialization.request import Request
from ..serialization.transaction import serialize
from .options import OPTIONS
from .recording import Recording
from .request import OptionError, build_request, present_outcome

_FLOWS: Mapping[tuple[str, str], str] = {
    (Mode.MANUAL, "controller"): MANUAL,
    (Mode.AUTO, "agent"): AUTO,
    (Mode.FACTORY, "controller"): FACTORY,
    (Mode.FACTORY, "agent"): AGENT_FACTORY,
}
_TAKEN: Mapping[str, Mapping[str, Option]] = {flow: of_flow(OPTIONS, flow) for flow in (*_FLOWS.values(), FLEET)}
_SAID_BY_THE_FLOW: Mapping[str, Mapping[str, str]] = {
    MANUAL: {},
    AUTO: {"source": "agent", "agent_mode": "auto"},
    FACTORY: {"source": "service"},
    AGENT_FACTORY: {"source": "agent", "agent_mode": "factory"},
}
_CHOICE_OF_THE_FLOW = frozenset({"mode", "engine", "delivery"})


class FlowError(IotoError):
    """A host whose variables name no flow that the engine has."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What is to be done with one device."""

    request: Request
    recording: Recording
    device_seconds: float = DEVICE_SECONDS
    """What the device may take in all."""
    agent_mode: str | None = None
    """Set in the agent's configuration first: auto or factory."""
    agent_url: str | None = None
    """Where that agent asks, in the mode factory."""


def flow_options(variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the options of `plan_flow` that a host's variables say; None where the host is to be left alone.

    Raises `FlowError`.
    """
    flow = _flow(variables)
    if flow is None:
        return None
    options = {**given_by({**_TAKEN[flow], **_TAKEN[FLEET]}, variables), **_SAID_BY_THE_FLOW[flow]}
    return {name: value for name, value in options.items() if name not in _CHOICE_OF_THE_FLOW}


def flow_variables(variables: Mapping[str, Any]) -> Mapping[str, Option]:
    """Return the options that a host's variables say to its flow, by variable. Raises `FlowError`."""
    flow = _flow(variables)
    taken = {} if flow is None else {**_TAKEN[flow], **_TAKEN[FLEET]}
    return {name: option for name, option in taken.items() if name in variables}


def _flow(variables: Mapping[str, Any]) -> str | None:
    mode = variables.get("ioto_mode", Mode.MANUAL)
    if mode == Mode.NONE:
        return None
    delivery = variables.get("ioto_factory_delivery", "controller") if mode == Mode.FACTORY else None
    key = (str(mode), str(delivery or ("agent" if mode == Mode.AUTO else "controller")))
    if key not in _FLOWS:
        raise FlowError(f"The fleet engine has no flow {quoted(mode)} with delivery {quoted(key[1])}; see ioto_mode.")
    return _FLOWS[key]


def plan_flow(options: Mapping[str, Any], *, check: bool) -> Flow:
    """Return the flow that `options` (those of `serialize`, complete) say. Raises `IotoError`."""
    request = build_request(options, check=check)
    recording = Recording.of(options)
    seconds = seconds_for(options.get("device_timeout"), request.source.seconds)
    agent_mode = options.get("agent_mode")
    if agent_mode is None:
        return Flow(request, recording, seconds)
    if not request.source.on_device:
        raise OptionError("With agent_mode the agent gives the ID; give source: agent.")
    url = options["agent_service_url"] or options["service_url"] if agent_mode == "factory" else None
    if agent_mode == "factory" and not url:
        raise OptionError("With agent_mode factory the agent asks a service; give service_url (ioto_service_url).")
    return Flow(request, recording, seconds, agent_mode=agent_mode, agent_url=url)


def run_flow(
    device: Device,
    flow: Flow,
    ledger: ClaimLedger,
    *,
    host: str,
    reveal: bool,
    diff: bool,
) -> dict[str, Any]:
    """Do it, and return what `serialize` returns. Raises `IotoError`. `host` is the device's inventory name."""
    request = flow.request
    configured: dict[str, Any] = {}
    if flow.agent_mode is not None:
        configured = configure_agent(
            device,
            request.config_dir,
            mode=flow.agent_mode,
            url=flow.agent_url,
            check=request.check,
            diff=diff,
            volatile=request.volatile,
            unsynced=request.unsynced,
        )
    outcome = serialize(device, request, ledger, flow.recording.context(host))
    result = present_outcome(outcome, reveal=reveal, diff=diff)
    if "diff" in configured:
        result["diff"] = [configured["diff"], *([result["diff"]] if "diff" in result else [])]
    result["changed"] = result["changed"] or configured.get("changed", False)
    return result
