# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken from under a ledger: its log, its file, the room on its disk. It is told, and never refused falsely."""

from __future__ import annotations

import os
import pwd
import random
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import open_mark, sqlite_file
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.backup import back_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.open_mark import OpenMark
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    AllocationRequest,
    Context,
    LedgerError,
)

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")
LACKS = r"lacks the last \d+ of the \d+ events .*its log ledger\.db-wal was removed .*restore the newest backup"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

# Forked as Ansible forks its workers; pytest-xdist's own thread makes Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def allocate(ledger: Ledger, unit: str) -> str:
    return ledger.allocate(AllocationRequest(PRODUCT, unit, "generated", CONTEXT)).claim_id


def fork(work: Callable[[], object]) -> int:
    """Do `work` in another process, and return its pid."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def die_at_work(path: Path, units: int = 3) -> None:
    """Have a process die that has recorded `units` and not closed the ledger."""

    def work() -> None:
        ledger = Ledger(path)
        for unit in range(units):
            allocate(ledger, f"SN-{unit}")
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(work), 0)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger whose mark is raised after each transaction, so that a test can say how many events are missing."""
    monkeypatch.setattr(open_mark, "_PAUSE", 0.0)
    return tmp_path / "ledger.db"


def beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}-{ending}")


# A log that vanished


def test_a_ledger_whose_log_was_removed_is_refused_and_stays_as_it_is(path: Path) -> None:
    Ledger(path).close()
    die_at_work(path)
    beside(path, "wal").rename(path.with_name("kept"))
    beside(path, "shm").unlink()
    for read_only in (False, True):
        with pytest.raises(LedgerError, match=LACKS) as caught:
            Ledger(path, read_only=read_only)
        assert "lacks the last 3 of the 3 events" in str(caught.value)
        assert str(caught.value).endswith(f"delete {path}-open.")
    # It was not touched: with its log it is whole again.
    beside(path, "wal").unlink(missing_ok=True)
    path.with_name("kept").rename(beside(path, "wal"))
    with Ledger(path, read_only=True) as ledger:
        assert ledger.summary().total == 3


def test_whoever_deletes_the_mark_accepts_the_loss(path: Path) -> None:
    Ledger(path).close()
    die_at_work(path)
    for ending in ("wal", "shm"):
        beside(path, ending).unlink()
    with pytest.raises(LedgerError, match=f"to go on without them, delete {path}-open"):
        Ledger(path)
    beside(path, "open").unlink()
    with Ledger(path) as ledger:
        assert ledger.summary().total == 0


def test_a_log_that_is_removed_under_two_is_missed_when_the_last_of_them_dies(path: Path) -> None:
    def work() -> None:
        first, last = Ledger(path), Ledger(path)
        allocate(last, "SN-1")
        beside(path, "wal").unlink()
        first.close()
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(work), 0)
    with pytest.raises(LedgerError, match=LACKS):
        Ledger(path)


def test_a_ledger_whose_log_was_cut_short_is_refused(path: Path) -> None:
    die_at_work(path, 40)
    log = beside(path, "wal")
    os.truncate(log, log.stat().st_size // 2)
    with pytest.raises(LedgerError, match=LACKS):
        Ledger(path)


def test_a_ledger_that_was_closed_needs_no_log_and_leaves_no_mark(path: Path) -> None:
    with Ledger(path) as one, Ledger(path) as other:
        allocate(one, "SN-1")
        assert beside(path, "open").exists()
        other.close()
        assert beside(path, "open").exists()
    assert list(path.parent.iterdir()) == [path]
    with Ledger(path, read_only=True) as ledger:
        assert ledger.summary().total == 1


def test_a_log_that_somebody_elses_program_has_moved_into_the_ledger_is_not_missed(path: Path) -> None:
    die_at_work(path)
    connection = sqlite3.connect(path)
    connection.execute("SELECT count(*) FROM ioto_claims").fetchone()
    connection.close()
    assert not beside(path, "wal").exists()
    assert beside(path, "open").exists()
    with Ledger(path) as ledger:
        assert ledger.summary().total == 3
    assert not beside(path, "open").exists()


def test_a_copy_that_is_put_in_the_place_of_a_ledger_is_taken_by_all_who_open_it(path: Path) -> None:
    with Ledger(path) as ledger:
        allocate(ledger, "SN-A")
    copy = back_up(str(path), path.parent / "copies", keep=3).path
    for _unused in range(5):
        die_at_work(path)
        for ending in ("wal", "shm"):
            beside(path, ending).unlink()
        shutil.copy(copy, path.with_name("copy"))
        path.with_name("copy").rename(path)
        assert OpenMark(path).read().events > 1

        failed = path.with_name("failed")

        def work(number: int, failed: Path = failed) -> None:
            try:
                with Ledger(path) as ledger:
                    allocate(ledger, f"SN-{number}")
            except BaseException as error:
                failed.write_text(repr(error))

        children = [fork(lambda number=number: work(number)) for number in range(8)]  # type: ignore[misc]
        for child in children:
            os.waitpid(child, 0)
        assert not failed.exists(), failed.read_text()
        with Ledger(path) as ledger:
            assert ledger.summary().total == 9
        assert not beside(path, "open").exists()


def test_a_copy_that_somebody_is_writing_to_is_opened_when_he_has_done(path: Path) -> None:
    """SQLite lets nobody wait who changes a file's header."""
    with Ledger(path) as ledger, ledger._database.read() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{path.with_name('copy.db')}'")
    holder = sqlite3.connect(path.with_name("copy.db"), isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(Ledger, path.with_name("copy.db"))
        try:
            with pytest.raises(TimeoutError):
                opened.result(0.3)
        finally:
            holder.close()
        opened.result(30).close()


def test_a_mark_that_is_damaged_refuses_nothing(path: Path) -> None:
    for content in (b"", b"\0" * 32, b"00000000000000009999 00000000\n", b"9999"):
        die_at_work(path)
        beside(path, "open").write_bytes(content)
        with Ledger(path) as ledger:
            allocate(ledger, "SN-1")
        assert not beside(path, "open").exists()


def test_a_ledger_that_is_gone_while_its_mark_is_there_is_not_begun_anew(path: Path) -> None:
    die_at_work(path)
    for gone in (path, beside(path, "wal"), beside(path, "shm")):
        gone.unlink()
    with pytest.raises(LedgerError, match=r"is missing, and held 3 events .*to begin a new one\.$"):
        Ledger(path)
    beside(path, "open").unlink()
    Ledger(path).close()


_LIFE = """
import os, sys
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context
"""


def test_processes_killed_at_any_instant_are_never_refused_and_every_loss_is(path: Path) -> None:
    rng = random.Random(1)
    told: set[str] = set()
    refused = 0
    reader, writer = os.pipe()
    os.set_blocking(reader, False)

    def live(life: int, process: int) -> None:
        for number in range(1000):
            with Ledger(path) as ledger:
                for unit in range(1 + number % 3):
                    os.write(writer, allocate(ledger, f"SN-{life}-{process}-{number}-{unit}").encode())

    for life in range(25):
        children = [fork(lambda life=life, n=n: live(life, n)) for n in range(3)]  # type: ignore[misc]
        if life % 2:  # in the middle of work, and otherwise also while they begin
            select.select([reader], [], [], 60)
        time.sleep(rng.uniform(0.0, 0.08))  # any instant is what is tested
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        try:
            text = os.read(reader, 1 << 20).decode()
        except BlockingIOError:
            text = ""
        told |= {text[at : at + 10] for at in range(0, len(text), 10)}
        if not path.exists():
            continue
        lost = path.parent / f"lost-{life}"
        lost.mkdir()
        for name in (path.name, f"{path.name}-open"):
            if (path.parent / name).exists():
                shutil.copy(path.parent / name, lost / name)
        with sqlite3.connect(f"file:{lost / path.name}?immutable=1", uri=True) as copy:
            held = {row[0] for row in copy.execute("SELECT claim_id FROM ioto_claims")}
        if told - held:
            with pytest.raises(LedgerError, match=LACKS):
                Ledger(lost / path.name)
            refused += 1
        with Ledger(path) as ledger:
            assert set(ledger.holders(told)) == told
    assert told
    assert refused


# A file that vanished under an open ledger


def replace(path: Path) -> None:
    copy = back_up(str(path), path.parent / "copies", keep=1).path
    copy.rename(path)


@pytest.mark.parametrize("take", [Path.unlink, replace, lambda path: path.rename(path.with_name("away"))])
def test_nothing_is_recorded_in_a_file_that_nobody_sees(path: Path, take: Callable[[Path], object]) -> None:
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
        take(path)
        for _unused in range(2):
            with pytest.raises(
                LedgerError, match=r"was removed or replaced while it was open, so nothing was recorded"
            ):
                allocate(ledger, "SN-2")


def test_who_closes_a_ledger_that_was_replaced_leaves_the_log_of_the_new_one_alone(path: Path) -> None:
    script = _LIFE + (
        "ledger = Ledger(sys.argv[1]); print('open', flush=True); sys.stdin.readline(); ledger.close(); del ledger"
    )
    Ledger(path).close()
    old = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert old.stdout is not None
    assert old.stdout.readline() == "open\n"
    replace(path)
    for ending in ("wal", "shm"):
        beside(path, ending).unlink(missing_ok=True)
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
        old.communicate("\n", timeout=30)
        assert old.returncode == 0
        assert beside(path, "wal").exists()
        with Ledger(path) as other:
            assert other.summary().total == 1
        allocate(ledger, "SN-2")


def test_a_log_that_is_removed_under_an_open_ledger_is_noticed_and_nothing_is_lost(path: Path) -> None:
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
        beside(path, "wal").unlink()
        with pytest.raises(
            LedgerError, match=r"The log .*-wal was removed, replaced or cut short .*end every process that uses"
        ):
            allocate(ledger, "SN-2")
    with Ledger(path) as ledger:
        assert ledger.summary().total == 1


# What the disk refuses


def test_a_log_that_is_cut_short_under_an_open_ledger_is_noticed(path: Path) -> None:
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
        os.truncate(beside(path, "wal"), 0)
        with pytest.raises(
            LedgerError, match=r"cut short while the ledger was open, so nothing was recorded; end every"
        ):
            allocate(ledger, "SN-2")


def test_a_log_that_sqlite_itself_has_emptied_is_none_that_was_cut_short(path: Path) -> None:
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
        subprocess.run([sys.executable, "-c", EMPTY_LOG, path], check=True)
        assert beside(path, "wal").stat().st_size == 0
        allocate(ledger, "SN-2")
        assert ledger.summary().total == 2


EMPTY_LOG = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)')"


def grow(ledger: Ledger, name: str) -> None:
    """Record so much that the log is moved into the file, which grows by that."""
    requests = [AllocationRequest(PRODUCT, f"{name}-{number}", "generated", CONTEXT) for number in range(300)]
    for start in range(0, 300, 30):
        ledger.allocate_many(requests[start : start + 30])
    subprocess.run([sys.executable, "-c", EMPTY_LOG, ledger.location], check=True)


def test_an_older_copy_written_over_an_open_ledger_is_noticed(path: Path) -> None:
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
    shutil.copyfile(path, path.with_name("copy.db"))
    with Ledger(path) as ledger:
        grow(ledger, "A")
        allocate(ledger, "SN-2")
        shutil.copyfile(path.with_name("copy.db"), path)  # the same inode
        with pytest.raises(
            LedgerError, match=r"was removed or replaced while it was open, so nothing was recorded|is damaged"
        ):
            allocate(ledger, "SN-3")


def test_an_older_copy_beside_the_log_of_the_newer_one_is_refused(path: Path) -> None:
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
    shutil.copyfile(path, path.with_name("copy.db"))

    def work() -> None:
        ledger = Ledger(path)
        grow(ledger, "A")
        for number in range(300):
            allocate(ledger, f"B-{number}")
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(fork(work), 0)
    shutil.copyfile(path.with_name("copy.db"), path)
    for read_only in (False, True, False):
        with pytest.raises(LedgerError, match=r"has \d+ bytes, and had \d+ when it was open: an older file was put"):
            Ledger(path, read_only=read_only)
    beside(path, "open").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k,nr_inodes=20", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 4096)
            except OSError:
                return


def use_up_inodes(disk: Path) -> None:
    for number in range(20):
        try:
            (disk / f"filler-{number}").touch()
        except OSError:
            return


@as_root
@pytest.mark.parametrize("use_up", [fill, use_up_inodes])
@pytest.mark.parametrize("exists", [True, False])
def test_a_disk_that_is_full_is_told_at_opening_and_at_work(
    disk: Path, use_up: Callable[[Path], None], exists: bool
) -> None:
    path = disk / "ledger.db"
    if exists:
        with Ledger(path) as ledger:
            allocate(ledger, "SN-1")
    use_up(disk)
    with pytest.raises(LedgerError, match="because the disk is full; free some space and run again"):
        with Ledger(path) as ledger:
            for number in range(100):
                allocate(ledger, f"SN-{number}")
        raise AssertionError("there was room")
    for filler in disk.glob("filler*"):
        filler.unlink()
    with Ledger(path) as ledger:
        allocate(ledger, "SN-1")
    assert [entry.name for entry in disk.iterdir() if entry.name.startswith(".")] == []


@as_root
def test_a_file_system_that_is_mounted_read_only_is_told_by_every_way_in(disk: Path) -> None:
    path = disk / "ledger.db"
    with Ledger(path) as ledger:
        claim_id = allocate(ledger, "SN-1")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    match = "file system is mounted read-only; see why, and mount it writable"
    with pytest.raises(LedgerError, match=match):
        Ledger(path)
    with pytest.raises(LedgerError, match=match):
        Ledger(disk / "new.db")
    with pytest.raises(LedgerError, match=match):
        Ledger(disk / "folder" / "new.db")
    with Ledger(path, read_only=True) as ledger:
        assert ledger.find(claim_id) is not None
        with pytest.raises(LedgerError, match=match), ledger.alone_with([claim_id]):
            pass


@as_root
@pytest.mark.parametrize("mode", [0o000, 0o400])
def test_a_user_without_permission_is_told_which(tmp_path: Path, mode: int) -> None:
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    path = folder / "ledger.db"
    try:
        Ledger(path).close()
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, -1)
        folder.chmod(0o500)
        os.chown(path, nobody.pw_uid, -1)
        path.chmod(mode)
        answer = tmp_path / "answer"
        answer.touch()

        def work() -> None:
            with answer.open("w") as file:
                os.setuid(nobody.pw_uid)
                for what, read_only in ((path, False), (folder / "new.db", False), (path, True)):
                    try:
                        Ledger(what, read_only=read_only)
                    except LedgerError as error:
                        file.write(f"{error}\n")

        os.waitpid(fork(work), 0)
        first, second, reader = answer.read_text().splitlines()
        assert "give this user permission" in first
        assert "Permission denied" in second
        assert re.search("to read the file and its dir" if mode == 0 else "while the service .* has it open", reader)
    finally:
        shutil.rmtree(folder)


# A process that dies while it makes the ledger


def test_what_a_killed_process_left_of_a_new_ledger_is_swept(path: Path) -> None:
    def work() -> None:
        sqlite_file.create_tables = lambda _connection: os.kill(os.getpid(), signal.SIGKILL)  # at that instant
        Ledger(path)

    os.waitpid(fork(work), 0)
    assert any(entry.name.startswith(".ioto-draft-") for entry in path.parent.iterdir())
    Ledger(path).close()
    assert list(path.parent.iterdir()) == [path]
