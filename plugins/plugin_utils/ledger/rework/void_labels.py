# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that are void: whose ID is retired, or whose unit has had another label, or another serial, since.

A claim ID says which unit a label belongs to, and not which of the unit's labels it is. So each label has a number
beside its ID, which a layout may show and put into its QR code: one more than how often the labels of its ID became
void before. By the ID alone, a label of a unit that was relabelled cannot be told from its new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ...display_text import printable, quoted
from ...identity.mac_addresses import is_same_serial
from ..event_kinds import EventKind
from ..label_doubts import PRINT_EVENTS, is_made, unproven
from ..ledger import Ledger
from ..records import Claim, Event
from .chain import successor_of

_VOIDING = (EventKind.RELABEL, EventKind.REBOUND)
"""The labels that are there with the ID are void, and a new one may have it."""
_ENDING = (*_VOIDING, EventKind.RETIRED)
_AFTER_RELABEL = (EventKind.RELABEL, EventKind.LABELLED, EventKind.REPRINT, EventKind.REBOUND, EventKind.RETIRED)
_FROM_NO_UNIT = "from no unit"
_FROM_UNIT = "from unit "


@dataclass(frozen=True, slots=True)
class VoidLabel:
    """A label that has to be destroyed, wherever it is: what stands on it, when it was made, and why it is void.

    `times` is how often it was made, copies not counted. `successor` is the claim that the unit has now, if any.
    """

    claim: Claim
    number: int
    serial: str | None
    made_at: datetime
    times: int
    void_at: datetime
    why: str
    reason: str | None
    successor: Claim | None


def label_numbers(ledger: Ledger, claims: Iterable[Claim]) -> dict[str, int]:
    """Return the number of the label that each of `claims` has or gets now, by claim ID."""
    ids = {claim.claim_id for claim in claims}
    if len(ids) == 1:
        (claim_id,) = ids
        return {claim_id: number_by(ledger.events(claim_id=claim_id, kinds=_VOIDING))}
    counts = Counter(event.claim_id for event in ledger.events(kinds=_VOIDING) if _makes_void(event))
    return {claim_id: 1 + counts[claim_id] for claim_id in ids}


def number_by(events: Iterable[Event]) -> int:
    """Return the number of the label that a claim has or gets, by its `events`, all that count."""
    return 1 + sum(map(_makes_void, events))


def waiting_for_labels(ledger: Ledger) -> set[str]:
    """Return the IDs of the claims whose units were relabelled and have no new label yet."""
    relabelled = {event.claim_id for event in ledger.events(kinds=[EventKind.RELABEL]) if event.claim_id}
    return {claim_id for claim_id in relabelled if waits_for_label(ledger, claim_id)}


def waits_for_label(ledger: Ledger, claim_id: str) -> bool:
    """Say whether the labels of the claim's unit are void by a relabelling, and no new one was made."""
    last = next(ledger.events(claim_id=claim_id, kinds=_AFTER_RELABEL, newest_first=True, limit=1), None)
    return last is not None and last.kind == EventKind.RELABEL


def void_because(ledger: Ledger, claim: Claim, *, number: str | None, serial: str | None) -> str | None:
    """Return why a label with the ID of `claim`, which is live, is void all the same, as a clause; None: it is not.

    `number` and `serial` are what the label says beside its ID, each None where it does not.
    """
    if number is None and (serial is None or is_same_serial(serial, claim.unit)):
        return None
    events = [event for event in ledger.events(claim_id=claim.claim_id, kinds=_VOIDING) if _makes_void(event)]
    if number is not None and number != str(len(events) + 1):
        if number.isdecimal() and 0 < int(number) <= len(events):
            event = events[int(number) - 1]
            return f"the label is void, {_why(event)}; label {len(events) + 1} of {claim.masked} is in its place"
        return f"the label says that it is number {quoted(number)} of {claim.masked}, which has {len(events) + 1}"
    for event in events:
        if serial is not None and is_same_serial(_former_unit(event), serial):
            return f"the label is void, {_why(event)}: {claim.masked} is unit {quoted(claim.unit)} now"
    return None


def void_labels(ledger: Ledger, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[VoidLabel]:
    """Yield the labels that became void in the time, in the order in which they did."""
    for event in ledger.events(kinds=_ENDING, since=since):
        if until is not None and event.at >= until:
            return
        if event.claim_id is None or not (event.kind == EventKind.RETIRED or _makes_void(event)):
            continue
        claim = ledger.find(event.claim_id)
        if claim is None:
            continue
        voided, made = _before(ledger, event)
        if made:
            successor = claim if claim.is_live else successor_of(ledger, claim)
            serial = next((each.unit for each in reversed(made) if each.unit), None)
            about = voided + 1, serial, made[0].at, len(made), event.at, _why(event), event.reason
            yield VoidLabel(claim, *about, successor)


def _before(ledger: Ledger, event: Event) -> tuple[int, list[Event]]:
    """Return how often the labels of a claim became void before `event`, and when those were made that then did."""
    voided, labels = 0, list[Event]()
    for each in ledger.events(claim_id=event.claim_id, kinds=(*PRINT_EVENTS, *_VOIDING)):
        if each.id >= event.id:
            break
        if _makes_void(each):
            voided, labels = voided + 1, []
        else:
            labels.append(each)
    return voided, [*filter(is_made, labels)] or unproven(labels)


def _former_unit(event: Event) -> str | None:
    """Return the unit from which a claim ID was moved by `event`; None where it was not, or from none."""
    detail = event.detail or ""
    return detail.removeprefix(_FROM_UNIT) if detail.startswith(_FROM_UNIT) else None


def _makes_void(event: Event) -> bool:
    """Say whether labels became void, and the ID goes on: one that was made beforehand is there for its first unit."""
    return event.kind == EventKind.RELABEL or (event.kind == EventKind.REBOUND and event.detail != _FROM_NO_UNIT)


def _why(event: Event) -> str:
    because = f" ({printable(event.reason)})" if event.reason else ""
    return _WORDS[str(event.kind)] + because


_WORDS: Mapping[str, str] = {
    EventKind.RELABEL: "since the unit was relabelled",
    EventKind.REBOUND: "since its claim ID was moved to another serial",
    EventKind.RETIRED: "since its claim ID is retired",
}
