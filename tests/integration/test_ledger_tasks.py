# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ledger_info` and `ledger_entry` say and do, on a real ledger."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.tables import FIRST_COLUMNS as AUDIT_COLUMNS
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.keys import new_key_pair
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import DamagedLedgerError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    ClaimConflictError,
    Context,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import enter_ledger, query_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.page_place import page_path
from ansible_collections.ioto.serialization.plugins.plugin_utils.report.tables import COLUMNS
from tests.support.ansible import ROOT, provision

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
CONTEXT = Context("tester@bench")


def options(module: str, **given: Any) -> dict[str, Any]:
    """The options of a task, with their defaults."""
    taken = options_of(module)
    assert set(given) <= set(taken)
    return {name: option.default for name, option in taken.items()} | given


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    book = Ledger(tmp_path / "ledger.db")
    for number in (1, 2, 3):
        book.allocate(
            AllocationRequest(PRODUCT, f"SN-{number}", source="given", context=CONTEXT, claim_id=f"{number}" * 10)
        )
    book.advance(StateChange("1" * 10, State.VERIFIED, context=CONTEXT))
    return book


def info(ledger: Ledger, **given: Any) -> dict[str, Any]:
    return query_ledger(ledger, options("ledger_info", **given), check=False)


def entry(ledger: Ledger, *, check: bool = False, **given: Any) -> dict[str, Any]:
    return enter_ledger(ledger, options("ledger_entry", **given), CONTEXT, check=check)


def test_claims_are_found_counted_and_masked(ledger: Ledger) -> None:
    found = info(ledger)

    assert [claim["serial"] for claim in found["claims"]] == ["SN-3", "SN-2", "SN-1"]
    assert {claim["claim_id"] for claim in found["claims"]} == {"********11", "********22", "********33"}
    assert found["summary"]["states"] == {"allocated": 2, "verified": 1} | {
        state: 0 for state in found["summary"]["states"] if state not in ("allocated", "verified")
    }
    assert [claim["serial"] for claim in info(ledger, state=["verified"])["claims"]] == ["SN-1"]
    assert info(ledger, claim_ids=["1" * 10], reveal=True)["claims"][0]["claim_id"] == "1" * 10


@pytest.mark.parametrize("given", [{}, {"whole": True}, {"void_labels": True}])
@pytest.mark.parametrize("check", [False, True])
def test_an_export_onto_the_ledger_is_refused(ledger: Ledger, given: dict[str, bool], check: bool) -> None:
    with pytest.raises(IotoError, match="would be lost; give another dest"):
        query_ledger(ledger, options("ledger_info", dest=ledger.location, **given), check=check)

    assert info(ledger)["summary"]["total"] == 3


def test_the_tables_of_a_page_do_not_replace_a_ledger(tmp_path: Path) -> None:
    Ledger(tmp_path / "audit.csv").close()
    with pytest.raises(IotoError, match=r"audit\.csv' is a database"):
        page_path(str(tmp_path / "audit.html"))


@pytest.mark.parametrize(("name", "text"), [("csv", "scan,host\n\n"), ("jsonl", '{"ledger": 6}\n'), ("jsonl", None)])
def test_the_tables_of_a_page_replace_nothing_of_another_kind(tmp_path: Path, name: str, text: str | None) -> None:
    """Nobody named it: it may be the scans or the export that is looked at, or the order of which a report tells."""
    place = tmp_path / f"audit.{name}"
    if text is None:
        place.mkdir()
    else:
        place.write_text(text)
    with pytest.raises(IotoError, match=r"would be lost: a table of the page 'audit\.html' has that name"):
        page_path(str(tmp_path / "audit.html"))


def test_the_tables_of_a_page_replace_those_of_the_last_one(tmp_path: Path) -> None:
    for suffix, title in (("csv", ",".join(COLUMNS)), ("jsonl", json.dumps(dict.fromkeys(COLUMNS)))):
        (tmp_path / f"page.{suffix}").write_text(f"{title}\n")
    assert page_path(str(tmp_path / "page.html")) == tmp_path / "page.html"
    with pytest.raises(IotoError, match="would be lost"):
        page_path(str(tmp_path / "page.html"), AUDIT_COLUMNS)


@pytest.mark.parametrize("check", [False, True])
def test_an_export_does_not_take_the_place_of_a_device(ledger: Ledger, tmp_path: Path, *, check: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IotoError, match=r"is a pipe or a device and would be lost"):
        query_ledger(ledger, options("ledger_info", dest=str(tmp_path / "pipe")), check=check)
    assert (tmp_path / "pipe").is_fifo()


def test_an_export_does_not_replace_a_private_key(ledger: Ledger, tmp_path: Path) -> None:
    key = tmp_path / "line.key"
    new_key_pair(key)
    before = key.read_bytes()
    with pytest.raises(IotoError, match=r"line\.key' is a private key and would be lost"):
        info(ledger, limit=0, void_labels=True, dest=str(key))
    assert key.read_bytes() == before


def test_the_history_of_a_unit_is_told(ledger: Ledger) -> None:
    events = info(ledger, serial="SN-1", history=True)["events"]

    assert [event["action"] for event in events] == ["allocated", "written", "verified"]
    assert "1" * 10 not in str(events)


def test_what_a_claim_replaces_is_masked_as_its_own_id_is(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text(f"claim_id,product,serial,replaces\n{'4' * 10},{PRODUCT},SN-4,{'0' * 10}\n", encoding="utf-8")
    entry(ledger, action="import", src=str(file))

    (claim,) = info(ledger, serial="SN-4")["claims"]
    assert claim["replaces"] == "********00"
    assert info(ledger, serial="SN-4", reveal=True)["claims"][0]["replaces"] == "0" * 10


def test_a_conflict_is_listed_with_its_holder_until_somebody_resolves_it(ledger: Ledger) -> None:
    with pytest.raises(ClaimConflictError):
        ledger.allocate(AllocationRequest(PRODUCT, "SN-9", source="given", context=CONTEXT, claim_id="1" * 10))

    (conflict,) = info(ledger)["conflicts"]
    assert (conflict["serial"], conflict["holder"]["serial"]) == ("SN-9", "SN-1")

    assert entry(ledger, action="resolve", claim_id="1" * 10, reason="a typing mistake")["changed"]
    assert info(ledger)["conflicts"] == []
    assert not entry(ledger, action="resolve", claim_id="1" * 10, reason="a typing mistake")["changed"]


@pytest.mark.parametrize("named", [{"claim_id": "9" * 10}, {"serial": "SN-1"}])
def test_a_conflict_about_an_id_that_nobody_has_is_resolved_by_that_id_or_the_unit(
    ledger: Ledger, named: dict[str, str]
) -> None:
    with pytest.raises(ClaimConflictError, match="already has"):
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", source="given", context=CONTEXT, claim_id="9" * 10))
    assert [conflict["holder"] for conflict in info(ledger)["conflicts"]] == [None]
    asked = {"action": "resolve", "reason": "the wrong label was scanned", **named}
    assert entry(ledger, check=True, **asked)["changed"]
    assert entry(ledger, **asked)["claim"]["serial"] == "SN-1"
    assert info(ledger)["conflicts"] == []


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("action", ["retire", "labelled", "resolve", "rebind"])
def test_a_reason_of_spaces_is_none(ledger: Ledger, action: str, *, check: bool) -> None:
    before = list(ledger.events())
    with pytest.raises(IotoError, match="needs reason; give it"):
        entry(ledger, check=check, action=action, claim_id="1" * 10, new_serial="SN-7", reason="  ")
    assert list(ledger.events()) == before


def test_what_no_text_can_hold_is_found_nowhere(ledger: Ledger) -> None:
    """What is no UTF-8 on a command line comes as half characters."""
    for name in ("serial", "host", "run"):
        assert info(ledger, **{name: "SN-1\udcff\0"})["claims"] == []
    assert [claim["serial"] for claim in info(ledger, serial=" SN-1 ")["claims"]] == ["SN-1"]


def test_what_a_file_says_does_not_steer_the_screen(ledger: Ledger, tmp_path: Path) -> None:
    hostile = {"source": "\x1b[2Jours", "reason": "\x1b[31mscrapped\nok", "state": "retired"}
    (tmp_path / "hostile.jsonl").write_text(json.dumps({"claim_id": "7" * 10, "product": PRODUCT, **hostile}) + "\n")
    entry(ledger, action="import", src=str(tmp_path / "hostile.jsonl"))
    with pytest.raises(ClaimConflictError) as caught:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-9", source="given", context=CONTEXT, claim_id="7" * 10))
    for line in (*info(ledger, state=["retired"])["lines"], str(caught.value)):
        assert line.isprintable()


def test_a_unit_is_retired_by_its_name_once(ledger: Ledger) -> None:
    asked = {"action": "retire", "product": PRODUCT, "serial": "SN-1", "reason": "scrapped"}

    assert entry(ledger, check=True, **asked)["changed"]
    assert info(ledger, state=["retired"])["claims"] == []
    assert entry(ledger, **asked)["claim"]["state"] == "retired"
    assert not entry(ledger, **asked)["changed"]


def test_a_claim_moves_to_another_unit_once(ledger: Ledger) -> None:
    asked = {"action": "rebind", "claim_id": "1" * 10, "new_serial": "SN-7", "reason": "new case"}

    assert entry(ledger, check=True, **asked)["claim"]["serial"] == "SN-7"
    assert info(ledger, serial="SN-7")["claims"] == []
    assert entry(ledger, **asked)["changed"]
    assert not entry(ledger, **asked)["changed"]


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
def test_what_is_exported_can_be_imported_and_is_for_its_owner_alone(ledger: Ledger, tmp_path: Path, fmt: str) -> None:
    file = tmp_path / "export"
    assert info(ledger, dest=str(file), format=fmt, limit=1)["changed"]
    assert not info(ledger, dest=str(file), format=fmt)["changed"]
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert info(ledger, dest=str(file), format=fmt)["changed"]
    assert file.stat().st_mode & 0o777 == 0o600

    with Ledger(tmp_path / "second.db") as second:
        assert entry(second, action="import", src=str(file), format=fmt)["imported"]["added"] == 3
        assert not entry(second, action="import", src=str(file), format=fmt)["changed"]
        assert sorted(second.holders(["1" * 10, "2" * 10, "3" * 10])) == ["1" * 10, "2" * 10, "3" * 10]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"action": "retire", "claim_id": "1" * 10}, "needs reason"),
        ({"action": "retire", "reason": "x"}, "which claim"),
        ({"action": "retire", "claim_id": "9" * 10, "reason": "x"}, r"has no claim with the ID \*+99; see"),
        ({"action": "import", "src": "/nowhere"}, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(ledger: Ledger, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(IotoError, match=sentence):
        entry(ledger, **given)


def test_a_time_that_is_none_and_a_folder_that_is_not_there_are_one_sentence(ledger: Ledger) -> None:
    with pytest.raises(IotoError, match="2026-11-23"):
        info(ledger, since="yesterday")
    with pytest.raises(IotoError, match="'9999-12-31' is not valid"):
        info(ledger, until="9999-12-31")
    with pytest.raises(IotoError, match="cannot be written"):
        info(ledger, dest="/nowhere/at/all.csv")
    with pytest.raises(IotoError, match="is not before the one until which"):
        info(ledger, since="2026-11-28", until="2026-11-27")
    with pytest.raises(IotoError, match=r"all\.csv cannot be read \(No such file or directory\); check its name"):
        entry(ledger, action="import", src="/nowhere/at/all.csv")
    assert info(ledger, source="adopted")["claims"] == []


@pytest.mark.ansible
def test_asking_at_a_mistyped_place_makes_no_ledger_there_and_says_so(tmp_path: Path, home: Path) -> None:
    place = tmp_path / "leger.db"
    task = f"ioto.serialization.ledger_info: {{ledger: {place}}}"
    (tmp_path / "ask.yml").write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks: [{{{task}}}]\n")
    run = provision(home, playbook=tmp_path / "ask.yml", ANSIBLE_COLLECTIONS_PATH=str(ROOT / "playbooks/collections"))
    assert run.status == 2, run.output
    assert f"There is no ledger in {place}; give the one you mean, as ioto_ledger." in " ".join(run.output.split())
    assert not place.exists()


def test_a_check_of_the_whole_ledger_says_how_much_it_saw_or_fails_with_all(ledger: Ledger, tmp_path: Path) -> None:
    assert info(ledger, check_integrity=True)["integrity"] == {
        **{"events": 5, "claims": 3, "seals": 0, "unsealed": 5},
        "not_checked": [],
    }
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE ioto_claims SET unit = unit || 'X'")
    connection.close()
    with pytest.raises(DamagedLedgerError, match="with 3 findings") as caught:
        info(ledger, check_integrity=True)
    assert len(str(caught.value).splitlines()) == 4
