# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of a unit: which claim replaced which, and what was done with it in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..event_kinds import EventKind
from ..ledger import Ledger
from ..records import Claim, Event
from ..told import claim_line, event_line

ACTS = (EventKind.SCRAPPED, EventKind.NEW_BOARD, EventKind.NEW_CASE, EventKind.RELABEL, EventKind.CAME_BACK)
"""What rework records of a unit."""
_TOLD = (
    *(EventKind.ALLOCATED, EventKind.BOUND, EventKind.IMPORTED, EventKind.REBOUND, EventKind.RETIRED),
    *(EventKind.LABELLED, EventKind.REPRINT),
    *ACTS,
)
"""What a chain says of each claim: where it came from, its labels, its rework, its end."""
_MOST = 1000
"""Claims of a chain. No unit is reworked so often; a ring in what was imported has an end so."""


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A claim of a chain, with what happened to it; its successor came in its place."""

    claim: Claim
    events: Sequence[Event]
    successor: Claim | None = None


def chain_of(ledger: Ledger, claim: Claim) -> list[ChainLink]:
    """Return the chain that `claim` belongs to, from its first claim to its last."""
    first, seen = ledger.find(claim.claim_id) or claim, {claim.claim_id}
    while first.replaces is not None and first.replaces not in seen and len(seen) < _MOST:
        before = ledger.find(first.replaces)
        if before is None:
            break
        seen.add(before.claim_id)
        first = before
    return list(_from(ledger, first))


def chains_of_unit(ledger: Ledger, serial: str, product: str | None = None) -> list[list[ChainLink]]:
    """Return the chains of all claims that the unit has, had, or has handed on to another one, the oldest first."""
    found = {claim.claim_id: claim for claim in ledger.claims(unit=serial, product=product)}
    told = {event.claim_id for event in ledger.events(unit=serial, product=product, kinds=_TOLD) if event.claim_id}
    found |= ledger.holders(told - found.keys())
    return chains_of(ledger, sorted(found.values(), key=lambda claim: claim.created_at))


def chains_of(ledger: Ledger, claims: Iterable[Claim]) -> list[list[ChainLink]]:
    """Return the chains that `claims` belong to, each once."""
    chains: list[list[ChainLink]] = []
    seen: set[str] = set()
    for claim in claims:
        if claim.claim_id not in seen:
            chains.append(chain_of(ledger, claim))
            seen |= {link.claim.claim_id for link in chains[-1]}
    return chains


def successor_of(ledger: Ledger, claim: Claim) -> Claim | None:
    """Return the claim that is there now instead of `claim`, or the last one that was; None where none came."""
    last = None
    for link in _followed(ledger, claim):
        last = link
    return last


def chain_lines(chain: Iterable[ChainLink], *, reveal: bool) -> Iterator[str]:
    """Yield a line for each claim of a chain, and one for each thing that happened to it; IDs are masked or whole."""
    for link in chain:
        yield claim_line(link.claim, reveal=reveal)
        yield from map(event_line, link.events)
        if link.successor is not None:
            shown = link.successor.claim_id if reveal else link.successor.masked
            yield f"    in its place: {shown}"


def _from(ledger: Ledger, first: Claim) -> Iterator[ChainLink]:
    claims = [first, *_followed(ledger, first)]
    for claim, successor in zip(claims, [*claims[1:], None], strict=True):
        yield ChainLink(claim, list(ledger.events(claim_id=claim.claim_id, kinds=_TOLD)), successor)


def _followed(ledger: Ledger, claim: Claim) -> Iterator[Claim]:
    seen = {claim.claim_id}
    while (after := _next(ledger, claim)) is not None and after.claim_id not in seen and len(seen) < _MOST:
        seen.add(after.claim_id)
        claim = after
        yield claim


def _next(ledger: Ledger, claim: Claim) -> Claim | None:
    if claim.is_live:  # nothing comes instead of what is there
        return None
    return next(ledger.claims(replaces=claim.claim_id, newest_first=True, limit=1), None)
