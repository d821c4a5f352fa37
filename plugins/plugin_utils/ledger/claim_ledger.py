# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the transaction of a unit asks of a ledger, whether it has one to itself or shares it with other threads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .records import AllocationRequest, Claim, Description, NewEvent, StateChange


class ClaimLedger(Protocol):
    """A `Ledger`, or a `GroupCommit` in front of one; what each operation does says `Ledger`."""

    def live_claim(self, product: str, unit: str) -> Claim | None:
        """Return the claim that the unit has now."""

    def holders(self, ids: Iterable[str]) -> dict[str, Claim]:
        """Return the claims with those IDs."""

    def check_board(self, request: AllocationRequest, *, is_noted: bool) -> None:
        """Raise `DeviceConflictError` where the board is another unit."""

    def allocate(self, request: AllocationRequest) -> Claim:
        """Return the unit's live claim, or make one."""

    def replace(self, request: AllocationRequest, *, reason: str) -> Claim:
        """Retire the unit's live claim and give it another."""

    def describe(self, description: Description) -> Claim:
        """Add to what is known of a claim's unit."""

    def advance(self, change: StateChange) -> Claim:
        """Move a claim on to a state."""

    def record(self, event: NewEvent) -> None:
        """Remember something that changes no claim."""
