# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill a ledger with the code of revision b05470a, the last whose ledger has schema version 2.

`sqlite.sql` and `postgresql.sql` were made by it, once, as `tests/integration/ledger_1/make.py` says.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    Description,
    NewEvent,
    ReserveRequest,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
RUN = "20261127T143210-7QK4XW"
ODD = "a \"run\": 'twins' \\unsettled\\ \u00fc\u4e2d\U0001f9ea\ttab"


def at(host: str, run: str | None = RUN) -> Context:
    """Return the context of a device of a run."""
    return Context("ann@line-1", host, run=run)


def fill(ledger: Ledger) -> None:
    """Have the ledger hold claims with each word among their details, and with what only looks like one."""

    def give(unit: str, host: str | None = None, run: str | None = RUN) -> Claim:
        details = {"mac": unit, "odd": ODD}
        return ledger.allocate(AllocationRequest(PRODUCT, unit, "given", at(host or unit, run), details=details))

    def twin(unit: str) -> None:
        with suppress(ClaimConflictError):
            give(unit, "the-other")

    for number in range(12):
        claim = give(f"SN-{number}", run=None if number % 4 == 3 else RUN)
        ledger.advance(StateChange(claim.claim_id, list(State)[number % 4], at(claim.host or "")))
    for unit in ("twins-0", "twins-1", "twins-of-old"):
        give(unit)
        twin(unit)
    ledger.record(NewEvent(EventKind.RESOLVED, at("bench"), None, PRODUCT, "twins-1", reason="seen"))
    for unit in ("unsettled-0", "unsettled-1", "unsettled-of-old", "twins-unsettled"):
        claim = give(unit)
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, at(unit)))
        ledger.describe(Description(claim.claim_id, {"unsettled": True}, at(unit)))
    twin("twins-unsettled")
    settled = ledger.live_claim(PRODUCT, "unsettled-1")
    assert settled is not None
    ledger.describe(Description(settled.claim_id, {"unsettled": False}, at("unsettled-1")))
    for unit in ("twins-of-old", "unsettled-of-old"):
        old = ledger.live_claim(PRODUCT, unit)
        assert old is not None
        ledger.retire(old.claim_id, reason="scrapped", context=at("bench"))
    ledger.reserve(ReserveRequest(PRODUCT, 3, at("bench"), details={"roll": "7"}))
    then = datetime(2026, 1, 1, 8, tzinfo=UTC)
    odd = {"run": 7, "more": {"run": RUN, "twins": "x", "unsettled": True}, "n": [1, 2.5, None]}
    imported = [
        Claim("JT08FFQXWQ", PRODUCT, "SN-old", State.LABELLED, "imported", then, then, details=odd),
        Claim("0123456789", PRODUCT, "SN-doubt", State.VERIFIED, "imported", then, then, details={"unsettled": True}),
    ]
    ledger.take_over([imported], context=at("bench"))
    ledger.record(NewEvent(EventKind.RUN, at("bench"), detail='{"started": "2026-11-27T14:32:10+00:00", "devices": 5}'))
    seal_events(ledger.database)
    give("SN-not-sealed")


if __name__ == "__main__":
    with Ledger(sys.argv[1]) as opened:
        fill(opened)
