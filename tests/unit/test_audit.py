# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit says of one place, of a file of scans, of ledgers, and where there is nothing to look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.checks import half_done
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.comparison import compare_others, compare_seen
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.findings import FindingKind, Origin
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.sources import (
    AuditError,
    take_device,
    take_scans,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.stage import AuditStage, Sighting
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.task import AuditedDevices, make_audit
from ansible_collections.ioto.serialization.plugins.plugin_utils.audit.told import refuse_two_ledgers, shown_answer
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.exchange.exchange_file import dump
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    NewEvent,
    ReserveRequest,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan import DEFAULT_TEMPLATE
from ansible_collections.ioto.serialization.plugins.plugin_utils.scanning.scan_file import ScanFileError
from tests.support.ansible import ROOT
from tests.support.ledgers import damage

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
OTHER_PRODUCT = "01K9F1EETDEV1CEPR0DVCT0002"
CONTEXT = Context("test", "bench-1")
KNOWN, OF_ANOTHER, RETIRED, STRANGE = "AAAAAAAAAA", "BBBBBBBBBB", "CCCCCCCCCC", "DDDDDDDDDD"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """SN-1 has KNOWN, SN-2 OF_ANOTHER, SN-3 had RETIRED and has another, SN-4 waits, and one ID is reserved."""
    with Ledger.in_memory() as ledger:
        for serial, claim_id in (("SN-1", KNOWN), ("SN-2", OF_ANOTHER), ("SN-3", RETIRED)):
            ledger.allocate(AllocationRequest(PRODUCT, serial, "given", CONTEXT, claim_id))
            ledger.advance(StateChange(claim_id, State.VERIFIED, CONTEXT))
        ledger.replace(AllocationRequest(PRODUCT, "SN-3", "given", CONTEXT, "EEEEEEEEEE"), reason="new board")
        ledger.allocate(AllocationRequest(PRODUCT, "SN-4", "given", CONTEXT, "FFFFFFFFFF"))
        yield ledger


@pytest.fixture
def stage() -> Iterator[AuditStage]:
    with AuditStage() as stage:
        yield stage


def device(serial: str | None, claim_id: str | None, product: str | None = PRODUCT, **more: str) -> Sighting:
    return Sighting(Origin.DEVICE, "pump-1", claim_id, product, serial, **more)


def label(serial: str | None, claim_id: str | None, **more: str) -> Sighting:
    return Sighting(Origin.SCAN, "scans.csv line 2", claim_id, None, serial, **more)


def image(name: str, claim_id: str | None, product: str | None = PRODUCT) -> Sighting:
    return Sighting(Origin.IMAGE, name, claim_id, product, name)


def kinds(ledger: Ledger, stage: AuditStage, *seen: Sighting) -> list[FindingKind]:
    for one in seen:
        stage.add(one)
    stage.name_scans()
    return [finding.kind for finding in compare_seen(ledger, stage)]


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (device("SN-1", KNOWN), None),
        (device("SN-4", None), None),
        (device("SN-4", "FFFFFFFFFF"), None),
        (device("SN-1", None), FindingKind.ANOTHER_ID),
        (device("SN-1", STRANGE), FindingKind.ANOTHER_ID),
        (device("SN-1", OF_ANOTHER), FindingKind.ANOTHER_ID),
        (device("SN-1", "not an ID"), FindingKind.ANOTHER_ID),
        (device("SN-9", "not an ID"), FindingKind.UNKNOWN),
        (device("SN-9", STRANGE), FindingKind.UNKNOWN),
        (device("SN-9", None), FindingKind.UNKNOWN),
        (device("SN-9", KNOWN), FindingKind.ANOTHER_UNIT),
        (device("SN-1", KNOWN, OTHER_PRODUCT), FindingKind.ANOTHER_UNIT),
        (device("SN-3", RETIRED), FindingKind.RETIRED),
        (device("SN-9", RETIRED), FindingKind.RETIRED),
        (image("SN-1", KNOWN), None),
        (image("spare", KNOWN), None),
        (image("SN-1", OF_ANOTHER), FindingKind.ANOTHER_ID),
        (image("spare", STRANGE), FindingKind.UNKNOWN),
        (image("spare", None), FindingKind.UNKNOWN),
        (image("SN-1", KNOWN, OTHER_PRODUCT), FindingKind.ANOTHER_UNIT),
        (label("SN-1", KNOWN), None),
        (label(None, KNOWN), None),
        (label("SN-1", OF_ANOTHER), FindingKind.ANOTHER_ID),
        (label("SN-9", KNOWN), FindingKind.ANOTHER_UNIT),
        (label("SN-1", KNOWN, said="SN-2"), FindingKind.ANOTHER_UNIT),
        (label(None, STRANGE), FindingKind.UNKNOWN),
        (label(None, RETIRED), FindingKind.RETIRED),
    ],
)
def test_one_place_is_judged(ledger: Ledger, stage: AuditStage, seen: Sighting, kind: FindingKind | None) -> None:
    stage.add(seen)
    found = list(compare_seen(ledger, stage))

    assert [finding.kind for finding in found] == ([] if kind is None else [kind])
    for finding in found:
        assert finding.sentence.startswith(f"{seen.place}: ")
        assert finding.sentence.endswith(f"; {finding.remedy}.")
        assert not any(claim_id in finding.sentence for claim_id in (KNOWN, OF_ANOTHER, RETIRED, STRANGE))


def test_a_retired_id_names_its_successor_also_in_another_case(ledger: Ledger, stage: AuditStage) -> None:
    stage.add(device("SN-3", RETIRED))
    (found,) = compare_seen(ledger, stage)
    assert found.known_id == "EEEEEEEEEE"
    assert "is retired (new board); its unit 'SN-3' has ********EE now" in found.what

    ledger.retire(KNOWN, reason="scrapped", context=CONTEXT)
    stage.add(label("SN-1", KNOWN))
    *_unused, found = compare_seen(ledger, stage)
    assert found.what == "its claim ID ********AA is retired (scrapped); its unit 'SN-1' has none now"


def test_a_reason_of_a_whole_page_is_cut(ledger: Ledger, stage: AuditStage) -> None:
    ledger.retire(KNOWN, reason="scrapped, since " * 1000, context=CONTEXT)
    stage.add(label("SN-1", KNOWN))
    (found,) = compare_seen(ledger, stage)
    assert "is retired (scrapped, since scrapped" in found.what
    assert "…); its unit 'SN-1' has none now" in found.what
    assert len(found.what) < 300


@pytest.mark.parametrize("said", [{"number": "1"}, {"said": "SN-1"}])
def test_a_label_of_a_former_number_or_serial_is_void(
    ledger: Ledger, stage: AuditStage, said: Mapping[str, str]
) -> None:
    ledger.rebind(KNOWN, "SN-7", reason="new case", context=CONTEXT)
    stage.add(label(None, KNOWN, **said))
    stage.name_scans()
    (found,) = compare_seen(ledger, stage)
    assert found.kind is FindingKind.RETIRED
    assert found.what.startswith("the label is void, since its claim ID was moved to another serial (new case)")


def test_a_label_of_its_own_number_is_not_void(ledger: Ledger, stage: AuditStage) -> None:
    assert kinds(ledger, stage, label("SN-1", KNOWN, number="1")) == []


def test_a_reserved_id_waits_on_a_label_and_on_no_device(ledger: Ledger, stage: AuditStage) -> None:
    (reserved,) = ledger.reserve(ReserveRequest(PRODUCT, 1, CONTEXT))
    assert kinds(ledger, stage, label(None, reserved.claim_id)) == []
    assert kinds(ledger, stage, device("SN-9", reserved.claim_id)) == [FindingKind.ANOTHER_UNIT]


def test_one_id_on_two_devices_is_one_finding_and_a_device_with_its_label_and_image_is_none(
    ledger: Ledger, stage: AuditStage
) -> None:
    assert kinds(ledger, stage, device("SN-1", KNOWN), image("SN-1", KNOWN), label("SN-1", KNOWN)) == []
    clone = device("SN-2", KNOWN)._replace(place="pump-2")
    assert kinds(ledger, stage, clone) == [FindingKind.TWO_DEVICES]


def test_a_label_that_was_scanned_twice_is_one_and_two_lines_without_units_are_two(
    ledger: Ledger, stage: AuditStage
) -> None:
    again = label("SN-1", KNOWN)._replace(place="scans.csv line 3")
    assert kinds(ledger, stage, label("SN-1", KNOWN), again) == []
    bare = [label(None, OF_ANOTHER)._replace(place=f"scans.txt line {line}") for line in (1, 2)]
    assert kinds(ledger, stage, *bare) == [FindingKind.TWO_DEVICES]


def test_a_scan_of_a_host_is_held_against_the_unit_that_the_device_there_is(ledger: Ledger, stage: AuditStage) -> None:
    assert kinds(ledger, stage, device("SN-1", KNOWN), label(None, OF_ANOTHER, host="pump-1")) == [
        FindingKind.ANOTHER_ID
    ]


def test_a_scanner_that_exchanges_y_and_z_is_named(ledger: Ledger, stage: AuditStage) -> None:
    ledger.allocate(AllocationRequest(PRODUCT, "SN-5", "given", CONTEXT, "YYYYYYYYYZ"))
    stage.add(label(None, "ZZZZZZZZZY"))
    (found,) = compare_seen(ledger, stage)
    assert found.kind is FindingKind.UNKNOWN
    assert "the ledger knows it with Y and Z exchanged" in found.what


def test_a_mac_address_names_a_unit_in_any_notation(ledger: Ledger, stage: AuditStage) -> None:
    ledger.allocate(AllocationRequest(PRODUCT, "02:00:5e:00:00:0a", "given", CONTEXT, STRANGE))
    assert kinds(ledger, stage, label("02-00-5E-00-00-0A", STRANGE)) == []


def test_what_a_hostile_device_answers_is_kept_short_and_disturbs_nobody(ledger: Ledger, stage: AuditStage) -> None:
    answer = {"host": "pump-1", "claim_id": "\ud800\x1b[31m" + "x" * 9999, "product": "\x1b" * 9999, "serial": "\ud800"}
    take_device(stage, answer)
    (found,) = compare_seen(ledger, stage)

    assert found.kind is FindingKind.UNKNOWN
    assert "\x1b" not in found.sentence
    assert len(found.sentence) < 400
    assert len(found.claim_id or "") <= 64


def test_an_unreachable_device_is_a_finding_and_counts_as_looked_at(stage: AuditStage) -> None:
    take_device(stage, {"host": "pump-1", "unreachable": True, "msg": "The device pump-1 cannot be reached."})
    (found,) = stage.findings()
    assert (found.kind, stage.seen[Origin.DEVICE]) == (FindingKind.NOT_READ, 1)
    assert found.sentence == ("pump-1: the device pump-1 cannot be reached; correct that, and run the audit again.")


def test_scans_alone_are_of_the_devices_in_their_order_or_of_nobody(tmp_path: Path, stage: AuditStage) -> None:
    path = tmp_path / "scans.txt"
    path.write_text(f"{KNOWN}\n\n{OF_ANOTHER}\n", encoding="utf-8")
    take_scans(stage, str(path), [DEFAULT_TEMPLATE], ["pump-1", "pump-2"])
    take_scans(stage, str(path), [DEFAULT_TEMPLATE], [])

    (part,) = stage.parts()
    assert [(seen.place, seen.host) for seen in part] == [
        ("scans.txt line 1", "pump-1"),
        ("scans.txt line 3", "pump-2"),
        ("scans.txt line 1", None),
        ("scans.txt line 3", None),
    ]
    with pytest.raises(ScanFileError, match="has 2 scans for 1 unit"):
        take_scans(stage, str(path), [DEFAULT_TEMPLATE], ["pump-1"])


def test_two_ledgers_that_hold_the_same_of_a_unit_agree(ledger: Ledger, stage: AuditStage) -> None:
    for claim in ledger.claims():
        stage.add_other(0, claim)
    assert list(compare_others(ledger, stage, ["site 2"])) == []


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"unit": "SN-9"}, FindingKind.TWO_SITES),
        ({"product": OTHER_PRODUCT}, FindingKind.TWO_SITES),
        ({"claim_id": STRANGE}, FindingKind.TWO_SITES),
        ({"state": State.RETIRED, "reason": "lost"}, FindingKind.RETIRED),
        ({"state": State.ALLOCATED}, None),
        ({"unit": None}, None),
    ],
)
def test_what_another_ledger_says_otherwise_is_found(
    ledger: Ledger, stage: AuditStage, changed: Mapping[str, Any], kind: FindingKind | None
) -> None:
    claim = ledger.find(KNOWN)
    assert claim is not None
    stage.add_other(0, claim._replace(**changed))
    assert [finding.kind for finding in compare_others(ledger, stage, ["site 2"])] == ([] if kind is None else [kind])


def test_a_unit_counts_as_unverified_from_when_it_was_written_last(ledger: Ledger) -> None:
    ledger.advance(StateChange("FFFFFFFFFF", State.WRITTEN, CONTEXT))
    assert list(half_done(ledger, "ledger", 1)) == []
    (found,) = half_done(ledger, "ledger", 0)
    assert (found.kind, found.serial) == (FindingKind.UNVERIFIED, "SN-4")

    ledger.advance(StateChange("FFFFFFFFFF", State.LABELLED, CONTEXT, "seen on the unit: by hand"))
    (found,) = half_done(ledger, "ledger", 0)
    assert (found.kind, found.serial) == (FindingKind.LABELLED_UNVERIFIED, "SN-4")

    ledger.record(NewEvent(EventKind.CHECKED, CONTEXT, "FFFFFFFFFF", PRODUCT, "SN-4", "agreed"))
    assert list(half_done(ledger, "ledger", 0)) == []


def options(tmp_path: Path, **more: object) -> dict[str, Any]:
    return {
        "dest": str(tmp_path / "audit.html"),
        "ledger": str(tmp_path / "ledger.db"),
        **{"devices": True, "images": None, "scans": None, "ledgers": None, "checkpoints": None, "public_key": None},
        **{"unverified_hours": 24.0, "title": "", "reveal": False, "qr": None, "layout": None},
        **more,
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "given", CONTEXT, KNOWN))
        ledger.advance(StateChange(KNOWN, State.VERIFIED, CONTEXT))
    return path


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "The audit has nothing to compare with the ledger"),
        ({"images": "images"}, "has no images"),
        ({"images": "absent"}, "cannot be read"),
        ({"scans": "scans.csv"}, "has no scans"),
        ({"ledgers": ["other.db"]}, "There is no ledger in"),
        ({"ledgers": ["ledger.db"]}, "is named as one of the others as well"),
        ({"ledgers": ["empty.csv"]}, "has no claims"),
        ({"ledgers": ["bad.csv"]}, "cannot be read, line 2"),
        ({"checkpoints": ["checkpoint.json"]}, "public key"),
        ({"ledger": "absent.db", "devices": False}, "There is no ledger in"),
        ({"dest": "audit.pdf"}, "let its name end in .html"),
    ],
)
def test_what_cannot_be_audited_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    Path("scans.csv").write_text("serial,scan\n", encoding="utf-8")
    Path("empty.csv").write_text("claim_id,product\n", encoding="utf-8")
    Path("bad.csv").write_text(f"claim_id,product\nx,{PRODUCT}\n", encoding="utf-8")
    with pytest.raises(Exception, match=sentence):
        make_audit(options(tmp_path, **given), AuditedDevices(), check=False)
    assert not (tmp_path / "audit.html").exists()


@pytest.mark.usefixtures("path")
def test_a_clean_audit_says_what_it_looked_at_and_how_much(tmp_path: Path) -> None:
    answer = {"host": "pump-1", "claim_id": KNOWN, "product": PRODUCT, "serial": "SN-1"}
    result = make_audit(options(tmp_path), AuditedDevices(["pump-1"], [answer], left_alone=2), check=False)

    assert not result["failed"]
    assert result["msg"] == (
        f"Everything agrees with the ledger; the page is {tmp_path}/audit.html. Looked at: 1 device, 1 claim, "
        f"3 events, 0 seals of {tmp_path}/ledger.db."
    )
    assert result["lines"][-1] == "2 hosts of the inventory left alone (ioto_mode: none or firmware)."
    assert (tmp_path / "audit.jsonl").read_text() == ""
    assert "Everything that was looked at agrees with the ledger." in (tmp_path / "audit.html").read_text()


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("reveal", [False, True])
def test_ids_are_whole_in_the_files_alone_and_only_where_that_is_asked_for(tmp_path: Path, reveal: bool) -> None:
    answer = {"host": "=pump", "claim_id": STRANGE, "product": PRODUCT, "serial": "SN-1"}
    answer["id_place"] = "<script>\x1b"
    devices = AuditedDevices(["=pump"], [answer])
    result = make_audit(options(tmp_path, reveal=reveal), devices, check=False)

    assert result["failed"]
    assert result["findings"] == {"another-id": 1}
    assert STRANGE not in json.dumps(result)
    for end in (".html", ".csv", ".jsonl"):
        file = tmp_path / f"audit{end}"
        assert file.stat().st_mode & 0o777 == 0o600
        assert (STRANGE in file.read_text(), KNOWN in file.read_text()) == (reveal, reveal)
    assert "<script>" not in (tmp_path / "audit.html").read_text()
    assert ",'=pump," in (tmp_path / "audit.csv").read_text()


@pytest.mark.usefixtures("path")
def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    result = make_audit(options(tmp_path, devices=False), AuditedDevices(), check=True)
    assert not result["changed"]
    assert not (tmp_path / "audit.html").exists()


def test_a_damaged_ledger_is_told_as_far_as_it_can_be_read(tmp_path: Path, path: Path) -> None:
    with Ledger(path) as ledger:
        damage(ledger.database, "UPDATE ioto_claims SET created_at = 'garbage'")
    answer = {"host": "pump-1", "claim_id": KNOWN, "product": PRODUCT, "serial": "SN-1"}
    result = make_audit(options(tmp_path), AuditedDevices(["pump-1"], [answer]), check=False)

    assert result["failed"]
    assert result["findings"]["seal"] >= 1
    assert "kept the audit from comparing everything with it" in result["lines"][-1]


def test_hosts_of_two_ledgers_are_refused() -> None:
    refuse_two_ledgers({"a": None, "b": None})
    for other in ("other.db", ["other.db"], {"other": "db"}):
        with pytest.raises(AuditError, match="a have one, and b another"):
            refuse_two_ledgers({"a": None, "b": other})


def test_an_answer_is_shown_with_its_id_masked() -> None:
    assert shown_answer({"host": "a", "claim_id": KNOWN})["claim_id"] == "********AA"
    assert shown_answer({"host": "a", "failed": True}) == {"host": "a", "failed": True}


@pytest.mark.usefixtures("path")
def test_a_whole_ledger_in_a_file_is_another_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path / "other.db") as other, (tmp_path / "whole.jsonl").open("wb") as file:
        other.allocate(AllocationRequest(PRODUCT, "SN-1", "given", CONTEXT, STRANGE))
        dump(other.database, file)
    places = [str(tmp_path / "whole.jsonl")]
    result = make_audit(options(tmp_path, devices=False, ledgers=places), AuditedDevices(), check=False)
    assert result["findings"] == {"two-sites": 1}


def asked(number: int = 1) -> Iterator[Mapping[str, Any]]:
    """So many devices answer, and then nobody can be asked any more."""
    for answer in range(number):
        yield {"host": f"pump-{answer}", "claim_id": KNOWN, "product": PRODUCT, "serial": "SN-1"}
    raise AuditError("The processes that read devices have ended; run again.")


@pytest.mark.usefixtures("path")
def test_all_that_is_wrong_with_the_inputs_is_told_before_a_device_is_asked(tmp_path: Path) -> None:
    (tmp_path / "scans.csv").write_bytes(b"serial,scan\nSN-1,caf\xe9\n")
    (tmp_path / "key.pub").write_text("no key")
    names = {"scans": "scans.csv", "public_key": "key.pub", "images": "absent"}
    lists = {"ledgers": ["absent.csv"], "checkpoints": ["absent.json", "other.json"]}
    given = {name: str(tmp_path / path) for name, path in names.items()}
    given |= {name: [str(tmp_path / path) for path in paths] for name, paths in lists.items()}
    with pytest.raises(AuditError, match="No device was asked, because of 4 problems:") as caught:
        make_audit(options(tmp_path, **given), AuditedDevices(["pump-0"], asked()), check=False)
    told = str(caught.value)
    assert all(part in told for part in ("scans.csv cannot", "key.pub is no", "absent cannot", "absent.csv cannot"))


def test_what_fails_once_devices_have_answered_is_a_finding_on_the_page(tmp_path: Path, path: Path) -> None:
    devices = AuditedDevices(["pump-0", "pump-1"], asked())
    result = make_audit(options(tmp_path), devices, check=False)
    assert result["failed"]
    assert "the inventory: 1 device gave no answer any more: The processes" in result["msg"]

    def then_lost() -> Iterator[Mapping[str, Any]]:
        yield {"host": "pump-0", "failed": True, "msg": "no"}
        path.unlink()

    result = make_audit(options(tmp_path), AuditedDevices(["pump-0"], then_lost()), check=False)
    assert result["findings"] == {"not-read": 2}
    assert "ot everything was compared with it: There is no ledger" in (tmp_path / "audit.html").read_text()


@pytest.mark.usefixtures("path")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("pipe.csv", "images/SN-1.img"):
        os.mkfifo(tmp_path / name)
    pipe = str(tmp_path / "pipe.csv")
    given = {"scans": pipe, "ledgers": [pipe], "checkpoints": [pipe], "public_key": pipe}
    with pytest.raises(AuditError, match="because of 3 problems") as caught:
        make_audit(options(tmp_path, **given), AuditedDevices(), check=False)
    assert str(caught.value).count("it is not a file, but a pipe or a device") == 3
    result = make_audit(options(tmp_path, images=str(tmp_path / "images")), AuditedDevices(), check=False)
    assert result["findings"] == {"not-read": 1}
    assert "it is not a file, but a pipe or a device" in result["msg"]


@pytest.mark.usefixtures("path")
def test_a_full_disk_of_temporary_files_is_a_sentence_that_blames_no_ledger(tmp_path: Path) -> None:
    scans = tmp_path / "scans.txt"
    scans.write_text(f"{KNOWN}\n" * 20_000, encoding="utf-8")
    given = options(tmp_path, devices=False, scans=str(scans))
    program = (
        "import resource, signal, sys, json; from plugins.plugin_utils.audit import task; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2); "
        "task.make_audit(json.loads(sys.argv[1]), task.AuditedDevices(), check=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(given)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "What is compared is kept in a temporary file, and the disk is full" in done.stderr.splitlines()[-1]


@pytest.mark.usefixtures("path")
def test_hidden_files_among_images_are_named_as_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "images/.spare").mkdir(parents=True)
    with pytest.raises(AuditError, match=r"has no images but hidden ones \(\.spare\)"):
        make_audit(options(tmp_path, images=str(tmp_path / "images")), AuditedDevices(), check=False)
    (tmp_path / "images/SN-1.img").touch()
    result = make_audit(options(tmp_path, images=str(tmp_path / "images")), AuditedDevices(), check=False)
    assert result["lines"][-1] == f"1 hidden file of {tmp_path}/images not looked at: .spare."
