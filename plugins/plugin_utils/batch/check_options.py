# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, for a whole batch, that the variables of each host are of the kind that their options take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from ..device.state import IDENTITY_KEYS
from ..display_text import printable
from ..errors import IotoError
from ..flows.flow import FlowError, flow_variables
from ..option import Option, stays
from ..production_order.columns import reserved_meant
from .problem import Problem

Complete = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""Checks arguments against their specification. Raises `IotoError`."""

_SHOWN_CHARACTERS = 40

_Checked = dict[tuple[int, type, object], list[str]]
"""What is wrong with an option's value, for those that were looked at: an option is one object as long as we run."""

Taken = Callable[[Mapping[str, Any]], Mapping[str, Option]]
"""Tells which of a host's variables say an option, by variable."""


def check_options(
    hosts: Mapping[str, Mapping[str, Any]], complete: Complete, taken: Taken | None = None
) -> list[Problem]:
    """Return what is wrong with the variables of each host that are `taken`; what is the same for many is one problem.

    Without `taken`, those of the flow that the host takes; images have a check of their own.
    """
    troubled: dict[str, list[str]] = {}
    checked: _Checked = {}
    for host, variables in hosts.items():
        for sentence in _sentences(variables, (taken or _of_the_flow)(variables), complete, checked):
            troubled.setdefault(sentence, []).append(host)
    return [Problem(tuple(found), sentence) for sentence, found in troubled.items()]


def without(hosts: Mapping[str, Mapping[str, Any]], problems: Iterable[Problem]) -> dict[str, Mapping[str, Any]]:
    """Return those of `hosts` that none of `problems` is about."""
    troubled = {host for problem in problems for host in problem.hosts}
    return {host: variables for host, variables in hosts.items() if host not in troubled}


def property_notices(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a notice of properties that are not texts, with a value of each as it is written; [] where all are texts.

    What was typed nobody can see any more: of 0012 YAML has made 10.
    """
    found: dict[str, str] = {}
    for variables in hosts.values():
        properties = variables.get("ioto_properties")
        for name, value in properties.items() if isinstance(properties, Mapping) else ():
            if value is None or isinstance(value, bool | int | float):
                found.setdefault(str(name), f"{printable(str(name))}: {json.dumps(value)}")
    if not found:
        return []
    return [f"Properties are written as no texts ({', '.join(found.values())}); quote what is to be a text."]


def _of_the_flow(variables: Mapping[str, Any]) -> Mapping[str, Option]:
    try:
        return flow_variables(variables)
    except FlowError:
        return {}  # an unknown flow is the batch check's to tell


def _sentences(
    variables: Mapping[str, Any], options: Mapping[str, Option], complete: Complete, checked: _Checked
) -> list[str]:
    found = []
    # One by one, so that each is told, and by the name that it has in the inventory.
    for name, option in options.items():
        value = variables[name]
        if not isinstance(value, str | int | float | None):
            found += _sentences_of(name, option, value, complete)
            continue
        # Most hosts of a group have the same values.
        key = (id(option), type(value), value)
        if key not in checked:
            checked[key] = _sentences_of(name, option, value, complete)
        found += checked[key]
    properties = variables["ioto_properties"] if "ioto_properties" in options else None
    if isinstance(properties, Mapping):
        found += [
            f"ioto_properties holds {printable(str(key))}, which is reserved; give it as ioto_claim_id or ioto_product."
            for key in properties
            if key in IDENTITY_KEYS or reserved_meant(str(key))
        ]
        found += [
            f'ioto_properties holds {key}, which YAML takes for a date; quote it, as in {key}: "{value}".'
            for key, value in ((printable(str(key)), value) for key, value in properties.items())
            if isinstance(value, date)
        ]
    return found


def _sentences_of(name: str, option: Option, value: Any, complete: Complete) -> list[str]:
    """Return what is wrong with the `value` of an option, whose variable is `name`."""
    if isinstance(value, bool) and option.is_number:
        return [f"{name} is a yes or no; give {option.wanted()}."]  # Ansible takes it for 1 or 0
    try:
        completed = value if stays(option.spec, value) else complete({name: value}, {name: option.spec})[name]
    except IotoError as error:
        return [_no_number(name, value, option) if option.is_number else str(error)]
    if not option.is_in_range(completed):
        return [_no_number(name, value, option)]
    try:
        if option.convert:
            option.convert(completed)
    except IotoError as error:
        return [str(error)]
    return []


def _no_number(name: str, value: object, option: Option) -> str:
    return f"{name} is {printable(str(value)[:_SHOWN_CHARACTERS])}; give {option.wanted()}."
