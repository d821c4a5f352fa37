# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger does for many at once within one transaction: one that cannot be had spoils no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from .. import claim_ids
from ..errors import IotoError
from .change_set import ChangeSet
from .records import Ask, Claim, Context, LedgerError, Step, parse_unit

Item = TypeVar("Item")
Arguments = ParamSpec("Arguments")


def allocate_all(changes: ChangeSet, asks: Sequence[Ask | IotoError]) -> list[Claim | IotoError]:
    """Allocate for each of `asks`; an error among them stays what it is. The answers stand in their order."""
    answers: list[Claim | IotoError] = []
    for ask in asks:
        try:
            answers.append(changes.allocate(ask) if isinstance(ask, Ask) else ask)
        except IotoError as error:
            answers.append(error)
    return answers


def advance_all(changes: ChangeSet, steps: Sequence[Step], ids: Sequence[str | IotoError]) -> list[Claim | IotoError]:
    """Do each of `steps` with the claim that the ID in its place names; an error there stays what it is."""

    def advance(step: Step, claim_id: str) -> Claim:
        return changes.advance(changes.known(claim_id), step.state, step.context, step.detail)

    return [
        claim_id if isinstance(claim_id, IotoError) else attempt(advance, step, claim_id)
        for step, claim_id in zip(steps, ids, strict=True)
    ]


def take_over_all(changes: ChangeSet, claims: Sequence[Claim], context: Context) -> list[str | IotoError]:
    """Bring in `claims`, all or none, and say of each `added`, `changed` or `unchanged`."""
    answers: dict[str, str | IotoError] = {}
    # Retired ones first: they make room for their unit's live one.
    for claim in sorted(claims, key=lambda claim: claim.is_live):
        answers[claim.claim_id] = attempt(changes.take_over, claim, context)
    if any(isinstance(answer, IotoError) for answer in answers.values()):
        changes.discard()
    return [answers[claim.claim_id] for claim in claims]


def canonical(ask: Ask) -> Ask:
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


def reason_of(text: str) -> str:
    """Return a reason without the spaces around it. Raises `LedgerError` where there is none."""
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
