# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a batch as a whole before its first device is touched: every problem at once, each with host and remedy."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from posixpath import normpath
from typing import Any

from ..claim_ids import (
    DEFAULT_LENGTH,
    InvalidClaimIdError,
    check_typed,
    mask,
    parse,
    parse_product,
)
from ..device.unit_identity import parse_serial
from ..display_text import printable, quoted
from ..errors import IotoError
from ..flows.options import VARIABLES as FLOW_VARIABLES
from ..identity.mac_addresses import is_same_serial, notations
from ..identity.marks import IdentifyingMarks
from ..labels.qr_templates import qr_templates
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, State
from ..modes import Mode, is_for_fleet
from ..production_order.columns import SSH_PORT
from ..production_order.damage import damage, damage_beside_others
from ..scanning.keyboard_layout import HINT, exchanged, is_exchanged
from ..scanning.scan import read_scan
from ..serialization.options import REPLACING
from ..serialization.request import DEFAULT_CONFIG_DIR
from .problem import Problem

VARIABLES = (
    *FLOW_VARIABLES,
    "ansible_connection",
    "ansible_host",
    "ansible_port",
    "ansible_ssh_common_args",
)
"""What has to be known of each host."""


_YES_OR_NO = ("true", "false", "yes", "no")

NOBODY = ["!all"]
"""The pattern of a play for nobody: an empty list would be every host."""


@dataclass(slots=True)
class _BatchUnit:
    host: str
    variables: Mapping[str, Any]
    mode: Mode
    product: str | None = None
    serial: str | None = None
    claim_id: str | None = None


def check_batch(hosts: Mapping[str, Mapping[str, Any]], *, with_ledgers: bool = True) -> Sequence[Problem]:
    """Return all problems of a batch; `hosts` maps each host to its `VARIABLES`, those that are set.

    Without `with_ledgers` no ledger is opened.
    """
    problems: list[Problem] = []
    units = [unit for host, variables in hosts.items() if (unit := _unit(host, variables, problems))]
    problems.extend(
        _shared(units, lambda unit: unit.claim_id, "the same claim ID is given to each; a claim ID belongs to one unit")
    )
    problems.extend(
        _shared(
            units,
            lambda unit: unit.serial and (unit.product, unit.serial),
            "the serial {} is given to each, for the same product; a serial names one unit",
            lambda unit: quoted(unit.serial or ""),
        )
    )
    problems.extend(_look_alikes(units))
    problems.extend(_damaged_beside_others(units))
    problems.extend(_shared(units, _address, "each leads to the same device; give every device one host"))
    problems.extend(_replaced_by_agents(units))
    problems.extend(_without_reason(units))
    problems.extend(_in_ledgers(units) if with_ledgers else ())
    return problems


def plays(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the hosts of each play of `provision.yml`: one for each flow, and `fleet` for devices with that engine.

    A play for nobody gets the pattern `NOBODY`.
    """
    found: dict[str, list[str]] = {name: [] for name in (*(mode.value for mode in Mode), "fleet")}
    for host, variables in hosts.items():
        mode = Mode(variables["ioto_mode"])
        found["fleet" if is_for_fleet(variables) else mode.value].append(host)
    return {name: members or NOBODY for name, members in found.items()}


def _unit(host: str, variables: Mapping[str, Any], problems: list[Problem]) -> _BatchUnit | None:
    def report(sentence: str) -> None:
        problems.append(Problem((host,), sentence))

    def checked(name: str, parse_text: Callable[[str], str]) -> str | None:
        value = variables.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            ways = f'{name}: "1001" in YAML, {name}=\'"1001"\' behind a host in INI'
            report(f"{name} has to be text, since a number loses its leading zeros; quote it: {ways}.")
            return None
        try:
            return parse_text(value)
        except IotoError as error:
            report(f"{error} ({name})")
            return None

    known = ", ".join(Mode)
    if "ioto_mode" not in variables:
        report(f"it has no ioto_mode; give its group one of {known}.")
        return None
    if variables["ioto_mode"] not in list(Mode):
        report(f"ioto_mode is {quoted(variables['ioto_mode'])}; it has to be one of {known}.")
        return None
    unit = _BatchUnit(host, variables, Mode(variables["ioto_mode"]))
    if unit.mode is Mode.NONE:
        return None
    address = str(variables.get("ansible_host", host))
    if address.startswith("-"):
        report(
            f"its address {quoted(address[:20])} begins with a dash, which ssh takes for an option; correct "
            "ansible_host."
        )
    unit.product = checked("ioto_product", parse_product)
    unit.serial = checked("ioto_serial", partial(parse_serial, marks=_marks(variables)))
    _check_pattern(unit, report)
    unit.claim_id = checked("ioto_claim_id", parse)
    _check_claim_ids(variables, report)
    if _is_scanned(unit):
        if "ioto_claim_id" in variables:
            report("ioto_claim_id and ioto_scan are both given; remove one of them.")
        unit.claim_id = checked("ioto_scan", lambda text: read_scan(text, _templates(variables)).claim_id)
    if unit.mode in {Mode.AUTO, Mode.FACTORY} and "ioto_claim_id" in variables:
        report(f"ioto_claim_id is given, and in the flow {unit.mode} somebody else makes the ID; remove it.")
    if unit.mode is Mode.FACTORY:
        _check_factory(variables, report)
    if unit.mode is Mode.FIRMWARE and unit.serial is None and "ioto_serial" not in variables:
        report("nothing identifies the unit, and an image has no hardware to ask; give ioto_serial.")
    if not str(variables.get("ioto_ledger", "-")).strip():
        report("ioto_ledger is there and empty; give the ledger's path or URL, or remove the variable.")
    if not str(variables.get("ioto_config_dir", "/")).startswith("/"):
        report("ioto_config_dir is not an absolute path; give one such as /etc/ioto.")
    return unit


def _length(variables: Mapping[str, Any]) -> int | None:
    """Return how long claim IDs are; None where that is not a number, which `check_options` reports."""
    length = str(variables.get("ioto_claim_id_length", DEFAULT_LENGTH))
    return int(length) if re.fullmatch(r"-?\d{1,9}", length) else None


def _marks(variables: Mapping[str, Any]) -> IdentifyingMarks:
    """What identifies a unit; a value of a wrong kind is told by `check_options`."""
    shared = variables.get("ioto_shared_hardware")
    return IdentifyingMarks.without(map(str, shared) if isinstance(shared, list) else ())


def _pattern(unit: _BatchUnit) -> Any:
    """Return the pattern of serials; an empty one counts as left out."""
    return unit.variables.get("ioto_serial_pattern") or None


def _check_pattern(unit: _BatchUnit, report: Callable[[str], None]) -> None:
    pattern = _pattern(unit)
    if unit.serial is None:
        return
    if pattern is None:
        if looks_like := damage(unit.serial):
            report(_damaged(unit.serial, looks_like))
        return
    try:
        # The pattern may be for a notation of MAC addresses.
        if not any(re.fullmatch(str(pattern), text) for text in notations(unit.serial)):
            report(
                f"the serial {quoted(unit.serial)} does not match ioto_serial_pattern ({printable(str(pattern))}); "
                "correct one of them."
            )
    except (re.error, OverflowError, RecursionError) as error:  # of numbers and brackets without end
        report(f"ioto_serial_pattern is not a regular expression: {error}; correct it.")


def _damaged(serial: str, looks_like: str) -> str:
    remedy = "correct it, or, where all are written so, give ioto_serial_pattern"
    return f"the serial {quoted(serial)} looks like {looks_like}; {remedy}."


def _damaged_beside_others(units: Iterable[_BatchUnit]) -> Iterable[Problem]:
    """A problem for each serial that is damaged beside the others of its product; a pattern allows it."""
    serials: dict[str | None, dict[str, str]] = defaultdict(dict)
    for unit in units:
        if unit.serial is not None and _pattern(unit) is None and not damage(unit.serial):
            serials[unit.product][unit.host] = unit.serial
    for of_product in serials.values():
        for host, looks_like in damage_beside_others(of_product).items():
            yield Problem((host,), _damaged(of_product[host], looks_like))


def _check_claim_ids(variables: Mapping[str, Any], report: Callable[[str], None]) -> None:
    """Report an empty claim ID, and one to replace that no device can hold; one that is too short it can."""
    if "ioto_claim_id" in variables and variables["ioto_claim_id"] is None:
        report("ioto_claim_id is there and empty; give the claim ID, or remove the variable.")
    replaced = variables.get("ioto_replace_id")
    if replaced is None:
        return
    if not isinstance(replaced, str) or not replaced.strip() or replaced.strip().lower() in _YES_OR_NO:
        report("ioto_replace_id is not a claim ID; give the one that stands on the device, whole and quoted.")
    elif "*" in replaced:
        report("ioto_replace_id has stars in place of characters; give the claim ID whole.")


def _check_factory(variables: Mapping[str, Any], report: Callable[[str], None]) -> None:
    url = variables.get("ioto_service_url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        report("the flow factory needs ioto_service_url, an http or https URL.")
    if str(variables.get("ioto_factory_delivery", "controller")) not in {"controller", "agent"}:
        report("ioto_factory_delivery has to be controller or agent.")


def _is_scanned(unit: _BatchUnit) -> bool:
    """Whether the unit gets the ID of a label that was printed beforehand."""
    return unit.mode is Mode.MANUAL and "ioto_scan" in unit.variables


def _templates(variables: Mapping[str, Any]) -> Sequence[str]:
    said = (variables.get(name) for name in ("ioto_label_qr", "ioto_label_layout"))
    return qr_templates(*(value if value is None else str(value) for value in said))


def _replaced_by_agents(units: Iterable[_BatchUnit]) -> Iterable[Problem]:
    sentence = (
        "ioto_replace_id is set, and an agent makes or asks for an ID only if it has none yet; have the controller "
        "write it (ioto_mode: manual, or ioto_factory_delivery: controller)."
    )
    for unit in units:
        delivery = unit.variables.get("ioto_factory_delivery")
        by_agent = unit.mode is Mode.AUTO or (unit.mode is Mode.FACTORY and delivery == "agent")
        if by_agent and unit.variables.get("ioto_replace_id") is not None:
            yield Problem((unit.host,), sentence)


def _without_reason(units: Iterable[_BatchUnit]) -> Iterable[Problem]:
    hosts: dict[str, list[str]] = defaultdict(list)
    for unit in units:
        if not str(unit.variables.get("ioto_reason") or "").strip():
            for option in REPLACING:
                if unit.variables.get(f"ioto_{option}") is not None:
                    hosts[f"ioto_{option}"].append(unit.host)
    for name, found in hosts.items():
        yield Problem(tuple(found), f"with {name} the ledger keeps why; give ioto_reason.")


def _shared(
    units: Iterable[_BatchUnit],
    key_of: Callable[[_BatchUnit], object],
    sentence: str,
    shown: Callable[[_BatchUnit], str] = lambda _unit: "",
) -> Iterable[Problem]:
    """A problem for each group of units that share a key that only one may have; `sentence` has it as `shown`."""
    groups: dict[object, list[_BatchUnit]] = defaultdict(list)
    for unit in units:
        if key := key_of(unit):
            groups[key].append(unit)
    return [
        Problem(tuple(unit.host for unit in of_key), f"{sentence.format(shown(of_key[0]))}.")
        for of_key in groups.values()
        if len(of_key) > 1
    ]


def _look_alikes(units: Iterable[_BatchUnit]) -> Iterable[Problem]:
    """A problem for serials of one product that differ in capitals and signs alone; a pattern allows them."""
    groups: dict[object, dict[str, str]] = defaultdict(dict)
    for unit in units:
        if unit.serial is not None and _pattern(unit) is None:
            letters = "".join(filter(str.isalnum, unit.serial.casefold()))
            groups[unit.product, letters or unit.serial].setdefault(unit.serial, unit.host)
    sentence = (
        "their serials ({}) differ in capitals or signs alone, as one that was typed twice; correct one, or, where "
        "both are right, give ioto_serial_pattern."
    )
    for alike in groups.values():
        if len(alike) > 1:
            yield Problem(tuple(alike.values()), sentence.format(" and ".join(map(quoted, alike))))


def _address(unit: _BatchUnit) -> object:
    """What a connection leads to; hosts behind different jump hosts may have the same address."""
    if unit.mode is Mode.FIRMWARE:
        return None
    get = unit.variables.get
    way = (
        str(get("ansible_connection", "ssh")).removeprefix("ansible.builtin."),
        get("ansible_host", unit.host),
        get("ansible_port", SSH_PORT),
        get("ansible_ssh_common_args") or "",
        normpath(str(get("ioto_config_dir", DEFAULT_CONFIG_DIR))),
    )
    return tuple(map(str, way))  # a list, which is told elsewhere, could not be looked up


def _in_ledgers(units: Iterable[_BatchUnit]) -> Iterable[Problem]:
    """Problems of the ledgers, and of given claim IDs with what these know. One that is not there yet knows nothing.

    One that cannot be opened, written or made is a problem of all its hosts, once.
    """
    by_ledger: dict[str | None, list[_BatchUnit]] = defaultdict(list)
    for unit in units:
        location = unit.variables.get("ioto_ledger")
        by_ledger[None if location is None else str(location)].append(unit)
    for location, members in by_ledger.items():
        try:
            with Ledger.of_run(location, read_only=True) as ledger:
                ledger.database.check_usable()
                yield from _taken(ledger, [unit for unit in members if unit.claim_id])
                yield from _ids_among_properties(ledger, members)
        except IotoError as error:
            yield Problem(tuple(unit.host for unit in members), str(error), error.kind)


def _ids_among_properties(ledger: Ledger, units: Sequence[_BatchUnit]) -> Iterable[Problem]:
    """Problems of properties that are claim IDs of the ledger: they were meant to be given, and would not be."""
    values: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for unit in units:
        properties = unit.variables.get("ioto_properties")
        for name, value in properties.items() if isinstance(properties, Mapping) else ():
            for claim_id in _ids_in(value):
                values[claim_id].append((unit.host, name))
    for claim_id in ledger.holders(values):
        for host, name in values[claim_id]:
            yield Problem(
                (host,),
                f"its property {quoted(name)} is a claim ID of the ledger; call it claim_id, or give it another value.",
            )


def _ids_in(value: object) -> set[str]:
    """What `value` is as a claim ID, with or without what stands before a colon."""
    found = set()
    if isinstance(value, str):
        for text in (value, value.rpartition(":")[2]):
            with suppress(InvalidClaimIdError):
                found.add(parse(text))
    return found


def _taken(ledger: Ledger, units: Sequence[_BatchUnit]) -> Iterable[Problem]:
    scanned = [other for unit in units if _is_scanned(unit) and (other := exchanged(unit.claim_id))]
    holders = ledger.holders([*(unit.claim_id for unit in units if unit.claim_id), *scanned])
    for unit in units:
        holder = holders.get(unit.claim_id or "")
        if holder is None and _is_scanned(unit):
            hint = f": {HINT}" if is_exchanged(unit.claim_id or "", holders) else ""
            yield Problem((unit.host,), f"the ledger does not know the claim ID on its label{hint}.")
        elif holder is None:
            try:
                check_typed(unit.claim_id or "", _length(unit.variables) or DEFAULT_LENGTH)
            except InvalidClaimIdError as error:
                yield Problem((unit.host,), f"{error} (ioto_claim_id)")
        if holder is not None and (reason := _trouble(holder, unit)):
            yield Problem((unit.host,), reason)


def _trouble(holder: Claim, unit: _BatchUnit) -> str | None:
    if holder.state is State.RETIRED:
        because = printable(holder.reason or "")
        return f"the claim ID {mask(holder.claim_id)} was retired ({because}); give this unit another one."
    other_unit = unit.serial is not None and holder.unit is not None and not is_same_serial(holder.unit, unit.serial)
    other_product = unit.product is not None and holder.product != unit.product
    if other_unit or other_product:
        return (
            f"the claim ID {mask(holder.claim_id)} belongs to unit {quoted(holder.unit)} of product {holder.product}; "
            "give this unit another one."
        )
    return None
