# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: which unit has which claim ID, what became of it, and who did that when.

It lives in an SQLite file or a PostgreSQL database (see `Location.parse`). Every operation is one transaction that is
on the disk on return, and asking again for what is already so changes nothing, so that after a crash one simply
runs again. What the database itself guarantees stands in `schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar, Unpack

from sqlalchemy.engine import Connection

from .. import claim_ids
from ..errors import IotoError
from ..identity.board_names import names_of_board
from .bulk_rows import read_by_claim_id, read_live_units
from .change_set import ChangeSet, Touched
from .conflicts import read_conflicts
from .counts import read_summary
from .database import Database
from .deadlines import Deadlines
from .location import Location
from .operations import (
    Change,
    attempt,
    canonical,
    canonical_change,
    change_all,
    note_all,
    only,
    reason_of,
    rebind_one,
    refused,
)
from .parts import PartsRefusedError, look_at_parts, take_over_parts
from .queries import (
    ClaimFilter,
    EventFilter,
    each,
    select_claims,
    select_events,
)
from .records import (
    AllocationRequest,
    Claim,
    Conflict,
    Context,
    Description,
    Event,
    LedgerError,
    LedgerSummary,
    NewEvent,
    ReserveRequest,
    State,
    StateChange,
    parse_recorded_unit,
    parse_unit,
)

MAX_RESERVED = 100_000
"""IDs that one call of `Ledger.reserve` makes at most."""

_MOST_AT_ONCE = 1000
"""Rows that take a server a moment: what is written at once has the time of one statement."""

Place = str | Path | Location | None
"""Where a ledger is: a path, a URL, or a location; None is the default file."""

Item = TypeVar("Item")


class Ledger:
    """An open ledger. Threads may share one; after a fork open another.

    Claim IDs, products and units are taken as people type them and folded (`claim_ids.parse`, `parse_product`,
    `parse_unit`); what cannot be folded raises `InvalidClaimIdError`, `InvalidProductError` or `InvalidUnitError`.
    Any operation may raise `LedgerError` when the database cannot be used.
    """

    def __init__(self, location: Place = None, *, read_only: bool = False, deadlines: Deadlines | None = None) -> None:
        """Open the ledger at `location` and create it where it is absent.

        With `read_only` nothing is created or changed: an absent ledger reads as an empty one. A server has to answer
        by its `deadlines`, which are `Deadlines.usual()` where none are given.
        """
        place = location if isinstance(location, Location) else Location.parse(location)
        self._database = Database(place, read_only=read_only, deadlines=deadlines)
        if read_only:  # whoever writes is refused
            self._database.tell_of_move()

    @classmethod
    def of_run(cls, location: Place = None, *, read_only: bool = False) -> Ledger:
        """Open the ledger for a task of a run: where a server is silent, its devices are told soon."""
        return cls(location, read_only=read_only, deadlines=Deadlines.of_run())

    @classmethod
    def in_memory(cls) -> Ledger:
        """Return a new ledger that ends with this process: for check mode of a whole batch, and for tests."""
        return cls(Location())

    @property
    def location(self) -> str:
        """Where the ledger is, as it may be shown: without a password."""
        return str(self._database.location)

    @property
    def database(self) -> Database:
        """The database as a whole, for its seals and its check."""
        return self._database

    @property
    def is_absent(self) -> bool:
        """Whether a ledger that is only read is not there (yet), and therefore empty."""
        return self._database.is_absent

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # Operations

    def allocate(self, request: AllocationRequest) -> Claim:
        """Return the unit's live claim; where it has none, make one: with the ID that is asked for, or a new one.

        An ID that is reserved for the product is bound to the unit. The request's details (what JSON can hold) are
        kept with a claim that the unit gets now; to add to those of one that it has, `describe` it. Raises
        `ClaimConflictError` where the unit has another ID, or the ID another unit, or is retired; that is recorded as
        a `conflict`.
        """
        return only(self.allocate_many([request]))

    def allocate_many(self, requests: Sequence[AllocationRequest]) -> list[Claim | IotoError]:
        """Do `allocate` for every one of `requests` in one transaction; the answers stand in their order.

        One that cannot be had is answered by its error (`ClaimConflictError` or an invalid name) and spoils no other.
        """
        return self.change_many(requests)

    def change_many(self, asked: Sequence[Change]) -> list[Claim | IotoError]:
        """Do `allocate`, `advance` or `describe`, each by what is asked, in one transaction, one after the other.

        The answers stand in their order; what cannot be done is answered by its error, and spoils no other.
        """
        checked = [attempt(canonical_change, change) for change in asked]
        good = [change for change in checked if not isinstance(change, IotoError)]
        if not good:
            return [error for error in checked if isinstance(error, IotoError)]
        requests = [change for change in good if isinstance(change, AllocationRequest)]
        others = [change.claim_id for change in good if not isinstance(change, AllocationRequest)]
        return self._change_for(lambda changes: change_all(changes, checked), requests, *others)

    def check_board(self, request: AllocationRequest, *, is_noted: bool) -> None:
        """Raise `DeviceConflictError` where `allocate` would, since the board is another unit; have it noted or not."""
        request = canonical(request)
        if is_noted:
            refused(self._change_for(lambda changes: [attempt(changes.check_board, request)], [request]))
        elif names := names_of_board(request.product, request.details):
            with self._database.ask() as connection:
                ChangeSet(connection, boards=names, lock=False).check_board(request)

    def replace(self, request: AllocationRequest, *, reason: str) -> Claim:
        """Retire the unit's live claim with `reason` and give it what it asks for, in one transaction.

        Nothing is retired where that ID cannot be had (`ClaimConflictError`) or is the one that the unit has.
        """
        request = canonical(request)
        reason = reason_of(reason)
        return only(self._change_for(lambda changes: [attempt(changes.replace, request, reason)], [request]))

    def describe(self, description: Description) -> Claim:
        """Add to what is known of a claim's unit; where it is so already nothing changes. Raises `UnknownClaimError`.

        An event tells where it becomes unsettled or settled, and none of the rest.
        """
        return only(self.change_many([description]))

    def advance(self, change: StateChange) -> Claim:
        """Move a claim on to a state and record every state on the way; one that it has passed changes nothing.

        Raises `UnknownClaimError`, or `ClaimConflictError` where it is retired or belongs to no unit yet.
        """
        return only(self.advance_many([change]))

    def advance_many(self, state_changes: Sequence[StateChange]) -> list[Claim | IotoError]:
        """Do `advance` for every one of `state_changes` in one transaction; one that cannot be done spoils no other."""
        return self.change_many(state_changes)

    def retire(self, claim_id: str, *, reason: str, context: Context) -> Claim:
        """Take a claim out of use for ever; one that is retired already stays as it is. Raises `UnknownClaimError`."""
        claim_id, reason = claim_ids.parse(claim_id), reason_of(reason)
        return self._change(lambda changes: changes.retire(changes.known(claim_id), reason, context), ids=[claim_id])

    def rebind(self, claim_id: str, unit: str, *, reason: str, context: Context) -> Claim:
        """Move a claim, live or reserved, to another unit of its product, where it starts again as allocated.

        Raises `UnknownClaimError`, or `ClaimConflictError` where it is retired or the unit has a live claim.
        """
        claim_id = claim_ids.parse(claim_id)
        unit = parse_unit(unit)
        reason = reason_of(reason)
        rebound = partial(rebind_one, claim_id=claim_id, unit=unit, reason=reason, context=context)
        return only(self._change(lambda changes: [attempt(rebound, changes)], units=[unit], ids=[claim_id]))

    def resolve(self, claim_id: str, *, reason: str, context: Context) -> Claim:
        """Have a claim that twins asked for count again: somebody knows the right one. Raises `UnknownClaimError`."""
        claim_id, reason = claim_ids.parse(claim_id), reason_of(reason)
        return self._change(lambda changes: changes.resolve(changes.known(claim_id), reason, context), ids=[claim_id])

    def reserve(self, request: ReserveRequest) -> list[Claim]:
        """Make new IDs that wait for their units, for labels that are printed beforehand."""
        product, length = claim_ids.parse_product(request.product), claim_ids.check_length(request.length)
        request = replace(request, product=product, length=length)
        if not 1 <= request.count <= MAX_RESERVED:
            raise LedgerError(f"{request.count} claim IDs cannot be reserved at once; ask for 1 to {MAX_RESERVED}.")
        return self._change(lambda changes: changes.reserve(request), request.count)

    def take_over(
        self, parts: Iterable[Sequence[Claim]], *, context: Context, check_only: bool = False
    ) -> list[str | IotoError]:
        """Bring in claims from elsewhere, all or none, and say of each `added`, `changed` or `unchanged`.

        `parts` may be iterated more than once, and has retired claims before live ones of the same unit; a part at a
        time is held. Where one claim is answered by an error, nothing was changed. With `check_only` nothing is, in any
        case. What changes a claim that is known already is said at `transfer.import_claims`.
        """
        if check_only:
            with self._database.read() as connection:
                return look_at_parts(connection, parts, context)
        try:
            return self._database.write(lambda connection: take_over_parts(connection, parts, context))
        except PartsRefusedError as error:
            return error.answers

    def record(self, event: NewEvent) -> None:
        """Remember something that changes no claim, such as `EventKind.MISMATCH`."""
        self.record_many([event])

    def record_many(self, new_events: Sequence[NewEvent]) -> None:
        """Do `record` for all `new_events` in one transaction. A conflict that is recorded and unsettled is no news."""
        if new_events:
            self._change(lambda changes: note_all(changes, new_events), len(new_events))

    # Questions

    def alone_with(self, ids: Iterable[str]) -> AbstractContextManager[None]:
        """Return a context in which no other process is alone with one of the claims `ids`; entering it waits.

        For what is done outside of the ledger and must not be done twice, such as printing a label.
        """
        return self._database.alone(ids)

    def find(self, claim_id: str) -> Claim | None:
        """Return the claim with that ID, in any state."""
        return self.holders([claim_id]).get(claim_ids.parse(claim_id))

    def holders(self, ids: Iterable[str]) -> dict[str, Claim]:
        """Return the claims with those IDs, in any state, by ID in its canonical form; unknown ones are left out."""
        wanted = [claim_ids.parse(claim_id) for claim_id in ids]
        with self._database.ask() as connection:
            return {claim.claim_id: claim for claim in read_by_claim_id(connection, wanted)}

    def live_claim(self, product: str, unit: str) -> Claim | None:
        """Return the claim that the unit has now."""
        return self.live_claims([(product, unit)]).get((claim_ids.parse_product(product), parse_recorded_unit(unit)))

    def live_claims(self, units: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Claim]:
        """Return what those units, each a product and a unit, have now; units without a claim are left out."""
        wanted = {(claim_ids.parse_product(product), parse_recorded_unit(unit)) for product, unit in units}
        with self._database.ask() as connection:
            return read_live_units(connection, wanted)

    def claims(
        self, *, newest_first: bool = False, limit: int | None = None, **given: Unpack[ClaimFilter]
    ) -> Iterator[Claim]:
        """Return the claims to which all that is `given` applies, in the order in which they were made.

        They are read on the way. What can be given says `ClaimFilter`.
        """
        query = select_claims(given, newest_first=newest_first)
        return each(self._database, Claim, query, newest_first=newest_first, limit=limit)

    def events(
        self, *, newest_first: bool = False, limit: int | None = None, **given: Unpack[EventFilter]
    ) -> Iterator[Event]:
        """Return the events to which all that is `given` applies (see `EventFilter`), in their order."""
        query = select_events(given, newest_first=newest_first)
        return each(self._database, Event, query, newest_first=newest_first, limit=limit)

    def conflicts(self, *, include_settled: bool = False) -> list[Conflict]:
        """Return who asked for an ID that could not be had, oldest first."""
        with self._database.read() as connection:
            return read_conflicts(connection, include_settled=include_settled)

    def summary(self) -> LedgerSummary:
        """Count the claims."""
        with self._database.ask() as connection:
            return read_summary(connection)

    def _change_for(
        self, work: Callable[[ChangeSet], Item], asked: Sequence[AllocationRequest], *more_ids: str | None
    ) -> Item:
        """Do `work` with what there is of the units, IDs and boards that are `asked` for, and of `more_ids`."""
        boards = {name for request in asked for name in names_of_board(request.product, request.details)}
        units, new_for = [each.unit for each in asked], [(each.product, each.unit) for each in asked]
        ids = [*(request.claim_id for request in asked), *more_ids]
        return self._change(work, len(ids), units=units, ids=ids, boards=boards, new_for=new_for)

    def _change(self, work: Callable[[ChangeSet], Item], number: int = 1, **touched: Unpack[Touched]) -> Item:
        def transaction(connection: Connection) -> Item:
            changes = ChangeSet(connection, **touched)
            result = work(changes)
            changes.save()
            return result

        return self._database.write(transaction, at_once=number <= _MOST_AT_ONCE)


def warm_up() -> None:
    """Compile the statements of the usual operations, so that processes that are forked later need not.

    An action calls it when it is loaded: the main process pays once what each worker would pay for its device.
    """
    context = Context("warm_up")
    product = "0" * 26
    with Ledger.in_memory() as ledger:
        claim = ledger.allocate(AllocationRequest(product, "unit", "generated", context))
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context))
        ledger.live_claim(product, "unit")
        ledger.find(claim.claim_id)
