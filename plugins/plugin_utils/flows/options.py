# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the flows that give a unit its identity, and those that other tasks share with them."""

from __future__ import annotations

from dataclasses import replace

from ..claim_ids import DEFAULT_LENGTH, MAX_LENGTH, MIN_LENGTH
from ..device.connection import DEVICE_SECONDS, MOST_SECONDS, parse_seconds
from ..display_text import printable
from ..errors import IotoError
from ..identity import options as identity_options
from ..option import (
    AGENT_FACTORY,
    AUTO,
    FACTORY,
    FIRMWARE,
    FLEET,
    LABEL,
    MANUAL,
    PLAYBOOKS,
    VERIFY,
    Option,
    names_of,
    of_module,
    rows,
    specs,
)
from ..serialization.options import OPTIONS as REPLACING_OPTIONS
from ..serialization.request import DEFAULT_CONFIG_DIR
from ..serialization.sources.factory_service import DEFAULT_RETRIES, DEFAULT_TIMEOUT
from ..serialization.sources.table import CHOICES, FALLBACKS
from .job_options import JOB, REPLACES_SLICE

_CONTROLLERS = (MANUAL, FACTORY, FIRMWARE)
_AGENTS = (AUTO, AGENT_FACTORY)
_DEVICES = (MANUAL, FACTORY, *_AGENTS)
_UNITS = (*_DEVICES, FIRMWARE)
_SERVICES = (FACTORY, AGENT_FACTORY, FIRMWARE)
_IDENTITY = ("serialize", "firmware_image")
_LEDGER_MODULES = ("ledger_info", "ledger_entry", "rework")
_OF_AGENTS = ("source=agent",)
_ASKING = ("source=service", "source=agent")
_AUTO_AGENT = ("agent_mode=auto",)
_RECORDED = {"ioto_ledger", "ioto_operator", "ioto_job"}
_NOT_GIVEN = ("source=generated", "source=service", "source=agent")

MAX_OPERATOR_LENGTH = 64
MOST_RETRIES = 100


_KINDS = {list: "a list", dict: "a dictionary", bool: "a yes or no"}


class OperatorError(IotoError):
    """What cannot name who stands at the line."""


def parse_operator(value: object) -> str | None:
    """Return who stands at the line, on one line and without what disturbs a terminal; a number is a text, too.

    Raises `OperatorError` where it is neither, or too long.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        kind = _KINDS.get(type(value), "no text")
        raise OperatorError(f"ioto_operator is {kind}; give a short name, in quotes, or a number.")
    name = printable("" if value is None else str(value))
    if len(name) > MAX_OPERATOR_LENGTH:
        raise OperatorError(
            f"ioto_operator has {len(name)} characters and may have {MAX_OPERATOR_LENGTH}; "
            "give a short name or a number."
        )
    return name or None


AGENT_FALLBACK = Option(
    "agent_fallback",
    "What to do when the agent has saved no ID in time. Agents 2.8 to 3.0.0 never save one, 2.5 and 2.6 none that a "
    "service gave. V(none) fails and says so; another value has the controller write an ID from that source, and "
    "restart the agent once more.",
    "none",
    choices=("none", *FALLBACKS),
    modules=("serialize",),
    flows=(AGENT_FACTORY,),
    only=_OF_AGENTS,
)
LEDGER = Option(
    "ledger",
    "Where the ledger is, on the controller. A path of an SQLite file, or a URL such as "
    "V(postgresql://user@host/database) where several lines share one.",
    without="C(ioto/ledger.db) below E(XDG_DATA_HOME), which is C(~/.local/share) unless that says otherwise",
    modules=(*_IDENTITY, "verify", "label", *_LEDGER_MODULES, "checkpoint"),
    flows=(*_UNITS, LABEL, VERIFY),
)

OPTIONS = (
    *rows(
        Option(
            "mode",
            "The flow that the host takes. V(none) leaves it alone.",
            choices=("manual", "auto", "factory", "firmware", "none"),
        ),
        Option(
            "engine",
            "Who runs the flow, Ansible task by task, or the fleet engine for many devices in one task.",
            without="V(ansible)",
            choices=("ansible", "fleet"),
        ),
        flows=(FLEET,),
    ),
    Option(
        "source",
        "Where the claim ID of a unit comes from that has none yet.",
        without="V(given) where O(claim_id) or O(scan) is set, else V(generated)",
        more=(
            "V(given) takes the one in O(claim_id); V(generated) draws one from the system's CSPRNG; V(service) "
            "asks the factory service at O(service_url); V(agent) restarts the agent on the device and waits "
            "until it has saved its own.",
        ),
        choices=tuple(CHOICES),
        modules=("serialize",),
    ),
    Option(
        "claim_id",
        "The claim ID to give, 10 to 20 characters of Crockford's base 32. Quote it, since YAML takes one of "
        "digits alone for a number.",
        without="one is generated",
        more=("What is typed is folded first, so lower case is fine, O counts as 0, and I and L as 1.",),
        modules=_IDENTITY,
        flows=(MANUAL, FIRMWARE),
        unless=("scan", *_NOT_GIVEN),
    ),
    Option(
        "scan",
        "What was scanned from a label that was printed beforehand, in place of O(claim_id). Its ID has to be "
        "one that the ledger has reserved for the product and given to no unit, or the unit's own.",
        more=(
            "The unit is V(labelled) then.",
            "Lower case, spaces and hyphens are folded. What was scanned is never run or templated.",
        ),
        no_log=False,
        modules=("serialize",),
        flows=(MANUAL,),
        unless=("claim_id", *_NOT_GIVEN),
    ),
    *rows(
        Option(
            "qr",
            "With O(scan), the template of the label's QR code, where it holds more than the claim ID.",
            variable="ioto_label_qr",
            without="what the layout says",
        ),
        Option(
            "layout",
            "With O(scan), the layout of the label, whose templates count where O(qr) is not set.",
            variable="ioto_label_layout",
            without="the QR code holds the bare claim ID",
        ),
        modules=("serialize", "verify"),
        flows=(MANUAL, VERIFY),
    ),
    *rows(
        Option(
            "delivery",
            "Who asks the service. With V(agent) the agent is configured to ask, restarted, and waited for.",
            variable="ioto_factory_delivery",
            without="V(controller)",
            choices=("controller", "agent"),
        ),
        Option("service_url", "The factory service's URL.", required=True),
        flows=(FACTORY, AGENT_FACTORY),
    ),
    Option(
        "service_url",
        "The factory service's URL. Where it is set and no claim ID is given, the service gives the ID.",
        flows=(FIRMWARE,),
    ),
    Option(
        "service_url",
        "The factory service's URL.",
        variable="ioto_service_url",
        more=(
            "With O(source=agent), what names the unit (C(serial) or C(mac)) is put into C(device.json5) before "
            "the agent asks, and the service is told the ID that it saved, and has to know the unit under it.",
        ),
        modules=_IDENTITY,
        only=_ASKING,
        unless=_AUTO_AGENT,
    ),
    *rows(
        Option(
            "service_token",
            "A bearer token for the service, for confirmations.",
            no_log=True,
            without="at a URL of this machine that of the same user's service",
        ),
        Option(
            "service_timeout",
            "Seconds to wait for an answer, for each try.",
            DEFAULT_TIMEOUT,
            least=0.1,
            most=MOST_SECONDS,
        ),
        Option(
            "service_retries",
            "How often to ask again, with growing pauses, when the service cannot be reached or is busy.",
            DEFAULT_RETRIES,
            least=0,
            most=MOST_RETRIES,
        ),
        Option(
            "service_ca_file",
            "File with the certificates, on the controller, that the service's own is verified against.",
            type="path",
            without="the system's",
        ),
        Option(
            "service_confirms",
            "Whether the service remembers its units and can be told (by a C(PUT)) that one has its ID. A unit whose "
            "ID it does not know fails then. V(false) is for a service that cannot, such as the agent's sample.",
            True,
        ),
        modules=_IDENTITY,
        flows=_SERVICES,
        only=_ASKING,
        unless=_AUTO_AGENT,
    ),
    Option(
        "agent_mode",
        "With O(source=agent), what the agent is told first in its configuration, as "
        "M(ioto.serialization.agent_config) does it. V(auto) to make its own ID, V(factory) to ask the "
        "service at O(agent_service_url).",
        without="its configuration stays as it is",
        choices=("auto", "factory"),
        modules=("serialize",),
    ),
    Option(
        "agent_service_url",
        "The service's URL as the agent has to use it, where it differs from the controller's.",
        without="O(service_url)",
        modules=("serialize",),
        flows=(AGENT_FACTORY,),
        only=("agent_mode=factory",),
    ),
    Option(
        "serialize",
        "How an agent without an ID gets one.",
        without="the mode stays as it is",
        choices=("auto", "factory", "none"),
        modules=("agent_config",),
    ),
    Option(
        "api_serialize",
        "The URL of the factory service that the agent asks.",
        variable="ioto_agent_service_url",
        without="it stays as it is",
        modules=("agent_config",),
        unless=("serialize=auto", "serialize=none"),
    ),
    *rows(
        Option(
            "agent_wait",
            "Seconds to wait on the device for an ID that the agent saved.",
            30,
            least=0,
            most=MOST_SECONDS,
            more=("Only with O(source=agent).",),
        ),
        modules=("serialize",),
        flows=_AGENTS,
        only=_OF_AGENTS,
    ),
    Option(
        "agent_restart",
        "The command that restarts the agent, as a list of words.",
        [],
        without="C(/etc/init.d/ioto restart), or C(systemctl restart ioto) where there is no such script",
        more=(
            "An agent that runs is restarted once the ID is written, since it goes by what it read when it started, "
            "and may write that over the ID.",
        ),
        elements="str",
        modules=("serialize",),
        flows=_DEVICES,
    ),
    AGENT_FALLBACK,
    replace(AGENT_FALLBACK, choices=("none", "generated"), modules=(), flows=(AUTO,)),
    Option(
        "length",
        "Characters of a new claim ID, 10 to 20, and of a given one that no ledger has.",
        DEFAULT_LENGTH,
        least=MIN_LENGTH,
        most=MAX_LENGTH,
        variable="ioto_claim_id_length",
        modules=_IDENTITY,
        flows=(MANUAL, AUTO, FIRMWARE),
    ),
    Option(
        "product",
        "The product ID, a ULID from the Builder.",
        without="the one that C(device.json5) holds",
        modules=_IDENTITY,
        flows=_UNITS,
    ),
    Option(
        "serial",
        "What names the unit in the ledger, and to a factory service.",
        without="its device-tree serial, then the MAC address of its first physical interface",
        more=("An address or an inventory name never does, since the next unit gets the same one.",),
        modules=("serialize", "verify"),
        flows=(*_DEVICES, VERIFY),
    ),
    Option(
        "serial_pattern",
        "A regular expression that the whole of C(ioto_serial) has to match, such as C(SN-[0-9]{6}). The batch check "
        "finds mistyped serials by it.",
        flows=(PLAYBOOKS,),
    ),
    Option(
        "properties",
        "Further members of C(device.json5), such as C(name) or C(model). Members that are not named stay.",
        type="dict",
        modules=_IDENTITY,
        flows=_UNITS,
    ),
    Option(
        "config_dir",
        "The agent's configuration directory on the device, an absolute path.",
        DEFAULT_CONFIG_DIR,
        type="path",
        modules=("serialize", "agent_config", "device_info", "verify"),
        flows=(*_DEVICES, VERIFY),
    ),
    *rows(
        Option(
            "volatile",
            "Write also where O(config_dir) is on a file system that forgets at the next power cut, such as a tmpfs. "
            "It is refused otherwise, before an ID is taken.",
            False,
        ),
        Option(
            "unsynced",
            "Take a unit for verified also where nothing on the device tells whether its file is on the storage. It "
            "is V(written) otherwise, which is not done.",
            False,
        ),
        modules=("serialize", "agent_config"),
        flows=_DEVICES,
    ),
    *identity_options.OPTIONS,
    Option(
        "device_timeout",
        "Seconds that a device may take in all, from connecting to its last answer. Then it is unreachable, and is not "
        "tried again in this run.",
        type="float",
        without=f"{DEVICE_SECONDS}, and C(ioto_agent_wait) more where the flow waits for the agent",
        more=("What the ledger or a service takes meanwhile does not count.",),
        modules=("serialize", "agent_config", "device_info", "verify"),
        flows=(*_DEVICES, VERIFY),
        convert=parse_seconds,
    ),
    LEDGER,
    Option(
        "reveal",
        "Return claim IDs whole. They are masked otherwise, since results end up on screens and in logs, and "
        "a claim ID is a ticket for the ownership of the device.",
        False,
        modules=(
            *(*_IDENTITY, "serialize_fleet", "firmware_batch", "device_info"),
            *_LEDGER_MODULES,
        ),
    ),
    *REPLACING_OPTIONS,
    Option(
        "operator",
        "Who stands at the line, such as a name or the number of a badge, as a text or a number of up to 64 "
        "characters. It stands in every event of the ledger, in the report, and on the station page.",
        type="raw",  # as a string, Ansible would take a list or a dictionary, too
        modules=(*_IDENTITY, "verify", "label", "ledger_entry", "rework"),
        flows=(*_UNITS, LABEL, VERIFY),
        convert=parse_operator,
    ),
    *(JOB, REPLACES_SLICE),
)

RECORDED = {option.variable: option for option in OPTIONS if option.variable in _RECORDED}
"""The options that say how what is done is recorded, by variable: for whoever reads them of a host."""

VARIABLES = names_of([option for option in OPTIONS if {*option.flows} & {*_DEVICES, FLEET, PLAYBOOKS}])
"""What the flows of devices have to know of each host."""

FLEET_ARGUMENTS = specs(of_module(OPTIONS, "serialize"))
"""The argument spec of what the fleet engine does with a device."""
