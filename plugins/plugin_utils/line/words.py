# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tiles of the line say, in the words of whoever stands before them: what is done, what is wrong, what to do.

The states themselves belong to the message that the service takes: `SlotState` in `service.slot_message`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..claim_ids import mask_within
from ..display_text import printable
from ..service.slot_message import SlotState

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
    "preflight": "Checking the settings",
    "serialize": "Writing the ID and reading it back",
    "serialize_fleet": "Writing the ID and reading it back",
    "label": "Printing the label",
    "label_hosts": "Printing the label",
    "verify": "Comparing label, board and records",
    "summary": "Recording",
}
"""What is done with a board while an action of this name runs."""

STARTED = "Connecting"
"""What is done before the first of them."""

_PUT_ASIDE = "Put the board aside for the technician, and take the next one."
PLUG_AGAIN = "Take the board out and plug it in again. Red again: put it aside for the technician."
_TECHNICIAN = "Fetch the technician."


class Trouble(NamedTuple):
    """What went wrong with a board, and what the operator does now."""

    reason: str
    remedy: str


def of_result(result: Mapping[str, Any]) -> Trouble:
    """Return why a board is not done, of the result of its task that failed or was `unreachable`."""
    if result.get("unreachable"):
        return Trouble(_reason(result, "The board does not answer."), PLUG_AGAIN)
    if twin := result.get("twin"):
        reason = f"The board in {printable(str(twin))} says that it is the same one."
        return Trouble(reason, "Put both boards aside for the technician.")
    return Trouble(_reason(result, "It failed."), _PUT_ASIDE)


def labelling_trouble(reason: str) -> Trouble:
    """Return why a board that is done has no label."""
    return Trouble(
        _reason({"msg": reason}, "The label was not printed."),
        "See to the printer; then take the board out and plug it in again.",
    )


def maybe_twice() -> Trouble:
    """Return what is said of a board that is done, and whose label may have come out before."""
    return Trouble("Its label may be there twice.", "Look for a second label of this board, and destroy one of them.")


def refused_batch(reason: str) -> Trouble:
    """Return why no board of a run was touched: what the check before it found."""
    # The first line counts the problems, and a line each says them.
    _count, _end, problems = reason.partition("\n- ")
    return Trouble(_reason({"msg": problems or reason}, "The settings of the line are wrong."), _TECHNICIAN)


def not_recorded(reason: str) -> Trouble:
    """Return what is said of a board that may be done, and whose run could not be recorded."""
    return Trouble(_reason({"msg": reason}, "The run could not be recorded."), _TECHNICIAN)


def unfinished() -> Trouble:
    """Return what is said of a board whose run ended without a word of it."""
    return Trouble("The run ended before the board was done.", PLUG_AGAIN)


def _reason(result: Mapping[str, Any], otherwise: str) -> str:
    return mask_within(printable(str(result.get("msg") or ""))) or otherwise
