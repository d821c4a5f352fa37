# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger whose address leads to another server than before; the campaigns of the service do that under load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
)
from tests.services.postgresql_pair import PostgresqlPair, postgresql_pair

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"


@pytest.fixture
def pair() -> Iterator[PostgresqlPair]:
    """A primary and its standby."""
    with postgresql_pair() as running:
        yield running


def allocate(ledger: Ledger, unit: str) -> str:
    return ledger.allocate(AllocationRequest(PRODUCT, unit, "generated", Context("ann@line-1"))).claim_id


def test_a_standby_at_the_address_is_left_when_the_primary_is_there(pair: PostgresqlPair) -> None:
    """It stays a standby, and its connection a good one: whoever keeps that is told the same for ever."""
    with Ledger(pair.url) as before:
        claim_id = allocate(before, "SN-1")
    with pair.wrong_address():
        ledger = Ledger(pair.url)
        with pytest.raises(LedgerError, match="can only be read on this server; name the primary server"):
            allocate(ledger, "SN-2")
    with ledger:
        assert allocate(ledger, "SN-1") == claim_id
        allocate(ledger, "SN-2")


def test_an_address_that_leads_back_to_a_primary_of_the_past_is_not_used(pair: PostgresqlPair) -> None:
    """Nothing but the timeline tells the two apart: both take writes."""
    with Ledger(pair.url) as ledger:
        claim_id = allocate(ledger, "SN-1")
        pair.move_address()
        ledger.database._postgresql._engine.dispose()
        allocate(ledger, "SN-2")
        ledger.database._postgresql._engine.dispose()
        with pair.former_address(), pytest.raises(LedgerError, match="leads to a primary server of the past"):
            allocate(ledger, "SN-3")
        assert allocate(ledger, "SN-1") == claim_id
