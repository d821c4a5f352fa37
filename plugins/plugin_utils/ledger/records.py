# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger holds, as plain values: claims, events, what may be asked, and what may go wrong."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypedDict

from .. import claim_ids
from ..errors import IotoError


class LedgerError(IotoError):
    """The ledger cannot be used, or refuses what was asked."""


class InvalidUnitError(LedgerError):
    """A text that cannot name a unit."""


class UnknownClaimError(LedgerError):
    """A claim ID that the ledger does not hold."""


class ClaimConflictError(LedgerError):
    """A claim ID and a unit that do not belong together; `claim` is the claim that stands in the way."""

    def __init__(self, message: str, claim: Claim) -> None:
        super().__init__(message)
        self.claim = claim


class State(StrEnum):
    """How far a claim has come. It only moves down this list."""

    ALLOCATED = "allocated"
    """The ledger holds it for the unit; no device has it yet, as far as we know."""
    WRITTEN = "written"
    VERIFIED = "verified"
    """Read back from the device."""
    LABELLED = "labelled"
    RETIRED = "retired"
    """Out of use, with a reason; the ID is never issued again."""

    def is_past(self, other: State) -> bool:
        """Say whether a claim in this state has left `other` behind."""
        return _ORDER[self] > _ORDER[other]


_ORDER = {state: order for order, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Context:
    """By whom something is done (`user@station`), at which device (its inventory name), in which run.

    `operator` is who stands at the line, where somebody said so.
    """

    actor: str
    host: str | None = None
    operator: str | None = None
    run: str | None = None

    @classmethod
    def here(cls, host: str | None = None) -> Context:
        """Return the context of whoever runs this process on this machine."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError):  # a user ID without a name, as in some containers
            user = "unknown"
        return cls(f"{user}@{platform.node()}", host)


class Claim(NamedTuple):
    """One claim ID and the unit that it belongs to.

    `unit` is None for an ID that is reserved (a pre-printed label) and not bound to a unit yet.
    `source` says where the ID came from: given, generated, service, agent, imported, reserved.
    `host` is the inventory name under which the unit was last seen. The times are aware, in UTC.
    """

    # A named tuple, as `AllocationRequest` is: the ledger makes one for each unit, and a frozen dataclass takes five
    # times as long.
    claim_id: str
    product: str
    unit: str | None
    state: State
    source: str
    created_at: datetime
    updated_at: datetime
    host: str | None = None
    reason: str | None = None
    details: Mapping[str, object] = {}

    def __repr__(self) -> str:
        """Leave out what must be in no log."""
        return f"Claim({self.masked}, product={self.product!r}, unit={self.unit!r}, state={self.state.value!r})"

    @property
    def is_live(self) -> bool:
        """Whether the ID is in use, or waits to be."""
        return self.state is not State.RETIRED

    @property
    def masked(self) -> str:
        """The claim ID as it may be shown."""
        return claim_ids.mask(self.claim_id)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the ledger's history, which is never changed: what, when, by whom, where."""

    id: int
    at: datetime
    action: str
    claim_id: str | None = field(repr=False)
    product: str | None
    unit: str | None
    actor: str
    host: str | None
    detail: str | None
    run: str | None
    operator: str | None
    reason: str | None
    key: str


class AllocationRequest(NamedTuple):
    """A unit that needs a claim ID: this one (`claim_id`), or a new one of `length` characters."""

    product: str
    unit: str
    source: str
    context: Context
    claim_id: str | None = None
    length: int = claim_ids.DEFAULT_LENGTH
    details: Mapping[str, object] | None = None

    def __repr__(self) -> str:
        """Leave out what must be in no log."""
        return f"AllocationRequest(product={self.product!r}, unit={self.unit!r}, source={self.source!r})"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A claim that has come to `state`."""

    claim_id: str = field(repr=False)
    state: State
    context: Context
    detail: str | None = None


class Subject(TypedDict, total=False):
    """What an event is about, as far as that is known."""

    claim_id: str | None
    product: str | None
    unit: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something to remember that changes no claim, such as a reprint; `action` is mostly an `EventKind`."""

    action: str
    context: Context
    claim_id: str | None = field(default=None, repr=False)
    product: str | None = None
    unit: str | None = None
    detail: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A unit that asked for a claim ID it could not have.

    `event` says who asked, for which ID and where; `holder` is the claim with that ID as it stands now, if any.
    It is settled once the unit has been given an ID, has been read back, or somebody recorded `resolved` for it.
    """

    event: Event
    holder: Claim | None
    settled: bool


@dataclass(frozen=True, slots=True)
class LedgerSummary:
    """How many claims there are: in all, reserved and not bound, in each state, in each state of each product."""

    total: int
    reserved: int
    states: Mapping[State, int]
    products: Mapping[str, Mapping[State, int]]


def parse_unit(text: str) -> str:
    """Return what names a unit (a serial number, a MAC), spaces around it cut. Raises `InvalidUnitError`."""
    unit = str(text).strip()
    if not unit:
        raise InvalidUnitError("The unit has no name; give its serial number.")
    if len(unit) > claim_ids.MAX_UNIT_LENGTH:
        raise InvalidUnitError(
            f"The unit's name has {len(unit)} characters, and the ledger takes {claim_ids.MAX_UNIT_LENGTH}; shorten it."
        )
    if not unit.isprintable():
        raise InvalidUnitError(f"The unit's name {unit!a} holds a character that cannot be printed; correct it.")
    return unit
