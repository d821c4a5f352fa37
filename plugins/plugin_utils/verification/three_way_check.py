# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three-way check: what a unit's label says, what its device answers, and what the ledger knows, are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..claim_ids import InvalidProductError, is_valid, mask, parse_product
from ..device.agent_settings import Override
from ..device.state import DeviceState
from ..display_text import printable, quoted
from ..identity.mac_addresses import is_same_serial
from ..identity.marks import ANY_MARKS, IdentifyingMarks
from ..ledger.event_kinds import EventKind
from ..ledger.ledger import Ledger
from ..ledger.records import Claim, Context, NewEvent, State
from ..ledger.rework.chain import successor_of
from ..ledger.rework.void_labels import void_because
from ..scanning.scan import Scan

_PASSED = "a three-way check has passed"
_IN_ORDER = {State.VERIFIED, State.LABELLED}


@dataclass(frozen=True, slots=True)
class UnitSeen:
    """What a device answers; `overrides` is what its agent takes in place of the `id` and `product` in device.json5."""

    unit: str
    claim_id: str | None
    product: str | None
    overrides: Mapping[str, Override] = field(default_factory=dict)

    @classmethod
    def of(cls, state: DeviceState, serial: str | None, marks: IdentifyingMarks = ANY_MARKS) -> UnitSeen:
        """Return what `state` answers; `serial` is the inventory's word for the unit. Raises `IotoError`."""
        return cls(state.unit(serial, marks).serial, state.claim_id, state.product, state.overrides)


@dataclass(frozen=True, slots=True)
class UnitKnown:
    """What the ledger says: who has the label's ID, who the device's, and which one the unit has.

    `successor` is what replaced the label's ID, where that is retired. `void` says why the label is void
    though its ID is not, as a clause.
    """

    of_label: Claim | None = None
    of_device: Claim | None = None
    of_unit: Claim | None = None
    successor: Claim | None = None
    void: str | None = None


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """Whether all agree; if not, what is wrong, a clause each."""

    problems: Sequence[str]
    unit: str | None = None
    product: str | None = None

    @property
    def passed(self) -> bool:
        """Whether label, device and ledger say the same."""
        return not self.problems


def ask_ledger(ledger: Ledger, scan: Scan, seen: UnitSeen, product: str | None) -> UnitKnown:
    """Return what the ledger says of the label's ID, of the device's and of the unit."""
    ids = [claim_id for claim_id in (scan.claim_id, seen.claim_id) if is_valid(claim_id)]
    holders = ledger.holders(ids)
    named = product or seen.product
    try:
        live = ledger.live_claim(named, seen.unit) if named else None
    except InvalidProductError:
        live = None  # the device names an invalid product
    of_label, successor, void = holders.get(scan.claim_id), None, None
    if of_label is not None and of_label.is_live:
        void = void_because(ledger, of_label, number=scan.number, serial=scan.serial)
    elif of_label is not None:
        successor = successor_of(ledger, of_label)
    return UnitKnown(of_label, holders.get(seen.claim_id or ""), live, successor, void)


def compare(scan: Scan, seen: UnitSeen, known: UnitKnown, product: str | None = None) -> CheckVerdict:
    """Return the verdict on a unit; `product` is what the inventory says, if it does. A pure function."""
    problems = [
        *_of_label_and_device(scan, seen, product),
        *_of_ledger_and_label(scan, seen, known),
        *_of_ledger_and_device(scan, seen, known),
    ]
    return CheckVerdict(list(dict.fromkeys(problems)), seen.unit, product or seen.product)


def _of_label_and_device(scan: Scan, seen: UnitSeen, product: str | None) -> list[str]:
    problems = []
    if seen.claim_id is None:
        problems.append("the device has no claim ID, so serialize it first")
    elif not is_valid(seen.claim_id):
        problems.append("the device has an id that is not a claim ID")
    elif seen.claim_id != scan.claim_id:
        alike = mask(seen.claim_id) == mask(scan.claim_id)
        other = f"another one, {mask(seen.claim_id)}" if alike else mask(seen.claim_id)
        problems.append(f"the label says {mask(scan.claim_id)}, and the device has {other}")
    for name, said in (("id", seen.claim_id), ("product", seen.product)):
        override = seen.overrides.get(name)
        if override is not None and override.value != said:
            problems.append(
                f"the agent takes another {name} than that of device.json5, from {override.key} in {override.path}"
            )
    if scan.serial is not None and not is_same_serial(scan.serial, seen.unit):
        problems.append(f"the label says S/N {quoted(scan.serial)}, and the unit is {quoted(seen.unit)}")
    for wanted, who in ((scan.product, "the label"), (product, "the inventory")):
        if wanted is not None and seen.product is not None and wanted != seen.product:
            problems.append(f"{who} says product {wanted}, and the device {quoted(seen.product)}")
    return problems


def _of_ledger_and_label(scan: Scan, seen: UnitSeen, known: UnitKnown) -> list[str]:
    holder = known.of_label
    if holder is None:
        return ["the ledger does not know the label's claim ID"]
    if (void := known.void if holder.is_live else _void(holder, known.successor)) is not None:
        return [void]
    if holder.unit is None:
        return ["the label is pre-printed and bound to no unit yet"]
    if not is_same_serial(holder.unit, seen.unit):
        return [f"the label belongs to unit {quoted(holder.unit)}"]
    if seen.product is not None and holder.product != seen.product:
        return [f"the label belongs to product {holder.product}"]
    return []


def _void(holder: Claim, successor: Claim | None) -> str:
    """Return why a label with the ID of `holder` is void, and what is in its place."""
    void = f"the label is void, since its claim ID is retired ({printable(holder.reason or '')}); "
    if successor is None:
        return f"{void}no other has come in its place"
    end = "" if successor.is_live else ", which is retired, too"
    return f"{void}in its place is {successor.masked} of unit {quoted(successor.unit)}{end}"


def _of_ledger_and_device(scan: Scan, seen: UnitSeen, known: UnitKnown) -> list[str]:
    live, holder = known.of_unit, known.of_device
    if live is None:
        return [f"the ledger has no claim ID for unit {quoted(seen.unit)}"]
    problems = []
    if is_valid(seen.claim_id) and live.claim_id != seen.claim_id:
        problems.append(f"the ledger has {live.masked} for this unit, and not what the device has")
        if holder is not None and holder.unit is not None and not is_same_serial(holder.unit, seen.unit):
            problems.append(f"the device's claim ID belongs to unit {quoted(holder.unit)}")
    elif live.state not in _IN_ORDER:
        problems.append(f"the ledger has it as {live.state} only, so run provision again")
    return problems


def record(ledger: Ledger, verdict: CheckVerdict, scan: Scan | None, seen: UnitSeen | None, context: Context) -> None:
    """Have the ledger remember a check: `checked`, or `mismatch` and, where IDs are with the wrong unit, `conflict`.

    A check that passes settles the conflicts of its unit.
    """
    unit, product = verdict.unit, _product(verdict.product)
    claim_id = scan.claim_id if scan else None
    detail = "; ".join(verdict.problems) or "label, device and ledger agree"
    kind = EventKind.CHECKED if verdict.passed else EventKind.MISMATCH
    entries = [NewEvent(kind, context, claim_id, product, unit, detail)]
    live = ledger.live_claim(product, unit) if unit is not None and product is not None else None
    if verdict.passed:
        if live is not None and live.twin is not None:
            ledger.resolve(live.claim_id, reason=_PASSED, context=context)
        entries += [
            NewEvent(EventKind.RESOLVED, context, conflict.event.claim_id, product, unit, _PASSED)
            for conflict in ledger.conflicts()
            if conflict.event.product == product and is_same_serial(conflict.event.unit, unit)
        ]
    elif unit is not None and product is not None and seen is not None:
        strangers = {claim_id, seen.claim_id if is_valid(seen.claim_id) else None} - {None, live and live.claim_id}
        entries += [
            NewEvent(EventKind.CONFLICT, context, stranger, product, unit, detail)
            for stranger in sorted(filter(None, strangers))
        ]
    ledger.record_many(entries)


def _product(text: str | None) -> str | None:
    try:
        return parse_product(text) if text else None
    except InvalidProductError:
        return None
