# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that label the same units at once: each label is made once, and a run that dies is followed by the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")

from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import batch, selection
from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling.printers import open_printer
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.output_zpl import zpl
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Claim,
    Context,
    State,
    StateChange,
)
from tests.services.label_printer import LabelPrinter

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("test@bench")
JOB = batch.LabelJob(layout.load("small"))
READY = b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
"""What a printer answers that has its labels, so that it is no notice of these tests."""

_spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def claims(location: str) -> Sequence[Claim]:
    """Twelve units that were read back and have no label."""
    found = []
    with Ledger(location) as ledger:
        for number in range(1, 13):
            claim = ledger.allocate(AllocationRequest(PRODUCT, f"SN-{number:02}", source="generated", context=CONTEXT))
            found.append(ledger.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT)))
    return found


def label(location: str, claims: Sequence[Claim], where: str, channel: Connection) -> None:
    """A run: it says that it has chosen its units, makes their labels when it is told to, and says what came of it."""
    with Ledger(location) as ledger:
        labels, _none = batch.compose_all(JOB, claims)
        channel.send("chosen")
        channel.recv()
        if "://" in where:
            report = batch.print_labels(ledger, labels, printer=open_printer(where), context=CONTEXT)
        else:
            report = batch.write_files(ledger, labels, dest=Path(where), format="zpl", context=CONTEXT)
        channel.send((len(report.made), list(report.notices), report.failure))


def reserve_roll(location: str, channel: Connection) -> None:
    """A run of the roll A: it says that it is there, and which IDs are to be printed once it is told to go on."""
    with Ledger(location) as ledger:
        channel.send("there")
        channel.recv()
        claims, _lacking = selection.of_roll(ledger, PRODUCT, "A", 5, reason="", context=CONTEXT)
        channel.send({claim.claim_id for claim in claims})


class Run:
    """A process that labels; `go` has it begin, and `ends` returns what it made, its notices and its failure."""

    def __init__(self, location: str, claims: Sequence[Claim], where: str) -> None:
        self._channel, other = _spawn.Pipe()
        self._process = _spawn.Process(target=label, args=(location, claims, where, other), daemon=True)
        self._process.start()
        assert self._hears() == "chosen"

    def go(self) -> None:
        self._channel.send("go")

    def kill(self) -> None:
        assert self._process.pid
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def ends(self) -> tuple[int, list[str], str]:
        result: tuple[int, list[str], str] = self._hears()
        self._process.join()
        return result

    def _hears(self) -> object:
        assert self._channel.poll(180), "the run says nothing"
        return self._channel.recv()


def in_order(claims: Sequence[Claim]) -> list[bytes]:
    return [zpl(batch.compose(JOB, claim).drawing) for claim in claims]


def test_two_printers_share_the_labels_and_print_none_twice(
    tmp_path: Path, location: str, claims: Sequence[Claim]
) -> None:
    with LabelPrinter(tmp_path / "a", status=READY) as first, LabelPrinter(tmp_path / "b", status=READY) as second:
        runs = [Run(location, claims, printer.address) for printer in (first, second)]
        for run in runs:
            run.go()
        ends = [run.ends() for run in runs]
        printed = [first.labels(), second.labels()]

    assert [(made, failure) for made, _notices, failure in ends] == [(12, ""), (12, "")]
    assert sorted(printed[0] + printed[1]) == sorted(in_order(claims))
    for mine, (_made, notices, _failure) in zip(printed, ends, strict=True):
        assert mine == [label for label in in_order(claims) if label in mine]
        assert len(notices) == (len(mine) < 12)


def test_two_files_share_the_labels(tmp_path: Path, location: str, claims: Sequence[Claim]) -> None:
    files = [tmp_path / "a.zpl", tmp_path / "b.zpl"]
    runs = [Run(location, claims, str(file)) for file in files]
    for run in runs:
        run.go()
    assert sorted(notices for _made, notices, _failure in (run.ends() for run in runs)) == [
        [],
        ["12 labels were made by another run in the meantime, and not once more."],
    ]
    assert [file.read_bytes() for file in files if file.exists()] == [b"".join(in_order(claims))]


def test_runs_of_one_roll_reserve_it_once(location: str) -> None:
    Ledger(location).close()
    channels = []
    for _run in range(4):
        ours, other = _spawn.Pipe()
        _spawn.Process(target=reserve_roll, args=(location, other), daemon=True).start()
        channels.append(ours)
    assert [channel.recv() for channel in channels] == ["there"] * 4
    for channel in channels:
        channel.send("go")
    chosen = [channel.recv() for channel in channels]
    assert len(chosen[0]) == 5
    assert chosen == [chosen[0]] * 4
    with Ledger(location) as ledger:
        assert ledger.summary().reserved == 5


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)  # it is the folder that they share
def test_runs_that_name_one_file_have_each_its_own(tmp_path: Path, location: str, claims: Sequence[Claim]) -> None:
    file = tmp_path / "labels" / "a.zpl"
    shares = [claims[start::3] for start in range(3)]
    runs = [Run(location, share, str(file)) for share in shares]
    for run in runs:
        run.go()
    assert [run.ends() for run in runs] == [(4, [], "")] * 3
    assert sorted(found.read_bytes() for found in file.parent.iterdir()) == sorted(
        b"".join(in_order(share)) for share in shares
    )


def test_a_run_that_is_killed_while_it_prints_is_followed_by_the_one_that_waits(
    tmp_path: Path, location: str, claims: Sequence[Claim]
) -> None:
    with (
        LabelPrinter(tmp_path / "a", hangs_at=5, status=READY) as hanging,
        LabelPrinter(tmp_path / "b", status=READY) as sound,
    ):
        killed, waiting = (Run(location, claims, printer.address) for printer in (hanging, sound))
        killed.go()
        hanging.wait_for(5)
        waiting.go()
        killed.kill()
        made, notices, failure = waiting.ends()

        assert (made, failure) == (12, "")
        assert hanging.labels() == in_order(claims)[:5]
        assert sound.labels() == in_order(claims)[4:]
    assert len(notices) == 2
    assert notices[0].startswith("The label of SN-05 may be there twice")
    assert notices[1] == "4 labels were made by another run in the meantime, and not once more."
