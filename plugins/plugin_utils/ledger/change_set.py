# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One transaction of the ledger: the claims it touches are read, changed in memory by the rules, and written.

Whatever the operation and however many units, a change set costs a few statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import TypedDict, Unpack

from sqlalchemy.engine import Connection

from .. import claim_ids
from ..display_text import printable
from ..identity.mac_addresses import is_same_serial, normal_serial
from .boards import KnownBoards, brings_another_board, second_unit_on_board
from .bulk_rows import insert_claims, insert_events, read_by_claim_id, read_given_up, read_live, update_claims
from .conflicts import insert_conflicts, settle_statements
from .counts import ClaimKind, count_statements
from .device_check import accepted, details_of, device_conflict, news_of, run_of, second_unit, twins_of
from .event_kinds import EventKind
from .predecessors import Predecessors
from .records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    Description,
    DeviceConflictError,
    GivenClaimError,
    LedgerError,
    NewEvent,
    ReserveRequest,
    State,
    UnknownClaimError,
)
from .row_values import clean, tidy

_ALLOCATED = State.ALLOCATED.value
_KIND_OF = {state: EventKind(state.value) for state in State}


class Touched(TypedDict, total=False):
    """What a transaction touches: units and claims, by ID, boards by their names, and the units (each with its
    product) that may get a claim.
    """

    units: Iterable[str]
    ids: Iterable[str | None]
    boards: Iterable[str]
    new_for: Iterable[tuple[str, str]]


class ChangeSet:
    """The live claims of some units and the claims with some IDs, and what happens to them. Ends with `save`."""

    def __init__(self, connection: Connection, *, lock: bool = True, **touched: Unpack[Touched]) -> None:
        """Read the claims that the rules will look at; `lock` what changes."""
        self.now = datetime.now(UTC)
        self._connection = connection
        self._claims: dict[str, Claim] = {}
        self._live: dict[tuple[str, str], str] = {}
        self._boards = KnownBoards()
        self._new: dict[str, None] = {}  # in the order in which they were asked for
        self._changed: set[str] = set()
        self._events: list[NewEvent] = []
        self._conflicts: list[NewEvent] = []
        self._counts: Counter[ClaimKind] = Counter()
        units, ids = set(touched.get("units", ())), filter(None, touched.get("ids", ()))
        self._draw = _Draw(len(units) or 1)
        new_for = list(touched.get("new_for", ()))
        on_boards = self._boards.read(connection, touched.get("boards", ()), lock=lock)
        of_units, by_id = read_live(connection, units, lock=lock), read_by_claim_id(connection, ids, lock=lock)
        given_up = read_given_up(connection, (unit for _product, unit in new_for))  # asked before any answer is taken
        for claim in chain(on_boards, of_units, by_id):
            self._put(claim, is_written=True)
        self.given_up = Predecessors()
        if any(self.live(*unit) is None for unit in new_for):
            self.given_up.read(claim for claim in given_up if self.live(claim.product, claim.unit or "") is None)

    def live(self, product: str, unit: str) -> Claim | None:
        """Return the unit's live claim."""
        claim_id = self._live.get((product, normal_serial(unit)))
        return None if claim_id is None else self._claims[claim_id]

    def get(self, claim_id: str) -> Claim | None:
        """Return the claim with that ID, in any state."""
        return self._claims.get(claim_id)

    def known(self, claim_id: str) -> Claim:
        """Return the claim with that ID or raise `UnknownClaimError`."""
        if claim := self._claims.get(claim_id):
            return claim
        raise UnknownClaimError(_unknown(claim_id))

    def allocate(self, request: AllocationRequest) -> Claim:
        """Give the unit its claim: the one it has, the one it asks for, or a new one. Raises `ClaimConflictError`."""
        live = self.live(request.product, request.unit)
        if live is not None:
            # In the notation that the ledger has.
            request = request._replace(unit=live.unit or request.unit)
            self._check_device(live, request)
            if brings_another_board(live, request):
                self.check_board(request)
            if request.claim_id in (None, live.claim_id):
                self._events += accepted(live, request)
                return self._see(live, request.context, news_of(live, request), run_of(request))
            holder = self._claims.get(request.claim_id or "")
            if holder is not None and not _waits_for(holder, request):
                raise self._conflict(request, holder, taken(holder))
            raise self._conflict(request, live, _has_another(live, request))
        if request.details:
            self.check_board(request)
        if request.claim_id is None:
            return self._insert_allocated(request, self._draw.one(request.length, self._claims))
        holder = self._claims.get(request.claim_id)
        if holder is None:
            return self._insert_allocated(request, request.claim_id)
        if not _waits_for(holder, request):
            raise self._conflict(request, holder, taken(holder))
        host, details = clean(request.context.host) or holder.host, {**holder.details, **details_of(request)}
        replaces = self.given_up.take(request.product, request.unit)
        claim = holder._replace(host=host, details=details, run=run_of(request), replaces=replaces)
        return self.bind(claim, request.unit, request.context, f"source {request.source}")

    def bind(self, claim: Claim, unit: str, context: Context, detail: str) -> Claim:
        """Give a claim that waits for its unit to `unit`, which has none."""
        return self._change(claim._replace(unit=unit), EventKind.BOUND, context, detail)

    def describe(self, description: Description) -> Claim:
        """Add to what is known of a claim's unit. Raises `UnknownClaimError`."""
        claim = self._see(self.known(description.claim_id), description.context, description.details)
        if description.is_unsettled in (None, claim.unsettled_at is not None):
            return claim
        since, kind = (self.now, EventKind.UNSETTLED) if description.is_unsettled else (None, EventKind.SETTLED)
        return self._change(claim._replace(unsettled_at=since), kind, description.context)

    def resolve(self, claim: Claim, reason: str, context: Context) -> Claim:
        """Have only one device be the claim's unit, since somebody found out which; without a twin nothing changes."""
        if claim.twin is None or not claim.is_live:
            return claim
        return self._change(claim._replace(twin=None), EventKind.RESOLVED, context, None, reason)

    def replace(self, request: AllocationRequest, reason: str) -> Claim:
        """Retire the unit's live claims and give it the one it asks for, or a new one. Raises `ClaimConflictError`."""
        live = self.live(request.product, request.unit)
        former = self.live(request.former_product or "", request.unit)
        gone = [claim for claim in (live, former) if claim is not None and claim.claim_id != request.claim_id]
        if not gone:
            return self.allocate(request)
        holder = self._claims.get(request.claim_id) if request.claim_id else None
        if holder is not None and holder is not live and not _waits_for(holder, request):
            raise self._conflict(request, holder, taken(holder))
        # All that `allocate` may refuse, before anything is retired: what is refused is saved as far as it came.
        for claim in filter(None, (live, former)):
            self._check_device(claim, request)
        self.check_board(request)
        for claim in gone:
            self.retire(claim, reason, request.context)
        self.given_up.note(request.product, request.unit, gone[0])
        return self.allocate(request)

    def reserve(self, request: ReserveRequest) -> list[Claim]:
        """Make new IDs that wait for their units."""
        product, details = request.product, tidy(request.details or {})
        return [
            self.insert(
                Claim(claim_id, product, None, State.ALLOCATED, "reserved", self.now, self.now, details=details),
                EventKind.RESERVED,
                request.context,
            )
            for claim_id in (self._draw.one(request.length, self._claims) for _n in range(request.count))
        ]

    def advance(self, claim: Claim, state: State, context: Context, detail: str | None = None) -> Claim:
        """Move the claim on to `state`, through every state between; one that it has passed changes nothing."""
        if state is State.RETIRED:
            raise LedgerError("A claim does not advance to retired; retire it, with a reason.")
        if not claim.is_live or claim.unit is None:
            raise ClaimConflictError(_belongs_to_none(claim, state) if claim.is_live else taken(claim), claim)
        for next_state in State:
            if next_state.is_past(claim.state) and not next_state.is_past(state):
                claim = claim._replace(state=next_state, host=clean(context.host) or claim.host)
                claim = self._change(claim, _KIND_OF[next_state], context, detail)
        return claim

    def retire(self, claim: Claim, reason: str, context: Context) -> Claim:
        """Take the claim out of use for ever; a retired one stays as it is."""
        if not claim.is_live:
            return claim
        self.given_up.note(claim.product, claim.unit, claim)
        retired = claim._replace(state=State.RETIRED, reason=clean(reason))
        return self._change(retired, EventKind.RETIRED, context, None, reason)

    def rebind(self, claim: Claim, unit: str, reason: str, context: Context) -> Claim:
        """Move the claim to another unit, which is not known to have it written yet. Raises `ClaimConflictError`."""
        if not claim.is_live:
            raise ClaimConflictError(taken(claim), claim)
        if is_same_serial(claim.unit, unit):
            return claim
        if live := self.live(claim.product, unit):
            request = AllocationRequest(claim.product, unit, claim.source, context, claim.claim_id)
            raise self._conflict(request, live, not_free(unit, live))
        return self._change(_moved(claim, unit, context), EventKind.REBOUND, context, f"from {_holder(claim)}", reason)

    def insert(self, claim: Claim, kind: EventKind, context: Context, detail: str | None = None) -> Claim:
        """Write down a claim that the ledger did not have."""
        self._new[claim.claim_id] = None
        self._counts[ClaimKind.of(claim)] += 1
        self._put(claim)
        self._events.append(NewEvent(kind, context, claim.claim_id, claim.product, claim.unit, detail))
        return claim

    def save(self) -> None:
        """Write the changes, the new claims and the events."""
        connection = self._connection
        update_claims(connection, [self._claims[claim_id] for claim_id in self._changed - self._new.keys()])
        insert_claims(connection, [self._claims[claim_id] for claim_id in self._new])
        self._boards.save(connection)
        also = count_statements(connection.dialect.name, self._counts)
        also += settle_statements(connection, self._events)
        insert_events(connection, self._events, self.now, also)
        insert_conflicts(connection, self._conflicts, self.now)

    def assume_retired(self, ids: Container[str]) -> None:
        """Take the claims with those IDs for retired, as they will be once what was looked at before is done."""
        for claim in [each for each in self._claims.values() if each.is_live and each.claim_id in ids]:
            self._put(claim._replace(state=State.RETIRED))

    def _put(self, claim: Claim, *, is_written: bool = False) -> None:
        before = self._claims.get(claim.claim_id)
        self._boards.put(claim, is_written=is_written)
        if before is not None and before.unit is not None and self.live(before.product, before.unit) is before:
            del self._live[before.product, normal_serial(before.unit)]
        self._claims[claim.claim_id] = claim
        if claim.unit is not None and claim.is_live:
            # A reserved ID that comes back bound and retired is its unit's for a moment, beside the one that it has.
            self._live.setdefault((claim.product, normal_serial(claim.unit)), claim.claim_id)

    def _insert_allocated(self, request: AllocationRequest, claim_id: str) -> Claim:
        product, unit, source, context, now = request.product, request.unit, request.source, request.context, self.now
        host, replaces = clean(context.host), self.given_up.take(product, unit)
        details, run = ({}, None) if request.details is None else (details_of(request), run_of(request))
        seen = host, None, details, run, None, None
        claim = Claim(claim_id, product, unit, State.ALLOCATED, source, now, now, *seen, replaces)
        # As `insert` does, in fewer steps: a crowd's units all come this way.
        self._claims[claim_id] = claim
        self._live[product, unit] = claim_id
        if details:
            self._boards.put(claim)
        self._new[claim_id] = None
        self._counts[_allocated_of(product)] += 1
        self._events.append(NewEvent(EventKind.ALLOCATED, context, claim_id, product, unit, f"source {source}"))
        return claim

    def _check_device(self, live: Claim, request: AllocationRequest) -> None:
        if error := device_conflict(live, request):
            raise self._refused(error, request._replace(product=live.product, unit=live.unit or request.unit))

    def check_board(self, request: AllocationRequest) -> None:
        """Refuse a second ID to a board that is another unit."""
        if claim := second_unit_on_board(self._claims, self._boards, request):
            raise self._refused(second_unit(claim, request), request)

    def _refused(self, error: DeviceConflictError, request: AllocationRequest) -> DeviceConflictError:
        """Note that the device of `request` is refused by `error`; of twins, neither counts until that is resolved."""
        about = error.claim.claim_id, request.product, request.unit
        self.note(NewEvent(EventKind.CONFLICT, request.context, *about, str(error), error.device))
        for claim, twin in twins_of(error, request, self.live(request.product, request.unit)):
            self.hold_back(claim, twin, request.context)
        return error

    def hold_back(self, claim: Claim | None, twin: str | None, context: Context) -> None:
        """Have a `claim` not count until it is resolved that the device at the host `twin` says to be it, too."""
        if claim is not None and claim.is_live and claim.twin is None and (twin := clean(twin)):
            self._change(claim._replace(twin=twin), EventKind.TWINS, context, twin)

    def _see(self, claim: Claim, context: Context, more: Mapping[str, object], run: str | None = None) -> Claim:
        """Note where the unit is now and what more is known of it; without news nothing is written."""
        details = tidy({**claim.details, **more}) if more else claim.details
        seen = claim._replace(host=clean(context.host) or claim.host, details=details, run=run or claim.run)
        return claim if seen == claim else self._change(seen, None, context)

    def _change(self, claim: Claim, kind: EventKind | None, context: Context, *detail_and_reason: str | None) -> Claim:
        claim = _dated(claim, self._claims[claim.claim_id], kind, self.now)
        self._counts[ClaimKind.of(self._claims[claim.claim_id])] -= 1
        self._counts[ClaimKind.of(claim)] += 1
        self._changed.add(claim.claim_id)
        self._put(claim)
        if kind is not None:
            about = claim.claim_id, claim.product, claim.unit
            self._events.append(NewEvent(kind, context, *about, *detail_and_reason))
        return claim

    def note(self, event: NewEvent) -> None:
        """Remember something that changes no claim; a conflict that is recorded and unsettled is not repeated."""
        event = event._replace(claim_id=clean(event.claim_id), product=clean(event.product), unit=clean(event.unit))
        (self._conflicts if event.kind is EventKind.CONFLICT else self._events).append(event)

    def _conflict(self, request: AllocationRequest, holder: Claim, message: str) -> GivenClaimError:
        about = request.claim_id, request.product, request.unit
        self.note(NewEvent(EventKind.CONFLICT, request.context, *about, message))
        return GivenClaimError(message, holder)


class _Draw:
    """New claim IDs, so many by one question to the system as units wait for one."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._drawn: dict[int, list[str]] = {}

    def one(self, length: int, taken: Container[str]) -> str:
        """Return an ID of `length` that is not among those `taken`."""
        drawn = self._drawn.setdefault(length, [])
        while True:
            if not drawn:
                drawn += claim_ids.generate_many(self._at_once, length)
            if (claim_id := drawn.pop()) not in taken:
                return claim_id


@lru_cache(maxsize=256)
def _allocated_of(product: str) -> ClaimKind:
    return ClaimKind(product, _ALLOCATED, 0)


def _waits_for(claim: Claim, request: AllocationRequest) -> bool:
    return claim.is_live and claim.unit is None and claim.product == request.product


def _dated(claim: Claim, before: Claim, kind: EventKind | None, now: datetime) -> Claim:
    """Return `claim` as one that changed now; another run alone makes it no other claim than `before`."""
    return claim if kind is None and before._replace(run=claim.run) == claim else claim._replace(updated_at=now)


def _moved(claim: Claim, unit: str, context: Context) -> Claim:
    """Return `claim` as that of another unit, of which nothing is known yet."""
    host = clean(context.host)
    return claim._replace(unit=unit, state=State.ALLOCATED, host=host, run=None, twin=None, unsettled_at=None)


def _unknown(claim_id: str) -> str:
    return f"The ledger does not know the claim ID {claim_ids.mask(claim_id)}; check it, or import it first."


def _belongs_to_none(claim: Claim, state: State) -> str:
    return (
        f"The claim ID {claim.masked} is reserved and belongs to no unit, so it cannot become {state}; "
        "bind it to its unit first."
    )


def _has_another(live: Claim, request: AllocationRequest) -> str:
    return (
        f"The unit {request.unit} already has the claim ID {live.masked} ({live.state}), not the "
        f"{claim_ids.mask(request.claim_id or '')} that was given; use the one it has, or replace it (ioto_replace_id)."
    )


def _holder(claim: Claim) -> str:
    return "no unit" if claim.unit is None else f"unit {claim.unit}"


def not_free(unit: str, live: Claim) -> str:
    """Return why `unit`, which has the claim `live`, gets no other one, as a sentence."""
    return f"The unit {unit} already has the claim ID {live.masked} ({live.state}); retire that one first."


def taken(claim: Claim) -> str:
    """Return why the ID of `claim` cannot be had, as a sentence."""
    if not claim.is_live:
        because = f" ({printable(claim.reason)})" if claim.reason else ""
        return (
            f"The claim ID {claim.masked} of {_holder(claim)} is retired{because} and is never issued again; "
            "give another one."
        )
    if claim.unit is None:
        return (
            f"The claim ID {claim.masked} is reserved for the product {claim.product}; "
            "give one that is reserved for this product."
        )
    return (
        f"The claim ID {claim.masked} belongs to {_holder(claim)} of product {claim.product} ({claim.state}); "
        "give another one, or rebind that one if it was recorded for the wrong unit."
    )
