# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger knows of a job: who was checked, which slices there were, and what became of each host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...ledger.event_kinds import EventKind
from ...ledger.ledger import Ledger
from ...ledger.records import Event
from ...ledger.slices import Slice, slices_of
from ..run_hosts import entries_of

_KINDS = (EventKind.JOB, EventKind.RUN_HOSTS, EventKind.SLICE, EventKind.SLICE_ENDED, EventKind.VERIFIED)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job in one ledger; `hosts` are as its check recorded them, by name, and `slices` by number as they began."""

    number: str
    started: datetime
    hosts: Mapping[str, Mapping[str, Any]]
    slices: Mapping[str, Slice]
    verified: Set[str] = frozenset()
    """The hosts whose devices got their identity in the job, also from a slice that died before it could say so."""

    @classmethod
    def read(cls, ledger: Ledger, number: str) -> JobRecord | None:
        """Return what `ledger` knows of the job; None where it knows no such one."""
        happened = list(ledger.events(run=number, kinds=_KINDS))
        begun = next((event for event in happened if event.kind == EventKind.JOB), None)
        if begun is None:
            return None
        hosts = {
            str(entry["host"]): entry
            for event in happened
            if event.kind == EventKind.RUN_HOSTS
            for entry in entries_of(event.detail)
            if "result" not in entry
        }
        verified = {event.host for event in happened if event.kind == EventKind.VERIFIED and event.host}
        return cls(number, _started(begun), hosts, slices_of(happened), verified)

    def slice_of(self, host: str) -> Slice | None:
        """Return the slice that had `host` last; None where none came to it."""
        return next((one for one in reversed(list(self.slices.values())) if host in one.hosts), None)


def _started(event: Event) -> datetime:
    try:
        return datetime.fromisoformat(json.loads(event.detail or "")["started"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return event.at
