# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Printers that are stuck, talk, hang up or break off: one deadline for a label, and no label three times."""

from __future__ import annotations

import os
import resource
import select
import shutil
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import batch, printers
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.printers import Receipt, open_printer
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.errors import PrintError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    State,
    StateChange,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import enter_ledger
from tests.services.label_printer import READY, LabelPrinter
from tests.support.shell_device import PRODUCT

LABEL = b"^XA^FO20,20^GFA,4,4,1,FF00FF00^FS^XZ"
OUT_OF_LABELS = READY.replace(b"030,0,0", b"030,1,0").replace(b"000,0,0,0,0,2", b"000,0,1,0,0,2")
SECONDS = 1.0
"""What a printer has that never ends."""
PLENTY = 60.0
"""What one has that does, on however busy a machine."""
FAR_SOONER = 20
"""Seconds in which whoever heeds `SECONDS` is back, and nobody who waits for the printer."""


@pytest.mark.parametrize(
    "address",
    [
        f"socket://{'p' * 64}.example.com",
        "socket://.example.com",
        "socket://printer\ud800",
        "socket://printer:70000",
        "file:/dev/usb/lp0\0",
        "file:/dev/usb/\ud800",
        "cups:labels\0",
        "cups:-o",
    ],
)
def test_what_names_no_printer_is_told_before_the_first_label(address: str) -> None:
    with pytest.raises(PrintError, match="is not a printer; give socket://HOST:9100, cups:QUEUE or file:/dev/usb/lp0"):
        open_printer(address)


def test_a_ledger_is_no_printer(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
    before = (tmp_path / "ledger.db").read_bytes()
    with pytest.raises(PrintError, match="is not a printer, but a database, such as a ledger, or a private key"):
        open_printer(f"file:{tmp_path}/ledger.db")
    assert (tmp_path / "ledger.db").read_bytes() == before


def took(address: str, timeout: float = SECONDS) -> tuple[PrintError, float]:
    started = time.monotonic()
    with pytest.raises(PrintError) as error:
        open_printer(address, timeout=timeout).send(LABEL, "label")
    return error.value, time.monotonic() - started


def test_a_printer_that_talks_for_ever_has_no_more_time_than_one_that_is_silent(tmp_path: Path) -> None:
    for options in ({"manner": "talks"}, {"hangs_at": 1}):
        with LabelPrinter(tmp_path / str(options), **options) as printer:  # type: ignore[arg-type]
            error, seconds = took(printer.address)
        assert "did not take the label in 1 s" in str(error)
        assert error.uncertain
        assert seconds < FAR_SOONER


def test_a_device_file_that_nobody_reads_has_no_more_time_either(tmp_path: Path) -> None:
    pipe = tmp_path / "lp0"
    os.mkfifo(pipe)
    error, seconds = took(f"file:{pipe}")
    assert "nobody reads it" in str(error)
    assert seconds < FAR_SOONER

    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(PrintError, match="did not take the label in 1 s") as stuck:
            open_printer(f"file:{pipe}", timeout=SECONDS).send(LABEL * 10_000, "label")
        assert stuck.value.uncertain
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_queue_that_is_stuck_has_no_more_time_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "lp"
    # What it leaves behind holds its output open.
    program.write_text("#!/bin/sh\necho busy\nsleep 600 &\nsleep 600\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    error, seconds = took("cups:labels")
    assert "did not take the label in 1 s" in str(error)
    assert seconds < FAR_SOONER


def test_a_queue_that_floods_us_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "lp"
    program.write_text("#!/bin/sh\nexec yes busy\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(
        PrintError, match=r"did not take the label \(busy busy .*may be printed all the same"
    ) as flooded:
        open_printer("cups:labels", timeout=60).send(LABEL, "label")
    assert flooded.value.uncertain


@pytest.mark.parametrize(
    ("script", "is_in_doubt"),
    [
        ("cat >/dev/null; echo connection lost; exit 1", True),
        ("exit 137", True),
        ("kill -9 $$", True),
        ("echo no such queue; exit 1", False),
    ],
)
def test_a_queue_that_fails_with_the_label_in_its_hands_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, is_in_doubt: bool
) -> None:
    program = tmp_path / "lp"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    error, _seconds = took("cups:labels", PLENTY)
    assert error.uncertain is is_in_doubt
    assert ("may be printed all the same" in str(error)) is is_in_doubt
    assert str(error).endswith("and run again.") is not is_in_doubt


@pytest.mark.parametrize("label", [LABEL, LABEL * 10_000])
@pytest.mark.parametrize("share", [10, 0])
def test_a_device_file_whose_reader_quits_in_the_middle_leaves_the_label_in_doubt(
    tmp_path: Path, label: bytes, share: int
) -> None:
    pipe = tmp_path / "lp0"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def read_and_quit() -> None:
        watch = select.poll()
        watch.register(reader, select.POLLIN)
        watch.poll()
        os.read(reader, share)
        os.close(reader)

    quitter = threading.Thread(target=read_and_quit)
    quitter.start()
    with pytest.raises(PrintError, match=r"after \d+ of its \d+ bytes.*may be printed all the same") as error:
        open_printer(f"file:{pipe}", timeout=60).send(label, "label")
    quitter.join()
    assert error.value.uncertain


def test_a_device_file_whose_reader_takes_all_has_the_label(tmp_path: Path) -> None:
    pipe = tmp_path / "lp0"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    read: list[bytes] = []

    def take() -> None:
        watch = select.poll()
        watch.register(reader, select.POLLIN)
        watch.poll()
        read.append(os.read(reader, 65536))

    taker = threading.Thread(target=take)
    taker.start()
    assert open_printer(f"file:{pipe}", timeout=PLENTY).send(LABEL, "label") == Receipt()
    taker.join()
    os.close(reader)
    assert read == [LABEL]


@pytest.mark.skipif(not shutil.which("lp"), reason="needs the Debian package cups-client")
@pytest.mark.parametrize("manner", ["silent", "floods"])
def test_a_print_server_that_is_stuck_or_floods_us_has_no_more_time_either(
    monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve_ipp, args=(server, manner), daemon=True).start()
        monkeypatch.setenv("CUPS_SERVER", f"127.0.0.1:{server.getsockname()[1]}")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        error, seconds = took("cups:labels")
    assert "did not take the label in 1 s" in str(error)
    assert error.uncertain
    assert seconds < FAR_SOONER
    assert max(0, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before) < 50_000  # in KiB


def _serve_ipp(server: socket.socket, manner: str) -> None:
    kept = []
    with suppress(OSError):
        while True:
            connection, _peer = server.accept()
            kept.append(connection)
            if manner == "floods":
                threading.Thread(target=_flood, args=(connection,), daemon=True).start()


def _flood(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-Busy: %b\r\n" % (b"x" * 8000))


@pytest.mark.parametrize("manner", ["reset", "deaf", "sips", "half", "hasty", "late"])
def test_a_printer_that_breaks_off_after_the_label_went_out_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    if manner == "half":  # it ends its side before we do, however late it comes to that
        monkeypatch.setattr(printers, "_SETTLE", PLENTY)
    status = READY if manner in {"hasty", "late"} else b""
    with LabelPrinter(tmp_path / "paper", manner=manner, status=status) as printer:
        error, _seconds = took(printer.address, PLENTY)
    assert "it broke off after it had the label" in str(error)
    assert "may be printed all the same" in str(error)
    assert error.uncertain


@pytest.mark.parametrize("manner", ["", "reset", "talks"])
def test_a_printer_that_tells_its_status_behind_the_label_has_read_it(tmp_path: Path, manner: str) -> None:
    with LabelPrinter(tmp_path / "paper", manner=manner, status=READY) as printer:
        assert open_printer(printer.address, timeout=PLENTY).send(LABEL, "label") == Receipt()
        assert printer.labels() == [LABEL]


@pytest.mark.parametrize("manner", ["shrugs", "terse"])
@pytest.mark.parametrize("status", [b"", READY, OUT_OF_LABELS])
def test_a_status_that_nobody_asked_for_confirms_nothing(tmp_path: Path, manner: str, status: bytes) -> None:
    with LabelPrinter(tmp_path / "paper", manner=manner, status=status) as printer:
        receipt = open_printer(printer.address, timeout=PLENTY).send(LABEL, "label")
    assert not receipt.is_confirmed
    assert "does not say (~HI, ~HS) that it has them" in receipt.notice
    assert ("out of labels and open" in receipt.notice) is (status == OUT_OF_LABELS)


def test_a_printer_that_has_confirmed_a_label_and_not_the_next_leaves_that_in_doubt(tmp_path: Path) -> None:
    with LabelPrinter(tmp_path / "paper", manner="once", status=READY) as server:
        printer = open_printer(server.address, timeout=PLENTY)
        assert printer.send(LABEL, "label").is_confirmed
        with pytest.raises(PrintError, match="may be printed all the same") as error:
            printer.send(LABEL, "label")
    assert error.value.uncertain


def test_a_printer_that_takes_its_labels_and_says_nothing_is_told_once(tmp_path: Path, ledger: Ledger) -> None:
    ledger.allocate(AllocationRequest(PRODUCT, "SN-2", "generated", CONTEXT))
    for claim in ledger.claims(states=[State.ALLOCATED]):
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, CONTEXT))
    with LabelPrinter(tmp_path / "paper") as printer:
        report = send(ledger, printer.address)
        assert len(printer.labels()) == 2
    assert report.failure == ""
    assert len(report.made) == len(report.unconfirmed) == 2
    assert {event.detail for event in ledger.events(kinds=[EventKind.LABELLED])} == {
        f"sent, and not confirmed, to {printer.address}"
    }
    assert report.notices == [
        f"The printer {printer.address} has ended the connection after its labels, and does not say (~HI, ~HS) that it "
        "has them; see that all are there."
    ]


def test_what_is_amiss_with_a_printer_that_has_its_label_is_told(tmp_path: Path) -> None:
    with LabelPrinter(tmp_path / "paper", status=OUT_OF_LABELS) as printer:
        said = open_printer(printer.address, timeout=PLENTY).send(LABEL, "label")
    assert said.is_confirmed
    assert said.notice == f"The printer {printer.address} has its labels, and says that it is out of labels and open."


# --- what the ledger makes of it ---------------------------------------------------------------------------------

CONTEXT = Context("test", "bench-1")


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.in_memory() as ledger:
        claim = ledger.allocate(AllocationRequest(PRODUCT, "SN-1", "generated", CONTEXT))
        ledger.advance(StateChange(claim.claim_id, State.VERIFIED, CONTEXT))
        yield ledger


def send(ledger: Ledger, address: str, reason: str = "") -> batch.LabelReport:
    job = batch.LabelJob(layout.load("small"), reason=reason)
    labels, _none = batch.compose_all(job, list(ledger.claims(states=[State.VERIFIED])))
    return batch.print_labels(ledger, labels, printer=open_printer(address, timeout=PLENTY), context=CONTEXT)


def test_a_printer_that_is_down_meanwhile_takes_no_doubt_away(tmp_path: Path, ledger: Ledger) -> None:
    with LabelPrinter(tmp_path / "paper", manner="reset") as printer:
        reports = []
        for switch in (None, printer.kill, printer.start, printer.kill, printer.start):
            if switch:
                switch()
            reports.append(send(ledger, printer.address))

    assert len(printer.labels()) == 2, "no third one by itself"
    assert [len(report.maybe_twice) for report in reports] == [0, 1, 1, 0, 0]
    assert "was sent 2 times" in reports[3].failure
    assert "was sent 2 times" in reports[4].failure


def test_a_printer_that_always_breaks_off_gets_a_label_twice_and_no_third_time(tmp_path: Path, ledger: Ledger) -> None:
    with LabelPrinter(tmp_path / "paper", manner="reset") as printer:
        first, second, third = (send(ledger, printer.address) for _run in range(3))
        assert len(printer.labels()) == 2
        assert [bool(report.failure) for report in (first, second, third)] == [True, True, True]
        assert not first.notices
        assert len(second.notices) == 1
        assert second.notices[0].startswith("The label of SN-1 may be there twice")
        assert (len(first.maybe_twice), len(second.maybe_twice)) == (0, 1)
        assert not third.notices
        assert "was sent 2 times, and no printer said that it has it" in third.failure

        send(ledger, printer.address, reason="none came out")
        assert len(printer.labels()) == 3

    options = {"action": "labelled", "claim_id": None, "serial": "SN-1", "product": PRODUCT, "reveal": False}
    done = enter_ledger(ledger, {**options, "reason": "it is on the case"}, CONTEXT, check=False)
    assert done["changed"]
    assert [claim.state for claim in ledger.claims()] == [State.LABELLED]
