# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a unit that comes back or is changed: the acts, and who asks for which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ...claim_ids import parse, parse_product
from ...display_text import quoted
from ...errors import IotoError
from ...identity.mac_addresses import is_same_serial
from ..records import Context, parse_recorded_unit, parse_unit


class Act(StrEnum):
    """What is done, as `ioto_rework` says it."""

    SCRAP = "scrap"
    """The unit ends; its ID never comes back."""
    NEW_BOARD = "new-board"
    """Another board in the same case: the serial stays, the ID of the old board is retired."""
    NEW_CASE = "new-case"
    """The same board under another serial; its ID stays or not, as chosen."""
    RELABEL = "relabel"
    """The unit gets another label; those that it has are void."""
    CAME_BACK = "came-back"
    """The unit is here again; nothing is issued."""


@dataclass(frozen=True, slots=True)
class ReworkRequest:
    """An act on the unit that has the claim `claim_id`, or that is `serial` of `product`, which may be left out.

    A new case needs `new_serial` and `keeps_id`. `line` is that of the file that asks for it.
    """

    act: Act
    reason: str
    context: Context
    serial: str | None = None
    product: str | None = None
    claim_id: str | None = field(default=None, repr=False)
    new_serial: str | None = None
    keeps_id: bool | None = None
    line: int | None = None


def parse_request(values: Mapping[str, Any], context: Context, line: int | None = None) -> ReworkRequest | list[str]:
    """Return what `values` ask for (`act`, `reason` and the other names of a request), or all that is wrong with them.

    What is not given is None or empty.
    """
    given = {name: value for name, value in values.items() if value not in (None, "")}
    problems: list[str] = []
    parsed: dict[str, Any] = {}
    for name, read in (
        *(("claim_id", parse), ("product", parse_product)),
        *(("serial", parse_recorded_unit), ("new_serial", parse_unit)),
    ):
        if name in given:
            try:
                parsed[name] = read(str(given[name]))
            except IotoError as error:
                problems.append(str(error))
    act = _act(given.get("act"))
    reason = str(given.get("reason", "")).strip()
    keeps_id = given.get("keep_id")
    problems += _missing(act, given, reason)
    if context.operator is None:
        problems.append("An act of rework needs somebody who answers for it; give a name or a badge (ioto_operator).")
    if isinstance(act, str) and not isinstance(act, Act):
        problems.insert(0, act)
    elif not problems and is_same_serial(parsed.get("serial"), parsed.get("new_serial", "")):
        problems.append(f"The unit {quoted(parsed['serial'])} is to become itself; correct one of the two serials.")
    if problems or not isinstance(act, Act):
        return problems
    return ReworkRequest(act, reason, context, **parsed, keeps_id=keeps_id, line=line)


def _act(said: object) -> Act | str:
    """Return the act, or what is wrong with the word for it."""
    listed = ", ".join(Act)
    if said is None:
        return f"Nothing says what is done with the unit; give the act (ioto_rework), one of {listed}."
    word = str(said).strip().lower().replace("_", "-").replace(" ", "-")
    return Act(word) if word in set(Act) else f"The act {quoted(str(said))} is not known; it is one of {listed}."


def _missing(act: Act | str, given: Mapping[str, Any], reason: str) -> Iterator[str]:
    if not reason:
        yield "An act of rework needs a reason, which the history keeps; give it (ioto_reason)."
    if "serial" not in given and "claim_id" not in given:
        yield (
            "Nothing says which unit is meant; give its serial (ioto_rework_serial), or its claim ID "
            "(ioto_rework_claim_id)."
        )
    if act is Act.NEW_CASE:
        if "new_serial" not in given:
            yield "A new case has a new serial; give it (ioto_rework_new_serial)."
        if not isinstance(given.get("keep_id"), bool):
            yield "Say whether the claim ID stays with the board in its new case: ioto_rework_keep_id, true or false."
    elif isinstance(act, Act):
        for name in ("new_serial", "keep_id"):
            if name in given:
                yield f"ioto_rework_{name} has no meaning for the act {act}; leave it out."
