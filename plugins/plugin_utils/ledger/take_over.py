# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims that come from elsewhere: what becomes of one beside what the ledger knows."""

from __future__ import annotations

from collections.abc import Iterator

from ..identity.mac_addresses import is_same_serial
from .change_set import ChangeSet, taken
from .event_kinds import EventKind, imported_as
from .records import Claim, ClaimConflictError, Context, NewEvent
from .row_values import tidy


def take_over(changes: ChangeSet, claim: Claim, context: Context) -> str:
    """Bring in a claim from elsewhere: `added`, `changed` or `unchanged`. Raises `ClaimConflictError`."""
    known = changes.get(claim.claim_id)
    if known is None:
        _check_free(changes, claim)
        changes.insert(
            claim._replace(details=tidy(claim.details)), EventKind.IMPORTED, context, imported_as(claim.state)
        )
        for doubt in _doubts(claim, context):
            changes.note(doubt)
        return "added"
    before = known
    if known.product == claim.product and known.is_live and known.unit is None and claim.unit is not None:
        _check_free(changes, claim)
        known = changes.bind(known._replace(replaces=claim.replaces), claim.unit, context, "imported")
    elif known.product != claim.product or not _may_be_of_one_unit(known, claim):
        raise ClaimConflictError(taken(known), known)
    if not claim.is_live:
        known = changes.retire(known, claim.reason or "imported as retired", context)
    elif claim.state.is_past(known.state):
        known = changes.advance(known, claim.state, context, "imported")
    return "unchanged" if known is before else "changed"


def _may_be_of_one_unit(known: Claim, claim: Claim) -> bool:
    if claim.unit is None:
        # A file from before the ID was bound does not contradict the ledger.
        return claim.is_live or known.unit is None
    return is_same_serial(known.unit, claim.unit)


def _check_free(changes: ChangeSet, claim: Claim) -> None:
    live = changes.live(claim.product, claim.unit) if claim.unit is not None and claim.is_live else None
    if live is not None:
        raise ClaimConflictError(
            f"The unit {claim.unit} already has the claim ID {live.masked} ({live.state}), not {claim.masked}; "
            "leave this one out, or retire that one first.",
            live,
        )


def _doubts(claim: Claim, context: Context) -> Iterator[NewEvent]:
    """Yield an event for each doubt that a claim from elsewhere brings along."""
    about = claim.claim_id, claim.product, claim.unit
    if claim.twin is not None:
        yield NewEvent(EventKind.TWINS, context, *about, claim.twin)
    if claim.unsettled_at is not None:
        yield NewEvent(EventKind.UNSETTLED, context, *about)
