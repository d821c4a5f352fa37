# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is written whole or not at all, and the drafts of killed processes go; those of living ones never do."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils import private_files
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, ReserveRequest
from ansible_collections.ioto.serialization.plugins.plugin_utils.private_files import (
    PreciousFileError,
    draft,
    is_known_file,
    write_private,
)

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
_fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget which folders were looked through, as a process that has just begun."""
    monkeypatch.setattr(private_files, "_swept", set())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def begin_a_draft(folder: Path, begun: Event) -> None:
    with draft(folder / "file") as temporary:
        temporary.write_text("half")
        temporary.with_name(f"{temporary.name}-wal").write_text("SQLite's")
        begun.set()
        signal.pause()


@pytest.fixture
def maker(tmp_path: Path) -> Callable[[], multiprocessing.process.BaseProcess]:
    """Return a function that starts a process that has a draft in the folder, and waits until it has."""

    def start() -> multiprocessing.process.BaseProcess:
        begun = _fork.Event()
        process = _fork.Process(target=begin_a_draft, args=(tmp_path, begun), daemon=True)
        process.start()
        assert begun.wait(60)
        return process

    return start


def test_what_a_killed_process_left_goes_with_the_next_file(
    tmp_path: Path, maker: Callable[[], multiprocessing.process.BaseProcess]
) -> None:
    process = maker()
    process.kill()
    process.join()
    assert len(names(tmp_path)) == 3  # the draft, its mark, and what SQLite had beside it

    write_private(tmp_path / "another", b"whole")

    assert names(tmp_path) == {"another"}


def test_the_draft_of_a_living_process_stays(
    tmp_path: Path, maker: Callable[[], multiprocessing.process.BaseProcess]
) -> None:
    process = maker()
    before = names(tmp_path)

    write_private(tmp_path / "another", b"whole")

    assert names(tmp_path) == before | {"another"}
    process.kill()
    process.join()


def test_files_of_others_stay_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / ".ioto-draft-mine").write_text("too short")
    (tmp_path / ".ioto-draft-abcdefgh.txt").write_text("too long")
    (tmp_path / ".draft-abcdefgh").write_text("another program's")
    (tmp_path / ".ioto-draft-abcdefgh").symlink_to(".ioto-draft-mine")
    (tmp_path / ".ioto-draft-ijklmnop").mkdir()
    os.mkfifo(tmp_path / ".ioto-draft-qrstuvwx")
    before = names(tmp_path)

    write_private(tmp_path / "file", b"whole")

    assert names(tmp_path) == before | {"file"}


def test_a_folder_without_locks_keeps_its_drafts_and_takes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ioto-draft-abcdefgh").write_text("whose?")

    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write_private(tmp_path / "file", b"whole")

    assert names(tmp_path) == {".ioto-draft-abcdefgh", "file"}


def test_a_file_that_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    write_private(tmp_path / "file", b"old")

    with pytest.raises(KeyboardInterrupt), draft(tmp_path / "file") as temporary:
        temporary.write_text("new")
        temporary.with_name(f"{temporary.name}-journal").write_text("SQLite's")
        raise KeyboardInterrupt

    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == {"file"}


def test_no_file_takes_the_place_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(PreciousFileError, match="is a pipe or a device and would be lost"):
            write_private(tmp_path / name, b"new")
    assert names(tmp_path) == {"pipe", "link"} and (tmp_path / "pipe").is_fifo()


def test_the_folder_is_synced_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[Path, bool]] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append((Path(f"/proc/self/fd/{handle}").readlink(), (tmp_path / "file").exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    write_private(tmp_path / "file", b"whole")

    (made, was_there), folder = synced
    assert (made.parent, was_there) == (tmp_path, False)
    assert folder == (tmp_path, True)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "z.db"
    with closing(Ledger(path)):
        pass
    return path


@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal", "-open", "-alone"])
def test_no_file_takes_the_place_of_a_ledger_or_a_part_of_one(ledger: Path, end: str) -> None:
    before = ledger.read_bytes(), names(ledger.parent)
    with pytest.raises(PreciousFileError, match="a database, such as a ledger"):
        write_private(ledger.with_name(f"z.db{end}"), b"serial,claim_id\n")
    assert (ledger.read_bytes(), names(ledger.parent)) == before


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_no_file_takes_the_place_of_a_link_to_a_ledger(ledger: Path, link: Callable[[Path, Path], None]) -> None:
    link(ledger, other := ledger.with_name("export.csv"))
    with pytest.raises(PreciousFileError):
        write_private(other, b"")
    assert other.samefile(ledger)


def test_a_log_of_a_ledger_is_known_by_its_bytes(ledger: Path) -> None:
    with closing(Ledger(ledger)) as opened:
        opened.reserve(ReserveRequest("01G8YJKKRNTHW213TRZYX3YH0M", 1, Context("ann@line-1")))
        os.link(ledger.with_name("z.db-wal"), other := ledger.with_name("export.csv"))
        with pytest.raises(PreciousFileError):
            write_private(other, b"")


def test_a_file_of_which_nobody_can_tell_is_not_said_to_be_absent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_known_file(tmp_path / "file") and not is_known_file(tmp_path)
    assert not is_known_file(tmp_path / "none") and not is_known_file(tmp_path / "file/below")
    with pytest.raises(OSError, match="too long"):
        is_known_file(tmp_path / ("x" * 300))
