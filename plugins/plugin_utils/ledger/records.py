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
from typing import Annotated, NamedTuple

from .. import claim_ids
from ..display_text import quoted
from ..errors import FailureKind, IotoError
from ..identity.mac_addresses import normal_serial
from .columns import LedgerColumn
from .event_kinds import EventKind
from .run_number import THIS_RUN


class LedgerError(IotoError):
    """The ledger cannot be used, or refuses what was asked."""

    kind = FailureKind.RECORDS


class UnreadableRowsError(LedgerError):
    """A ledger in which something is not what it was, met by whoever reads it and does not check the whole."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The ledger is damaged: {what}; have it checked (ioto_ledger_job=check), and restore the newest of its "
            "backups in which nothing is found."
        )


class LockedLedgerError(LedgerError):
    """What was asked for is held by another session of the server, which did not let go in time."""


class LocksFreedError(LockedLedgerError):
    """What was asked for was held by a session whose client is gone; it is ended, and nothing was recorded."""


class InvalidUnitError(LedgerError):
    """A text that cannot name a unit."""

    kind = FailureKind.IDENTITY


class UnknownClaimError(LedgerError):
    """A claim ID that the ledger does not hold."""


class ClaimConflictError(LedgerError):
    """A claim ID and a unit that do not belong together; `claim` is the claim that stands in the way."""

    kind = FailureKind.CONFLICT

    def __init__(self, message: str, claim: Claim) -> None:
        super().__init__(message)
        self.claim = claim


class GivenClaimError(ClaimConflictError):
    """A claim ID that was asked for, such as that of a label, and that the unit cannot have."""

    kind = FailureKind.LABEL


class DeviceConflictError(ClaimConflictError):
    """A device that says that it is a unit, and is not the one that the ledger knows; `device` is what it is."""

    def __init__(self, message: str, claim: Claim, device: str) -> None:
        super().__init__(message, claim)
        self.device = device


class TwinError(DeviceConflictError):
    """Two devices of one run that say that they are the same unit or board; `twin` is the host of the other."""

    kind = FailureKind.TWIN

    def __init__(self, message: str, claim: Claim, twin: str, device: str) -> None:
        super().__init__(message, claim, device)
        self.twin = twin


def parse_unit(text: str) -> str:
    """Return what names a unit (a serial number, a MAC) in its one form, for whoever asks. Raises `InvalidUnitError`.

    A unit that has a claim already may be in the ledger by another notation, and keeps that one.
    """
    return normal_serial(parse_recorded_unit(text))


def parse_recorded_unit(text: str) -> str:
    """Return what names a unit, spaces around it cut, in the notation that it has. Raises `InvalidUnitError`."""
    unit = str(text).strip()
    if not unit:
        raise InvalidUnitError("The unit has no name; give its serial number.")
    if len(unit) > claim_ids.MAX_UNIT_LENGTH:
        raise InvalidUnitError(
            f"The unit's name has {len(unit)} characters, and the ledger takes {claim_ids.MAX_UNIT_LENGTH}; shorten it."
        )
    if not unit.isprintable():
        shown = claim_ids.quoted_masked(unit)
        raise InvalidUnitError(f"The unit's name {shown} holds a character that cannot be printed; correct it.")
    return unit


class State(StrEnum):
    """How far a claim has come. It only moves down this list."""

    ALLOCATED = "allocated"
    """The ledger holds it for the unit; no device has it yet, as far as we know."""
    WRITTEN = "written"
    """It is in the file on the device, and was not read back."""
    VERIFIED = "verified"
    """Read back from the device."""
    LABELLED = "labelled"
    """Read back, and its label was made."""
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
    def here(cls, host: str | None = None, *, run: str | None = None) -> Context:
        """Return the context of whoever runs this process on this machine, in `run` or the one it belongs to."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError):  # a user ID without a name, as in some containers
            user = "unknown"
        return cls(f"{user}@{platform.node()}", host, run=run or THIS_RUN)


class Claim(NamedTuple):
    """One claim ID and the unit that it belongs to: a row of the ledger, and the declaration of its columns.

    `unit` is None for an ID that is reserved (a pre-printed label) and not bound to a unit yet.
    `source` says where the ID came from: given, generated, service, agent, imported, reserved.
    `host` is the inventory name under which the unit was last seen, `run` the number of the run in which its device
    last asked for it. `twin` is the host of another device that said, in one run with it, that it is the unit or its
    board, until that is resolved; `unsettled_at` is since when the device is written again and not read back.
    `replaces` is the retired claim ID in whose place the unit got this one. The times are aware, in UTC.
    """

    # A named tuple, as `AllocationRequest` is: the ledger makes one for each unit, and a frozen dataclass takes five
    # times as long. A new field is the last, has a default, and comes with a migration.
    claim_id: Annotated[str, LedgerColumn(parse=claim_ids.parse, is_claim_id=True)]
    product: Annotated[str, LedgerColumn(parse=claim_ids.parse_product)]
    unit: Annotated[str | None, LedgerColumn(task_name="serial", parse=parse_recorded_unit)]
    state: State
    source: str
    created_at: Annotated[datetime, LedgerColumn(is_reported=False)]
    updated_at: Annotated[datetime, LedgerColumn(is_reported=False)]
    host: Annotated[str | None, LedgerColumn(is_told=False)] = None
    reason: Annotated[str | None, LedgerColumn(is_reported=False)] = None
    details: Annotated[Mapping[str, object], LedgerColumn(is_told=False, is_reported=False)] = {}
    run: Annotated[str | None, LedgerColumn(is_told=False, is_reported=False)] = None
    twin: Annotated[str | None, LedgerColumn(is_told=False, is_reported=False)] = None
    unsettled_at: Annotated[datetime | None, LedgerColumn(is_told=False, is_reported=False)] = None
    replaces: Annotated[str | None, LedgerColumn(parse=claim_ids.parse, is_claim_id=True, is_told=False)] = None

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

    @property
    def doubt(self) -> str | None:
        """Why the claim counts for less than its state says; None where it does not."""
        if self.twin is not None:
            return f"two devices said that they are unit {quoted(self.unit)} or its board: {resolve_first(self)}"
        if self.unsettled_at is not None:
            return "its device was written again and not verified: run again"
        return None


def resolve_first(claim: Claim) -> str:
    """Return what to do before a claim that twins asked for counts again."""
    return f"find out which of them is, then settle it (ledger_entry with action: resolve for {claim.masked})"


class Event(NamedTuple):
    """One line of the ledger's history, which is never changed: what, when, by whom, where; as `Claim`, a declaration.

    A field that `Context` or `NewEvent` has by the same name is taken from there when the event is written.
    """

    id: Annotated[int, LedgerColumn(is_row_number=True, is_told=False)]
    at: datetime
    kind: Annotated[EventKind | str, LedgerColumn(name="action")]
    """What an old ledger may hold and this version does not know is text."""
    claim_id: Annotated[str | None, LedgerColumn(parse=claim_ids.parse, is_claim_id=True, is_told=False)]
    product: Annotated[str | None, LedgerColumn(parse=claim_ids.parse_product, is_told=False)]
    unit: Annotated[str | None, LedgerColumn(task_name="serial", parse=parse_recorded_unit)]
    actor: str
    host: Annotated[str | None, LedgerColumn(is_told=False)]
    detail: Annotated[str | None, LedgerColumn(is_told=False)]
    run: str | None
    """The number of the run that it belongs to."""
    operator: str | None
    """Who stood at the line."""
    reason: str | None
    key: Annotated[str, LedgerColumn(is_told=False)]
    """The same in every ledger that the event is moved to or merged into, where its `id` is another."""

    def __repr__(self) -> str:
        """Leave out what must be in no log."""
        return f"Event({self.id}, {str(self.kind)!r}, product={self.product!r}, unit={self.unit!r}, at={self.at})"

    @property
    def by(self) -> str:
        """Who did it, as people read it: the operator, if one was named, and the account."""
        return self.actor if self.operator is None else f"{self.operator}, {self.actor}"


class AllocationRequest(NamedTuple):
    """A unit that needs a claim ID: this one (`claim_id`), or a new one of `length` characters.

    `details` are what is known of its device; None: nothing, and nothing is compared. `accepts` is a fact that the
    ledger has of the unit's device where another device, or key, may take its place, for that `reason`.
    `former_product` is the one under which the unit had a claim that a replacement ends as well.
    """

    product: str
    unit: str
    source: str
    context: Context
    claim_id: str | None = None
    length: int = claim_ids.DEFAULT_LENGTH
    details: Mapping[str, object] | None = None
    accepts: str | None = None
    reason: str | None = None
    former_product: str | None = None

    def __repr__(self) -> str:
        """Leave out what must be in no log."""
        return f"AllocationRequest(product={self.product!r}, unit={self.unit!r}, source={self.source!r})"


@dataclass(frozen=True, slots=True)
class ReserveRequest:
    """A number of new IDs of `length` that wait for their units; `details` are kept with each."""

    product: str
    count: int
    context: Context
    length: int = claim_ids.DEFAULT_LENGTH
    details: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """A claim that has come to `state`."""

    claim_id: str = field(repr=False)
    state: State
    context: Context
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What more is known of a claim's unit: `details` are added to those that the claim has.

    `is_unsettled` says whether its device is written again and not read back yet; None: that stays as it is.
    """

    claim_id: str = field(repr=False)
    details: Mapping[str, object]
    context: Context
    is_unsettled: bool | None = None


class NewEvent(NamedTuple):
    """Something to remember. Its fields are called as those of `Event` are."""

    kind: EventKind
    context: Context
    claim_id: str | None = None
    product: str | None = None
    unit: str | None = None
    detail: str | None = None
    reason: str | None = None

    def __repr__(self) -> str:
        """Leave out what must be in no log."""
        return f"NewEvent({self.kind.value!r}, product={self.product!r}, unit={self.unit!r})"


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
