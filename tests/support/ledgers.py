# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger as a line leaves it: of everything that can happen, something."""

from __future__ import annotations

from contextlib import suppress
from io import StringIO

from sqlalchemy import text

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    ClaimConflictError,
    Context,
    NewEvent,
    ReserveRequest,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.schema import GUARDS
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.transfer import import_claims

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OTHER_PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0N"
CONTEXT = Context("ann@line-1", "bench-1")


def fill(ledger: Ledger, units: int) -> None:
    """Serialize `units` units in batches, with what goes wrong on a line."""
    for start in range(0, units, 100):
        names = [f"SN-{number:06}" for number in range(start, min(start + 100, units))]
        requests = [AllocationRequest(PRODUCT, name, "generated", CONTEXT, details={"mac": name}) for name in names]
        claims = [claim for claim in ledger.allocate_many(requests) if isinstance(claim, Claim)]
        for share, state in ((100, State.WRITTEN), (90, State.VERIFIED), (70, State.LABELLED)):
            reached = claims[: len(claims) * share // 100]
            ledger.advance_many([StateChange(claim.claim_id, state, CONTEXT) for claim in reached])
        ledger.retire(claims[0].claim_id, reason="scrapped", context=CONTEXT)
        ledger.rebind(claims[1].claim_id, f"{names[1]}-B", reason="board moved", context=CONTEXT)
        ledger.replace(AllocationRequest(PRODUCT, names[2], "generated", CONTEXT), reason="label lost")
        held = ledger.reserve(ReserveRequest(OTHER_PRODUCT, 4, CONTEXT))
        ledger.allocate(AllocationRequest(OTHER_PRODUCT, names[3], "scanned", CONTEXT, held[0].claim_id))
        with suppress(ClaimConflictError):  # it is recorded
            ledger.allocate(AllocationRequest(PRODUCT, f"{names[4]}-C", "given", CONTEXT, claims[5].claim_id))
        line = f"claim_id,product,unit,state\nIMP0RTED{start:06},{OTHER_PRODUCT},OLD-{start},verified\n"
        import_claims(ledger, StringIO(line), "csv", context=CONTEXT)
        ledger.record_many([NewEvent(EventKind.CHECKED, CONTEXT, claims[6].claim_id, PRODUCT, names[6], "agreed")])
        ledger.record(NewEvent(EventKind.RUN, CONTEXT, detail='{"devices": 100}'))


def damage(database: Database, statement: str) -> None:
    """Do what the guards would refuse, as a bad disk does."""
    with database.read() as connection:
        sqlite = connection.dialect.name == "sqlite"
        guards = [(name, table) for name, (table, *_unused) in GUARDS.items()]
        kept = (
            connection.execute(text("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")).all()
            if sqlite
            else []
        )
        for name, table in guards:
            connection.execute(
                text(f"DROP TRIGGER {name}" if sqlite else f"ALTER TABLE {table} DISABLE TRIGGER {name}")
            )
        connection.execute(text(statement))
        for _name, sql in kept:
            connection.exec_driver_sql(sql)
        for name, table in guards if not sqlite else ():
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {name}"))
        connection.commit()
