# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long agents are given the ID of a unit that has one. A controller, by its token, always is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..ledger.records import Claim, State
from .settings import UNTIL_VERIFIED, ServiceSettings


class ReissueRule:
    """The setting `reissue`."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._said = settings.reissue
        seconds = settings.reissue_seconds
        self._time = None if seconds is None else timedelta(seconds=seconds)

    def objection(self, claim: Claim) -> str | None:
        """Return why an agent is not told the unit's `claim`, as a sentence, or None."""
        if self._said == UNTIL_VERIFIED and claim.state.is_past(State.WRITTEN):
            why = "was verified"
        elif self._time is not None and datetime.now(UTC) - claim.created_at > self._time:
            why = f"got its claim ID more than {self._said} seconds ago"
        else:
            return None
        return (
            f"The unit {claim.unit} {why}, and agents are told it no more (reissue): ask with a controller's token, "
            "or set reissue to always."
        )
