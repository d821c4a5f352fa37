# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a station tells the service of its slots: the message, as it is sent and as it is read.

Who sends it is another program, with the token of a station or without: every text is looked at before it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ..claim_ids import ALPHABET, mask_sentence
from ..display_text import is_visible, quoted, shortened
from .errors import RefusedError

PATH = "/line/v1/slots"
"""Where a station tells its slots, and the page asks for them."""
MOST_SLOTS = 64
"""Of one station."""
MOST_CHARACTERS = 200
"""Of any text."""
MOST_BYTES = 24 * 1024
"""Of a message: `front` lets 32 KiB through of a request that is not a unit's, with its head."""
MOST_NOTICES = MOST_SLOTS + 1
NOTICE_SECONDS = 20.0
"""How long the page shows a notice."""
_MOST_NUMBER = 2**53 - 1
"""What a browser counts exactly."""
_SHOWN_OF_ID = 2
"""Characters of a claim ID that may be known: its last ones."""
_EXPLAINING = ("step", "reason", "remedy", "detail")
"""Texts that somebody wrote, so that a whole claim ID may stand in them."""
_TEXTS = ("serial", *_EXPLAINING)


class SlotState(StrEnum):
    """How a slot of a jig stands."""

    EMPTY = "empty"
    WORKING = "working"
    PASS = "pass"  # noqa: S105  # the opposite of FAIL
    FAIL = "fail"
    SCAN_NOW = "scan_now"
    NO_LABEL = "no_label"

    @property
    def is_verdict(self) -> bool:
        """Whether it says what came of a board."""
        return self in _VERDICTS


_VERDICTS = frozenset((SlotState.PASS, SlotState.FAIL, SlotState.NO_LABEL))


@dataclass(frozen=True, slots=True)
class SlotReport:
    """How one slot stands. `arrival` is the number of the board that came into it, or of the one that left it."""

    slot: str
    arrival: int
    state: SlotState
    step: str | None = None
    """What is done with the board, in the operator's words."""
    serial: str | None = None
    claim_id_end: str | None = None
    """The last two characters of its claim ID."""
    reason: str | None = None
    """What happened, in the operator's words."""
    remedy: str | None = None
    """What the operator does now."""
    at: datetime | None = None
    """Since when, by the station's clock."""
    detail: str | None = None
    """The whole sentence, for the technician."""

    def to_json(self, longest: int = MOST_CHARACTERS, longest_detail: int | None = None) -> dict[str, object]:
        """Return what the message says of the slot, without what it does not know; texts are made fit to be shown.

        What explains has `longest` characters at most (the detail `longest_detail`), and no whole claim ID.
        """
        most = {"detail": longest_detail or longest}
        texts = {
            name: _explained(text, most.get(name, longest)) for name in _EXPLAINING if (text := getattr(self, name))
        }
        texts["serial"] = shortened(self.serial or "", longest)
        said: dict[str, object] = {"slot": _named(self.slot), "arrival": self.arrival, "state": self.state.value}
        said |= {name: text for name, text in texts.items() if text}
        if self.claim_id_end:
            said["claim_id_end"] = self.claim_id_end
        if self.at is not None:
            said["at"] = self.at.isoformat()
        return said


@dataclass(frozen=True, slots=True)
class StationNotice:
    """What the operator is to know for a while, such as that a scan was refused. An empty text takes it back."""

    text: str
    slot: str | None = None
    """The slot whose tile shows it; None for a line on the page."""

    def to_json(self, longest: int = MOST_CHARACTERS) -> dict[str, object]:
        """Return what the message says of it."""
        said: dict[str, object] = {"text": _explained(self.text, longest)}
        return said if self.slot is None else {**said, "slot": _named(self.slot)}


@dataclass(frozen=True, slots=True)
class StationMessage:
    """What a station says at once. `operator` is None where it does not say, and empty where nobody is there.

    A `whole` message speaks of all slots that the station has. What a station says by itself names its `start`, and has
    a `number` that grows; a run of a playbook names none. `slot_precedence` says what follows from it.
    """

    station: str
    slots: tuple[SlotReport, ...]
    operator: str | None = None
    whole: bool = False
    notices: tuple[StationNotice, ...] = ()
    start: str | None = None
    number: int = 0

    @property
    def is_by_station(self) -> bool:
        """Whether the station itself says how its slots stand, and no run of a playbook."""
        return self.whole or self.start is not None

    def encode(self) -> bytes:
        """Return the body of the request; of many slots with long texts, those are shortened, so that it is taken."""
        longest = MOST_CHARACTERS
        while len(data := self._encoded(longest)) > MOST_BYTES and longest > 1:
            longest //= 2
        return data

    def _encoded(self, longest: int) -> bytes:
        slots = [slot.to_json(longest) for slot in self.slots]
        said: dict[str, object] = {"station": _named(self.station), "slots": slots}
        if self.start is not None:
            said |= {"start": self.start, "number": self.number}
        if self.operator is not None:
            said["operator"] = _explained(self.operator, MOST_CHARACTERS)  # a badge may hold a claim ID
        if self.whole:
            said["whole"] = True
        if self.notices:
            said["notices"] = [notice.to_json(longest) for notice in self.notices]
        return json.dumps(said, ensure_ascii=False).encode()


def _named(text: str) -> str:
    return shortened(text, MOST_CHARACTERS)


def _explained(text: str, longest: int) -> str:
    # First: half a claim ID would not be known as one.
    return shortened(mask_sentence(text), longest)


def parse_message(data: bytes) -> StationMessage:
    """Return what a station says. Raises `RefusedError`, also where it says something that is not known here."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise RefusedError(
            400, "body", "The body is not valid JSON; send what the description at /openapi.json says."
        ) from None
    fields = _Members(body, "The body", ("station", "start", "number", "operator", "slots", "whole", "notices"))
    whole = fields.get("whole", False)
    slots = fields.get("slots")
    if not isinstance(whole, bool):
        raise _wrong("whole is true or false.")
    if not isinstance(slots, list) or len(slots) > MOST_SLOTS:
        raise _wrong(f"slots is a list of at most {MOST_SLOTS} slots.")
    reports = tuple(map(parse_report, slots))
    names = [report.slot for report in reports]
    if len(set(names)) < len(names):
        raise _wrong("slots names a slot twice; say each once.")
    operator = fields.explanation("operator", may_be_empty=True)
    notices = fields.get("notices", [])
    if not isinstance(notices, list) or len(notices) > MOST_NOTICES:
        raise _wrong(f"notices is a list of at most {MOST_NOTICES} notices.")
    return StationMessage(
        fields.name("station"),
        reports,
        operator,
        whole,
        tuple(map(_parse_notice, notices)),
        fields.text("start"),
        fields.number("number") if fields.text("start") else 0,
    )


class _Members:
    """The members of a JSON object, looked at one by one."""

    def __init__(self, said: object, what: str, known: tuple[str, ...]) -> None:
        if not isinstance(said, dict):
            raise _wrong(f"{what} is not an object.")
        if strange := sorted(set(said) - set(known)):
            raise _wrong(f"{what} says {quoted(strange[0][:64])}, which is not known here; leave it out.")
        self._said: Mapping[str, Any] = said

    def get(self, name: str, otherwise: object = None) -> Any:
        return self._said.get(name, otherwise)

    def text(self, name: str, *, may_be_empty: bool = False, longest: int = MOST_CHARACTERS) -> str | None:
        text = self._said.get(name)
        if text is None or (text == "" and not may_be_empty):
            return None
        if not isinstance(text, str) or len(text) > longest:
            raise _wrong(f"{name} is a text of at most {longest} characters.")
        if not all(map(is_visible, text)):
            raise _wrong(f"{name} holds a character that cannot be seen, such as a line end; leave it out.")
        return text

    def explanation(self, name: str, *, may_be_empty: bool = False, longest: int = MOST_CHARACTERS) -> str | None:
        """Return a text that somebody wrote, without a whole claim ID."""
        text = self.text(name, may_be_empty=may_be_empty, longest=longest)
        return None if text is None else mask_sentence(text)

    def number(self, name: str) -> int:
        number = self._said.get(name)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST_NUMBER:
            raise _wrong(f"{name} is a whole number from 0 to {_MOST_NUMBER}.")
        return number

    def name(self, name: str) -> str:
        if not (text := self.text(name)) or not text.strip():
            raise _wrong(f"{name} is missing; say which.")
        return text


def parse_report(said: object, longest_detail: int = MOST_CHARACTERS) -> SlotReport:
    """Return what is said of one slot, whose detail has `longest_detail` characters at most. Raises `RefusedError`."""
    known = ("slot", "arrival", "state", *_TEXTS, "claim_id_end", "at")
    fields = _Members(said, "A slot", known)
    arrival, state = fields.number("arrival"), fields.get("state")
    if not isinstance(state, str) or state not in set(SlotState):
        raise _wrong(f"state is one of {', '.join(SlotState)}.")
    end = fields.text("claim_id_end")
    if end is not None and (len(end) > _SHOWN_OF_ID or not set(end) <= set(ALPHABET)):
        raise _wrong(f"claim_id_end is the last {_SHOWN_OF_ID} characters of a claim ID, and no more.")
    return SlotReport(
        fields.name("slot"),
        arrival,
        SlotState(state),
        serial=fields.text("serial"),
        **{name: fields.explanation(name) for name in _EXPLAINING if name != "detail"},
        detail=fields.explanation("detail", longest=longest_detail),
        claim_id_end=end,
        at=_moment(fields.text("at")),
    )


def _parse_notice(said: object) -> StationNotice:
    fields = _Members(said, "A notice", ("text", "slot"))
    if (text := fields.explanation("text", may_be_empty=True)) is None:
        raise _wrong("text of a notice is missing; say what, or leave it empty to take one back.")
    return StationNotice(text, fields.text("slot"))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _wrong("at is a moment with its offset, such as 2026-11-27T10:00:00+00:00.")


def _wrong(sentence: str) -> RefusedError:
    return RefusedError(422, "slots", f"The message of the station cannot be taken: {sentence}")
