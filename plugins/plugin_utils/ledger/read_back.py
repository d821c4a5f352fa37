# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an ID was ever read back from its device, as far as the ledger saw it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, select, text

from .event_kinds import EventKind
from .schema import claims, events

_READ_BACK = (EventKind.VERIFIED, EventKind.SETTLED, EventKind.CHECKED)
_IN_PASSING = ("imported", "seen on the unit: %")
"""The details of events that say verified because the claim came to be labelled, and nobody read the device."""


def was_read_back() -> ColumnElement[bool]:
    """Return a condition on a claim: an event says that its ID was read back.

    Its state alone does not: a file that is imported may say verified, and a person that a label is on the unit.
    """
    return exists(
        select(events.c.id)
        .where(
            events.c.claim_id == claims.c.claim_id,
            text("ioto_events.action <> 'allocated'"),  # has the database use its index
            events.c.action.in_([kind.value for kind in _READ_BACK]),
            or_(events.c.detail.is_(None), ~or_(*(events.c.detail.like(detail) for detail in _IN_PASSING))),
        )
        .correlate(claims)
    )
