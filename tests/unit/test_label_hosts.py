# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which units of a play get a label, in which order, and what becomes of those that cannot have one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")

from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.hosts import (
    check_hosts,
    label_hosts,
    labelled_hosts,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.options import ARGUMENTS
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.printers import FilePrinter, Receipt
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    NewEvent,
    State,
    StateChange,
)
from tests.support.labels import labels_of

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("test")


def complete(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: argument.get("default") for name, argument in ARGUMENTS.items()} | dict(options)


class Line:
    """Units whose flows have ended, a ledger that knows them, and a printer that is a file."""

    def __init__(self, folder: Path) -> None:
        self.location = str(folder / "ledger.db")
        self.paper = folder / "lp0"
        self.paper.touch()
        self.hosts: dict[str, dict[str, Any]] = {}

    def add(self, serial: str, state: State = State.VERIFIED, **variables: Any) -> None:
        with Ledger(self.location) as ledger:
            claim = ledger.allocate(AllocationRequest(PRODUCT, serial, source="generated", context=CONTEXT))
            ledger.advance(StateChange(claim.claim_id, state, context=CONTEXT))
        self.hosts[f"host-{serial}"] = {
            "ioto_mode": "manual",
            "ioto_ledger": self.location,
            "ioto_label_printer": f"file:{self.paper}",
            "ioto_outcome": {"changed": True, "product": PRODUCT, "serial": serial},
            **variables,
        }

    def run(self, *, check: bool = False) -> dict[str, Any]:
        return label_hosts(
            self.hosts,
            complete=complete,
            open_ledger=lambda location: Ledger(location, read_only=check),
            check=check,
        )

    def state(self, serial: str) -> State:
        with Ledger(self.location, read_only=True) as ledger:
            claim = ledger.live_claim(PRODUCT, serial)
        assert claim
        return claim.state

    def labels(self, *serials: str) -> bytes:
        with Ledger(self.location, read_only=True) as ledger:
            return b"".join(labels_of(ledger, serials))


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def test_units_are_labelled_in_the_order_of_the_hosts_and_only_once(line: Line) -> None:
    for serial in ("B", "A", "C"):
        line.add(serial)
    line.hosts = {name: line.hosts[name] for name in ("host-C", "host-A", "host-B")}

    first, second = line.run(), line.run()

    assert first["labelled"] == ["host-C", "host-A", "host-B"]
    assert line.paper.read_bytes() == line.labels("C", "A", "B")
    assert second["already"] == ["host-C", "host-A", "host-B"]
    assert (first["changed"], second["changed"]) == (True, False)


def test_a_label_that_may_be_there_twice_is_told_again_where_the_run_that_made_it_may_have_died(line: Line) -> None:
    line.add("A")
    line.add("B")
    with Ledger(line.location) as ledger:
        claim = ledger.live_claim(PRODUCT, "A")
        assert claim
        cut_off = NewEvent(EventKind.PRINT_STARTED, CONTEXT, claim.claim_id, PRODUCT, "A", "the printer")
        ledger.record_many([cut_off])

    second, third = line.run(), line.run()

    assert second["labelled"] == third["already"] == ["host-A", "host-B"]
    assert second["maybe_twice"] == third["maybe_twice"] == ["host-A"], "the second may have told nobody"
    assert second["notices"] == third["notices"]
    assert "The label of A may be there twice" in third["notices"][0]
    assert len(line.paper.read_bytes().splitlines()) == 2, "it is told again, and not made again"


@pytest.mark.parametrize("history", ["started failed", "unsure failed", "started started failed failed"])
def test_a_printer_that_failed_since_leaves_the_doubt_about_an_earlier_label(line: Line, history: str) -> None:
    line.add("A")
    with Ledger(line.location) as ledger:
        claim = ledger.live_claim(PRODUCT, "A")
        assert claim
        for word in history.split():
            kinds = [EventKind.PRINT_STARTED, *([] if word == "started" else [EventKind(f"print-{word}")])]
            ledger.record_many(
                [NewEvent(kind, CONTEXT, claim.claim_id, PRODUCT, "A", f"the printer {kind}") for kind in kinds]
            )

    second, third = line.run(), line.run()

    assert second["maybe_twice"] == third["maybe_twice"] == ["host-A"]
    assert second["notices"] == third["notices"]
    assert "The label of A may be there twice" in second["notices"][0]
    assert "failed" not in second["notices"][0]


def test_hosts_that_want_other_labels_from_the_same_printer_keep_their_place(line: Line) -> None:
    line.add("A")
    line.add("B", ioto_label_layout="preprinted", ioto_label_copies=2)
    line.add("C")

    assert line.run()["labelled"] == ["host-A", "host-B", "host-C"]

    first, second, third = line.paper.read_bytes().splitlines(keepends=True)
    assert first + third == line.labels("A", "C")
    assert b"^PQ2" in second and b"^PW400" in second


def test_copies_are_recorded_with_their_number_and_reason(line: Line) -> None:
    line.add("A", ioto_label_copies=2, ioto_label_reason="one for the box")
    line.run()
    with Ledger(line.location, read_only=True) as ledger:
        (event,) = ledger.events(kinds=[EventKind.LABELLED])
    assert event.detail == f"printed on file:{line.paper}, 2 copies: one for the box"


def test_a_unit_that_failed_is_left_alone_or_is_not_wanted_gets_no_label(line: Line) -> None:
    line.add("failed", ioto_outcome={"failed": True, "product": PRODUCT, "serial": "failed"})
    line.add("unreachable", ioto_outcome={"unreachable": True})
    line.add("none", ioto_mode="none")
    line.add("unwanted", ioto_label_printer="")
    line.add("good")

    result = line.run()

    assert result["labelled"] == ["host-good"]
    assert result["not_labelled"] == {}
    assert line.paper.read_bytes() == line.labels("good")


def test_what_was_not_read_back_gets_no_label_and_the_host_is_named(line: Line) -> None:
    line.add("A", State.WRITTEN)
    line.add("B")

    result = line.run()

    assert result["failed"]
    assert "only written" in result["not_labelled"]["host-A"]
    assert result["labelled"] == ["host-B"]


def test_a_label_that_cannot_be_made_is_told_with_its_numbers_and_stops_no_other(line: Line) -> None:
    line.add("A" * 40, ioto_label_layout="small")
    line.add("B", ioto_label_product_name="\U00013000")
    line.add("C")

    result = line.run()

    assert "mm" in result["not_labelled"]["host-" + "A" * 40]
    assert "U+13000" in result["not_labelled"]["host-B"]
    assert result["labelled"] == ["host-C"]
    assert line.state("B") is State.VERIFIED


def test_a_printer_that_is_not_there_leaves_every_unit_without_a_label_until_the_next_run(line: Line) -> None:
    line.add("A")
    line.add("B")
    line.paper.unlink()

    result = line.run()

    assert "No such file" in result["not_labelled"]["host-A"]
    assert "waits" in result["not_labelled"]["host-B"]
    assert line.state("A") is line.state("B") is State.VERIFIED
    line.paper.touch()
    assert line.run()["labelled"] == ["host-A", "host-B"]


def test_what_was_printed_before_the_ledger_failed_is_told_as_printed(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    for serial in ("A", "B", "C"):
        line.add(serial)
    send = FilePrinter.send

    def send_and_break_the_ledger(printer: FilePrinter, data: bytes, title: str) -> Receipt:
        if title == "label B":
            with closing(sqlite3.connect(line.location)) as database:
                database.execute("ALTER TABLE ioto_events RENAME TO lost_events")
        return send(printer, data, title)

    monkeypatch.setattr(FilePrinter, "send", send_and_break_the_ledger)
    result = line.run()
    assert result["labelled"] == ["host-A"]
    assert list(result["not_labelled"]) == ["host-B", "host-C"]
    assert result["not_labelled"]["host-B"].startswith(f"The ledger {line.location} ")
    assert result["not_labelled"]["host-C"].startswith("Its label waits, since one before it failed: The ledger ")


def test_check_mode_says_how_many_and_does_nothing(line: Line) -> None:
    line.add("A")
    line.add("B", State.LABELLED)
    line.hosts["host-new"] = {**line.hosts["host-A"], "ioto_outcome": {"product": PRODUCT, "serial": "NEW"}}
    line.hosts["host-bad"] = {**line.hosts["host-A"], "ioto_outcome": {"product": PRODUCT, "serial": "X" * 60}}

    result = line.run(check=True)

    assert result["msg"] == "Labels: 2 would be made, 1 there already, 1 missing."
    assert result["labelled"] == ["host-A", "host-new"]
    assert line.paper.read_bytes() == b""
    assert line.state("A") is State.VERIFIED


def test_settings_that_nobody_could_print_are_problems_of_the_batch(line: Line) -> None:
    line.add("A", ioto_label_dest="labels.pdf")
    line.add("B", ioto_label_layout="nowhere.json5")
    line.add("C", ioto_label_printer="ftp://printer")
    line.add("D", ioto_label_printer="", ioto_label_dest="x.pdf", ioto_label_sheet="L7160")
    line.add("E")
    line.add("F", ioto_label_copies=0)
    line.add("G", ioto_label_product_names={10: "Pump", "SN-1": "Valve"})
    line.add("H", ioto_label_product_names={"H": 20})
    line.add("I", ioto_label_printer="", ioto_label_dest="x.pdf", ioto_label_sheet=True)
    sheet_by_number = {"ioto_label_dest": "x.pdf", "ioto_label_layout": "narrow", "ioto_label_sheet": 5160}
    line.add("J", ioto_label_printer="", **sheet_by_number)
    line.add("K", ioto_label_printer="", ioto_label_dest=f"{'k' * 300}.png", ioto_label_format="png")
    line.add("L", ioto_label_printer="", ioto_label_dest="labels", ioto_label_format="svg", ioto_label_copies=2)

    problems, _of_texts = check_hosts(line.hosts, complete)

    told = {host: str(problem) for problem in problems for host in problem.hosts}
    assert set(told) == {f"host-{letter}" for letter in "ABCDFGHIKL"}
    assert "one of dest (ioto_label_dest, a file or folder) and printer (ioto_label_printer" in told["host-A"]
    assert "nowhere.json5 cannot be read" in told["host-B"]
    assert "is not a printer" in told["host-C"]
    assert "100.0 x 75.0 mm" in told["host-D"]
    assert "copies" in told["host-F"]
    assert "of SVG and PNG each label is one file" in told["host-L"]
    assert "product_names (ioto_label_product_names) has 10, which YAML does not take for a text" in told["host-G"]
    assert "has 20, which YAML does not take for a text; put it in quotes" in told["host-H"]
    assert "No sheet is called True; give one of L7160, 5160" in told["host-I"]


def test_the_hosts_that_get_labels_are_listed_and_nobody_is_a_pattern_for_nobody(line: Line) -> None:
    line.add("A")
    line.add("B", ioto_label_printer="")
    assert labelled_hosts(line.hosts) == ["host-A"]
    assert labelled_hosts({}) == ["!all"]


def test_what_does_not_fit_or_cannot_be_drawn_is_told_before_the_run_as_far_as_it_is_known(line: Line) -> None:
    looks = {"ioto_mode": "manual", "ioto_label_printer": f"file:{line.paper}", "ioto_product": PRODUCT}
    narrow = {**looks, "ioto_label_layout": "small", "ioto_label_dpi": 203}
    hosts = {
        "good": {**looks, "ioto_serial": "SN-1"},
        "unknown-serial": looks,
        "letter-1": {**looks, "ioto_label_product_name": "Pump \ue000"},
        "letter-2": {**looks, "ioto_label_product_name": "Pump \ue000"},
        "long": {**narrow, "ioto_serial": "01K9F1EETDEV1CEPR0DVCT0001"},
    }
    problems, of_texts = check_hosts(hosts, complete)
    assert problems == []  # they stop no other
    told = {problem.hosts: problem.sentence for problem in of_texts}
    assert set(told) == {("letter-1", "letter-2"), ("long",)}
    assert "U+E000" in told["letter-1", "letter-2"]
    assert "mm" in told[("long",)]
    none_is_good = {name: facts for name, facts in hosts.items() if name.startswith("letter")}
    (problem,), _none = check_hosts(none_is_good, complete)
    assert "U+E000" in problem.sentence
