# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scan at the line means: the code of a slot, somebody's badge, or a label, and what follows from it.

*Scan, then plug*: the code of a slot, then a pre-printed label, and the next board of that slot gets the label's ID.
*Plug, then scan*: the label that came out is scanned, and has to say the ID of the unit that was just done.

Nothing here waits, reads a clock or does something: the station tells what happened and when, in seconds of any clock
that does not go back. Scans are hostile: no answer repeats one, and no sentence holds a whole ID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..claim_ids import DEFAULT_LENGTH, check_typed, mask, mask_sentence
from ..display_text import printable
from ..errors import IotoError
from ..flows.options import parse_operator
from ..scanning.keyboard_layout import EXCHANGED, TEST_TEXT, exchanged
from ..scanning.scan import DEFAULT_TEMPLATE, Scan, ScanError, read_scan
from .settings import ScanOrder

_SET_LAYOUT = "so set the scanner to the US keyboard, by the codes in its manual, and scan again"
"""A scanner that is read as a keyboard sends keys, not letters, and we take those of the US keyboard."""
SAME_SCAN_SECONDS = 1.0
"""A scanner whose trigger is held reads the same code again and again."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How scans are understood."""

    slots: Sequence[str]
    order: ScanOrder
    templates: Sequence[str] = (DEFAULT_TEMPLATE,)
    """Of the QR code of the labels' layout."""
    claim_id_lengths: Mapping[str, int] = field(default_factory=dict)
    """Characters of the IDs on pre-printed labels, by slot, where they are not the usual ones.

    The barcode of a carton may look like an ID of another length.
    """
    slot_prefix: str = "SLOT:"
    badge_prefix: str = "BADGE:"
    seconds: float = 30.0
    """How long the code of a slot counts, and how long a label waits for its board."""


class ScanOutcome(StrEnum):
    """What a scan, or the time that has passed since, has done."""

    OPERATOR = "operator"
    """Somebody else stands at the line from now on."""
    SLOT = "slot"
    """The next label is for this slot."""
    BOUND = "bound"
    """The label waits for the next board of the slot, or belongs to the one that waits there (`arrival`)."""
    VERIFIED = "verified"
    """The label is that of the unit in the slot: PASS."""
    WRONG_LABEL = "wrong_label"
    """The label is of another unit: FAIL, until the right one is scanned."""
    REFUSED = "refused"
    """Nothing has changed; `sentence` says what to do."""
    EXPIRED = "expired"
    """No board came for the label, which is bound no more."""
    LAYOUT_RIGHT = "layout_right"
    """The test code of the guide to labels has come through as it should."""
    READY = "ready"
    """The scanner can be used."""
    AGAIN = "again"
    """The same code at once again; nothing has changed, and nothing is to be said."""


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    """What has come of a scan, and the sentence for the operator."""

    outcome: ScanOutcome
    sentence: str
    slot: str | None = None
    """The slot that this is about, where it is about one."""
    arrival: int | None = None
    """The number of the board in the slot that this is about."""

    @property
    def is_refusal(self) -> bool:
        """Whether a scan counts for nothing, which the operator has to know."""
        return self.outcome in (ScanOutcome.REFUSED, ScanOutcome.EXPIRED)


@dataclass(slots=True)
class _SlotScans:
    """A slot, as far as scans go."""

    arrival: int | None = None
    """Of the board in it."""
    is_waiting: bool = False
    """The board waits for a label that says what it is to be."""
    label: Scan | None = None
    """Waits for a board."""
    until: float = 0.0
    done: Scan | None = None
    """What the label of the unit in it has to say."""
    is_verified: bool = False

    def leave(self) -> None:
        self.arrival = self.done = None
        self.is_waiting = self.is_verified = False


@dataclass(slots=True)
class _Last:
    text: str = field(default="", repr=False)
    at: float = float("-inf")


class Scans:
    """What was scanned at one line, and the boards it was for."""

    def __init__(self, settings: ScanSettings) -> None:
        self._settings = settings
        self._places = {slot: _SlotScans() for slot in settings.slots}
        self._chosen: str | None = None
        self._chosen_until = 0.0
        self._last = _Last()
        self.operator: str | None = None
        """Whose badge was scanned last."""

    @property
    def deadline(self) -> float | None:
        """When to call `expire`; None while no label waits for a board."""
        return min((place.until for place in self._places.values() if place.label), default=None)

    def arrived(self, slot: str, arrival: int, now: float) -> Scan | None:
        """Take note of a board, and return the label that waits for it.

        At a line of *scan, then plug* None means that the board waits: SCAN NOW, until a scan's answer is BOUND with
        this `arrival`; `take` returns the label then.
        """
        place = self._places[slot]
        place.leave()
        place.arrival = arrival
        place.is_waiting = self._settings.order is ScanOrder.SCAN_THEN_PLUG
        return self.take(slot, arrival, now)

    def take(self, slot: str, arrival: int, now: float) -> Scan | None:
        """Return the label for the board `arrival` in `slot`, once."""
        place = self._places[slot]
        if now >= place.until or place.arrival != arrival or not place.is_waiting:
            return None
        label, place.label = place.label, None
        place.is_waiting = label is None
        return label

    def departed(self, slot: str, arrival: int) -> None:
        """Take note that a board has left. A label that waits for the next board of the slot goes on waiting."""
        place = self._places[slot]
        if place.arrival == arrival:
            place.leave()

    def done(self, slot: str, arrival: int, claim_id: str, serial: str | None) -> None:
        """Take note of what the label of the unit in `slot` has to say. Of a board that has left, nothing is noted."""
        place = self._places[slot]
        if place.arrival == arrival:
            place.done, place.is_verified = Scan(claim_id, serial=serial), False

    def expire(self, now: float) -> Iterator[ScanAnswer]:
        """Give up the labels for which no board has come in time, and yield an answer for each."""
        for slot, place in self._places.items():
            if place.label and now >= place.until:
                sentence = (
                    f"No board came into {_name(slot)} for the label {mask(place.label.claim_id)} in "
                    f"{self._settings.seconds:g} s; scan the code of the slot and the label again."
                )
                place.label = None
                yield ScanAnswer(ScanOutcome.EXPIRED, sentence, slot)

    def scanned(self, text: str, now: float) -> ScanAnswer:
        """Return what has come of the scan `text`. Call `expire` before, so that each answer is about what is."""
        text = text.strip()
        last, self._last = self._last, _Last(text, now)
        if text == last.text and now - last.at < SAME_SCAN_SECONDS:
            return ScanAnswer(ScanOutcome.AGAIN, "")
        slot = None
        try:
            if (answer := self._code(text, now)) is not None:
                return answer
            slot = self._slot_of_label(now)
            return self._label(slot, read_scan(text, self._settings.templates), text, now)
        except IotoError as error:
            return ScanAnswer(ScanOutcome.REFUSED, str(error), slot)

    def spoilt(self, sentence: str, now: float) -> ScanAnswer:
        """Return what has come of a scan that cannot be used; `sentence` says why. It was to be for some slot."""
        return ScanAnswer(ScanOutcome.REFUSED, sentence, self._slot_of_label(now))

    def _code(self, text: str, now: float) -> ScanAnswer | None:
        """Return what has come of a badge, the code of a slot, or the test code; None for anything else."""
        if (badge := _after(self._settings.badge_prefix, text)) is not None:
            return self._badge(badge)
        if (code := _after(self._settings.slot_prefix, text)) is not None:
            return self._slot(code, now)
        if text == TEST_TEXT:
            return ScanAnswer(ScanOutcome.LAYOUT_RIGHT, "The scanner types what it reads.")
        if text.casefold().split()[:2] == TEST_TEXT.translate(EXCHANGED).casefold().split()[:2]:
            raise ScanError(f"The scanner types Z for Y and Y for Z, {_SET_LAYOUT}.")
        return None

    def _badge(self, text: str) -> ScanAnswer:
        # The name becomes a variable of a run, and Ansible would run what braces hold.
        name = None if "{" in text or "}" in text else parse_operator(text)
        if name is None:
            raise ScanError("The badge that was scanned names nobody; scan a badge with a name or a number.")
        self.operator = name
        return ScanAnswer(ScanOutcome.OPERATOR, f"{mask_sentence(name)} is at the line now.")

    def _slot(self, code: str, now: float) -> ScanAnswer:
        found = [slot for slot in self._places if slot.casefold() == code.casefold()]
        if not found:
            other = exchanged(code.upper())
            is_exchanged = other is not None and other in {slot.upper() for slot in self._places}
            hint = f"it would be with Y and Z exchanged, {_SET_LAYOUT}" if is_exchanged else "scan the code of one"
            raise ScanError(f"What was scanned is the code of no slot of this line; {hint}.")
        self._chosen, self._chosen_until = found[0], now + self._settings.seconds
        return ScanAnswer(ScanOutcome.SLOT, f"Scan the label for {_name(found[0])} now.", found[0])

    def _label(self, slot: str | None, scan: Scan, text: str, now: float) -> ScanAnswer:
        if slot is None:
            raise ScanError("A label was scanned, and no slot before it; scan the code of its slot, then the label.")
        place = self._places[slot]
        if self._settings.order is ScanOrder.SCAN_THEN_PLUG:
            check_typed(scan.claim_id, self._settings.claim_id_lengths.get(slot, DEFAULT_LENGTH))
            answer = self._bind(slot, place, scan, now)
        else:
            answer = self._verify(slot, place, scan, text)
        self._chosen = None
        return answer

    def _slot_of_label(self, now: float) -> str | None:
        """Return the slot that a label is for, or None where nobody knows.

        With several it is never guessed for a board that has no ID yet.
        """
        if self._chosen is not None and now < self._chosen_until:
            return self._chosen
        candidates = list(self._places)
        if len(candidates) > 1 and self._settings.order is ScanOrder.PLUG_THEN_SCAN:
            candidates = [slot for slot, place in self._places.items() if place.done and not place.is_verified]
        return candidates[0] if len(candidates) == 1 else None

    def _bind(self, slot: str, place: _SlotScans, scan: Scan, now: float) -> ScanAnswer:
        for other, elsewhere in self._places.items():
            if other != slot and elsewhere.label and elsewhere.label.claim_id == scan.claim_id:
                raise ScanError(
                    f"The label {mask(scan.claim_id)} waits for a board in {_name(other)} already; take another label."
                )
        if place.arrival is not None and not place.is_waiting:
            raise ScanError(f"There is a board in {_name(slot)} still; take it out, then scan the slot and the label.")
        replaced = "in place of the one before " if place.label and place.label != scan else ""
        place.label, place.until = scan, now + self._settings.seconds
        if place.is_waiting:
            sentence = f"The label {mask(scan.claim_id)} is for the board in {_name(slot)}."
        else:
            sentence = f"The label {mask(scan.claim_id)} {replaced}waits: plug a board into {_name(slot)} now."
        return ScanAnswer(ScanOutcome.BOUND, sentence, slot, place.arrival)

    def _verify(self, slot: str, place: _SlotScans, scan: Scan, text: str) -> ScanAnswer:
        done = place.done
        if done is None:
            raise ScanError(f"No unit in {_name(slot)} waits for its label; scan it when the slot says SCAN NOW.")
        if done.serial and text.casefold() == done.serial.casefold():
            raise ScanError("What was scanned is the barcode of the serial number; scan the QR code of the same label.")
        says, has = mask(scan.claim_id), mask(done.claim_id)
        if exchanged(scan.claim_id) == done.claim_id:
            raise ScanError(
                f"The label says {says} and the unit in {_name(slot)} has {has}, which is the same with Y and Z "
                f"exchanged, {_SET_LAYOUT}."
            )
        wrong = None
        if scan.claim_id != done.claim_id:
            alike = ", which differ before their ends" if says == has else ""
            wrong = f"says {says} and the unit has {has}{alike}"
        elif scan.serial and done.serial and scan.serial.casefold() != done.serial.casefold():
            wrong = f"has the ID {says} of the unit, and another serial than {printable(done.serial)}"
        place.is_verified = wrong is None
        if wrong is None:
            return ScanAnswer(ScanOutcome.VERIFIED, f"The label {says} is that of the unit.", slot, place.arrival)
        sentence = f"The label scanned for {_name(slot)} {wrong}; take it off, and scan the label of this unit."
        return ScanAnswer(ScanOutcome.WRONG_LABEL, sentence, slot, place.arrival)


def _after(prefix: str, text: str) -> str | None:
    """Return what follows `prefix`, in any case that a scanner types; None where `text` does not begin with it."""
    begins = bool(prefix) and text[: len(prefix)].casefold() == prefix.casefold()
    return text[len(prefix) :].strip() if begins else None


def _name(slot: str) -> str:
    return f"slot {printable(slot)}"
