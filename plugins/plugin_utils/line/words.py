# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tiles of the line say, in the words of whoever stands before them: what is done, what is wrong, what to do.

An operator has gloves on and no keyboard. So a tile says a few plain words by the kind of a failure, and the sentence
that says which file, setting or address it is goes along as the detail, for the technician.

The states themselves belong to the message that the service takes: `SlotState` in `service.slot_message`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..display_text import printable
from ..errors import FailureKind
from ..flows import action_names
from ..service.slot_message import SlotReport, SlotState

MEANINGS: Mapping[SlotState, str] = {
    SlotState.EMPTY: "No board is in the slot; plug one in.",
    SlotState.WORKING: "The board is being worked on; leave it in.",
    SlotState.PASS: "The board has its ID, which was read back from it; take it out, and stick its label on it.",
    SlotState.FAIL: "The board is not done; do what the tile says.",
    SlotState.SCAN_NOW: "Scan the label now.",
    SlotState.NO_LABEL: "The board has its ID and no label yet; see to the printer, then plug it in again.",
}
"""What each state tells the operator."""

STEPS: Mapping[str, str] = {
    action_names.PREFLIGHT: "Checking the settings",
    action_names.SERIALIZE: "Writing the ID and reading it back",
    action_names.SERIALIZE_FLEET: "Writing the ID and reading it back",
    action_names.LABEL: "Printing the label",
    action_names.LABEL_HOSTS: "Printing the label",
    action_names.VERIFY: "Comparing label, board and records",
    action_names.SUMMARY: "Recording",
}
"""What is done with a board while an action of this name runs."""

STARTED = "Connecting"
"""What is done before the first of them."""
LOOKING_UP = "Looking up the label"

_PUT_ASIDE = "Put the board aside for the technician, and take the next one."
_PLUG_AGAIN = "Take the board out and plug it in again. Red again: put it aside for the technician."
_CALL = "Stop, and call the technician."
_SEE_TO_PRINTER = "See to the printer, then plug the board in again. No label again: call the technician."


class Trouble(NamedTuple):
    """What went wrong with a board, what the operator does now, and the whole sentence for the technician."""

    reason: str
    remedy: str
    detail: str | None = None

    def told_of(self, report: SlotReport, state: SlotState) -> SlotReport:
        """Return `report` with this as what came of its board."""
        return replace(report, state=state, step=None, reason=self.reason, remedy=self.remedy, detail=self.detail)


FAILURES: Mapping[FailureKind, Trouble] = {
    FailureKind.BOARD: Trouble("Something on the board is broken.", _PUT_ASIDE),
    FailureKind.STORAGE: Trouble("The board does not keep its ID.", _PUT_ASIDE),
    FailureKind.IDENTITY: Trouble("The board does not say which one it is.", _PUT_ASIDE),
    FailureKind.CHANGED: Trouble("The board changed while it was worked on.", _PLUG_AGAIN),
    FailureKind.CONFLICT: Trouble("The board is not what the records say.", _PUT_ASIDE),
    FailureKind.TWIN: Trouble(
        "Another board says that it is the same one.", "Put both boards aside for the technician."
    ),
    FailureKind.LABEL: Trouble(
        "The label is not for this board.",
        "Put the label aside and keep the board. Scan another label, plug it in again. Red again: call the technician.",
    ),
    FailureKind.MISMATCH: Trouble(
        "Label, board and records differ.", "Put the board aside for the technician, with its label."
    ),
    FailureKind.UNREACHABLE: Trouble("The board does not answer.", _PLUG_AGAIN),
    FailureKind.SOURCE: Trouble("No ID came for the board.", _CALL),
    FailureKind.RECORDS: Trouble("The records cannot be read or written.", _CALL),
    FailureKind.SETTINGS: Trouble("The line is not set up right.", _CALL),
    FailureKind.DEFECT: Trouble("The program of the line failed.", _CALL),
    FailureKind.OTHER: Trouble("The board is not done.", _PUT_ASIDE),
}
"""What is said of a board that failed, by the kind of the failure."""

NOT_READY = Trouble("The board did not start in time.", _PLUG_AGAIN)
TOO_LATE = Trouble("It took too long.", _PLUG_AGAIN)
UNFINISHED = Trouble("The work ended before the board was done.", _PLUG_AGAIN)
NOT_RECORDED = Trouble("The board could not be recorded.", _CALL)
NO_LABEL = Trouble("The label was not printed.", _SEE_TO_PRINTER)
MAYBE_TWICE = Trouble(
    "Its label may be there twice.", "Look for a second label of this board, and destroy one of them."
)
WRONG_LABEL = Trouble("This is the label of another board.", "Take it off, and scan the label of this board.")
LABEL_UNKNOWN = Trouble("The records have no label of this board.", _CALL)
TOO_MANY_BOARDS = Trouble("Too many boards came in an hour: the slot is stopped.", "Call the technician.")
SCAN_FIRST = "Scan the code of this slot, then the label for the board."
SCAN_THE_LABEL = "Scan the label that came out."


def of_result(result: Mapping[str, Any]) -> Trouble:
    """Return why a board is not done, of the result of its task that failed or was `unreachable`."""
    return _with_detail(FAILURES[_kind_of(result)], result.get("msg"))


def because(trouble: Trouble, sentence: object) -> Trouble:
    """Return `trouble` with the `sentence` that tells the technician more."""
    return _with_detail(trouble, sentence)


def refused_batch(result: Mapping[str, Any]) -> Trouble:
    """Return why no board of a run was touched: what the check before it found, by the `result` of its task."""
    sentence = str(result.get("msg") or "")
    # The first line counts the problems, and a line each says them.
    _count, _end, problems = sentence.partition("\n- ")
    is_of_records = result.get("failure") == FailureKind.RECORDS
    return _with_detail(FAILURES[FailureKind.RECORDS if is_of_records else FailureKind.SETTINGS], problems or sentence)


def _kind_of(result: Mapping[str, Any]) -> FailureKind:
    if result.get("unreachable"):
        return FailureKind.UNREACHABLE
    if result.get("twin"):
        return FailureKind.TWIN
    if result.get("scan_refused"):
        return FailureKind.LABEL
    said = result.get("failure")
    return FailureKind(said) if isinstance(said, str) and said in set(FailureKind) else FailureKind.OTHER


def _with_detail(trouble: Trouble, sentence: object) -> Trouble:
    return trouble._replace(detail=printable(str(sentence or "")) or None)
