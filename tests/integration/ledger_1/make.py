# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill a ledger with the code of revision 3462456, the last whose ledger has schema version 1.

`sqlite.sql` and `postgresql.sql` were made by it, once; they are kept because today's code cannot make them again:

    git archive 3462456 plugins | tar -x -C OLD/ansible_collections/ioto/serialization
    PYTHONPATH=OLD python tests/integration/ledger_1/make.py ledger.db
    python -c 'import sqlite3; print(*sqlite3.connect("ledger.db").iterdump(), sep="\n")' > sqlite.sql
    PYTHONPATH=OLD python tests/integration/ledger_1/make.py postgresql://postgres@/postgres?host=SOCKET
    pg_dump --inserts --no-owner --no-privileges -h SOCKET -U postgres postgres > postgresql.sql

and the lines of `postgresql.sql` that only `psql` understands were taken out.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger_records import (
    Claim,
    ClaimConflictError,
    Context,
    State,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OTHER_PRODUCT = "01G9BFEDZXJYWEJ56DPPQSXTWP"
HERE = Context("ann@line-1", "bench-1")
ODD = "a \"b\" 'c' \\d\\ \u00fc\u4e2d\U0001f9ea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"
KINDS = (
    *("host key", "checked", "mismatch", "preprinted", "print-started", "print-failed", "print-unsure", "reprint"),
    *("not-labelled", "failed", "unreachable", "a kind of long ago"),
)


def fill(ledger: Ledger) -> None:
    """Have the ledger hold claims of every state, reserved and retired ones, conflicts open and settled, odd text."""

    def give(unit: str, product: str = PRODUCT, **more: Any) -> Claim:
        return ledger.allocate(product, unit, source="given", context=HERE, **more)

    for number in range(8):
        give(f"SN-{number}")
        give(f"SN-{number}", OTHER_PRODUCT, details={"mac": f"00:11:22:33:44:{number:02x}", "odd": ODD, "n": [1, None]})
    for number, state in enumerate((State.WRITTEN, State.VERIFIED, State.LABELLED)):
        for unit in (f"state-{number}-a", f"state-{number}-b"):
            ledger.advance(give(unit, length=16).claim_id, state, context=Context("bo@line-2"), detail=ODD)
    ledger.retire(give(ODD.replace("\t", " ").split("\r")[0]).claim_id, reason=ODD, context=Context(ODD, ODD))
    scrapped = give("SN-scrapped")
    ledger.retire(scrapped.claim_id, reason="scrapped", context=HERE)
    give("SN-scrapped")
    ledger.replace(PRODUCT, "SN-scrapped", reason="wrong label", source="generated", context=HERE)
    reserved = ledger.reserve(PRODUCT, 6, context=HERE, details={"sheet": 7})
    ledger.reserve(OTHER_PRODUCT, 2, context=HERE)
    give("SN-bound", claim_id=reserved[0].claim_id)
    ledger.retire(reserved[1].claim_id, reason="label lost", context=HERE)
    ledger.rebind(give("SN-moved").claim_id, "SN-moved-to", reason="new case", context=HERE)
    imported = Claim(
        "JT08FFQXWQ", PRODUCT, "SN-old", State.LABELLED, "imported", scrapped.created_at, scrapped.created_at
    )
    ledger.take_over([imported], context=HERE)
    # Conflicts: open ones, by an ID that another has and by one that nobody has; settled by an ID and by somebody.
    taken = give("SN-holder").claim_id
    for unit in ("SN-open", "SN-settled", "SN-resolved", "SN-0"):
        with suppress(ClaimConflictError):
            give(unit, claim_id=taken)
    with suppress(ClaimConflictError):
        give("SN-0", claim_id="0123456789")
    with suppress(ClaimConflictError):
        give("SN-open", OTHER_PRODUCT, claim_id=scrapped.claim_id)
    give("SN-settled")
    ledger.record("resolved", context=HERE, claim_id=taken, product=PRODUCT, unit="SN-resolved", detail=ODD)
    ledger.record("conflict", context=Context("service"), detail="about nothing that is known")
    for kind in KINDS:
        ledger.record(kind, context=HERE, claim_id=taken, product=PRODUCT, unit="SN-holder", detail=ODD)
        ledger.record(kind, context=Context("service"))
    for done in (3, 5):
        detail = f'{{"started": "2026-11-23T08:00:0{done}+00:00", "devices": 5, "done": {done}}}'
        ledger.record("run", context=Context("ann@line-1"), detail=detail)


if __name__ == "__main__":
    with Ledger(sys.argv[1]) as opened:
        fill(opened)
