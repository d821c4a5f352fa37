# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the station page shows: the last units as they come, with a verdict, and the counts of today.

It follows the ledger's history, so that it shows what all instances and controllers do, and adds what this instance
refused and which units asked again. PASS is what was read back from a device, nothing less.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ..claim_ids import mask, mask_sentence
from ..display_text import printable
from ..ledger.event_kinds import EventKind
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Event, State
from .ledger_handle import LedgerHandle
from .refusals import Refusal, Refusals

SHOWN = 30
_KEPT = 300
_OVERLAP = 256
"""Events that are read again: on PostgreSQL a lower number may be committed after a higher one."""
_FIRST_LOOK = 200_000

_FAILED = (EventKind.CONFLICT, EventKind.MISMATCH)


@dataclass(frozen=True, slots=True)
class Card:
    """A unit and how it stands: `issued`, `pass`, `fail` or `retired`."""

    at: datetime
    product: str | None
    unit: str | None
    claim_id: str | None
    """Masked."""
    verdict: str
    text: str
    by: str | None = None
    """Who did what happened to it last."""


@dataclass(slots=True)
class _Today:
    midnight: datetime
    issued: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    failed: set[tuple[str | None, ...]] = field(default_factory=set)


class StationFeed:
    """The line as this instance sees it. `asked` is for the event loop; `look` for a thread."""

    def __init__(self, ledger: LedgerHandle, refusals: Refusals) -> None:
        self._ledger = ledger
        self._refusals = refusals
        self._asked: deque[tuple[datetime, str, str]] = deque(maxlen=SHOWN)
        self._lock = threading.Lock()
        self._cards: OrderedDict[tuple[str | None, str | None], Card] = OrderedDict()
        self._today = _Today(_midnight())
        self._last = 0
        self._seen: deque[int] = deque(maxlen=4 * _OVERLAP)
        self._following = False
        self._looks = 0
        self._first_seen: dict[tuple[object, ...], tuple[int, datetime]] = {}

    def asked(self, product: str, unit: str) -> None:
        """Note that a unit asked and got its answer."""
        self._asked.append((datetime.now(UTC), product, unit))

    def look(self) -> dict[str, object]:
        """Return what the page shows now. Raises `LedgerError`."""
        with self._lock, self._ledger.use() as ledger:
            if self._today.midnight != (midnight := _midnight()):
                self._today = _Today(midnight)
            self._follow(ledger)
            self._add_askers(ledger)
            refusals = [refusal for refusal in self._refusals.kept() if refusal.at >= midnight]
            failed = self._today.failed | {_key(refusal) for refusal in refusals}
            newest: dict[tuple[str | None, ...], Card] = {}
            for card in self._as_they_came([*self._cards.values(), *map(_refused_card, refusals)]):
                key = (card.product, card.unit) if card.unit else (card.text,)
                newest.pop(key, None)
                newest[key] = card
            shown = list(reversed(newest.values()))[:SHOWN]
            return {
                "now": datetime.now(UTC).isoformat(),
                "today": {
                    "issued": len(self._today.issued),
                    "passed": len(self._today.passed),
                    "failed": len(failed),
                },
                "units": [to_json(card) for card in _doubted(ledger, shown)],
            }

    def _as_they_came(self, cards: Sequence[Card]) -> list[Card]:
        """Return `cards`, the newest last: by the look that first saw each, and among those of one by the clocks.

        By the clocks alone, one that was ahead for a while would hide for as long what came after.
        """
        self._looks += 1
        before = self._first_seen
        keys = {_identity(card): card for card in cards}
        self._first_seen = {key: before.get(key, (self._looks, card.at)) for key, card in keys.items()}
        return sorted(keys.values(), key=lambda card: self._first_seen[_identity(card)])

    def _follow(self, ledger: Ledger) -> None:
        if self._following:
            seen = set(self._seen)
            for event in ledger.events(after=max(self._last - _OVERLAP, 0)):
                if event.id not in seen:
                    self._take(event)
            return
        first: list[Event] = []
        for event in ledger.events(newest_first=True, limit=_FIRST_LOOK):
            if event.at < self._today.midnight and len(first) >= SHOWN:
                break
            first.append(event)
        for event in reversed(first):
            self._take(event)
        self._following = True

    def _take(self, event: Event) -> None:
        self._seen.append(event.id)
        self._last = max(self._last, event.id)
        verdict, text = _verdict(event)
        if event.unit is None or not verdict:
            return
        if event.at >= self._today.midnight:
            self._count(event, verdict)
        shown = mask(event.claim_id) if event.claim_id and verdict != "fail" else None
        self._show(Card(event.at, event.product, event.unit, shown, verdict, text, event.by))

    def _count(self, event: Event, verdict: str) -> None:
        if verdict == "fail":
            self._today.failed.add((event.product, event.unit))
        elif event.kind in (EventKind.ALLOCATED, EventKind.BOUND):
            self._today.issued.add(event.claim_id or "")
        elif verdict == "pass":
            self._today.passed.add(event.claim_id or "")

    def _add_askers(self, ledger: Ledger) -> None:
        """Bring forward the units that asked again, which is no event of the ledger."""
        asked = [(at, product, unit) for at, product, unit in list(self._asked) if self._is_news(at, product, unit)]
        claims = ledger.live_claims([(product, unit) for _unused, product, unit in asked]) if asked else {}
        for at, product, unit in asked:
            if claim := claims.get((product, unit)):
                self._show(_claim_card(at, claim, self._who_did_it(ledger, product, unit)))

    def _who_did_it(self, ledger: Ledger, product: str, unit: str) -> str | None:
        """Return who brought the unit's claim to where it stands: asking again does nothing to it."""
        card = self._cards.get((product, unit))
        if card is not None and card.verdict in {"issued", "pass"}:
            return card.by
        # No card is kept of a unit that was done before today, and that of a failure names who failed.
        done = ledger.events(
            product=product, unit=unit, kinds=map(EventKind, (*_ISSUE_TEXTS, *_PASS_TEXTS)), newest_first=True, limit=1
        )
        return next((event.by for event in done), None)

    def _is_news(self, at: datetime, product: str, unit: str) -> bool:
        card = self._cards.get((product, unit))
        # A unit that was given its ID just now asked for it just now.
        return card is None or (at - card.at).total_seconds() > 1

    def _show(self, card: Card) -> None:
        key = (card.product, card.unit)
        self._cards.pop(key, None)
        self._cards[key] = card
        if len(self._cards) > _KEPT:
            self._cards.popitem(last=False)


def _doubted(ledger: Ledger, cards: Sequence[Card]) -> list[Card]:
    """Return `cards`; what passed and counts for less now, such as for a twin that came later, as it stands."""
    passed = [(card.product, card.unit) for card in cards if card.verdict == "pass" and card.product and card.unit]
    claims = ledger.live_claims(passed) if passed else {}
    found = []
    for card in cards:
        claim = claims.get((card.product or "", card.unit or ""))
        if claim is not None and card.verdict == "pass" and claim.doubt is not None:
            verdict, text = claim_verdict(claim)
            found.append(replace(card, verdict=verdict, text=text))
        else:
            found.append(card)
    return found


def to_json(card: Card) -> dict[str, object]:
    """Return a card as the page gets it."""
    return {
        "at": card.at.isoformat(),
        "product": card.product,
        "serial": card.unit,
        "claim_id": card.claim_id,
        "verdict": card.verdict,
        "text": card.text,
        "by": printable(card.by) if card.by else None,
    }


def claim_verdict(claim: Claim) -> tuple[str, str]:
    """Return how a claim stands, as a word and in words."""
    if claim.state is State.RETIRED:
        return "retired", _retired(claim.reason)
    if claim.doubt is not None:
        return "fail", f"In doubt: {claim.doubt}"
    if claim.state.is_past(State.WRITTEN):
        return "pass", _PASS_TEXTS[claim.state.value]
    return "issued", _ISSUE_TEXTS[claim.state.value]


_PASS_TEXTS: Mapping[str, str] = {
    EventKind.VERIFIED: "ID read back from the device",
    EventKind.LABELLED: "ID read back and labelled",
}
_ISSUE_TEXTS: Mapping[str, str] = {
    EventKind.ALLOCATED: "ID given; not yet confirmed",
    EventKind.BOUND: "ID given; not yet confirmed",
    EventKind.REBOUND: "ID moved to this unit; not yet confirmed",
    EventKind.WRITTEN: "ID written; not yet read back",
}


def _verdict(event: Event) -> tuple[str, str]:
    if event.kind in _PASS_TEXTS:
        return "pass", _PASS_TEXTS[event.kind]
    if event.kind in _ISSUE_TEXTS:
        return "issued", _ISSUE_TEXTS[event.kind]
    if event.kind in _FAILED:
        return "fail", printable(event.detail or "") or "The ID belongs to another unit"
    if event.kind == EventKind.RETIRED:
        # Before events had a column for it, the reason was their detail.
        return "retired", _retired(event.reason or event.detail)
    return "", ""


def _retired(reason: str | None) -> str:
    # Somebody typed it, such as that another ID takes its place.
    return f"Retired: {mask_sentence(printable(reason))}" if reason else "Retired"


def _identity(card: Card) -> tuple[object, ...]:
    return card.at, card.product, card.unit, card.verdict, card.text


def _claim_card(at: datetime, claim: Claim, by: str | None) -> Card:
    verdict, text = claim_verdict(claim)
    return Card(at, claim.product, claim.unit, claim.masked, verdict, text, by)


def _refused_card(refusal: Refusal) -> Card:
    unit = refusal.unit or refusal.address
    again = f" ({refusal.times} tries)" if refusal.times > 1 else ""
    return Card(refusal.at, refusal.product, unit, None, "fail", f"{refusal.sentence}{again}")


def _key(refusal: Refusal) -> tuple[str | None, ...]:
    return (refusal.product, refusal.unit) if refusal.unit else (refusal.reason, refusal.address)


def local_midnight(moment: datetime) -> datetime:
    """Return when the day of `moment` began here, with the offset of then: summer time may have begun since."""
    return moment.astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0).astimezone()


def _midnight() -> datetime:
    return local_midnight(datetime.now(UTC))
