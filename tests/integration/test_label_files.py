# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of labels that cannot be written, and what stands in their place already."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("reportlab", reason="labels need the Python package reportlab")

from ansible_collections.ioto.serialization.plugins.plugin_utils.labelling import batch, selection
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels import layout
from ansible_collections.ioto.serialization.plugins.plugin_utils.labels.errors import LabelError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    State,
    StateChange,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("test@bench")
JOB = batch.LabelJob(layout.load("small"))
SERIALS = [f"SN-{number}" for number in range(8)]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.in_memory() as made:
        for serial in SERIALS:
            claim = made.allocate(AllocationRequest(PRODUCT, serial, source="generated", context=CONTEXT))
            made.advance(StateChange(claim.claim_id, State.VERIFIED, context=CONTEXT))
        yield made


@pytest.fixture
def folder_for_few(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system that is full after a few files."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")
    place = tmp_path / "full"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=8", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def write(ledger: Ledger, dest: Path, format: str = "pdf") -> batch.LabelReport:
    labels, _none = batch.compose_all(JOB, selection.due(ledger, context=CONTEXT))
    return batch.write_files(ledger, labels, dest=dest, format=format, context=CONTEXT)


def failed(ledger: Ledger) -> Sequence[str | None]:
    return [event.unit for event in ledger.events(kinds=[EventKind.PRINT_FAILED])]


def test_a_name_that_becomes_too_long_is_told_and_no_label_is_said_to_be_there_twice(
    ledger: Ledger, tmp_path: Path
) -> None:
    dest = tmp_path / f"{'a' * 251}.pdf"  # there is no room for -2
    dest.write_bytes(b"of an earlier batch")
    with pytest.raises(LabelError, match=r"File name too long\); give another dest"):
        write(ledger, dest)
    assert failed(ledger) == SERIALS
    report = write(ledger, tmp_path / "b.pdf")
    assert (len(report.made), report.notices, report.maybe_twice) == (len(SERIALS), [], set())


def test_what_is_in_a_file_already_when_the_disk_is_full_may_be_there_twice(
    ledger: Ledger, folder_for_few: Path, tmp_path: Path
) -> None:
    with pytest.raises(LabelError, match="No space left on device"):
        write(ledger, folder_for_few, "svg")
    written = [file.stem[5:] for file in sorted(folder_for_few.glob("*.svg"))]
    assert written and written == SERIALS[: len(written)]
    assert failed(ledger) == SERIALS[len(written) :] != []
    report = write(ledger, tmp_path / "elsewhere", "svg")
    assert [notice.split()[3] for notice in report.notices] == written


def test_a_link_that_leads_nowhere_is_kept(ledger: Ledger, tmp_path: Path) -> None:
    dest = tmp_path / "a.pdf"
    dest.symlink_to(tmp_path / "not-mounted" / "a.pdf")
    assert write(ledger, dest).files == [str(tmp_path / "a-2.pdf")]
    assert dest.is_symlink()
