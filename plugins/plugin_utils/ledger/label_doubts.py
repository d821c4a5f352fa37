# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that are there by the history, and those that may be, though nothing recorded them as made."""

from __future__ import annotations

from collections.abc import Iterable

from .event_kinds import EventKind, imported_as
from .records import Event, State

MADE = (EventKind.LABELLED, EventKind.REPRINT, EventKind.PREPRINTED)
"""A label is there."""
PRINT_EVENTS = (
    *(EventKind.PRINT_STARTED, EventKind.PRINT_FAILED, EventKind.PRINT_UNSURE),
    *(*MADE, EventKind.IMPORTED),
)
"""What the history says of the labels of a claim."""


def is_made(event: Event) -> bool:
    """Say whether there is a label by then: it was made, or the unit came from elsewhere with one."""
    return event.kind in MADE or (event.kind == EventKind.IMPORTED and event.detail == imported_as(State.LABELLED))


def unproven(events: Iterable[Event]) -> list[Event]:
    """Return after which of `events`, the `PRINT_EVENTS` of one claim in their order, a label may have come out.

    A failure speaks of the label that was begun last, and of none before it: where a run was killed while it printed,
    a printer that takes no second label has not taken the first one back. A label that is there ends all doubts.
    """
    found: list[Event] = []
    begun: Event | None = None
    for event in events:
        if is_made(event):
            found, begun = [], None
        elif event.kind == EventKind.PRINT_STARTED:
            found += [begun] if begun else []
            begun = event
        elif event.kind == EventKind.PRINT_FAILED:
            begun = None
        elif event.kind == EventKind.PRINT_UNSURE:
            found, begun = [*found, event], None
    return [*found, begun] if begun else found
