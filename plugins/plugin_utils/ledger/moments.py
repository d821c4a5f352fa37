# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates and times as people type them, for periods of the ledger's history."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..display_text import quoted
from .records import LedgerError

_DATE = "2026-11-23"


def parse_moment(text: str, *, is_end: bool = False) -> datetime:
    """Return the moment that `text` names, in local time where it names no zone; a date that ends a period is whole.

    Raises `LedgerError`.
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
        if is_end and len(text) <= len(_DATE):
            moment += timedelta(days=1)
        return moment.astimezone()
    except (ValueError, OverflowError):  # at its ends, the calendar has no day after, or no such moment here
        raise LedgerError(f"The time {quoted(text)} is not valid; write it as {_DATE} or {_DATE}T08:00:00.") from None


def refuse_backwards(since: datetime | None, until: datetime | None) -> None:
    """Raise `LedgerError` where a period ends before it begins."""
    if since is not None and until is not None and since >= until:
        raise LedgerError(
            f"The time since which ({since.isoformat()}) is not before the one until which ({until.isoformat()}); "
            "exchange or correct them."
        )
