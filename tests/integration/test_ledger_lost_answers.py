# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a promotion of a standby that nobody waited for costs, as the guide on PostgreSQL tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    State,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request, UnitOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.services.postgresql_hosts import postgresql_hosts
from tests.support.shell_device import PRODUCT, ShellDevice, make_device

CONTEXT = Context("tester@bench", "bench-1")


def provision(device: ShellDevice, serial: str, ledger: Ledger) -> UnitOutcome:
    request = Request(source=Generated(), serial=serial, product=PRODUCT, config_dir=device.config_dir)
    return serialize(device, request, ledger, CONTEXT)


def test_a_device_keeps_an_id_that_the_promoted_standby_never_had(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before, lost = make_device(tmp_path / "before"), make_device(tmp_path / "lost")
    with postgresql_hosts(is_synchronous=False) as hosts, Ledger(hosts.url) as ledger:
        first = provision(before, "SN-1", ledger).claim_id
        hosts.catch_up()
        hosts.part()
        second = provision(lost, "SN-2", ledger).claim_id
        agent = ledger.allocate(AllocationRequest(PRODUCT, "SN-3", "generated", CONTEXT)).claim_id
        hosts.kill_primary()
        hosts.promote()

        assert ledger.live_claim(PRODUCT, "SN-2") is None
        again = provision(lost, "SN-2", ledger)

        assert (again.source, again.claim_id) == ("adopted", second)
        assert provision(before, "SN-1", ledger).claim_id == first
        # A unit that has it in no file gets another one.
        assert ledger.allocate(AllocationRequest(PRODUCT, "SN-3", "generated", CONTEXT)).claim_id != agent
        held = {claim.unit: (claim.claim_id, claim.state) for claim in ledger.claims() if claim.unit != "SN-3"}
        assert held == {"SN-1": (first, State.VERIFIED), "SN-2": (second, State.VERIFIED)}
        assert check_integrity(ledger.database).findings == []
    assert caplog.messages == []
