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
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, TypeVar

from sqlalchemy.engine import Connection

from .. import claim_ids
from ..errors import IotoError
from .bulk_rows import read_by_claim_id, read_live, to_claim
from .change_set import Page
from .database import Database
from .location import Location
from .queries import each, read_conflicts, read_summary, select_claims, select_events, to_event
from .records import (
    Ask,
    Claim,
    ClaimConflictError,
    Conflict,
    Context,
    Entry,
    Event,
    InvalidUnitError,
    LedgerError,
    State,
    Step,
    Summary,
    UnknownClaimError,
    parse_unit,
)
from .schema import claims, events

__all__ = [
    "Ask",
    "Claim",
    "ClaimConflictError",
    "Conflict",
    "Context",
    "Entry",
    "Event",
    "InvalidUnitError",
    "Ledger",
    "LedgerError",
    "Location",
    "State",
    "Step",
    "Summary",
    "UnknownClaimError",
    "parse_unit",
    "warm_up",
]

MAX_RESERVED = 100_000
"""IDs that one call of `Ledger.reserve` makes at most."""

Item = TypeVar("Item")
Arguments = ParamSpec("Arguments")


class Ledger:
    """An open ledger. Threads may share one; after a fork open another.

    Claim IDs, products and units are taken as people type them and folded (`claim_ids.parse`, `parse_product`,
    `parse_unit`); what cannot be folded raises `InvalidClaimIdError`, `InvalidProductError` or `InvalidUnitError`.
    Any operation may raise `LedgerError` when the database cannot be used.
    """

    def __init__(self, location: str | Path | None = None, *, read_only: bool = False) -> None:
        """Open the ledger at `location` (path or URL; None: the default file), and create it where it is absent.

        With `read_only` nothing is created or changed: an absent ledger reads as an empty one.
        """
        self._database = Database(Location.parse(location), read_only=read_only)

    @classmethod
    def in_memory(cls) -> Ledger:
        """Return a new ledger that ends with this process: for check mode of a whole batch, and for tests."""
        ledger = cls.__new__(cls)
        ledger._database = Database(Location())
        return ledger

    @property
    def location(self) -> str:
        """Where the ledger is, as it may be shown: without a password."""
        return str(self._database.location)

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

    def allocate(
        self,
        product: str,
        unit: str,
        *,
        source: str,
        context: Context,
        claim_id: str | None = None,
        length: int = claim_ids.DEFAULT_LENGTH,
        details: dict[str, object] | None = None,
    ) -> Claim:
        """Return the unit's live claim; where it has none, make one: with `claim_id`, or a new ID of `length` letters.

        A `claim_id` that is reserved for the product is bound to the unit. `details` (what JSON can hold) are merged
        into the claim's. Raises `ClaimConflictError` where the unit has another ID, or the ID another unit, or is
        retired; that is recorded as a `conflict`.
        """
        return _one(self.allocate_many([Ask(product, unit, source, context, claim_id, length, details)]))

    def allocate_many(self, asks: Sequence[Ask]) -> list[Claim | IotoError]:
        """Do `allocate` for every one of `asks` in one transaction; the answers stand in their order.

        One that cannot be had is answered by its error (`ClaimConflictError` or an invalid name) and spoils no other.
        """
        checked = [_attempt(_checked, ask) for ask in asks]
        good = [ask for ask in checked if isinstance(ask, Ask)]
        if not good:
            return [error for error in checked if isinstance(error, IotoError)]

        def work(page: Page) -> list[Claim | IotoError]:
            answers: list[Claim | IotoError] = []
            for ask in checked:
                try:
                    answers.append(page.allocate(ask) if isinstance(ask, Ask) else ask)
                except IotoError as error:
                    answers.append(error)
            return answers

        return self._on_page(work, units=[ask.unit for ask in good], ids=[ask.claim_id for ask in good])

    def replace(
        self,
        product: str,
        unit: str,
        *,
        reason: str,
        source: str,
        context: Context,
        claim_id: str | None = None,
        length: int = claim_ids.DEFAULT_LENGTH,
        details: dict[str, object] | None = None,
    ) -> Claim:
        """Retire the unit's live claim with `reason` and give it `claim_id`, or a new ID, in one transaction.

        Nothing is retired where `claim_id` cannot be had (`ClaimConflictError`) or is the one that the unit has.
        """
        ask = _checked(Ask(product, unit, source, context, claim_id, length, details))
        reason = _reason(reason)
        return _one(
            self._on_page(lambda page: [_attempt(page.replace, ask, reason)], units=[ask.unit], ids=[ask.claim_id])
        )

    def advance(self, claim_id: str, state: State, *, context: Context, detail: str | None = None) -> Claim:
        """Move a claim on to `state` and record every state on the way; one that it has passed changes nothing.

        Raises `UnknownClaimError`, or `ClaimConflictError` where it is retired or belongs to no unit yet.
        """
        return _one(self.advance_many([Step(claim_id, state, context, detail)]))

    def advance_many(self, steps: Sequence[Step]) -> list[Claim | IotoError]:
        """Do `advance` for every one of `steps` in one transaction; one that cannot be done spoils no other."""
        ids = [_attempt(claim_ids.parse, step.claim_id) for step in steps]

        def advance(page: Page, step: Step, claim_id: str) -> Claim:
            return page.advance(page.known(claim_id), step.state, step.context, step.detail)

        def work(page: Page) -> list[Claim | IotoError]:
            return [
                claim_id if isinstance(claim_id, IotoError) else _attempt(advance, page, step, claim_id)
                for step, claim_id in zip(steps, ids, strict=True)
            ]

        return self._on_page(work, ids=[claim_id for claim_id in ids if isinstance(claim_id, str)])

    def retire(self, claim_id: str, *, reason: str, context: Context) -> Claim:
        """Take a claim out of use for ever; one that is retired already stays as it is. Raises `UnknownClaimError`."""
        claim_id = claim_ids.parse(claim_id)
        reason = _reason(reason)
        return self._on_page(lambda page: page.retire(page.known(claim_id), reason, context), ids=[claim_id])

    def rebind(self, claim_id: str, unit: str, *, reason: str, context: Context) -> Claim:
        """Move a claim, live or reserved, to another unit of its product, where it starts again as allocated.

        Raises `UnknownClaimError`, or `ClaimConflictError` where it is retired or the unit has a live claim.
        """
        claim_id = claim_ids.parse(claim_id)
        unit = parse_unit(unit)
        reason = _reason(reason)

        def work(page: Page) -> list[Claim | IotoError]:
            return [_attempt(lambda: page.rebind(page.known(claim_id), unit, reason, context))]

        return _one(self._on_page(work, units=[unit], ids=[claim_id]))

    def reserve(
        self,
        product: str,
        count: int,
        *,
        context: Context,
        length: int = claim_ids.DEFAULT_LENGTH,
        details: dict[str, object] | None = None,
    ) -> list[Claim]:
        """Make `count` new IDs that wait for their units, for labels that are printed beforehand.

        `details` (what JSON can hold) are kept with each.
        """
        product = claim_ids.parse_product(product)
        claim_ids.check_length(length)
        if not 1 <= count <= MAX_RESERVED:
            raise LedgerError(f"{count} claim IDs cannot be reserved at once; ask for 1 to {MAX_RESERVED}.")
        return self._on_page(lambda page: [page.reserve(product, length, context, details) for _number in range(count)])

    def take_over(
        self, claims: Sequence[Claim], *, context: Context, check_only: bool = False
    ) -> list[str | IotoError]:
        """Bring in claims from elsewhere, all or none, and say of each `added`, `changed` or `unchanged`.

        Where one is answered by an error, nothing was changed. With `check_only` nothing is, in any case. What
        changes a claim that is known already is said at `transfer.import_claims`.
        """

        def work(page: Page) -> list[str | IotoError]:
            answers: dict[str, str | IotoError] = {}
            # Retired ones first: they make room for their unit's live one.
            for claim in sorted(claims, key=lambda claim: claim.is_live):
                answers[claim.claim_id] = _attempt(page.take_over, claim, context)
            if any(isinstance(answer, IotoError) for answer in answers.values()):
                page.discard()
            return [answers[claim.claim_id] for claim in claims]

        units = [claim.unit for claim in claims if claim.unit is not None]
        ids = [claim.claim_id for claim in claims]
        if check_only:
            with self._database.read() as connection:
                return work(Page(connection, units=units, ids=ids, lock=False))
        return self._on_page(work, units=units, ids=ids)

    def record(
        self,
        action: str,
        *,
        context: Context,
        claim_id: str | None = None,
        product: str | None = None,
        unit: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Remember something that changes no claim: `print`, `reprint`, `mismatch`, `conflict`, `resolved`."""
        self.record_many([Entry(action, context, claim_id, product, unit, detail)])

    def record_many(self, entries: Sequence[Entry]) -> None:
        """Do `record` for all `entries` in one transaction. A conflict that is recorded and unsettled is no news."""

        def work(page: Page) -> None:
            for entry in entries:
                page.note(entry)

        if entries:
            self._on_page(work)

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
        with self._database.read() as connection:
            return {claim.claim_id: claim for claim in read_by_claim_id(connection, wanted)}

    def live_claim(self, product: str, unit: str) -> Claim | None:
        """Return the claim that the unit has now."""
        return self.live_claims([(product, unit)]).get((claim_ids.parse_product(product), parse_unit(unit)))

    def live_claims(self, units: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Claim]:
        """Return what those units, each a product and a unit, have now; units without a claim are left out."""
        wanted = {(claim_ids.parse_product(product), parse_unit(unit)) for product, unit in units}
        with self._database.read() as connection:
            found = {
                (claim.product, claim.unit or ""): claim for claim in read_live(connection, (u for _p, u in wanted))
            }
        return {unit: claim for unit, claim in found.items() if unit in wanted}

    def claims(
        self,
        *,
        states: Iterable[State] | None = None,
        product: str | None = None,
        unit: str | None = None,
        host: str | None = None,
        reserved: bool | None = None,
        since: datetime | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Claim]:
        """Return the claims to which all that is given applies, in the order in which they were made, as they are read.

        `reserved`: only those that belong to no unit yet, or only the others. `since`: changed then or later.
        """
        query = select_claims(
            states=states,
            product=product,
            unit=unit,
            host=host,
            reserved=reserved,
            since=since,
            newest_first=newest_first,
        )
        rows = each(self._database, query, claims.c.seq, newest_first=newest_first, limit=limit)
        return map(to_claim, rows)

    def events(
        self,
        *,
        claim_id: str | None = None,
        product: str | None = None,
        unit: str | None = None,
        actions: Iterable[str] | None = None,
        since: datetime | None = None,
        after: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Return the events to which all that is given applies, in their order. `after`: with a higher number."""
        query = select_events(
            claim_id=claim_id,
            product=product,
            unit=unit,
            actions=actions,
            since=since,
            after=after,
            newest_first=newest_first,
        )
        rows = each(self._database, query, events.c.id, newest_first=newest_first, limit=limit)
        return map(to_event, rows)

    def conflicts(self, *, include_settled: bool = False) -> list[Conflict]:
        """Return who asked for an ID that could not be had, oldest first."""
        with self._database.read() as connection:
            return read_conflicts(connection, include_settled=include_settled)

    def summary(self) -> Summary:
        """Count the claims."""
        with self._database.read() as connection:
            return read_summary(connection)

    def _on_page(
        self, work: Callable[[Page], Item], *, units: Iterable[str] = (), ids: Iterable[str | None] = ()
    ) -> Item:
        units = list(units)
        known_ids = [claim_id for claim_id in ids if claim_id]

        def transaction(connection: Connection) -> Item:
            page = Page(connection, units=units, ids=known_ids)
            result = work(page)
            page.save()
            return result

        return self._database.write(transaction)


def warm_up() -> None:
    """Compile the statements of the usual operations, so that processes that are forked later need not.

    An action calls it when it is loaded: the main process pays once what each worker would pay for its device.
    """
    context = Context("warm_up")
    product = "0" * 26
    with Ledger.in_memory() as ledger:
        claim = ledger.allocate(product, "unit", source="generated", context=context)
        ledger.advance(claim.claim_id, State.VERIFIED, context=context)
        ledger.live_claim(product, "unit")
        ledger.find(claim.claim_id)


def _checked(ask: Ask) -> Ask:
    """Return `ask` with every name in its canonical form."""
    product, unit = claim_ids.parse_product(ask.product), parse_unit(ask.unit)
    if ask.claim_id is None and product == ask.product and unit == ask.unit:
        claim_ids.check_length(ask.length)
        return ask
    return Ask(
        product=product,
        unit=unit,
        source=ask.source,
        context=ask.context,
        claim_id=None if ask.claim_id is None else claim_ids.parse(ask.claim_id),
        length=claim_ids.check_length(ask.length),
        details=ask.details,
    )


def _reason(text: str) -> str:
    if not text.strip():
        raise LedgerError("A claim is retired or moved for a reason; give one.")
    return text.strip()


def _attempt(work: Callable[Arguments, Item], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Item | IotoError:
    """Return what `work` returns, or the error that it raises, as one answer among many."""
    try:
        return work(*args, **kwargs)
    except IotoError as error:
        return error


def _one(answers: Sequence[Claim | IotoError]) -> Claim:
    """Return the only answer, or raise it."""
    (answer,) = answers
    if isinstance(answer, IotoError):
        raise answer
    return answer
