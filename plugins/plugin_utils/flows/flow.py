# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done with one device, as its `ioto_*` variables say, and doing it: what the roles do task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..device.agent_configuration import configure_agent
from ..device.device import Device
from ..errors import IotoError
from ..ledger.group_commit import GroupCommit
from ..ledger.ledger import Ledger
from ..ledger.records import Context
from ..modes import Mode
from ..serialization.request import Request
from ..serialization.transaction import serialize
from .request import build_request, present_outcome

_ALWAYS = {
    "ioto_product": "product",
    "ioto_serial": "serial",
    "ioto_properties": "properties",
    "ioto_config_dir": "config_dir",
    "ioto_ledger": "ledger",
}
_CONTROLLER = {"ioto_force": "force", "ioto_replace_provisioned": "replace_provisioned"}
# With the reason, where the device has an ID: an agent replaces none.
_REFUSED = {"ioto_force": "force"}
_AGENT = {
    "ioto_agent_wait": "agent_wait",
    "ioto_agent_restart": "agent_restart",
    "ioto_agent_fallback": "agent_fallback",
}
_SCAN = {"ioto_scan": "scan", "ioto_label_qr": "qr", "ioto_label_layout": "layout"}
_LENGTH = {"ioto_claim_id_length": "length"}
_SERVICE = {
    "ioto_service_url": "service_url",
    "ioto_service_token": "service_token",
    "ioto_service_timeout": "service_timeout",
    "ioto_service_retries": "service_retries",
    "ioto_service_ca_file": "service_ca_file",
}
# The same variables, flow by flow, as in the roles' tasks.
_FLOWS: Mapping[tuple[Mode, str], tuple[str | None, Mapping[str, str]]] = {
    (Mode.MANUAL, "controller"): (None, {**_ALWAYS, **_CONTROLLER, **_SCAN, **_LENGTH, "ioto_claim_id": "claim_id"}),
    (Mode.AUTO, "agent"): ("agent", {**_ALWAYS, **_REFUSED, **_AGENT, **_LENGTH}),
    (Mode.FACTORY, "controller"): ("service", {**_ALWAYS, **_CONTROLLER, **_SERVICE}),
    (Mode.FACTORY, "agent"): ("agent", {**_ALWAYS, **_REFUSED, **_AGENT, **_SERVICE}),
}

VARIABLES: Sequence[str] = (
    "ioto_mode",
    "ioto_factory_delivery",
    "ioto_agent_service_url",
    "ioto_accept_host_key",
    *sorted({name for _unused, names in _FLOWS.values() for name in names}),
)
"""What has to be known of each host."""


class FlowError(IotoError):
    """A host whose variables name no flow that the engine has."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What is to be done with one device."""

    request: Request
    ledger: str | None
    agent_mode: str | None = None
    """Set in the agent's configuration first: auto or factory."""
    agent_url: str | None = None
    """Where that agent asks, in the mode factory."""

    @property
    def seconds(self) -> int:
        """For how long a script may rightly say nothing, since it waits on the device for the agent."""
        return self.request.source.seconds


def flow_options(variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the options of `serialize` that a host's variables say; None where the host is to be left alone.

    Raises `FlowError`.
    """
    flow = _flow(variables)
    if flow is None:
        return None
    source, names = flow
    options = {option: variables[name] for name, option in names.items() if name in variables}
    return options | ({"source": source} if source else {})


def flow_variables(variables: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the names of those variables that say something to a host's flow, with the option that each stands for.

    Raises `FlowError`.
    """
    flow = _flow(variables)
    return {} if flow is None else {name: option for name, option in flow[1].items() if name in variables}


def _flow(variables: Mapping[str, Any]) -> tuple[str | None, Mapping[str, str]] | None:
    mode = variables.get("ioto_mode", Mode.MANUAL)
    if mode == Mode.NONE:
        return None
    delivery = variables.get("ioto_factory_delivery", "controller") if mode == Mode.FACTORY else None
    key = (mode, delivery or ("agent" if mode == Mode.AUTO else "controller"))
    if key not in _FLOWS:
        raise FlowError(f"The fleet engine has no flow {mode!a} with delivery {key[1]!a}; see ioto_mode.")
    return _FLOWS[key]


def plan_flow(variables: Mapping[str, Any], options: Mapping[str, Any], *, check: bool) -> Flow:
    """Return the flow for a host: `options` are those of `flow_options`, complete. Raises `IotoError`."""
    accept_host_key = variables.get("ioto_accept_host_key", False)
    if not isinstance(accept_host_key, bool):
        raise FlowError("ioto_accept_host_key says neither yes nor no; give true, or remove it.")
    request = replace(build_request(options, check=check), accept_host_key=accept_host_key)
    if not request.source.on_device:
        return Flow(request, options["ledger"])
    if variables["ioto_mode"] == Mode.AUTO:
        return Flow(request, options["ledger"], agent_mode="auto")
    url = variables.get("ioto_agent_service_url", options["service_url"])
    return Flow(request, options["ledger"], agent_mode="factory", agent_url=url)


def run_flow(
    device: Device,
    flow: Flow,
    ledger: Ledger | GroupCommit,
    context: Context,
    *,
    reveal: bool,
    diff: bool,
) -> dict[str, Any]:
    """Do it, and return what `serialize` returns. Raises `IotoError`."""
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
        )
    outcome = present_outcome(serialize(device, request, ledger, context), reveal=reveal, diff=diff)
    differences = [result["diff"] for result in (configured, outcome) if "diff" in result]
    if differences:
        outcome["diff"] = differences
    outcome["changed"] = outcome["changed"] or configured.get("changed", False)
    return outcome
