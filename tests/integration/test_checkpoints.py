# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed checkpoint against its ledger, an older one, a rewritten one and another, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.against_device import (
    DeviceDisagreesError,
    check_device,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.against_ledger import (
    Disagreement,
    findings_against,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.checkpoint import (
    Checkpoint,
    read_checkpoint,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.errors import CheckpointError
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.keys import new_key_pair, public_key
from ansible_collections.ioto.serialization.plugins.plugin_utils.checkpoints.task import checkpoint_task
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.database import Database
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.merge import merge
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.location import Location
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
    NewEvent,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import MOST_EVENTS, seal_events
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.transfer import import_claims
from tests.support.ledgers import CONTEXT, PRODUCT, damage, fill

RUN = "20261127T143210-7QK4XW"
LEAST = 100
"""Units that make more than one seal."""


class Signer:
    """Somebody with a key pair, who signs ledgers and hands out what others need."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "line.key"
        self.folder = folder
        self.public, self.number = new_key_pair(self.key)

    def sign(self, location: str, *, run: str | None = None, units: bool = False, check: bool = False) -> Path:
        done = self.do("checkpoint", location, check=check, key=str(self.key), run=run, units=units)
        assert done["key_id"] == self.number and not done.get("warnings")
        return Path(done["checkpoint"])

    def verify(self, location: str | Path, checkpoint: Path) -> str:
        done = self.do("verify", str(location), public_key=str(self.public), src=str(checkpoint))
        assert done["changed"] is False
        return str(done["msg"])

    def kinds(self, location: str | Path, checkpoint: Path) -> list[Disagreement]:
        return [finding.kind for finding in findings_against(location, checkpoint, self.public)]

    def read(self, checkpoint: Path) -> Checkpoint:
        return read_checkpoint(str(checkpoint), public_key(self.public))

    def do(self, action: str, location: str, *, check: bool = False, **given: Any) -> dict[str, Any]:
        names = ("key", "passphrase_file", "public_key", "run", "src", "claim_id", "serial", "product")
        options = {**dict.fromkeys(names), "units": True, "dest": str(self.folder / "checkpoints")}
        return checkpoint_task({**options, "action": action, "ledger": location, **given}, check=check)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path)


def filled(location: str | Path) -> None:
    with Ledger(location) as ledger:
        fill(ledger, LEAST)


def gone_on(location: str | Path) -> None:
    """Have a unit more in the ledger for each event that one seal covers, and one."""
    names = [f"LATER-{number}" for number in range(MOST_EVENTS + 1)]
    with Ledger(location) as ledger:
        ledger.allocate_many([AllocationRequest(PRODUCT, name, "generated", CONTEXT) for name in names])


def test_a_ledger_agrees_with_its_checkpoint_also_when_it_has_gone_on(location: str, signer: Signer) -> None:
    filled(location)
    checkpoint = signer.sign(location)
    assert "seal 2 and all before it hold, and 0 events have been appended since." in signer.verify(
        location, checkpoint
    )
    gone_on(location)
    signer.sign(location)
    assert signer.kinds(location, checkpoint) == []
    assert "seal 2 and all before it hold, and 257 events have" in signer.verify(location, checkpoint)


def test_a_ledger_whose_end_is_lost_is_older(location: str, signer: Signer) -> None:
    filled(location)
    checkpoint = signer.sign(location)
    damage(Database(Location.parse(location)), "DELETE FROM ioto_seals WHERE seq = 2")
    (finding,) = findings_against(location, checkpoint, signer.public)
    assert finding.kind is Disagreement.OLDER
    assert "it ends with seal 1, and seal 2 was signed" in finding.sentence
    with pytest.raises(CheckpointError, match=r"does not agree with the checkpoint:\n.* is older than"):
        signer.verify(location, checkpoint)


@pytest.mark.parametrize(
    ("statement", "is_sealed_anew", "told"),
    [
        (
            "UPDATE ioto_events SET actor = 'bob@line-1' WHERE id = 3",
            False,
            "Row 3 of ioto_events: changed since",
        ),
        ("UPDATE ioto_events SET actor = 'bob@line-1' WHERE id = 3", True, "has another seal 2, so its events were"),
        ("DELETE FROM ioto_seals WHERE seq = 1", False, "the seal before it, row 1, is missing"),
    ],
)
def test_a_rewritten_history_differs_also_where_it_was_sealed_anew(
    location: str, signer: Signer, statement: str, is_sealed_anew: bool, told: str
) -> None:
    filled(location)
    checkpoint = signer.sign(location)
    database = Database(Location.parse(location))
    damage(database, statement)
    if is_sealed_anew:
        damage(database, "DELETE FROM ioto_seals")
        assert "agrees" in signer.verify(location, signer.sign(location))  # what no seal alone tells
        assert signer.kinds(location, checkpoint) == [Disagreement.DIFFERS]
    with pytest.raises(CheckpointError, match=told):
        signer.verify(location, checkpoint)


def test_a_copy_from_before_is_older_and_when_it_went_on_it_differs(tmp_path: Path, signer: Signer) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    filled(path)
    signer.sign(str(path))
    shutil.copy(path, copy)
    gone_on(path)
    checkpoint = signer.sign(str(path))
    assert signer.kinds(copy, checkpoint) == [Disagreement.OLDER]
    gone_on(copy)
    signer.sign(str(copy))
    assert signer.kinds(copy, checkpoint) == [Disagreement.DIFFERS]


def test_another_ledger_and_none_are_told_and_none_is_made(tmp_path: Path, location: str, signer: Signer) -> None:
    filled(location)
    checkpoint = signer.sign(location)
    filled(tmp_path / "other.db")
    (finding,) = findings_against(tmp_path / "other.db", checkpoint, signer.public)
    assert finding.kind is Disagreement.OTHER_LEDGER and "is of another ledger than" in finding.sentence
    absent = tmp_path / "absent.db"
    attempts: list[Callable[[], object]] = [
        lambda: signer.verify(absent, checkpoint),
        lambda: signer.kinds(absent, checkpoint),
        lambda: signer.sign(str(absent)),
    ]
    for attempt in attempts:
        with pytest.raises(Exception, match="There is no ledger in"):
            attempt()
    assert not absent.exists()


def test_a_checkpoint_of_a_run_lists_its_units_and_what_became_of_them(location: str, signer: Signer) -> None:
    filled(location)
    with Ledger(location) as ledger:
        claims, claims_before = {}, ledger.summary().total
        for serial, state in (("A", State.VERIFIED), ("B", State.LABELLED), ("C", State.WRITTEN), ("D", None)):
            context = Context("ann@line-1", serial, run=RUN)
            claim = ledger.allocate(AllocationRequest(PRODUCT, serial, "generated", context))
            claims[serial] = claim.claim_id
            if state is not None:
                ledger.advance(StateChange(claim.claim_id, state, context))
        ledger.retire(claims["B"], reason="scrapped", context=Context("ann@line-1", "B", run=RUN))
        ledger.record(NewEvent(EventKind.RUN, Context("ann@line-1", run=RUN)))
        events = list(ledger.events(run=RUN))

    tried = signer.sign(location, run=RUN, units=True, check=True)
    assert not tried.exists()
    path = signer.sign(location, run=RUN, units=True)
    assert path == tried and path.name == f"checkpoint-{RUN}.json" and path.stat().st_mode & 0o777 == 0o600
    signed = signer.read(path)
    assert {unit.serial: unit.state for unit in signed.units or ()} == {
        "A": "verified",
        "B": "retired",
        "C": "written",
        "D": "allocated",
    }
    assert (signed.began_at, signed.ended_at, signed.run) == (events[0].at, events[-1].at, RUN)
    assert signed.seal.last_event == events[-1].id and signed.claims == claims_before + 4
    assert signed.counts == {"allocated": 1, "written": 1, "verified": 1, "retired": 1}
    assert not any(claim_id in path.read_text() for claim_id in claims.values())

    assert "is that of unit A" in check_device(signed, claims["A"], "A")
    for serial, claim_id, why in (
        ("A", claims["C"], "is not the one that was signed"),
        ("B", claims["B"], "was out of use"),
        ("C", claims["C"], "nobody had read it back"),
        ("SN-000001", claims["A"], "lists no unit SN-000001"),
    ):
        with pytest.raises(DeviceDisagreesError, match=why):
            check_device(signed, claim_id, serial)


def test_what_cannot_be_signed_is_told(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "ledger.db"
    Ledger(path).close()
    for run, units, why in (
        (None, True, "has no seal: nothing happened in it"),
        ("20260101T000000-AAAAAA", True, "knows no run 20260101T000000-AAAAAA"),
        ("../../etc", False, "is not the number of a run"),
        ("", False, "is not the number of a run"),
    ):
        with pytest.raises(CheckpointError, match=why):
            signer.sign(str(path), run=run, units=units)
    filled(path)
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(CheckpointError, match="give another folder"):
        signer.sign(str(path))


def test_a_damaged_seal_is_no_traceback(location: str, signer: Signer) -> None:
    filled(location)
    checkpoint = signer.sign(location)
    database = Database(Location.parse(location))
    damage(database, "UPDATE ioto_seals SET hash = 'none' WHERE seq = 2")
    assert signer.kinds(location, checkpoint) == [Disagreement.DIFFERS]
    with pytest.raises(CheckpointError, match=r"The last seal of the ledger .* is damaged; check the ledger"):
        signer.sign(location)
    if database.location.path is not None:  # the server takes times alone
        damage(database, "UPDATE ioto_seals SET at = x'ff' WHERE seq = 2")
        assert signer.kinds(location, checkpoint) == [Disagreement.DIFFERS]
        with pytest.raises(LedgerError, match="the last row of its table ioto_seals is not a seal; have it checked"):
            signer.sign(location)


@pytest.mark.parametrize("value", ["'x'", "x'ff'", "1.5"])
def test_a_seal_that_is_no_seal_is_told_as_damage(tmp_path: Path, signer: Signer, value: str) -> None:
    """SQLite alone keeps text where a number belongs."""
    place, whole = str(tmp_path / "one.db"), str(tmp_path / "whole.db")
    filled(place)
    of_origin = signer.sign(place)
    merge(whole, [place], CONTEXT, check=False)
    own = signer.sign(whole)
    for statement, checkpoint, table in (
        (f"UPDATE ioto_origin_seals SET seq = {value} WHERE seq = 2", of_origin, "ioto_origin_seals"),
        (f"UPDATE ioto_seals SET last_event = {value}", own, "ioto_seals"),
    ):
        damage(Database(Location.parse(whole)), statement)
        (found,) = findings_against(whole, checkpoint, signer.public)
        assert found.kind is Disagreement.DIFFERS
        assert f"the last row of its table {table} is not a seal; have it checked" in found.sentence
    with Ledger(whole) as ledger, pytest.raises(LedgerError, match="the last row of its table ioto_seals is not a"):
        seal_events(ledger.database)
    with pytest.raises(LedgerError, match="the last row of its table ioto_seals is not a seal"):
        signer.sign(whole)


@pytest.mark.parametrize("value", ["'x'", "x'ff'", "5"])
def test_a_time_that_is_no_time_is_told_as_damage(tmp_path: Path, signer: Signer, value: str) -> None:
    place = str(tmp_path / "one.db")
    with Ledger(place) as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", Context("ann@line-1", run=RUN)))
        damage(ledger.database, f"UPDATE ioto_events SET at = {value}")
    with pytest.raises(LedgerError, match=r"when an event of the run .* came cannot be read in its table ioto_events"):
        signer.sign(place, run=RUN)


def test_lines_that_write_meanwhile_spoil_no_checkpoint(location: str, signer: Signer) -> None:
    filled(location)
    signer.sign(location)  # so that there is a seal, also where the writer leaves no moment for another
    stop = threading.Event()

    def write() -> None:
        with Ledger(location) as ledger:
            number = 0
            while not stop.is_set():
                number += 1
                ledger.allocate(AllocationRequest(PRODUCT, f"LATE-{number}", "generated", CONTEXT))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = [signer.do("checkpoint", location, key=str(signer.key), units=False) for _each in range(3)]
    finally:
        stop.set()
        writer.join()
    for each in done:
        assert "agrees with the checkpoint" in signer.verify(location, Path(each["checkpoint"]))


def test_what_a_file_says_was_verified_counts_as_never_read_back(location: str, signer: Signer) -> None:
    rows = f"claim_id,product,serial,state\nAAAAAAAAAA,{PRODUCT},IM-1,labelled\nBBBBBBBBBB,{PRODUCT},IM-2,verified\n"
    with Ledger(location) as ledger:
        import_claims(ledger, io.StringIO(rows, newline=""), "csv", context=CONTEXT)
        ledger.record(NewEvent(EventKind.CHECKED, CONTEXT, "BBBBBBBBBB", PRODUCT, "IM-2"))
    signed = signer.read(signer.sign(location, units=True))
    with pytest.raises(DeviceDisagreesError, match="as labelled, and nobody had read it back"):
        check_device(signed, "AAAAAAAAAA", "IM-1")
    assert "is that of unit IM-2" in check_device(signed, "BBBBBBBBBB", "IM-2")


def test_a_merged_ledger_agrees_with_the_checkpoints_of_its_origins(tmp_path: Path, signer: Signer) -> None:
    one, two, whole = (str(tmp_path / f"{name}.db") for name in ("one", "two", "whole"))
    for number, location in enumerate((one, two)):
        with Ledger(location) as ledger:
            ledger.allocate(AllocationRequest(PRODUCT, f"SN-{number}", "generated", CONTEXT))
    before = signer.sign(one)
    merge(whole, [one], CONTEXT, check=False)
    assert "seal 1 of the ledger that was signed, which was merged into it," in signer.verify(whole, before)
    assert signer.kinds(whole, signer.sign(two)) == [Disagreement.OTHER_LEDGER]
    gone_on(one)
    after = signer.sign(one)
    assert signer.kinds(whole, after) == [Disagreement.OLDER]
    merge(whole, [one], CONTEXT, check=False)
    assert signer.kinds(whole, after) == []
