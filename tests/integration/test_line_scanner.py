# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand scanner at the line: a label is bound to the next board of a slot, or held against the unit."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.claim_ids import generate, mask
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from tests.fleet import Fleet
from tests.fleet.jig import Jig
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.services.label_printer import READY, LabelPrinter
from tests.services.line_station import RunningStation, eventually
from tests.support.slots import SLOTS, STATION_TOKEN, service_of_a_line

__all__ = ["service_with"]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet.start(tmp_path / "fleet", groups={"manual": 2}) as fleet:
        yield fleet


@contextmanager
def line_with_scanner(
    folder: Path, jig: Jig, order: str, **settings: object
) -> Iterator[tuple[RunningStation, socket.socket]]:
    """A station with a scanner over TCP; what is sent to the socket was scanned."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        scanner = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        with RunningStation(folder, jig, scanner=scanner, scan_order=order, **settings) as station:
            connection, _peer = server.accept()
            with connection:
                station.wait_for("The scanner is ready")
                yield station, connection


def scan(connection: socket.socket, *texts: str) -> None:
    for text in texts:
        connection.sendall(f"{text}\r\n".encode())


def test_a_scanned_label_is_for_the_next_board_of_its_slot_and_a_badge_says_who_works_here(
    tmp_path: Path, fleet: Fleet
) -> None:
    first, second = fleet.devices
    printed, other = generate(), generate()
    jig = Jig(fleet, slots=2)
    with line_with_scanner(tmp_path, jig, "scan_then_plug") as (station, scanner):
        scan(scanner, "BADGE:Ann", "SLOT:slot-2", printed)
        station.wait_for("plug a board into slot slot-2 now")
        jig.plug("slot-2", first)
        station.wait_for("slot-2 PASS")

        jig.plug("slot-1", second)
        station.wait_for("slot-1 SCAN NOW: Scan the code of this slot")
        scan(scanner, "SLOT:slot-1", other)
        station.wait_for("slot-1 PASS")
        station.stop()
    assert (first.claim_id(), second.claim_id()) == (printed, other)
    with Ledger(tmp_path / ".local/share/ioto/ledger.db", read_only=True) as ledger:
        assert {event.operator for event in ledger.events() if event.claim_id} == {"Ann"}
    assert printed not in station.log_text and other not in station.log_text


def test_a_label_that_came_out_is_held_against_the_unit(tmp_path: Path, fleet: Fleet) -> None:
    device = fleet.devices[0]
    jig = Jig(fleet, slots=2, ioto_ledger=str(tmp_path / "ledger.db"))
    with line_with_scanner(tmp_path, jig, "plug_then_scan") as (station, scanner):
        jig.plug("slot-1", device)
        station.wait_for(f"slot-1 SCAN NOW {device.serial}: Scan the label that came out")
        wrong = generate()
        scan(scanner, wrong)
        assert mask(wrong) in station.wait_for("slot-1 FAIL")
        scan(scanner, str(device.claim_id()))
        station.wait_for(f"slot-1 PASS {device.serial}")
        station.stop()
    assert wrong not in station.log_text and str(device.claim_id()) not in station.log_text


def test_the_operator_sees_on_the_page_what_came_of_a_scan_and_labels_with_a_url_are_taken(
    tmp_path: Path, fleet: Fleet, service_with: ServiceMaker
) -> None:
    service = service_of_a_line(service_with)
    token = tmp_path / "token"
    token.write_text(STATION_TOKEN, encoding="utf-8")
    token.chmod(0o600)
    page = {"service_url": f"http://127.0.0.1:{service.port}", "token_file": str(token)}

    def notice(slot: str | None, said: str) -> None:
        def found() -> bool | None:
            shown = service.get(SLOTS).body["notices"]
            return any(one["slot"] == slot and said in one["text"] for one in shown) or None

        eventually(found, 60, lambda: f"no notice {said!r} in {service.get(SLOTS).body}")

    jig = Jig(fleet, slots=2, ioto_label_qr="https://example.com/?id={claim_id}")
    with line_with_scanner(tmp_path, jig, "scan_then_plug", scan_seconds=15, **page) as (station, scanner):
        eventually(lambda: service.get(SLOTS).body["slots"] or None, 60, lambda: station.log_text)
        scan(scanner, "SLOT:slot-9")
        notice(None, "is the code of no slot of this line")
        scan(scanner, "SLOT:slot-2", "4006381333931")
        notice("slot-2", "has 13 characters, and those of this line have 10")
        printed = generate()
        scan(scanner, f"https://example.com/?id={printed}")
        station.wait_for("plug a board into slot slot-2 now")
        eventually(lambda: not service.get(SLOTS).body["notices"] or None, 15, lambda: str(service.get(SLOTS).body))
        notice("slot-2", "No board came into slot slot-2 for the label")
        scan(scanner, "x" * 1500)
        notice(None, "What was scanned has more than 1000 characters")
        assert printed not in str(service.get(SLOTS).body)
        station.stop()


def test_a_label_that_may_be_there_twice_is_told_before_and_after_its_scan(tmp_path: Path, fleet: Fleet) -> None:
    pytest.importorskip("reportlab", reason="labels need the Python package reportlab")
    device = fleet.devices[0]
    with LabelPrinter(tmp_path / "printer", status=READY) as printer:
        place = {"ioto_label_printer": printer.address, "ioto_label_printer_timeout": 2}
        jig = Jig(fleet, 2, "slots", ioto_ledger=str(tmp_path / "ledger.db"), **place)
        with line_with_scanner(tmp_path, jig, "plug_then_scan") as (station, scanner):
            printer.hang()
            jig.plug("slot-1", device)
            station.wait_for("slot-1 NO LABEL")
            printer.go_on()
            jig.pull("slot-1")
            station.wait_for("slot-1 EMPTY")
            jig.plug("slot-1", device)
            station.wait_for(f"slot-1 SCAN NOW {device.serial}: Its label may be there twice. Scan the label")
            scan(scanner, str(device.claim_id()))
            station.wait_for(f"slot-1 PASS {device.serial}: Its label may be there twice. Look for a second label")
            station.stop()
        assert len(printer.labels()) == 2 and len(set(printer.labels())) == 1
