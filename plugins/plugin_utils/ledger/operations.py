# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger does for many at once within one transaction: one that cannot be had spoils no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ParamSpec, TypeVar

from .. import claim_ids
from ..errors import IotoError
from .change_set import ChangeSet
from .records import AllocationRequest, Claim, Context, Description, LedgerError, NewEvent, StateChange, parse_unit
from .take_over import take_over

Item = TypeVar("Item")
Arguments = ParamSpec("Arguments")
Change = AllocationRequest | StateChange | Description
"""What is asked of a ledger for one claim."""


def change_all(changes: ChangeSet, asked: Sequence[Change | IotoError]) -> list[Claim | IotoError]:
    """Do what is `asked`, in this order; an error among it stays what it is. The answers stand in the same order."""
    return [change if isinstance(change, IotoError) else attempt(_change_one, changes, change) for change in asked]


def _change_one(changes: ChangeSet, change: Change) -> Claim:
    if isinstance(change, AllocationRequest):
        return changes.allocate(change)
    if isinstance(change, StateChange):
        return changes.advance(changes.known(change.claim_id), change.state, change.context, change.detail)
    return changes.describe(change)


def rebind_one(changes: ChangeSet, *, claim_id: str, unit: str, reason: str, context: Context) -> Claim:
    """Move the claim with that ID to another unit."""
    return changes.rebind(changes.known(claim_id), unit, reason, context)


def take_over_all(changes: ChangeSet, claims: Sequence[Claim], context: Context) -> list[str | IotoError]:
    """Bring in `claims`, and say of each `added`, `changed` or `unchanged`, or what is wrong with it."""
    return [attempt(take_over, changes, claim, context) for claim in claims]


def note_all(changes: ChangeSet, new_events: Sequence[NewEvent]) -> None:
    """Note each of `new_events`, in their order."""
    for event in new_events:
        changes.note(event)


def canonical(request: AllocationRequest) -> AllocationRequest:
    """Return `request` with every name in its canonical form."""
    product, unit = claim_ids.parse_product(request.product), parse_unit(request.unit)
    if request.claim_id is None and product == request.product and unit == request.unit:
        claim_ids.check_length(request.length)
        return request
    return AllocationRequest(
        product=product,
        unit=unit,
        source=request.source,
        context=request.context,
        claim_id=None if request.claim_id is None else claim_ids.parse(request.claim_id),
        length=claim_ids.check_length(request.length),
        details=request.details,
        accepts=request.accepts,
        reason=request.reason,
        former_product=request.former_product,
    )


def canonical_change(change: Change) -> Change:
    """Return `change` with every name in its canonical form."""
    if isinstance(change, AllocationRequest):
        return canonical(change)
    claim_id = claim_ids.parse(change.claim_id)
    return change if claim_id == change.claim_id else replace(change, claim_id=claim_id)


def reason_of(text: str) -> str:
    """Return a reason without the spaces around it. Raises `LedgerError` without one."""
    if not text.strip():
        raise LedgerError("A claim is retired or moved for a reason; give one.")
    return text.strip()


def attempt(work: Callable[Arguments, Item], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Item | IotoError:
    """Return what `work` returns, or the error that it raises, as one answer among many."""
    try:
        return work(*args, **kwargs)
    except IotoError as error:
        return error


def only(answers: Sequence[Claim | IotoError]) -> Claim:
    """Return the only answer, or raise it."""
    (answer,) = answers
    if isinstance(answer, IotoError):
        raise answer
    return answer


def refused(answers: Sequence[IotoError | None]) -> None:
    """Raise the only answer, where it is an error."""
    (answer,) = answers
    if answer is not None:
        raise answer
