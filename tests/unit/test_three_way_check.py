# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a unit, over what a label, a device and a ledger can say; and what is remembered of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.agent_settings import Override
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import Scan
from ansible_collections.ioto.serialization.plugins.plugin_utils.verification.three_way_check import (
    UnitKnown,
    UnitSeen,
    ask_ledger,
    compare,
    record,
)

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
OTHER_PRODUCT = "01K9F1EETDEV1CEPR0DVCT0002"
A, B = "AAAAAAAAAA", "BBBBBBBBBB"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
CONTEXT = Context("test", "bench-1")


def claim(claim_id: str, unit: str | None = "SN-1", state: State = State.LABELLED, product: str = PRODUCT) -> Claim:
    reason = "scrapped" if state is State.RETIRED else None
    return Claim(claim_id, product, unit, state, "generated", NOW, NOW, "bench-1", reason, {})


SEEN = UnitSeen("SN-1", A, PRODUCT)
ALL = UnitKnown(claim(A), claim(A), claim(A))


def test_label_device_and_ledger_that_agree_pass() -> None:
    assert compare(Scan(A), SEEN, ALL).passed
    assert compare(Scan(A, PRODUCT, "SN-1"), SEEN, ALL, PRODUCT).passed


@pytest.mark.parametrize(
    ("scan", "seen", "known", "problem"),
    [
        (Scan(B), SEEN, UnitKnown(claim(B, "SN-2"), claim(A), claim(A)), "the label belongs to unit 'SN-2'"),
        (
            Scan(B),
            SEEN,
            UnitKnown(claim(B, "SN-2"), claim(A), claim(A)),
            "label says ********BB, and the device has ****",
        ),
        (Scan(B), SEEN, UnitKnown(None, claim(A), claim(A)), "the ledger does not know the label's claim ID"),
        (Scan(B), SEEN, UnitKnown(claim(B, None), claim(A), claim(A)), "pre-printed and bound to no unit"),
        (Scan(B), SEEN, UnitKnown(claim(B, state=State.RETIRED), claim(A), claim(A)), "is retired (scrapped)"),
        (
            Scan(B),
            SEEN,
            UnitKnown(claim(B, state=State.RETIRED), claim(A), claim(A), successor=claim(A)),
            "the label is void, since its claim ID is retired (scrapped); in its place is ********AA of unit 'SN-1'",
        ),
        (Scan(B), SEEN, UnitKnown(claim(B, state=State.RETIRED), claim(A), claim(A)), "no other has come in its place"),
        (
            Scan(A),
            SEEN,
            UnitKnown(claim(A), claim(A), claim(A), void="the label is void, since it is"),
            "the label is void, since it is",
        ),
        (Scan("BAAAAAAAAA"), SEEN, UnitKnown(None, claim(A), claim(A)), "and the device has another one, ********AA"),
        (Scan(A), UnitSeen("SN-1", None, PRODUCT), UnitKnown(claim(A), None, claim(A)), "the device has no claim ID"),
        (
            Scan(A),
            UnitSeen("SN-1", "nonsense", PRODUCT),
            UnitKnown(claim(A), None, claim(A)),
            "an id that is not a claim ID",
        ),
        (
            Scan(A),
            UnitSeen("SN-1", A, PRODUCT, {"id": Override("/etc/ioto/local.json5", "device.id", B)}),
            ALL,
            "another id than that of device.json5, from device.id in /etc/ioto/local.json5",
        ),
        (Scan(A), SEEN, UnitKnown(claim(A), claim(A), claim(B)), "the ledger has ********BB for this unit"),
        (Scan(A), SEEN, UnitKnown(claim(A, "SN-2"), claim(A, "SN-2"), None), "no claim ID for unit 'SN-1'"),
        (Scan(A), SEEN, UnitKnown(*[claim(A, state=State.WRITTEN)] * 3), "as written only"),
        (Scan(A, serial="SN-2"), SEEN, ALL, "the label says S/N 'SN-2'"),
        (Scan(A, product=OTHER_PRODUCT), SEEN, ALL, "the label says product"),
        (Scan(A), UnitSeen("SN-1", A, OTHER_PRODUCT), ALL, "the label belongs to product"),
    ],
)
def test_whatever_does_not_agree_fails_with_its_reason(
    scan: Scan, seen: UnitSeen, known: UnitKnown, problem: str
) -> None:
    verdict = compare(scan, seen, known)
    assert not verdict.passed
    assert problem in "; ".join(verdict.problems)
    assert A not in str(verdict) and B not in str(verdict)


def test_a_product_that_is_not_the_inventory_s_fails() -> None:
    assert "the inventory says product" in compare(Scan(A), SEEN, ALL, OTHER_PRODUCT).problems[0]


def test_two_units_with_swapped_labels_are_conflicts_until_each_has_passed() -> None:
    with Ledger.in_memory() as ledger:
        for unit, claim_id in (("SN-1", A), ("SN-2", B)):
            ledger.allocate(AllocationRequest(PRODUCT, unit, source="given", context=CONTEXT, claim_id=claim_id))
            ledger.advance(StateChange(claim_id, State.LABELLED, context=CONTEXT))

        def check(unit: str, claim_id: str, label: str) -> bool:
            scan, seen = Scan(label), UnitSeen(unit, claim_id, PRODUCT)
            verdict = compare(scan, seen, ask_ledger(ledger, scan, seen, None))
            record(ledger, verdict, scan, seen, CONTEXT)
            return verdict.passed

        assert not check("SN-1", A, B) and not check("SN-2", B, A) and not check("SN-2", B, A)
        assert [event.unit for event in ledger.events(kinds=[EventKind.MISMATCH])] == ["SN-1", "SN-2", "SN-2"]
        assert [(conflict.event.unit, conflict.event.claim_id) for conflict in ledger.conflicts()] == [
            ("SN-1", B),
            ("SN-2", A),
        ]

        assert check("SN-1", A, A) and check("SN-2", B, B)
        assert ledger.conflicts() == []
        assert [event.unit for event in ledger.events(kinds=[EventKind.CHECKED])] == ["SN-1", "SN-2"]
