# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that a database cannot hold: kept or looked for as it would be recorded, and told where it cannot be."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import AllocationRequest, LedgerError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.schema import claims
from tests.support.ledgers import CONTEXT, PRODUCT

BAD = ["a\0b", "a\ud800b"]


@pytest.mark.parametrize("bad", BAD)
def test_what_no_text_of_the_ledger_can_hold_is_found_nowhere(location: str, bad: str) -> None:
    with Ledger(location) as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
        for found in (
            *(ledger.claims(product=bad), ledger.claims(unit=bad), ledger.claims(run=bad), ledger.claims(host=bad)),
            *(ledger.events(claim_id=bad), ledger.events(unit=bad), ledger.events(run=bad)),
        ):
            assert list(found) == []


@pytest.mark.parametrize("bad", BAD)
def test_a_board_that_says_what_no_database_holds_is_one_board(location: str, bad: str) -> None:
    with Ledger(location) as ledger:
        asked = AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT, details={"serial": bad})
        assert ledger.allocate(asked).claim_id == ledger.allocate(asked).claim_id
        assert check_integrity(ledger.database).findings == []


def test_half_a_character_is_told_as_such(location: str) -> None:
    with Ledger(location) as ledger, pytest.raises(LedgerError, match="because it has half a character in it"):  # noqa: SIM117
        with ledger.database.read() as connection:
            connection.execute(select(claims).where(claims.c.host == "a\ud800b"))


def test_a_nul_is_told_as_such_and_not_as_a_server_that_cannot_be_reached(postgresql_url: str) -> None:
    with Ledger(postgresql_url) as ledger, pytest.raises(LedgerError, match="because it has a NUL character in it"):  # noqa: SIM117
        with ledger.database.read() as connection:
            connection.execute(select(claims).where(claims.c.host == "a\0b"))
