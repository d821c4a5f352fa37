# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger as a file: who may read it, and what is said when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import sqlite_file
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    Context,
    LedgerError,
    ReserveRequest,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.restore import restore

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_may_read_the_ledger(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "new" / "ledger.db"
        with Ledger(path) as ledger:
            ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
            assert {entry.name: mode(entry) for entry in path.parent.iterdir()} == {
                "ledger.db": 0o600,
                "ledger.db-wal": 0o600,
                "ledger.db-shm": 0o600,
                "ledger.db-open": 0o600,
            }
        assert mode(path.parent) == 0o700
        assert [entry.name for entry in path.parent.iterdir()] == ["ledger.db"]
    finally:
        os.umask(before)


def test_it_is_synced_on_every_commit(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger, ledger._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


@pytest.mark.parametrize("is_new", [True, False])
def test_where_sqlite_refuses_the_log_it_ends_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    """By a real way to files that shares no memory, as on some network file systems: SQLite reports no error then."""
    path = tmp_path / "ledger.db"
    if not is_new:
        Ledger(path).close()
        with closing(sqlite3.connect(path)) as copy:  # as a backup is
            copy.execute("PRAGMA journal_mode=DELETE")
    connect = sqlite3.connect

    def without_shared_memory(place: str, /, **options: Any) -> sqlite3.Connection:
        return connect(f"{place}&vfs=unix-none" if place else place, **options)

    monkeypatch.setattr(sqlite3, "connect", without_shared_memory)
    began = time.monotonic()
    with pytest.raises(LedgerError, match=r"cannot keep a log, because SQLite can share no memory .* \(ioto_ledger\)"):
        Ledger(path)
    assert time.monotonic() - began < sqlite_file.BUSY_TIMEOUT
    assert path.exists() is not is_new


def test_a_name_that_looks_like_a_url_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a ?mode=memory#%41.db"
    with Ledger(path) as ledger:
        ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    with Ledger(path) as ledger:
        assert ledger.summary().total == 1


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch(mode=0o644)
    with Ledger(path, read_only=True) as ledger:
        assert ledger.summary().total == 0
    with Ledger(path) as ledger:
        ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    assert mode(path) == 0o600


def write_text(path: Path) -> None:
    path.write_text("This is a letter to my aunt. " * 50)


def write_other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()


def write_torn_ledger(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.reserve(ReserveRequest(PRODUCT, 500, context=CONTEXT))
    os.truncate(path, 4096)


def leave_only_the_log(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(b"something")


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (Path.mkdir, "is a directory; name a file"),
        (write_text, "something else; name the ledger's own"),
        (write_other_database, "some other SQLite database; name the ledger's own"),
        (write_torn_ledger, "is damaged; restore it from its backup"),
        (os.mkfifo, "is not a file, but a pipe or a device; name a file"),
        (leave_only_the_log, "is missing while its log ledger.db-wal is there"),
    ],
)
def test_what_is_no_ledger_is_refused_and_stays(tmp_path: Path, make: Callable[[Path], object], remedy: str) -> None:
    path = tmp_path / "ledger.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(LedgerError, match=remedy) as caught, Ledger(path) as ledger:
        ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    assert str(path) in str(caught.value)
    assert caught.value.__cause__ is None
    assert before == (path.read_bytes() if path.is_file() else None)


def test_a_restored_ledger_does_not_take_the_place_of_a_device(tmp_path: Path) -> None:
    Ledger(tmp_path / "copy.db").close()
    os.mkfifo(tmp_path / "ledger.db")
    with pytest.raises(LedgerError, match="is not a file, but a pipe or a device"):
        restore(str(tmp_path / "ledger.db"), tmp_path / "copy.db", check=False)
    assert (tmp_path / "ledger.db").is_fifo()


@as_root
def test_who_may_use_a_ledger_may_be_alone_with_its_units_after_root_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger(path).close()
    os.chown(path, 65534, 65534)
    with Ledger(path) as ledger, ledger.alone_with(["JT08FFQXWQ"]):
        pass
    beside = path.with_name("ledger.db-alone").stat()
    assert (beside.st_uid, beside.st_gid, beside.st_mode & 0o777) == (65534, 65534, 0o600)


def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match=r"cannot be used: .*correct the path"):
        Ledger(tmp_path / "file" / "ledger.db")


def test_a_ledger_that_another_process_holds_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.db"
    Ledger(path).close()
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Ledger(path) as ledger:
        assert ledger.summary().total == 0
        with pytest.raises(LedgerError, match=r"is locked by another process .* end that one and run again\.$"):
            ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
        holder.execute("ROLLBACK")
        ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    holder.close()


@as_root
def test_a_full_disk_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", tmp_path], check=True)
    try:
        known: list[str] = []
        with Ledger(tmp_path / "ledger.db") as ledger:
            with pytest.raises(LedgerError, match="the disk is full; free some space"):
                for _ in range(1000):
                    known += [claim.claim_id for claim in ledger.reserve(ReserveRequest(PRODUCT, 20, context=CONTEXT))]
            assert known
            assert {claim.claim_id for claim in ledger.claims()} == set(known)
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


@as_root
def test_a_ledger_that_may_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger(path).close()
    subprocess.run(["mount", "--bind", "-o", "ro", tmp_path, tmp_path], check=True)
    try:
        with pytest.raises(LedgerError, match="file system is mounted read-only"), Ledger(path) as ledger:
            ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_ledger_restored_from_a_copy_uses_a_log_again(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger, ledger._database.read() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{tmp_path / 'copy.db'}'")
    with Ledger(tmp_path / "copy.db") as ledger, ledger._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
