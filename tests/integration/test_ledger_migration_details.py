# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What schema 2 kept among the details of a claim stands in columns of schema 3, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.command import migrate_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    DeviceConflictError,
    LedgerError,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events
from tests.support.ledgers import damage
from tests.support.old_ledger import execute, lay_down, rows, schema_of

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
RUN = "20261127T143210-7QK4XW"
CONTEXT = Context("ann@line-1", "bench-1")
CLAIM = "seq, claim_id, product, unit, state, source, created_at, updated_at, host, reason"
WORDS = {"run", "twins", "unsettled"}


@pytest.fixture
def old(location: str) -> str:
    """Where a ledger of schema 2 is."""
    lay_down(location, schema=2)
    return location


@pytest.fixture
def ledger(old: str) -> Iterator[Ledger]:
    """It, migrated."""
    migrate_ledger(old)
    with Ledger(old) as opened:
        yield opened


def test_each_value_is_moved_and_nothing_else_is_changed(old: str) -> None:
    claims, events = rows(old, "ioto_claims", CLAIM), rows(old, "ioto_events")
    before = {
        seq: (json.loads(details), at) for seq, details, at in rows(old, "ioto_claims", "seq, details, updated_at")
    }
    assert set().union(*(found for found, _at in before.values())) >= WORDS
    migrate_ledger(old)
    assert rows(old, "ioto_claims", CLAIM) == claims
    assert rows(old, "ioto_events")[: len(events)] == events
    for seq, details, run, twin, since in rows(old, "ioto_claims", "seq, details, run, twin, unsettled_at"):
        was, at = before[seq]
        said = was.get("run")
        kept = {key: value for key, value in was.items() if key not in WORDS or (key, value) == ("run", 7)}
        assert json.loads(details) == kept
        assert run == (said if isinstance(said, str) else None)
        assert (twin is not None) == bool(was.get("twins"))
        assert since == (at if was.get("unsettled") else None)


def test_a_claim_is_in_doubt_as_it_was(ledger: Ledger) -> None:
    claims = {claim.unit: claim for claim in ledger.claims()}
    doubted = {unit for unit, claim in claims.items() if claim.doubt is not None}
    assert doubted == {"twins-0", "twins-of-old", "twins-unsettled", "unsettled-0", "unsettled-of-old", "SN-doubt"}
    twins = {unit: claim.twin for unit, claim in claims.items() if claim.twin is not None}
    assert twins == dict.fromkeys(("twins-0", "twins-of-old", "twins-unsettled"), "the-other")
    assert claims["SN-0"].run == RUN
    assert claims["SN-old"].details["run"] == 7
    with pytest.raises(DeviceConflictError, match="two devices said that they are unit"):
        ledger.allocate(AllocationRequest(PRODUCT, "twins-0", "given", CONTEXT, details={"mac": "twins-0"}))


def test_the_check_finds_the_migrated_ledger_whole_and_its_old_seals_hold(ledger: Ledger) -> None:
    report = check_integrity(ledger.database)
    assert (report.findings, report.seals) == ([], 1)
    seal_events(ledger.database)
    assert check_integrity(ledger.database).findings == []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE ioto_claims SET twin = NULL WHERE unit = 'twins-0'", "twin"),
        ("UPDATE ioto_claims SET twin = 'x' WHERE unit = 'twins-0'", "twin"),
        ("UPDATE ioto_claims SET twin = 'x' WHERE unit = 'SN-1'", "twin"),
        ("UPDATE ioto_claims SET unsettled_at = NULL WHERE unit = 'unsettled-0'", "unsettled_at"),
        ("UPDATE ioto_claims SET unsettled_at = updated_at WHERE unit = 'SN-1'", "unsettled_at"),
    ],
)
def test_the_check_sees_a_doubt_that_was_taken_away_or_put_in(ledger: Ledger, statement: str, name: str) -> None:
    damage(ledger.database, statement)
    (finding,) = check_integrity(ledger.database).findings
    assert f"of ioto_claims: its {name} is not what its events say" in finding


def test_the_schema_and_the_guards_are_those_of_a_fresh_ledger(
    ledger: Ledger, old: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    is_server = old.startswith("postgresql")
    fresh = request.getfixturevalue("postgresql_server").new_url() if is_server else str(tmp_path / "fresh.db")
    Ledger(fresh).close()
    assert schema_of(old) == schema_of(fresh)
    with pytest.raises(LedgerError, match="never changed"):
        change = text("UPDATE ioto_claims SET reason = 'x' WHERE state = 'retired'")
        ledger.database.write(lambda connection: connection.execute(change))


def test_copies_that_are_migrated_apart_agree(old: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    is_server = old.startswith("postgresql")
    other = request.getfixturevalue("postgresql_server").new_url() if is_server else str(tmp_path / "other.db")
    lay_down(other, schema=2)
    for place in (old, other):
        migrate_ledger(place)
    for table in ("ioto_claims", "ioto_events", "ioto_seals", "ioto_counts", "ioto_open_conflicts"):
        assert rows(old, table) == rows(other, table)


@pytest.mark.parametrize("details", ['{"run": "half', '["twins"]', '"unsettled"', '{"twins": ' + "[" * 5000])
def test_details_that_cannot_be_read_stay_as_they_are(old: str, details: str) -> None:
    execute(old, f"UPDATE ioto_claims SET details = '{details}' WHERE unit = 'SN-1'")
    migrate_ledger(old)
    assert ("SN-1", details, None) in rows(old, "ioto_claims", "unit, details, run")


def test_details_that_are_no_text_at_all_stay_as_they_are(tmp_path: Path) -> None:
    place = str(tmp_path / "ledger.db")
    lay_down(place, schema=2)
    blob = b'{"run": "\xff"}'.hex()
    execute(place, f"UPDATE ioto_claims SET details = CAST(x'{blob}' AS TEXT) WHERE unit = 'SN-1'")
    migrate_ledger(place)
    assert ("SN-1", blob.upper(), None) in rows(place, "ioto_claims", "unit, hex(details), run")


def test_a_guard_that_was_missing_is_missing_still_and_named(old: str) -> None:
    on = " ON ioto_claims" if old.startswith("postgresql") else ""
    execute(old, f"DROP TRIGGER ioto_claims_fixed{on}")
    migrate_ledger(old)
    with Ledger(old, read_only=True) as ledger:
        assert any("ioto_claims_fixed is missing" in finding for finding in check_integrity(ledger.database).findings)


def test_in_use_afterwards_a_doubt_comes_and_goes_with_its_events(ledger: Ledger) -> None:
    twin, unsettled = ledger.live_claim(PRODUCT, "twins-0"), ledger.live_claim(PRODUCT, "unsettled-0")
    assert twin is not None
    assert unsettled is not None
    assert ledger.resolve(twin.claim_id, reason="seen", context=CONTEXT).doubt is None
    assert [event.kind for event in ledger.events(claim_id=twin.claim_id)][-2:] == ["twins", "resolved"]
    assert [event.kind for event in ledger.events(claim_id=unsettled.claim_id)][-1:] == ["unsettled"]
    moved: Claim = ledger.rebind(unsettled.claim_id, "SN-new", reason="moved", context=CONTEXT)
    assert moved.doubt is None
    assert check_integrity(ledger.database).findings == []
