# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger holds, in lines for people: a claim or an event a line, times as the reader's clock has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..display_text import counted, local_time, printable
from .records import Claim, Conflict, Event, LedgerSummary, State

VOID = "a label with it is void"
"""What there is to say of a label with the ID of a retired claim."""

NOTHING_FOUND = "No claim was found."
NO_CONFLICT = "No conflict is open."
SETTLE = (
    "See on the units which one is right; then settle a conflict with ioto_ledger_job=resolve, ioto_ledger_claim_id "
    "(the ID that was asked for) or ioto_ledger_serial (of the unit that has it), and ioto_reason."
)
"""What to do about conflicts."""


def claim_line(claim: Claim, *, reveal: bool) -> str:
    """Return what a claim is now; the ID masked unless `reveal`."""
    whose = "no unit yet" if claim.unit is None else printable(claim.unit)
    shown = claim.claim_id if reveal else claim.masked
    parts = [f"{whose}: {shown}", f"{claim.state}{f' ({printable(claim.reason)})' if claim.reason else ''}"]
    if claim.state is State.RETIRED:
        parts.append(VOID)
    elif claim.doubt is not None:
        parts.append(f"in doubt, since {claim.doubt}")
    parts.append(f"product {claim.product}")
    parts.append(printable(claim.source))
    if claim.host:
        parts.append(f"host {printable(claim.host)}")
    if claim.run:
        parts.append(f"run {printable(claim.run)}")
    return f"{', '.join(parts)}, changed {local_time(claim.updated_at)}"


def event_line(event: Event) -> str:
    """Return what happened."""
    by = f"by {printable(event.actor)}{f' ({printable(event.operator)})' if event.operator else ''}"
    parts = [f"{local_time(event.at)}  {printable(event.kind)} {by}"]
    if event.host:
        parts.append(f"host {printable(event.host)}")
    parts += [printable(text) for text in (event.detail, event.reason) if text]
    return f"    {', '.join(parts)}"


def found_lines(claims: Iterable[tuple[Claim, Iterable[Event]]], *, reveal: bool) -> Iterator[str]:
    """Yield a line for each claim, and one for each of its events."""
    claim = None
    for claim, events in claims:
        yield claim_line(claim, reveal=reveal)
        yield from map(event_line, events)
    if claim is None:
        yield NOTHING_FOUND


def conflict_line(conflict: Conflict, *, reveal: bool) -> str:
    """Return who asked for what could not be had, and who has it."""
    event, holder = conflict.event, conflict.holder
    who = f"unit {printable(event.unit)}" if event.unit else "a device whose unit is not known"
    asked = f"On {local_time(event.at)}, {who} asked for a claim ID and could not have it"
    if event.detail:
        return f"{asked}: {printable(event.detail)}"
    return f"{asked}, that of {claim_line(holder, reveal=reveal)}." if holder else f"{asked}."


def summary_line(summary: LedgerSummary) -> str:
    """Return how many claims there are, and in which states."""
    states = ", ".join(f"{count} {state}" for state, count in summary.states.items() if count)
    reserved = f"; {summary.reserved} of them belong to no unit yet" if summary.reserved else ""
    return f"The ledger has {counted(summary.total, 'claim')}{f': {states}' if states else ''}{reserved}."
