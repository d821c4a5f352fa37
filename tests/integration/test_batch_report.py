# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a batch says what the ledger knows of each unit, whatever units are called."""

from __future__ import annotations

import csv
import json
import stat
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listen, remove

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch import summary as batch_summary
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.run_record import record_run
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import options as label_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    NewEvent,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.run_number import new_run_number
from ansible_collections.ioto.serialization.plugins.plugin_utils.report import task as report_task

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
OPTIONS: dict[str, Any] = {
    "started": None,
    "run": None,
    "since": None,
    "until": None,
    "title": "",
    "pictures": 1000,
    "layout": None,
    "dpi": None,
    "qr": None,
    "brand": "Ioto",
    "product_name": "Heat pump 30",
    "product_names": {},
    "logo": "",
    "ledger": None,
    "reveal": False,
}


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str, **attributes: str) -> int:
        return sum(name == tag and attributes.items() <= found.items() for name, found in self.elements)


class Line:
    """A ledger, units that go through it, and reports of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = str(folder / "ledger.db")
        self.ledger = Ledger(self.path)
        self.run = new_run_number()

    def make(self, serial: str, *, host: str = "pump", state: State = State.LABELLED) -> Claim:
        context = Context.here(host, run=self.run)
        claim = self.ledger.allocate(AllocationRequest(PRODUCT, serial, source="generated", context=context))
        return (
            claim
            if state is State.ALLOCATED
            else self.ledger.advance(StateChange(claim.claim_id, state, context=context))
        )

    def start_run(self) -> str:
        """Begin another run, and return when."""
        self.run = new_run_number()
        return datetime.now(UTC).isoformat()

    def finish_run(self, hosts: Mapping[str, Mapping[str, Any]], started: str) -> None:
        facts = {host: {"ioto_ledger": self.path, **found} for host, found in hosts.items()}
        assert (
            record_run(batch_summary.summarize(facts, check=False), Ledger, started=started, run=self.run)[-1]
            == f"The records are in {self.path}, under the run {self.run}."
        )

    def report(self, hosts: Mapping[str, Mapping[str, Any]] | None = None, **options: Any) -> dict[str, Any]:
        around = report_task.Surroundings(
            hosts=hosts or {},
            complete=lambda given: complete(given, label_options.ARGUMENTS),
            open_ledger=lambda _location: Ledger(self.path, read_only=True),
            run=self.run,
        )
        asked = {**OPTIONS, "dest": str(self.folder / "report.html"), **options}
        return report_task.make_report(asked, around, check=False)

    @property
    def html(self) -> str:
        return (self.folder / "report.html").read_text(encoding="utf-8")

    @property
    def lines(self) -> dict[str | None, dict[str, Any]]:
        """The JSON Lines by serial."""
        text = (self.folder / "report.jsonl").read_text(encoding="utf-8")
        return {line["serial"]: line for line in map(json.loads, text.splitlines())}

    @property
    def table(self) -> list[dict[str, str]]:
        with (self.folder / "report.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    found = Line(tmp_path)
    yield found
    found.ledger.close()


TODAY = {"since": "2020-01-01"}


def test_every_unit_has_its_serial_states_with_times_and_picture(line: Line) -> None:
    claim = line.make("SN-1", host="pump-1")
    line.make("SN-2", host="pump-2", state=State.VERIFIED)

    result = line.report(**TODAY)

    assert result["counts"] == {"done": 2}
    page = Page(line.html)
    assert page.count("svg", **{"class": "label"}) == 2
    assert page.count("svg", **{"class": "chart"}) == 1
    assert "100 %" in page.text and "pump-1" in page.text
    one, two = line.lines["SN-1"], line.lines["SN-2"]
    assert (one["state"], one["result"], one["host"]) == ("labelled", "done", "pump-1")
    assert datetime.fromisoformat(one["allocated_at"]) == claim.created_at
    assert one["allocated_at"] <= one["verified_at"] <= one["labelled_at"]
    assert two["labelled_at"] is None
    assert one["by"] == Context.here().actor
    assert Context.here().actor in page.text


def test_claim_ids_are_masked_on_the_page_in_the_pictures_and_in_the_tables_unless_asked_for(line: Line) -> None:
    claim = line.make("SN-1")
    files = [line.folder / f"report{suffix}" for suffix in (".html", ".csv", ".jsonl")]

    line.report(**TODAY)
    assert all(claim.claim_id not in file.read_text() and claim.masked in file.read_text() for file in files)
    assert read_codes(line.html) == {claim.masked, "SN-1"}

    line.report(**TODAY, reveal=True)
    assert all(claim.claim_id in file.read_text() for file in files)
    assert read_codes(line.html) == {claim.claim_id, "SN-1"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def read_codes(html: str) -> set[str]:
    """What a reader reads in the first picture of a label on the page."""
    resvg = pytest.importorskip("resvg_py")
    zxingcpp = pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    shapes = html[html.index("<defs>") : html.index("</defs>") + len("</defs>")]
    start = html.index('<svg class="label"')
    label = html[start : html.index("</svg>", start) + len("</svg>")].replace("<rect", f"{shapes}<rect", 1)
    label = label.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    style = "<style>.b { fill: none; stroke: #000; }</style>"
    drawn = resvg.svg_to_bytes(svg_string=label.replace("<rect", f"{style}<rect", 1), width=1600)
    return {code.text for code in zxingcpp.read_barcodes(image.open(BytesIO(bytes(drawn))).convert("L"))}


@pytest.mark.parametrize(
    "serial", ["<script>alert(1)</script>", "</svg><img src=x>", "</style><b>", "\"'><a href=x>", "&lt;b&gt;"]
)
def test_no_name_becomes_an_element_of_the_page(serial: str, line: Line) -> None:
    line.make("plain", host="plain")
    line.report(**TODAY, title="plain")
    sound = [
        name for name, _attributes in Page(line.html).elements if name in {"script", "img", "a", "b", "svg", "link"}
    ]

    line.ledger.close()
    (line.folder / "ledger.db").unlink()
    line.ledger = Ledger(line.path)
    line.make(serial, host=serial)
    line.report(**TODAY, title=serial, product_name="pump")

    page = Page(line.html)
    found = [name for name, _attributes in page.elements if name in {"script", "img", "a", "b", "svg", "link"}]
    # A serial that does not fit its label has no picture.
    assert found == sound or (found == sound[:-1] and "Code 128" in page.text)
    assert serial in page.text


def test_no_reason_becomes_an_element_of_the_page(line: Line) -> None:
    line.make("SN-1", state=State.ALLOCATED)
    reason = 'It\'s </style><script>alert("1")</script> & &lt;b&gt;.'
    line.ledger.record(
        NewEvent(EventKind.FAILED, context=Context.here("pump"), product=PRODUCT, unit="SN-1", detail=reason)
    )
    line.report(**TODAY)
    page = Page(line.html)
    assert page.text.count(reason) == 2
    assert page.count("script") == 0


def test_nothing_on_the_page_comes_from_elsewhere(line: Line) -> None:
    line.make("SN-1")
    line.report(**TODAY)
    for _tag, attributes in Page(line.html).elements:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    start = line.html.index('<svg class="chart"')
    ElementTree.fromstring(line.html[start : line.html.index("</svg>", start) + 6])


@pytest.mark.parametrize("serial", ["=cmd()|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1"])
def test_no_cell_of_the_table_is_a_formula(serial: str, line: Line) -> None:
    line.make(serial, host=serial)
    line.report(**TODAY)
    (row,) = line.table
    assert row["serial"] == row["host"] == f"'{serial}"
    assert list(line.lines) == [serial]


def test_a_run_leaves_what_failed_with_its_reason_and_the_report_of_the_last_run_tells_it(line: Line) -> None:
    line.make("OLD")
    started = line.start_run()
    line.make("SN-1", host="pump-1")
    line.make("SN-2", host="pump-2", state=State.ALLOCATED)
    line.finish_run(
        {
            "pump-1": {"ioto_mode": "manual", "ioto_outcome": {"changed": True}},
            "pump-2": {"ioto_mode": "manual", "ioto_outcome": {"failed": True, "msg": "The disk is full."}},
            "pump-3": {"ioto_mode": "auto", "ioto_outcome": {"unreachable": True, "msg": "No route."}},
        },
        started,
    )
    ended = line.run
    line.start_run()
    line.make("NEW", state=State.ALLOCATED)

    cut_off = line.report()
    assert list(line.lines) == ["NEW"]
    assert cut_off["counts"] == {"unfinished": 1} and "has not come to its end" in cut_off["msg"]
    assert line.report(run=ended)["counts"] == {"done": 1, "failed": 1, "unreachable": 1}
    assert list(line.lines) == ["SN-1", "SN-2", None]
    assert line.lines["SN-2"]["failures"][0]["reason"] == "The disk is full."
    assert line.lines[None]["host"] == "pump-3"
    text = Page(line.html).text
    assert "The disk is full." in text and "No route." in text and "33.3 %" in text


def test_a_run_is_told_by_its_number_whatever_the_clock_says(line: Line) -> None:
    line.make("BEFORE")
    line.start_run()
    # The clock was an hour ahead when the run began, and is set right while it goes on.
    started = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    line.make("SN-1")
    line.finish_run({"pump": {"ioto_mode": "manual", "ioto_outcome": {"changed": True}}}, started)
    line.report()
    assert list(line.lines) == ["SN-1"]


def test_a_run_of_an_old_ledger_is_told_by_its_time_and_account(line: Line) -> None:
    me = Context.here().actor
    times = []
    for serial, actor in (("BEFORE", me), ("SN-1", f"Ada, {me}"), ("OTHER", "eve@elsewhere")):
        times.append(datetime.now(UTC).isoformat())
        line.ledger.allocate(AllocationRequest(PRODUCT, serial, "generated", Context(actor, serial)))
    detail = json.dumps({"started": times[1], "devices": 1, "done": 1})
    line.ledger.record(NewEvent(EventKind.RUN, Context(me), detail=detail))
    line.report()
    assert list(line.lines) == ["SN-1"]
    assert line.lines["SN-1"]["by"] == f"Ada, {me}"


NO_ZONE = '{"started": "2026-11-28T10:00:00"}'


@pytest.mark.parametrize("detail", [None, "{", "[]", "{}", '{"started": "soon"}', NO_ZONE])
def test_a_run_whose_record_is_damaged_is_named_by_its_row(line: Line, detail: str | None) -> None:
    line.ledger.record(NewEvent(EventKind.RUN, Context.here(), detail=detail))
    with pytest.raises(IotoError, match="row 1 of its table ioto_events does not say when its run began"):
        line.report()


def test_a_run_reports_all_its_hosts_in_their_order_those_that_were_done_before_too(line: Line) -> None:
    line.make("SN-1", host="pump-1")
    started = line.start_run()
    line.make("SN-2", host="pump-2")
    done = {
        host: {
            "ioto_mode": "factory",
            "ioto_outcome": {"changed": serial == "SN-2", "product": PRODUCT, "serial": serial},
        }
        for host, serial in (("pump-2", "SN-2"), ("pump-1", "SN-1"))
    }
    failed = {"ioto_mode": "manual", "ioto_product": PRODUCT, "ioto_serial": "SN-3", "ioto_outcome": {"failed": True}}
    hosts = {**done, "pump-3": failed, "idle": {"ioto_mode": "none"}}
    line.finish_run(hosts, started)

    result = line.report(hosts, started=started)

    assert result["counts"] == {"done": 1, "already done": 1, "failed": 1}
    assert list(line.lines) == ["SN-2", "SN-1", "SN-3"]
    assert line.lines["SN-1"]["flow"] == "factory"
    assert line.lines["SN-1"]["labelled_at"]


def test_a_unit_that_failed_and_was_made_good_is_done_and_its_failure_is_told(line: Line) -> None:
    line.make("SN-1", state=State.ALLOCATED)
    line.ledger.record(
        NewEvent(EventKind.FAILED, context=Context.here("pump"), product=PRODUCT, unit="SN-1", detail="It fell.")
    )
    line.make("SN-1")
    assert line.report(**TODAY)["counts"] == {"done": 1}
    assert line.lines["SN-1"]["failures"][0]["reason"] == "It fell."


@pytest.mark.parametrize("serial_known", [True, False])
@pytest.mark.parametrize("fate", ["unreachable", "failed"])
def test_a_unit_that_a_later_run_found_done_is_done_in_the_report_of_the_day(
    line: Line, fate: str, serial_known: bool
) -> None:
    outcome = {"product": PRODUCT, "serial": "SN-1"}
    line.make("SN-1")
    yesterday = datetime.now(UTC).isoformat()
    named = {"ioto_product": PRODUCT, "ioto_serial": "SN-1"} if serial_known else {}
    failed = {"pump": {"ioto_mode": "manual", **named, "ioto_outcome": {fate: True, "msg": "Unplugged."}}}
    line.finish_run(failed, line.start_run())
    assert line.report(since=yesterday)["counts"] == {fate: 1}
    line.finish_run({"pump": {"ioto_mode": "manual", "ioto_outcome": {**outcome, "changed": False}}}, line.start_run())

    assert line.report(since=yesterday)["counts"] == {"already done": 1}
    assert line.lines["SN-1"]["failures"][0]["reason"] == "Unplugged."
    assert line.report(**TODAY)["counts"] == {"done": 1}

    line.finish_run(failed, line.start_run())
    assert line.report(**TODAY)["counts"] == {fate: 1}


def test_a_period_ends_with_its_last_day(line: Line) -> None:
    made_at = line.make("SN-1").created_at  # and not now: midnight may have come between
    day = made_at.astimezone().date().isoformat()
    assert line.report(since=day, until=day)["counts"] == {"done": 1}
    assert line.report(until="2020-01-01")["counts"] == {}


def test_a_ledger_that_cannot_be_written_spoils_no_summary(tmp_path: Path) -> None:
    hosts = {"a": {"ioto_mode": "manual", "ioto_outcome": {"failed": True}, "ioto_ledger": f"{tmp_path}/no/file/\0"}}

    def refuse(_location: str | None) -> Ledger:
        raise IotoError("It is locked.")

    summary = batch_summary.summarize(hosts, check=False)
    assert record_run(summary, refuse, started=None) == ["The run is not in the ledger: It is locked."]


def test_a_run_that_ends_is_sealed(line: Line) -> None:
    line.finish_run({"a": {"ioto_mode": "manual", "ioto_outcome": {"failed": True}}}, line.start_run())

    report = check_integrity(line.ledger.database)
    assert (report.findings, report.unsealed) == ([], 0)
    assert report.seals == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no run"),
        ({"run": "20261127T143210-7QK4XW"}, "knows no run 20261127T143210-7QK4XW"),
        ({"since": "yesterday"}, "2026-11-23"),
        ({"started": "yesterday"}, "2026-11-23"),
        ({**TODAY, "dest": "report.pdf"}, ".html"),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_sentence(options: dict[str, Any], message: str, line: Line) -> None:
    with pytest.raises(IotoError, match=message):
        line.report(**options)


def test_what_an_event_calls_a_unit_and_is_none_spoils_no_report(line: Line) -> None:
    line.make("SN-1")
    for product, serial in (("no product", "SN-2"), (PRODUCT, "x" * 300), (PRODUCT, "a\nb")):
        line.ledger.record(NewEvent(EventKind.FAILED, Context.here("pump-2"), None, product, serial, "It broke."))
    assert line.report(**TODAY)["counts"] == {"done": 1, "failed": 3}


def test_a_device_that_nobody_came_to_is_not_said_to_have_an_id(line: Line) -> None:
    begun = json.dumps([{"host": host, "flow": "manual"} for host in ("pump-1", "pump-2")])
    line.ledger.record(NewEvent(EventKind.RUN_HOSTS, Context.here(run=line.run), detail=begun))
    line.make("SN-1", host="pump-1")
    assert line.report()["counts"] == {"done": 1, "not reached": 1}
    assert "Its run was cut off before it came to it; run again." in Page(line.html).text

    line.start_run()
    hosts = {"pump-3": {"ioto_mode": "manual", "ioto_product": PRODUCT, "ioto_serial": "SN-3"}}
    assert line.report(hosts, started=datetime.now(UTC).isoformat())["counts"] == {"unfinished": 1}
    assert "It has no claim ID, and nothing says why; run again." in Page(line.html).text


def test_a_printer_or_a_bad_scan_takes_no_identity_from_a_unit(line: Line) -> None:
    claims = [line.make(f"SN-{number}", state=State.VERIFIED) for number in (1, 2, 3)]

    def note(kind: EventKind, claim: Claim) -> None:
        line.ledger.record(
            NewEvent(
                kind,
                context=Context.here("pump"),
                claim_id=claim.claim_id,
                product=PRODUCT,
                unit=claim.unit,
                detail="The paper is out.",
            )
        )

    note(EventKind.PRINT_FAILED, claims[0])
    note(EventKind.NOT_LABELLED, claims[1])
    note(EventKind.MISMATCH, claims[2])
    assert line.report(**TODAY)["counts"] == {"not labelled": 2, "mismatch": 1}
    assert "100 %" in Page(line.html).text and "Not done: 3" in Page(line.html).text

    line.ledger.advance(StateChange(claims[0].claim_id, State.LABELLED, context=Context.here("pump")))
    note(EventKind.CHECKED, claims[2])
    assert line.report(**TODAY)["counts"] == {"done": 2, "not labelled": 1}


def test_the_ledger_is_asked_as_often_for_many_units_as_for_few(line: Line) -> None:
    asked: dict[int, int] = {}
    for number in (3, 40):
        hosts = {
            f"pump-{count}": {"ioto_mode": "manual", "ioto_outcome": _done_before(line, count)}
            for count in range(number)
        }
        started = line.start_run()
        line.finish_run(hosts, started)
        statements: list[str] = []
        note = partial(_note_statement, statements)
        listen(Engine, "before_cursor_execute", note)
        line.report(hosts, started=started, pictures=0)
        remove(Engine, "before_cursor_execute", note)
        asked[number] = len(statements)
        found = line.lines
        assert len(found) == number
        assert {each["result"] for each in found.values()} == {"already done"}
        assert all(each["labelled_at"] >= each["verified_at"] >= each["written_at"] for each in found.values())
    assert 0 < asked[40] <= asked[3]


def _done_before(line: Line, number: int) -> dict[str, Any]:
    claim = line.make(f"SN-{number:04}", host=f"pump-{number}")
    return {"product": PRODUCT, "serial": claim.unit, "changed": False}


def _note_statement(
    statements: list[str], _connection: object, _cursor: object, statement: str, *_unused: object
) -> None:
    statements.append(statement)
