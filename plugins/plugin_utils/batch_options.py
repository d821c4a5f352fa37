# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, for a whole batch, that the variables of each host's flow are of the kind that the flow takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .batch_check import Problem
from .errors import IotoError
from .fleet.flow import VARIABLES, FlowError, flow_options
from .serialization import IDENTITY_KEYS

__all__ = ["VARIABLES", "check_options"]


def check_options(
    hosts: Mapping[str, Mapping[str, Any]], complete: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> list[Problem]:
    """Return what `complete`, which raises `IotoError`, says of each host's options; equal ones are one problem."""
    troubled: dict[str, list[str]] = {}
    for host, variables in hosts.items():
        for sentence in _sentences(variables, complete):
            troubled.setdefault(sentence, []).append(host)
    return [Problem(tuple(names), sentence) for sentence, names in troubled.items()]


def _sentences(variables: Mapping[str, Any], complete: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> list[str]:
    try:
        options = flow_options(variables)
    except FlowError:
        return []  # an unknown flow is the batch check's to tell, and images have a check of their own
    if options is None:
        return []
    found = []
    # One by one, so that each is told, and by the name that it has in the inventory.
    for option, value in options.items():
        try:
            complete({option: value})
        except IotoError as error:
            found.append(str(error).replace(f"'{option}'", f"'ioto_{option}'"))
    properties = options.get("properties")
    if isinstance(properties, Mapping):
        found += [
            f"ioto_properties holds {key}, which is no free one; give it as ioto_claim_id or ioto_product."
            for key in IDENTITY_KEYS
            if key in properties
        ]
    return found
