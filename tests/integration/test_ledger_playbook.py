# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playbooks/ledger.yml`: the jobs of every day, as somebody types them. The guide's commands are in `test_readme`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.options import JOBS, OF_THE_PLAYBOOK
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    ClaimConflictError,
    Context,
    State,
    StateChange,
)
from tests.support.ansible import ROOT, Run, provision, sampled

pytestmark = pytest.mark.ansible

PLAYBOOK = ROOT / "playbooks/ledger.yml"
PRODUCT, OTHER_PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001", "01K9F1EETDEV1CEPR0DVCT0002"
IDS = ["1111111111", "2222222222", "3333333333"]
RUN = "20261127T143210-7QK4XW"


@pytest.fixture
def book(home: Path) -> Path:
    """The user's own ledger: three units, of which one is verified, and a conflict about its ID."""
    path = home / ".local/share/ioto/ledger.db"
    with Ledger(path) as ledger:
        for number, claim_id in enumerate(IDS, start=1):
            context = Context("tester@bench", f"pump-{number}", run=RUN if number == 3 else None)
            source = {1: "given", 2: "service", 3: "adopted"}[number]
            ledger.allocate(
                AllocationRequest(PRODUCT, f"SN-{number}", source=source, context=context, claim_id=claim_id)
            )
        ledger.advance(StateChange(IDS[0], State.VERIFIED, Context("tester@bench")))
        with pytest.raises(ClaimConflictError):
            asked = AllocationRequest(PRODUCT, "SN-9", source="given", context=Context("tester@bench"), claim_id=IDS[0])
            ledger.allocate(asked)
    return path


def job(home: Path, name: str, *options: str, **variables: object) -> Run:
    said = {"ioto_ledger_job": name, **{f"ioto_ledger_{key}": value for key, value in variables.items()}}
    run = provision(home, "-e", json.dumps(said), *options, playbook=PLAYBOOK)
    if not variables.get("reveal"):
        assert not any(claim_id in run.output for claim_id in IDS), run.output
    assert "Traceback" not in run.output
    return run


def test_every_job_and_every_variable_of_the_table_is_in_the_playbook() -> None:
    text = PLAYBOOK.read_text(encoding="utf-8")
    assert [variable for variable in OF_THE_PLAYBOOK if f"{variable}" not in text] == []
    assert [name for name in JOBS if name not in text] == []


@pytest.mark.parametrize("content", ["", "claim_id,product\nU,U\n", '{"ledger":{}}\n'])
def test_a_file_that_is_refused_makes_no_ledger(home: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.csv").write_text(content, encoding="utf-8")
    run = job(home, "import", "-e", f"ioto_ledger={tmp_path}/new.db", src=str(tmp_path / "bad.csv"))
    assert run.status == 2, run.output
    assert {path.name for path in tmp_path.glob("new*")} == set()


@pytest.mark.parametrize(
    ("asked", "found"),
    sampled(
        [
            ({}, {"SN-1", "SN-2", "SN-3"}),
            ({"serial": "SN-1", "history": True}, {"SN-1"}),
            ({"host": "pump-2", "product": PRODUCT}, {"SN-2"}),
            ({"source": "service"}, {"SN-2"}),
            ({"source": "adopted"}, {"SN-3"}),
            ({"run": RUN}, {"SN-3"}),
            ({"state": "verified"}, {"SN-1"}),
            ({"claim_id": f"{IDS[0]},{IDS[2]}", "reveal": True}, {"SN-1", "SN-3"}),
            ({"since": "2026-01-01", "until": "2026-01-02"}, set()),
        ]
    ),
)
def test_units_are_looked_up(home: Path, book: Path, asked: dict[str, object], found: set[str]) -> None:
    run = job(home, "find", **asked)
    assert run.status == 0, run.output
    assert {f"SN-{number}" for number in (1, 2, 3) if f'"SN-{number}: ' in run.output} == found
    assert ("verified by tester@bench" in run.output) == ("history" in asked)
    assert (IDS[0] in run.output) == ("reveal" in asked)
    assert run.changed == 0


def test_a_unit_is_retired_with_a_reason_and_its_label_is_void(home: Path, book: Path) -> None:
    refused = job(home, "retire", serial="SN-1")
    assert refused.status == 2 and "The job retire needs ioto_reason" in refused.output

    tried = job(home, "retire", "-e", "ioto_reason=scrapped", "--check", serial="SN-1")
    assert tried.status == 0 and tried.changed == 1, tried.output
    run = job(home, "retire", "-e", "ioto_reason=scrapped", "-e", "ioto_operator=4711", serial="SN-1")

    assert run.status == 0, run.output
    assert "SN-1: ********11, retired (scrapped), a label with it is void" in run.output
    with Ledger(book, read_only=True) as ledger:
        last = next(ledger.events(claim_id=IDS[0], newest_first=True))
    assert (last.kind, last.reason, last.operator) == ("retired", "scrapped", "4711")
    assert job(home, "retire", "-e", "ioto_reason=scrapped", serial="SN-1").changed == 0


def test_a_serial_that_two_products_have_needs_the_product(home: Path, book: Path) -> None:
    with Ledger(book) as ledger:
        ledger.allocate(AllocationRequest(OTHER_PRODUCT, "SN-1", source="given", context=Context("tester@bench")))
    run = job(home, "retire", "-e", "ioto_reason=scrapped", serial="SN-1")
    assert run.status == 2
    assert f"Units of 2 products have the serial SN-1; give product, one of {PRODUCT}, {OTHER_PRODUCT}." in run.output
    run = job(home, "retire", "-e", "ioto_reason=scrapped", serial="SN-2", claim_id=IDS[0], reveal=True)
    assert run.status == 2 and "another unit is named beside it" in run.output


def test_a_conflict_is_listed_until_it_is_settled(home: Path, book: Path) -> None:
    listed = job(home, "conflicts")
    assert ", unit SN-9 asked for a claim ID and could not have it: " in listed.output
    assert "belongs to unit SN-1" in listed.output and "settle a conflict with ioto_ledger_job=resolve" in listed.output
    assert job(home, "resolve", "-e", "ioto_reason=typed", serial="SN-1").changed == 1
    assert "No conflict is open." in job(home, "conflicts").output


def test_check_mode_says_of_a_claim_what_the_run_itself_says(home: Path, book: Path) -> None:
    options = ("-e", "ioto_reason=moved")
    for check in ("--check", "--diff"):  # the latter is the run itself
        refused = job(home, "rebind", *options, check, serial="SN-1", new_serial="SN-2")
        assert refused.status == 2 and refused.changed == 0, refused.output
        assert "The unit SN-2 already has the claim ID ********22 (allocated); retire that one first." in refused.output
    assert job(home, "rebind", *options, "--check", serial="SN-1", new_serial="SN-8").changed == 1
    assert job(home, "retire", *options, serial="SN-1").changed == 1
    for name, more in (("rebind", {"new_serial": "SN-8"}), ("labelled", {})):
        refused = job(home, name, *options, "--check", serial="SN-1", **more)
        assert refused.status == 2 and "of unit SN-1 is retired (moved)" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    ("name", "variables"),
    sampled(
        [
            ("check", {}),
            ("find", {"serial": "SN-1"}),
            ("conflicts", {}),
            ("export", {"dest": "all.csv"}),
            ("backup", {"dest": "backups"}),
            ("migrate", {}),
            *((name, {"serial": "SN-1"}) for name in ("retire", "labelled", "resolve")),
            ("rebind", {"serial": "SN-1", "new_serial": "SN-2"}),
        ]
    ),
)
def test_a_ledger_that_is_not_there_is_refused_and_not_made(
    tmp_path: Path, home: Path, name: str, variables: dict[str, object]
) -> None:
    place = tmp_path / "leger.db"
    reason = ("-e", "ioto_reason=scrapped") if name in {"retire", "labelled", "resolve", "rebind"} else ()
    given = {key: str(tmp_path / str(value)) if key == "dest" else value for key, value in variables.items()}

    run = job(home, name, "-e", f"ioto_ledger={place}", *reason, **given)

    assert run.status == 2, run.output
    assert f"There is no ledger in {place}" in " ".join(run.output.split()).replace("no ledger /", "no ledger in /")
    assert list(tmp_path.iterdir()) == [home]


def test_a_file_goes_out_and_comes_in(tmp_path: Path, home: Path, book: Path) -> None:
    file = tmp_path / "all.jsonl"
    run = job(home, "export", dest=str(file))
    assert f"3 claims are in {file}, with whole claim IDs" in run.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert {json.loads(line)["serial"] for line in file.read_text().splitlines()} == {"SN-1", "SN-2", "SN-3"}

    run = job(home, "import", "-e", f"ioto_ledger={tmp_path}/second.db", src=str(file))
    assert run.status == 0 and "3 were added, 0 changed, and 0 known already" in run.output, run.output


def test_a_backup_is_made_checked_and_restored(tmp_path: Path, home: Path, book: Path) -> None:
    folder = tmp_path / "backup"
    assert not folder.exists() or job(home, "backup", "--check", dest=str(folder)).status
    run = job(home, "backup", dest=str(folder))
    assert run.status == 0, run.output
    (backup,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, backup.stat().st_mode & 0o777) == (0o700, 0o600)
    assert job(home, "retire", "-e", "ioto_reason=scrapped", serial="SN-2").status == 0

    run = job(home, "restore", src=str(backup))

    assert run.status == 0, run.output
    assert "the backup lacks 1 claim of it, or has them in an earlier state" in " ".join(run.output.split())
    assert "is sound: 3 claims" in job(home, "check").output
    with Ledger(book, read_only=True) as ledger:
        assert {claim.state for claim in ledger.holders([IDS[1]]).values()} == {State.ALLOCATED}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    sampled(
        [
            (
                {"job": "chekc"},
                "ioto_ledger_job is 'chekc', which is not a job. Did you mean check? The jobs are find, ",
            ),
            ({}, "Nothing says what to do with the ledger; give ioto_ledger_job, one of find, "),
            ({"job": "find", "dest": "x.csv"}, "ioto_ledger_dest has no meaning for the job find; leave it out."),
            ({"job": "export"}, "The job export needs ioto_ledger_dest; give it."),
            (
                {"job": "find", "sreial": "SN-1"},
                "the variable ioto_ledger_sreial is unknown: did you mean ioto_ledger_ser",
            ),
            ({"job": "find", "source": "gievn"}, "ioto_ledger_source"),
            ({"job": "find", "since": "yesterday"}, "write it as 2026-11-23 or 2026-11-23T08:00:00"),
            ({"job": "find", "limit": 0}, "ioto_ledger_limit is 0; give a whole number, 1 or more."),
        ]
    ),
)
def test_what_is_amiss_is_named_and_nothing_is_done(home: Path, variables: dict[str, object], sentence: str) -> None:
    said = {f"ioto_ledger_{name}": value for name, value in variables.items()}
    run = provision(home, "-e", yaml.safe_dump(said, default_flow_style=True, width=1000), playbook=PLAYBOOK)
    assert run.status == 2 and sentence in run.output, run.output
    assert not (home / ".local/share/ioto/ledger.db").exists()


def test_whole_ledgers_move_merge_and_are_compared(home: Path, book: Path, tmp_path: Path) -> None:
    """What is wrong is told in sentences, all of it, and no ID is shown whole; `test_readme` does what is right."""
    other = tmp_path / "other.db"
    with Ledger(other) as ledger:
        for unit, claim_id in (("SN-1", "4444444444"), ("SN-7", IDS[1])):
            asked = AllocationRequest(PRODUCT, unit, source="given", context=Context("b@bench"), claim_id=claim_id)
            ledger.allocate(asked)

    refused = job(home, "merge", **{"from": f"{other},{tmp_path}/none.db"})
    assert refused.status == 2
    assert f"There is no ledger in {tmp_path}/none.db; correct its path or URL." in refused.output

    refused = job(home, "merge", **{"from": str(other)})
    assert refused.status == 2
    assert "Nothing was merged, because of 2 conflicts; settle them and merge again:" in refused.output
    assert "4444444444" not in refused.output

    differs = job(home, "compare", **{"with": str(other)})
    assert differs.status == 2
    assert f"does not hold all that is in {other}, with" in differs.output

    moved = job(home, "move", "--check", to=str(tmp_path / "new.db"))
    assert moved.status == 0, moved.output
    assert "would be moved to" in moved.output
    moved = job(home, "move", to=str(tmp_path / "new.db"))
    assert moved.status == 0, moved.output
    sound = job(home, "check")
    assert f"was moved to {tmp_path}/new.db, and nothing is recorded here any more" in sound.output
    late = job(home, "retire", "-e", "ioto_reason=scrapped", serial="SN-1")
    assert f"was moved to {tmp_path}/new.db, and nothing is recorded here any more" in late.output

    bare = job(home, "merge", serial="SN-1", whole=True)
    assert "The job merge needs ioto_ledger_from; give it." in bare.output
    assert "ioto_ledger_serial has no meaning for the job merge" in bare.output
    part = job(home, "export", whole=True, dest=str(tmp_path / "part.jsonl"), serial="SN-1")
    assert "ioto_ledger_serial has no meaning where the whole ledger is exported" in part.output
