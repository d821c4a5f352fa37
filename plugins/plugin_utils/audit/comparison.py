# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen against what ledgers say, a part at a time: a few hundred places, and one question for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..claim_ids import is_valid, mask
from ..display_text import printable, quoted, shortened
from ..identity.mac_addresses import is_same_serial, normal_serial
from ..ledger.bulk_rows import read_live
from ..ledger.ledger import Ledger
from ..ledger.queries import each, select_claims
from ..ledger.records import Claim, State
from ..ledger.rework.void_labels import void_because
from ..ledger.schema import claims
from ..scanning.keyboard_layout import HINT, exchanged, is_exchanged
from .findings import Finding, FindingKind, Origin
from .stage import AuditStage, OtherClaim, Shared, Sighting

Known = Claim | OtherClaim
"""What a ledger says of an ID: the one that is audited, or another."""
_LONGEST_REASON = 200
_MOST_STEPS = 20
"""From a retired ID to the one that is in its place now."""


@dataclass(frozen=True, slots=True)
class LedgersView:
    """What ledgers say of the IDs and units of one part: the audited ledger first, then the others."""

    holders: Mapping[str, Known]
    successors: Mapping[str, Claim] = field(default_factory=dict)
    """What replaces IDs that are out of use, as far as the audited ledger says it."""
    live: Mapping[str, Sequence[Claim]] = field(default_factory=dict)
    """The live claims of the audited ledger, by the normal form of their unit."""
    stage: AuditStage | None = None

    @classmethod
    def of(cls, ledger: Ledger, stage: AuditStage, ids: Iterable[str], serials: Iterable[str]) -> LedgersView:
        """Ask the ledger once for all `ids`, and once for all units, also those of IDs that are out of use."""
        wanted = {claim_id for claim_id in ids if is_valid(claim_id)}
        holders: dict[str, Known] = dict(ledger.holders(wanted))
        retired = [claim for claim in holders.values() if not claim.is_live]
        units = {claim.unit for claim in retired if claim.unit is not None}
        holders |= stage.other_holders(wanted - holders.keys())
        live: dict[str, list[Claim]] = {}
        with ledger.database.read() as connection:
            for claim in read_live(connection, {*serials, *units}):
                live.setdefault(normal_serial(claim.unit or ""), []).append(claim)
        return cls(holders, _successors(ledger, retired), live, stage)

    def of_unit(self, serial: str | None, product: str | None) -> Known | None:
        """Return what a unit has now; without its product, where one product alone has a unit of that name."""
        if serial is None:
            return None
        found = [
            claim for claim in self.live.get(normal_serial(serial), ()) if product is None or claim.product == product
        ]
        if found:
            return found[0] if len(found) == 1 else None
        return None if self.stage is None else self.stage.other_live(serial, product)


def _successors(ledger: Ledger, retired: Iterable[Known]) -> dict[str, Claim]:
    """Return the live claims that replace `retired` ones, also where others did so between, by the retired ID."""
    found: dict[str, Claim] = {}
    begun = {claim.claim_id: claim.claim_id for claim in retired}
    for _unused in range(_MOST_STEPS):
        if not begun:
            break
        query = select_claims({}, newest_first=False).where(claims.c.replaces.in_(list(begun)))
        after = {}
        for claim in each(ledger.database, Claim, query, newest_first=False, limit=None):
            first = begun[claim.replaces or ""]
            if claim.is_live:
                found[first] = claim
            else:
                after[claim.claim_id] = first
        begun = after
    return found


def compare_seen(ledger: Ledger, stage: AuditStage) -> Iterator[Finding]:
    """Yield what does not agree of all that was seen."""
    for shared in stage.take_shared():
        holder = LedgersView.of(ledger, stage, [shared.claim_id], []).holders.get(shared.claim_id)
        yield _of_shared(shared, holder)
    for part in stage.parts():
        view = LedgersView.of(
            ledger,
            stage,
            (claim_id for seen in part for claim_id in _asked_for(seen)),
            (seen.serial for seen in part if seen.serial is not None),
        )
        for seen in part:
            if (finding := _void(ledger, seen, view) or judge(seen, view)) is not None:
                yield finding


def _void(ledger: Ledger, seen: Sighting, view: LedgersView) -> Finding | None:
    """Return what is wrong with a label that is void though its ID is not: its unit has had another since."""
    of_id = view.holders.get(seen.claim_id or "")
    if seen.origin is not Origin.SCAN or not isinstance(of_id, Claim) or not of_id.is_live:
        return None
    why = void_because(ledger, of_id, number=seen.number, serial=seen.said or seen.serial)
    case = _Comparison(seen, of_id, None)
    return None if why is None else case.found(FindingKind.RETIRED, printable(why))


def _asked_for(seen: Sighting) -> Iterator[str]:
    """Yield the ID that was seen; of a scan also what it would be for another keyboard layout."""
    if seen.claim_id is not None:
        yield seen.claim_id
        if seen.origin is Origin.SCAN and (other := exchanged(seen.claim_id)) is not None:
            yield other


def judge(seen: Sighting, view: LedgersView) -> Finding | None:
    """Return what is wrong with what was seen at one place; None where it agrees. A pure function of its arguments."""
    of_id = view.holders.get(seen.claim_id or "")
    # A label may say no product: that of its ID is meant, where that is the unit's.
    product = seen.product or (of_id.product if of_id is not None and is_same_serial(of_id.unit, seen.serial) else None)
    case = _Comparison(seen, of_id, view.of_unit(seen.serial, product))
    if seen.claim_id is None:
        return _without_id(case)
    if of_id is None:
        return _unknown(case, seen.claim_id, view)
    if not of_id.is_live:
        return _retired(case, of_id, view.successors.get(of_id.claim_id) or view.of_unit(of_id.unit, of_id.product))
    if of_id.unit is None:
        return _reserved(case, of_id)
    return _of_live(case, of_id)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What was seen at one place, and what ledgers have of its ID and of its unit."""

    seen: Sighting
    of_id: Known | None
    of_unit: Known | None

    def found(self, kind: FindingKind, what: str, known: Known | None = None) -> Finding:
        """Return a finding: what is wrong, a clause, and what the ledger has instead."""
        seen, of_id = self.seen, self.of_id
        note = f" (from {seen.note})" if seen.note else ""
        known_id = None if known is None or known.claim_id == seen.claim_id else known.claim_id
        serial = seen.serial or (of_id.unit if of_id is not None else None)
        product = seen.product or (of_id.product if of_id is not None else None)
        place = printable(seen.place)
        return Finding(kind, seen.origin, place, f"{what}{note}", seen.claim_id, known_id, product, serial)


def _without_id(case: _Comparison) -> Finding | None:
    seen, of_unit = case.seen, case.of_unit
    if of_unit is None:
        unit = f", and no ledger knows its unit {quoted(seen.serial)}" if seen.origin is Origin.DEVICE else ""
        return case.found(FindingKind.UNKNOWN, f"it has no claim ID{unit}")
    if of_unit.state is State.ALLOCATED:
        return None  # as the ledger has it: no device has it yet
    return case.found(FindingKind.ANOTHER_ID, f"it has no claim ID, and {_entry(of_unit)}", of_unit)


def _unknown(case: _Comparison, claim_id: str, view: LedgersView) -> Finding:
    seen, of_unit = case.seen, case.of_unit
    is_named = seen.serial is not None and seen.origin is not Origin.IMAGE
    product = f" of product {printable(seen.product)}" if seen.product else ""
    has = f"it has {mask(claim_id)}" if is_valid(claim_id) else "its id is not a claim ID"
    if seen.origin is Origin.SCAN and is_exchanged(claim_id, view.holders):
        has += f": {HINT}"
    if of_unit is not None:
        return case.found(FindingKind.ANOTHER_ID, f"{has}, and {_entry(of_unit)}", of_unit)
    unit = f", nor its unit {quoted(seen.serial)}{product}" if is_named else ""
    return case.found(FindingKind.UNKNOWN, f"{has}, and no ledger knows it{unit}")


def _why(reason: str | None) -> str:
    """Return, for the middle of a sentence, why something was retired: the ledger takes reasons of a whole page."""
    return f" ({shortened(reason, _LONGEST_REASON)})" if reason else ""


def _retired(case: _Comparison, of_id: Known, successor: Known | None) -> Finding:
    what = f"its claim ID {mask(of_id.claim_id)} is retired{_why(of_id.reason)}"
    if successor is not None and not is_same_serial(successor.unit, of_id.unit):
        what += f"; in its place came {mask(successor.claim_id)} of unit {quoted(successor.unit)}"
    elif of_id.unit is not None:
        now = f"has {mask(successor.claim_id)} now" if successor is not None else "has none now"
        what += f"; its unit {quoted(of_id.unit)} {now}"
    return case.found(FindingKind.RETIRED, what, successor)


def _reserved(case: _Comparison, of_id: Known) -> Finding | None:
    if case.seen.origin is Origin.SCAN and case.seen.serial is None:
        return None  # a label that waits for its unit
    what = f"the ledger has its claim ID {mask(of_id.claim_id)} for no unit yet"
    return case.found(FindingKind.ANOTHER_UNIT, what)


def _of_live(case: _Comparison, of_id: Known) -> Finding | None:
    seen, of_unit, shown = case.seen, case.of_unit, mask(of_id.claim_id)
    # A file's name is a hint: what the ledger has under that name counts, and that it has nothing does not.
    is_named = seen.serial is not None and seen.origin is not Origin.IMAGE
    if of_unit is not None and of_unit.claim_id != of_id.claim_id:
        what = f"it has the claim ID {shown} of unit {quoted(of_id.unit)}, and {_entry(of_unit)}"
        return case.found(FindingKind.ANOTHER_ID, what, of_unit)
    if is_named and not is_same_serial(of_id.unit, seen.serial):
        what = f"it is unit {quoted(seen.serial)}, and has the claim ID {shown} of unit {quoted(of_id.unit)}"
    elif seen.product is not None and seen.product != of_id.product:
        what = f"it says product {printable(seen.product)}, and the ledger has its claim ID {shown} for {of_id.product}"
    elif seen.said is not None and seen.serial is not None and not is_same_serial(seen.said, seen.serial):
        what = f"its code says S/N {quoted(seen.said)}, and it is on unit {quoted(seen.serial)}"
    else:
        return None
    return case.found(FindingKind.ANOTHER_UNIT, what)


def compare_others(ledger: Ledger, stage: AuditStage, names: Sequence[str]) -> Iterator[Finding]:
    """Yield where other ledgers, called `names` by their numbers, and the audited one have what is one's alone."""
    for part in stage.other_parts():
        view = LedgersView.of(ledger, stage, [], [claim.unit for claim in part if claim.unit is not None])
        holders = ledger.holders(claim.claim_id for claim in part)
        for claim in part:
            finding = _judge_other(claim, names[claim.ledger], holders, view, stage)
            if finding is not None:
                yield finding
    for odd in stage.at_odds():
        if not stage.is_found(FindingKind.TWO_SITES, (claim.claim_id for claim in odd)):
            yield _at_odds(odd, names)


def _judge_other(
    claim: OtherClaim, name: str, holders: Mapping[str, Claim], view: LedgersView, stage: AuditStage
) -> Finding | None:
    ours, shown = holders.get(claim.claim_id), mask(claim.claim_id)

    def found(kind: FindingKind, what: str, known: Claim) -> Finding:
        known_id = None if known.claim_id == claim.claim_id else known.claim_id
        return Finding(kind, Origin.OTHER_LEDGER, name, what, claim.claim_id, known_id, claim.product, claim.unit)

    if ours is not None:
        other_unit = claim.unit is not None and ours.unit is not None and not is_same_serial(claim.unit, ours.unit)
        if other_unit or claim.product != ours.product:
            what = f"it has {shown} for {_unit(claim)}, and the ledger for {_unit(ours)}"
            return found(FindingKind.TWO_SITES, what, ours)
        if claim.is_live != ours.is_live:
            gone, lives = (ours, "in use here") if claim.is_live else (claim, "in use in the ledger")
            where = f"retired {'in the ledger' if claim.is_live else 'here'}{_why(gone.reason)}"
            return found(FindingKind.RETIRED, f"{shown} of {_unit(claim)} is {where}, and {lives}", ours)
        return None
    if not claim.is_live or claim.unit is None:
        return None
    live = [one for one in view.live.get(normal_serial(claim.unit), ()) if one.product == claim.product]
    if not live or stage.has_other(claim.ledger, live[0].claim_id):
        return None  # the other ledger knows that one too: it is told where that is retired
    return found(FindingKind.TWO_SITES, f"it has {shown} for {_unit(claim)}, and {_entry(live[0])}", live[0])


def _at_odds(odd: Sequence[OtherClaim], names: Sequence[str]) -> Finding:
    first = odd[0]
    second = next((claim for claim in odd if claim[1:4] != first[1:4]), odd[-1])
    what = (
        f"it has {mask(first.claim_id)} for {_unit(first)}, and {names[second.ledger]} has {mask(second.claim_id)} for "
        f"{_unit(second)}"
    )
    known_id = None if second.claim_id == first.claim_id else second.claim_id
    return Finding(
        FindingKind.TWO_SITES,
        Origin.OTHER_LEDGER,
        names[first.ledger],
        what,
        first.claim_id,
        known_id,
        first.product,
        first.unit,
    )


def _of_shared(shared: Shared, holder: Known | None) -> Finding:
    named = ", ".join(map(printable, shared.places))
    more = shared.number - len(shared.places)
    where = f"{named} and {more} more" if more > 0 else named
    if holder is None:
        known = "no ledger knows it"
    elif not holder.is_live:
        known = f"it is retired{_why(holder.reason)}"
    else:
        known = f"the ledger has it for {_unit(holder)}"
    each = {Origin.DEVICE: "device", Origin.IMAGE: "image"}.get(shared.origin, "label")
    what = f"each {each} has the claim ID {mask(shared.claim_id)}, and {known}"
    if shared.origin is Origin.DEVICE and len(shared.serials) == 1:
        what += f"; all say that they are unit {quoted(shared.serials[0])}"
    serial = None if holder is None else holder.unit
    product = None if holder is None else holder.product
    return Finding(FindingKind.TWO_DEVICES, shared.origin, where, what, shared.claim_id, product=product, serial=serial)


def _entry(known: Known) -> str:
    return f"the ledger has {mask(known.claim_id)} ({known.state}) for unit {quoted(known.unit)}"


def _unit(known: Known) -> str:
    return "no unit yet" if known.unit is None else f"unit {quoted(known.unit)} of product {known.product}"
