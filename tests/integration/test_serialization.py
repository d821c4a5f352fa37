# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction, on real shells, real files and a real ledger: what a device holds is what the ledger knows."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace as with_fields
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import is_valid
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Answer
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.document import Json5Document
from ansible_collections.ioto.serialization.plugins.plugin_utils.json5.reader import JsonValue
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.selection import chosen, due
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    State,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.replacing import Replaced, Replacing
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.request import Request, UnitOutcome
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.agent import Agent
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.factory_service import (
    FactoryService,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.generated import Generated
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.sources.given import Given
from ansible_collections.ioto.serialization.plugins.plugin_utils.serialization.transaction import serialize
from tests.fleet.factory import FactoryEndpoint
from tests.support.shell_device import PRODUCT, ShellDevice, make_device

CONTEXT = Context("tester@bench", "bench-1")
MACS = ("00:1b:21:3a:40:01", "00:1b:21:3a:40:02", "00:1b:21:3a:40:03")
COMMENTED = b"""\
// The pump.
{
\tproduct: "01K9F1EETDEV1CEPR0DVCT0001", /* from the Builder */
\t"name": "Ray's \xc3\xbc pump",\r
}
// The end, without a newline."""


class Bench:
    """A ledger and a device, and how one serializes the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.device = make_device(folder / "device")

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "ledger.db")

    def request(self, **asked: object) -> Request:
        plain = Request(source=Generated(), serial="SN-1", product=PRODUCT, config_dir=self.device.config_dir)
        return with_fields(plain, **asked)

    def serialize(self, *, context: Context = CONTEXT, **asked: object) -> UnitOutcome:
        with self.ledger as ledger:
            return serialize(self.device, self.request(**asked), ledger, context)

    def refused(self, *, context: Context = CONTEXT, **asked: object) -> str:
        """Serialize, expect a refusal of one sentence that names the device, and return it."""
        before = self.device.file.read_bytes() if self.device.file.is_file() else None
        with pytest.raises(IotoError) as caught:
            self.serialize(context=context, **asked)
        after = self.device.file.read_bytes() if self.device.file.is_file() else None
        assert after == before
        assert self.device.litter() == []
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def reasons(self, kind: str) -> list[str | None]:
        with self.ledger as ledger:
            return [event.reason for event in ledger.events(kinds=[EventKind(kind)])]

    def claims(self) -> dict[str, tuple[str | None, State]]:
        with self.ledger as ledger:
            return {claim.claim_id: (claim.unit, claim.state) for claim in ledger.claims()}


def replacing(claim_id: str | None) -> dict[str, Replacing]:
    return {"replacing": Replacing(claim_id=claim_id, reason="lost")}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_new_device_gets_an_id_that_the_ledger_has_verified(bench: Bench) -> None:
    outcome = bench.serialize()

    assert outcome.changed and is_valid(outcome.claim_id)
    assert f"id: '{outcome.claim_id}'" in bench.device.file.read_text()
    assert bench.claims() == {outcome.claim_id: ("SN-1", State.VERIFIED)}
    assert len(bench.device.scripts) == 2


def test_a_second_run_changes_nothing_and_needs_one_script(bench: Bench) -> None:
    first = bench.serialize()
    file, scripts = bench.device.file.stat(), len(bench.device.scripts)
    with bench.ledger as ledger:
        events = len(list(ledger.events()))

    again = bench.serialize()

    assert not again.changed
    assert (again.claim_id, again.state) == (first.claim_id, "verified")
    assert len(bench.device.scripts) == scripts + 1
    assert bench.device.file.stat() == file
    with bench.ledger as ledger:
        assert len(list(ledger.events())) == events


@pytest.mark.parametrize("damage", [b"PUMP-21", b"PUMP-20', more: '"])
def test_what_another_reader_would_read_otherwise_is_never_written(
    bench: Bench, damage: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.device.file.write_text("{ model: 'PUMP-20' }")
    edit = Json5Document.set

    def defective(document: Json5Document, path: Sequence[str], value: JsonValue) -> Json5Document:
        edited = edit(document, path, value)
        return Json5Document.parse(edited.data.replace(b"PUMP-20", damage), name=edited.name)

    monkeypatch.setattr(Json5Document, "set", defective)

    assert "what another reader reads otherwise, and nothing was written" in bench.refused()


def test_every_byte_but_the_new_id_stays(bench: Bench) -> None:
    bench.device.file.write_bytes(COMMENTED)

    outcome = bench.serialize()

    after = bench.device.file.read_bytes()
    added = re.compile(rb"\r?\n\t\"?id\"?: [\"']" + str(outcome.claim_id).encode() + rb"[\"'],")
    assert added.search(after)
    assert added.sub(b"", after, count=1) == COMMENTED


def test_the_ledger_knows_the_id_before_the_device_does(bench: Bench) -> None:
    known = []
    bench.device.before_run = lambda number: known.append((number, bench.claims()))

    outcome = bench.serialize()

    assert known == [(0, {}), (1, {outcome.claim_id: ("SN-1", State.ALLOCATED)})]


@pytest.mark.parametrize("script", [0, 1])
@pytest.mark.parametrize("after", [False, True], ids=["before it ran", "after it ran"])
def test_a_run_that_dies_at_a_script_is_completed_by_the_next_with_the_same_id(
    bench: Bench, script: int, after: bool
) -> None:
    class PowerCutError(Exception):
        pass

    class Dying(ShellDevice):
        def run(self, text: str) -> Answer:
            dies = len(self.scripts) == script
            if dies and not after:
                raise PowerCutError
            answer = super().run(text)
            if dies:
                raise PowerCutError
            return answer

    whole, bench.device = bench.device, Dying(bench.device.root)
    with pytest.raises(PowerCutError):
        bench.serialize()
    drawn = set(bench.claims())
    bench.device = whole

    outcome = bench.serialize()

    assert not drawn or drawn == {outcome.claim_id}
    assert bench.claims() == {outcome.claim_id: ("SN-1", State.VERIFIED)}
    assert not bench.serialize().changed


def test_a_device_that_another_run_does_meanwhile_is_done_once_and_that_is_told(bench: Bench) -> None:
    ours, theirs = bench.device, ShellDevice(bench.device.root)

    def other_run(number: int) -> None:
        if number == 1 and not theirs.scripts:
            bench.device = theirs
            bench.serialize()
            bench.device = ours

    ours.before_run = other_run

    outcome = bench.serialize()

    assert not outcome.changed
    assert bench.claims() == {outcome.claim_id: ("SN-1", State.VERIFIED)}
    assert list(outcome.notices) == [
        "Another run did this device in the meantime; see that no two runs have the same devices."
    ]


def test_check_mode_says_what_a_run_will_do_and_changes_nothing(bench: Bench) -> None:
    before = bench.device.file.read_bytes()

    with Ledger(bench.folder / "ledger.db", read_only=True) as ledger:
        predicted = serialize(bench.device, bench.request(check=True), ledger, CONTEXT)

    assert (predicted.changed, predicted.claim_id, predicted.state) == (True, None, None)
    assert bench.device.file.read_bytes() == before
    assert not (bench.folder / "ledger.db").exists()

    real = bench.serialize()
    assert re.sub(rb"id: '.*'", b"id: '**********'", real.after) == predicted.after
    assert not bench.serialize(check=True).changed


def test_a_diff_never_shows_a_whole_id(bench: Bench) -> None:
    first = bench.serialize()
    second = bench.serialize(**replacing(first.claim_id))

    shown = second.shown(second.before) + second.shown(second.after)
    assert str(first.claim_id) not in shown
    assert str(second.claim_id) not in shown
    assert str(second.claim_id)[-2:] in shown


def test_a_given_id_is_folded_and_written(bench: Bench) -> None:
    assert bench.serialize(source=Given("jto8ffqxwq")).claim_id == "JT08FFQXWQ"
    assert "JT08FFQXWQ" in bench.device.file.read_text()


def test_an_id_that_the_device_had_is_adopted_and_put_onto_the_storage(bench: Bench) -> None:
    bench.device.file.write_text(f"{{id: 'JT08FFQXWQ', product: '{PRODUCT}'}}")

    outcome = bench.serialize()

    assert outcome.changed and outcome.source == "adopted"
    assert bench.claims() == {"JT08FFQXWQ": ("SN-1", State.VERIFIED)}
    assert bench.device.file.read_text() == "{id: 'JT08FFQXWQ', product: '" + PRODUCT + "'}"
    assert len(bench.device.scripts) == 2


def test_a_copied_image_is_refused_and_the_conflict_is_recorded(bench: Bench) -> None:
    bench.serialize()

    sentence = bench.refused(serial="SN-2")

    assert "'SN-1'" in sentence
    with bench.ledger as ledger:
        (conflict,) = ledger.conflicts()
    assert conflict.event.unit == "SN-2"


def test_a_conflict_that_nobody_settled_is_listed_once_however_often_it_is_tried(bench: Bench) -> None:
    bench.serialize()
    for _ in range(3):
        bench.refused(serial="SN-2")

    with bench.ledger as ledger:
        assert len(ledger.conflicts()) == 1


def test_an_id_that_is_none_is_refused_and_replaced_where_it_is_named(bench: Bench) -> None:
    bench.device.file.write_text(f"{{id: 'short', product: '{PRODUCT}'}}")

    assert "is not a claim ID" in bench.refused()
    assert is_valid(bench.serialize(**replacing("short")).claim_id)


def board(device: ShellDevice, serial: str | None = None, *macs: str) -> ShellDevice:
    """Have `device` be a board with that serial and those addresses."""
    device.machine = device.root / "machine"
    for path in (device.machine / "proc/device-tree", device.machine / "sys/class/net"):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    (device.machine / "proc/mounts").write_text("/dev/mmcblk0p2 / ext4 rw,relatime 0 0\n")
    if serial is not None:
        (device.machine / "proc/device-tree/serial-number").write_text(f"{serial}\0")
    for number, mac in enumerate(macs):
        interface = device.machine / f"sys/class/net/eth{number}"
        interface.mkdir()
        (interface / "address").write_text(f"{mac}\n")
        (interface / "addr_assign_type").write_text("0\n")
    return device


def test_two_units_under_one_serial_are_told_apart_by_their_boards(bench: Bench, tmp_path: Path) -> None:
    board(bench.device, "7-B", MACS[0])
    bench.serialize()
    bench.device = board(make_device(tmp_path / "second"), "7-B", MACS[1])

    assert "another mac" in (sentence := bench.refused())
    assert MACS[0] in sentence and MACS[1] in sentence
    board(bench.device, "7-B", MACS[2])
    bench.refused()
    bench.refused()
    with bench.ledger as ledger:
        # One for each wrong board, however often it comes.
        assert len(ledger.conflicts()) == 2
        assert [claim.details["mac"] for claim in ledger.claims()] == [MACS[0]]


def test_two_hosts_of_a_run_that_are_one_unit_are_told_of_each_other(bench: Bench, tmp_path: Path) -> None:
    """Also where nothing differs, and with another run between them that is the promise to do a blank board again."""
    board(bench.device, None, MACS[0])
    first = bench.serialize(serial=None, context=with_fields(CONTEXT, run="R-1"))
    bench.device = board(make_device(tmp_path / "second"), None, MACS[0])
    other = Context("tester@bench", "bench-2", run="R-1")

    for asked in ({}, {"replacing": Replacing(board=MACS[0], reason="no")}, {"rewrite": True}):
        sentence = bench.refused(serial=None, context=other, **asked)
        assert "bench-1 and bench-2" in sentence and MACS[0] in sentence
    with bench.ledger as ledger:
        assert [conflict.event.host for conflict in ledger.conflicts()] == ["bench-2"]
    assert bench.claims() == {first.claim_id: (MACS[0], State.VERIFIED)}
    for context in (CONTEXT, other):
        # A later run with one of them alone does not know better.
        for asked in ({}, {"check": True}, {"rewrite": True}):
            later = with_fields(context, run="R-2")
            assert "action: resolve" in bench.refused(serial=None, context=later, **asked)
    with bench.ledger as ledger:
        assert due(ledger, context=CONTEXT) == []
        with pytest.raises(IotoError, match="two devices said"):
            chosen(ledger, [str(first.claim_id)], reason="lost")
        ledger.resolve(str(first.claim_id), reason="bench-2 is", context=CONTEXT)
        assert [claim.claim_id for claim in due(ledger, context=CONTEXT)] == [first.claim_id]
    later = with_fields(other, run="R-2")
    assert "ioto_rewrite: true" in bench.refused(serial=None, context=later)
    again = bench.serialize(serial=None, context=later, rewrite=True)
    assert again.rewritten and again.claim_id == first.claim_id


def test_a_unit_that_comes_back_with_another_host_key_is_a_conflict_until_that_is_accepted(bench: Bench) -> None:
    bench.device.host_key = "SHA256:one"
    first = bench.serialize()
    bench.device.host_key = "SHA256:other"

    sentence = bench.refused()
    assert "SHA256:other" in sentence and "-e ioto_accept_board=SHA256:one -e ioto_reason=" in sentence
    with bench.ledger as ledger:
        assert [conflict.event.claim_id for conflict in ledger.conflicts()] == [first.claim_id]

    accepted = Replacing(board="SHA256:one", reason="reflashed")
    assert bench.serialize(replacing=accepted).claim_id == first.claim_id
    assert not bench.serialize().changed
    bench.device.host_key = "SHA256:third"
    assert "SHA256:other" in bench.refused(replacing=accepted)
    assert bench.reasons("host key") == ["reflashed"]


def test_another_board_is_accepted_once_and_kept(bench: Bench) -> None:
    board(bench.device, "7-B", MACS[0])
    first = bench.serialize()
    accepted = Replacing(board=MACS[0], reason="burnt")
    board(bench.device, "7-B", MACS[1])

    assert f"-e ioto_accept_board={MACS[0]} -e ioto_reason=" in bench.refused()
    outcome = bench.serialize(replacing=accepted)
    assert (outcome.claim_id, outcome.replaced) == (first.claim_id, Replaced(board=MACS[0]))
    assert not bench.serialize().replaced
    board(bench.device, "7-B", MACS[2])
    assert MACS[1] in bench.refused(replacing=accepted)
    with bench.ledger as ledger:
        (event,) = ledger.events(kinds=[EventKind.HARDWARE])
        assert (event.detail, event.reason) == (f"mac {MACS[0]} became {MACS[1]}, accepted", "burnt")
        assert [claim.details["mac"] for claim in ledger.claims()] == [MACS[1]]
        assert check_integrity(ledger.database).findings == []


def test_another_product_is_accepted_by_its_name_with_the_reason(bench: Bench) -> None:
    bench.device.file.write_text("{ product: '01K9F1EETDEV1CEPR0DVCT0002' }")

    assert "ioto_accept_product=01K9F1EETDEV1CEPR0DVCT0002" in bench.refused()
    accepted = Replacing(product="01k9f1eetdev1cepr0dvct0002", reason="new model")
    assert bench.serialize(replacing=accepted).replaced == Replaced(product="01K9F1EETDEV1CEPR0DVCT0002")
    assert bench.reasons("product") == ["new model"]


def test_the_old_id_is_retired_for_ever_and_replaced_once(bench: Bench) -> None:
    first = bench.serialize()

    predicted = bench.serialize(**replacing(first.claim_id), check=True)
    assert predicted.replaced == Replaced(first.claim_id, first.claim_id)
    second = bench.serialize(**replacing(first.claim_id))

    assert second.previous_claim_id == first.claim_id != second.claim_id
    assert bench.claims() == {first.claim_id: ("SN-1", State.RETIRED), second.claim_id: ("SN-1", State.VERIFIED)}
    assert bench.reasons("retired") == ["lost"]
    left = bench.serialize(**replacing(first.claim_id))
    assert (left.changed, left.claim_id, bool(left.replaced)) == (False, second.claim_id, False)
    assert "ioto_replace_id replaced nothing" in left.notices[0] and str(first.claim_id) not in left.notices[0]
    assert "retired" in bench.refused(source=Given(str(first.claim_id)), **replacing(second.claim_id))


def test_an_id_that_is_replaced_unrecorded_is_never_given_to_another(bench: Bench) -> None:
    bench.device.file.write_text(f"{{id: 'JT08FFQXWQ', product: '{PRODUCT}'}}")
    bench.serialize(**replacing("JT08FFQXWQ"))

    bench.device = make_device(bench.folder / "second")

    assert bench.claims()["JT08FFQXWQ"] == ("SN-1", State.RETIRED)
    assert "retired" in bench.refused(serial="SN-2", source=Given("JT08FFQXWQ"))


def test_a_replacement_that_died_before_the_write_is_completed_without_being_named(bench: Bench) -> None:
    first = bench.serialize()
    with bench.ledger as ledger:
        second = ledger.replace(AllocationRequest(PRODUCT, "SN-1", source="generated", context=CONTEXT), reason="test")

    outcome = bench.serialize()

    assert (outcome.claim_id, outcome.previous_claim_id) == (second.claim_id, first.claim_id)


def test_properties_are_set_and_others_stay(bench: Bench) -> None:
    bench.device.file.write_bytes(COMMENTED)

    bench.serialize(properties={"model": "P-20", "limits": {"rate": 3}, "name": "Ray's \u00fc pump"})

    text = bench.device.file.read_text()
    assert "Ray's \u00fc pump" in text and "P-20" in text and "rate" in text
    assert not bench.serialize(properties={"limits": {"rate": 3}}).changed


def test_a_property_cannot_be_an_identity(bench: Bench) -> None:
    assert "'id'" in bench.refused(properties={"id": "JT08FFQXWQ"})


def test_a_missing_file_is_made_with_mode_0600(bench: Bench) -> None:
    bench.device.file.unlink()

    outcome = bench.serialize()

    assert bench.device.file.stat().st_mode & 0o7777 == 0o600
    assert str(outcome.claim_id) in bench.device.file.read_text()


def test_a_malformed_file_is_named_with_line_and_column_and_stays(bench: Bench) -> None:
    bench.device.file.write_bytes(b"{\n  product: 'x'\n  name: 'y',\n}\n")

    sentence = bench.refused()

    assert str(bench.device.file) in sentence and "bench-1" in sentence and "line" in sentence


def test_an_id_that_stands_twice_is_refused(bench: Bench) -> None:
    bench.device.file.write_text("{id: 'JT08FFQXWQ', id: 'JT08FFQXWR'}")
    assert "more than once" in bench.refused()


def test_an_override_in_local_json5_is_refused(bench: Bench) -> None:
    (bench.device.root / "etc/ioto/local.json5").write_text("{device: {id: 'JT08FFQXWQ'}}")
    assert "local.json5" in bench.refused()


def test_a_provisioned_device_is_given_another_id_where_the_old_one_is_named(bench: Bench) -> None:
    first = bench.serialize()
    (bench.device.root / "etc/ioto/provision.json5").write_text(f"{{id: '{first.claim_id}'}}")

    bench.device.file.write_text("{}")
    with bench.ledger as ledger:
        ledger.replace(AllocationRequest(PRODUCT, "SN-1", source="generated", context=CONTEXT), reason="test")

    assert "provision.json5" in bench.refused()
    assert bench.serialize(**replacing(first.claim_id)).claim_id != first.claim_id


def test_a_missing_directory_is_one_sentence_and_costs_no_id(bench: Bench) -> None:
    assert "/nowhere" in bench.refused(config_dir="/nowhere")
    assert bench.claims() == {}


def test_a_unit_that_nothing_identifies_costs_no_id(bench: Bench) -> None:
    board(bench.device, "To be filled by O.E.M.", "00:00:00:00:00:00")

    assert "ioto_serial" in bench.refused(serial=None)
    assert bench.claims() == {}


def test_a_file_in_a_directory_that_may_not_be_written_stays(bench: Bench) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    bench.device.file.parent.chmod(0o500)
    try:
        assert "could not be written" in bench.refused()
    finally:
        bench.device.file.parent.chmod(0o700)


def test_a_writer_that_comes_between_is_seen_and_its_bytes_are_kept(bench: Bench) -> None:
    def another_writer(number: int) -> None:
        if number == 1:
            bench.device.file.write_text(f"{{product: '{PRODUCT}', by: 'another'}}")

    bench.device.before_run = another_writer
    outcome = bench.serialize()

    assert "by: 'another'" in bench.device.file.read_text()
    assert str(outcome.claim_id) in bench.device.file.read_text()
    assert len(bench.claims()) == 1


def test_the_service_gets_the_unit_as_the_agent_would_send_it(bench: Bench) -> None:
    bench.device.file.write_bytes(COMMENTED)
    with FactoryEndpoint() as factory:
        outcome = bench.serialize(source=FactoryService(factory.url, confirms=False))
        body = factory.requests[0].body

    assert outcome.source == "service"
    assert body["serial"] == "SN-1"
    assert body["name"] == "Ray's \u00fc pump"
    assert bench.claims() == {outcome.claim_id: ("SN-1", State.VERIFIED)}


def test_the_service_is_not_asked_again_for_a_unit_that_the_ledger_knows(bench: Bench) -> None:
    with FactoryEndpoint() as factory:
        source = FactoryService(factory.url, confirms=False)
        first = bench.serialize(source=source)
        bench.device.file.write_text("{}")
        second = bench.serialize(source=source)

        assert len(factory.requests) == 1
    assert first.claim_id == second.claim_id


def agent_script(device: ShellDevice, behaviour: str) -> tuple[str, ...]:
    """A command that restarts an agent which does `behaviour`, and counts its starts."""
    script = device.root / "restart"
    script.write_text(f"echo start >>'{device.root}/starts'\n{behaviour}\n")
    return ("sh", str(script))


def starts(device: ShellDevice) -> int:
    return len((device.root / "starts").read_text().splitlines())


def test_an_id_that_the_agent_saved_is_read_back_and_recorded(bench: Bench) -> None:
    save = f"echo \"{{product: '{PRODUCT}', id: 'JT08FFQXWQ'}}\" >'{bench.device.file}'"
    agent, restart = Agent(seconds=10), agent_script(bench.device, save)

    outcome = bench.serialize(source=agent, restart=restart)

    assert (outcome.claim_id, outcome.source, outcome.state) == ("JT08FFQXWQ", "agent", "verified")
    assert bench.claims() == {"JT08FFQXWQ": ("SN-1", State.VERIFIED)}
    assert not bench.serialize(source=agent).changed
    assert starts(bench.device) == 1


def test_an_agent_in_the_middle_of_saving_is_waited_for(bench: Bench) -> None:
    half = f"(printf '{{id: ' >'{bench.device.file}'; sleep 2; printf \"'JT08FFQXWQ'}}\" >>'{bench.device.file}') &"
    agent = Agent(seconds=15)

    assert bench.serialize(source=agent, restart=agent_script(bench.device, half)).claim_id == "JT08FFQXWQ"


def test_an_agent_that_does_not_save_is_named_with_its_versions_and_the_remedy(bench: Bench) -> None:
    sentence = bench.refused(source=Agent(seconds=1), restart=agent_script(bench.device, ":"))

    assert "2.8 to 3.0.0" in sentence and "ioto_agent_fallback" in sentence
    assert bench.claims() == {}


def test_the_fallback_writes_an_id_and_restarts_the_agent_that_made_up_another(bench: Bench) -> None:
    agent = Agent(seconds=1, fallback=Generated())

    outcome = bench.serialize(source=agent, restart=agent_script(bench.device, ":"))

    assert outcome.source == "generated"
    assert bench.claims() == {outcome.claim_id: ("SN-1", State.VERIFIED)}
    assert starts(bench.device) == 2


def test_what_names_the_unit_is_there_before_the_agent_asks_and_its_answer_is_confirmed(bench: Bench) -> None:
    with FactoryEndpoint(mode="idempotent") as factory:
        known = FactoryService(factory.url).claim_id({"serial": "SN-1", "product": PRODUCT})
        file = bench.device.file
        save = f"grep -q \"serial: 'SN-1'\" '{file}' && sed -i \"s/^{{/{{id: '{known}',/\" '{file}'"
        agent = Agent(seconds=10, checked_by=FactoryService(factory.url))
        restart = agent_script(bench.device, save)

        outcome = bench.serialize(source=agent, restart=restart)

        assert [said["id"] for said in factory.confirmations] == [known]
        assert len(factory.requests) == 1  # ours: nothing is asked to find out
    assert outcome.claim_id == known


def test_an_agent_that_asked_another_service_is_found_out_however_often_it_is_tried(bench: Bench) -> None:
    with FactoryEndpoint(mode="idempotent") as factory:
        save = f"echo \"{{serial: 'SN-1', product: '{PRODUCT}', id: 'JT08FFQXWQ'}}\" >'{bench.device.file}'"
        agent = Agent(seconds=10, checked_by=FactoryService(factory.url))
        restart = agent_script(bench.device, save)
        for _ in range(3):
            with pytest.raises(IotoError, match=r"does not know the claim ID .*api\.serialize"):
                bench.serialize(source=agent, restart=restart)
        assert factory.requests == []
    assert bench.claims() == {"JT08FFQXWQ": ("SN-1", State.ALLOCATED)}


def test_a_service_that_has_the_id_for_another_unit_leaves_the_unit_unverified(bench: Bench) -> None:
    with FactoryEndpoint(mode="idempotent") as factory:
        service = FactoryService(factory.url)
        taken = service.claim_id({"serial": "SN-2", "product": PRODUCT})
        bench.device.file.write_text(f"{{id: '{taken}', product: '{PRODUCT}'}}")
        for _ in range(2):
            assert "does not accept" in bench.refused(source=service)
    assert bench.claims() == {taken: ("SN-1", State.ALLOCATED)}


def test_a_service_that_cannot_confirm_fails_the_unit_until_that_is_said_and_is_asked_once(bench: Bench) -> None:
    with FactoryEndpoint(mode="sample") as factory:
        for _ in range(2):
            with pytest.raises(IotoError, match=r"ioto_service_confirms: false"):
                bench.serialize(source=FactoryService(factory.url))

        outcome = bench.serialize(source=FactoryService(factory.url, confirms=False))

        assert len(factory.requests) == 1
        assert len(factory.confirmations) == 2
    assert bench.claims() == {outcome.claim_id: ("SN-1", State.VERIFIED)}
