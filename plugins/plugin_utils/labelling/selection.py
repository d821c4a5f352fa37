# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which claims get a label: those that are due, those that somebody chose, and those of a roll for units to come."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext

from ..claim_ids import DEFAULT_LENGTH, parse
from ..display_text import counted, printable, quoted
from ..errors import IotoError
from ..labels.errors import LabelError
from ..ledger.event_kinds import EventKind
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Context, ReserveRequest, State, StateChange
from ..ledger.rework.void_labels import waiting_for_labels

_RESERVED = "reserved"
_ROLL = "roll"
_LISTED = 5
"""Serials that a message lists at most."""


def due(ledger: Ledger, *, context: Context, check: bool = False) -> list[Claim]:
    """Return the claims that are verified and have no label yet, in the order of the line; then those that wait
    for another one.

    One that is in doubt has to be settled first. A claim whose label was made before it had a unit is recorded
    as labelled instead.
    """
    claims = [claim for claim in ledger.claims(states=[State.VERIFIED], reserved=False) if claim.doubt is None]
    have_one = preprinted(ledger, claims)
    if not check:
        accept_preprinted(ledger, [claim for claim in claims if claim.claim_id in have_one], context=context)
    return [*(claim for claim in claims if claim.claim_id not in have_one), *_relabelled(ledger)]


def _relabelled(ledger: Ledger) -> list[Claim]:
    """Return the claims that are labelled, and whose labels are void since."""
    found = ledger.holders(waiting_for_labels(ledger)).values()
    claims = [claim for claim in found if claim.state is State.LABELLED and claim.doubt is None]
    return sorted(claims, key=lambda claim: claim.created_at)


def preprinted(ledger: Ledger, claims: Iterable[Claim]) -> set[str]:
    """Return the IDs of those `claims` whose label was made before they had a unit."""
    reserved = {claim.claim_id for claim in claims if claim.source == _RESERVED}
    if not reserved:
        return set()
    return reserved & {event.claim_id for event in ledger.events(kinds=[EventKind.PREPRINTED]) if event.claim_id}


def accept_preprinted(ledger: Ledger, claims: Collection[Claim], *, context: Context) -> None:
    """Record that `claims` have their labels, which were made beforehand. Raises `IotoError`."""
    state_changes = [
        StateChange(claim.claim_id, State.LABELLED, context, "label was printed beforehand") for claim in claims
    ]
    for answer in ledger.advance_many(state_changes) if state_changes else []:
        if isinstance(answer, IotoError):
            raise answer


def chosen(ledger: Ledger, ids: Sequence[str], *, reason: str) -> list[Claim]:
    """Return the claims with those IDs, as given. Raises `LabelError` that lists all which may have no label."""
    held = ledger.holders(ids)
    have_one = preprinted(ledger, held.values())
    problems = []
    claims = []
    for text in dict.fromkeys(map(parse, ids)):
        claim = held.get(text)
        if claim is None:
            problems.append(f"the ledger does not know ...{text[-2:]}; serialize its unit first")
        elif not claim.is_live:
            problems.append(_retired(claim))
        elif claim.unit is None and text not in have_one:
            problems.append(f"{claim.masked} is reserved and belongs to no unit; print its roll")
        elif claim.unit is not None and claim.state not in {State.VERIFIED, State.LABELLED}:
            problems.append(
                f"{claim.masked} is {claim.state}, and only what was read back gets a label; verify it first"
            )
        elif claim.doubt is not None:
            problems.append(f"{claim.masked} may have no label, since {claim.doubt}")
        elif (claim.state is State.LABELLED or text in have_one) and not reason.strip():
            whose = claim.unit or "no unit yet"
            problems.append(
                f"{claim.masked} of {whose} has its label; give a reason to print it again (ioto_label_reason)"
            )
        else:
            claims.append(claim)
    if problems:
        raise LabelError(f"No label was made: {'; '.join(problems)}.")
    return claims


def named(ledger: Ledger, serials: Sequence[str], hosts: Sequence[str], *, product: str | None) -> list[str]:
    """Return the IDs of the units with those serials, and of those last seen under the names of `hosts`, as given.

    Raises `LabelError` that lists every name by which there is no one unit.
    """
    problems = []
    ids: list[str] = []
    for kind, names in (("serial", serials), ("host", hosts)):
        for name in dict.fromkeys(map(str, names)):
            found = list(
                ledger.claims(product=product, unit=name)
                if kind == "serial"
                else ledger.claims(product=product, host=name, reserved=False)
            )
            live = [claim for claim in found if claim.is_live]
            shown = printable(name)
            if not found:
                problems.append(f"the ledger {printable(ledger.location)} has no unit with the {kind} {shown}")
            elif not live:
                problems.append(_retired(found[-1]))
            elif len(live) > 1:
                problems.append(_several(kind, shown, live))
            ids += [claim.claim_id for claim in live]
    if problems:
        raise LabelError(f"No label was made: {'; '.join(problems)}.")
    return list(dict.fromkeys(ids))


def again(ledger: Ledger, *, product: str | None, run: str | None) -> list[Claim]:
    """Return the units of a product, or a run, that have their labels and may have them once more, in their order."""
    found = ledger.claims(states=[State.LABELLED], reserved=False, product=product, run=run)
    return [claim for claim in found if claim.doubt is None]


def in_run(ledger: Ledger, run: str) -> set[str]:
    """Return the IDs of the units to which something happened in the run. Raises `LabelError` without one."""
    ids = {claim.claim_id for claim in ledger.claims(run=run, reserved=False)}
    if not ids:
        raise LabelError(
            f"The ledger {printable(ledger.location)} has no unit of the run {printable(run)}; give the number that "
            "the run's summary says."
        )
    return ids


def _several(kind: str, name: str, live: Sequence[Claim]) -> str:
    if kind == "serial":
        products = ", ".join(sorted(claim.product for claim in live))
        return f"units of {len(live)} products have the serial {name}; give ioto_label_product, one of {products}"
    last = ", ".join(printable(claim.unit or "") for claim in live[-_LISTED:])
    more = " and others" if len(live) > _LISTED else ""
    return f"{counted(len(live), 'unit')} were last seen as the host {name}; give ioto_label_serials: {last}{more}"


def _retired(claim: Claim) -> str:
    whose = f" of unit {printable(claim.unit)}" if claim.unit else ""
    return (
        f"{claim.masked}{whose} is retired ({printable(claim.reason or 'no reason')}), so that a label with it is "
        "void; a unit that needs a label has another ID"
    )


def of_roll(
    ledger: Ledger,
    product: str,
    roll: str,
    number: int,
    *,
    reason: str,
    context: Context,
    length: int = DEFAULT_LENGTH,
    check: bool = False,
) -> tuple[list[Claim], int]:
    """Return the claims of a `roll` of `number` labels that are to be printed, and how many more would be reserved.

    IDs that the roll still lacks are reserved first, so the same roll is never made twice: what a broken run left is
    printed, and nothing where all is. With a `reason`, all that belong to no unit yet are printed again.
    Raises `LabelError`.
    """
    # Another run of the same roll would reserve the same IDs once more.
    with nullcontext() if check else ledger.alone_with([f"{product} {roll}"]):
        members, lacking = _members(ledger, product, roll, number)
        if lacking and not check:
            members += ledger.reserve(ReserveRequest(product, lacking, context, length, {_ROLL: roll}))
    waiting = [claim for claim in members if claim.is_live and claim.unit is None]
    have_one = set() if reason.strip() else preprinted(ledger, waiting)
    return [claim for claim in waiting if claim.claim_id not in have_one], lacking if check else 0


def _members(ledger: Ledger, product: str, roll: str, number: int) -> tuple[list[Claim], int]:
    """Return the claims of a roll of `number` labels, and how many it lacks. Raises `LabelError` where it has more."""
    members = [
        claim
        for claim in ledger.claims(product=product)
        if claim.source == _RESERVED and claim.details.get(_ROLL) == roll
    ]
    if len(members) > number:
        raise LabelError(
            f"The roll {quoted(roll)} was made with {counted(len(members), 'label')}, which is more than the {number} "
            "asked for; give that number, or another name for another roll."
        )
    return members, number - len(members)
