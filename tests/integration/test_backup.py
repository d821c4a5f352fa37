# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a ledger: which ones stay, what a killed backup leaves, and that one restores the ledger."""

from __future__ import annotations

import grp
import os
import pwd
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger import sqlite_file
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.backup import Backup, back_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    Context,
    LedgerError,
    ReserveRequest,
)
from tests.services.factory_service import PRODUCT
from tests.services.factory_service_fixture import ServiceMaker, service_with
from tests.support import documents

__all__ = ["service_with"]

CONTEXT = Context("ann@line-1")
DAY = 24 * 3600
BACKUP = (sys.executable, "-m", "plugins.plugin_utils.service", "backup")


class Station:
    """A ledger, its folder of copies, and a clock that goes where it is told."""

    def __init__(self, folder: Path, name: str = "ledger.db") -> None:
        self.ledger = folder / name
        self.copies = folder / "backup"
        self.days_ahead = 0

    def serve(self, units: int = 1) -> None:
        """Serialize some more units."""
        with Ledger(self.ledger) as ledger:
            ledger.reserve(ReserveRequest(PRODUCT, units, context=CONTEXT))

    def back_up(self, *, keep: int = 48) -> Backup:
        """Copy the ledger, at the time of its clock."""
        made = back_up(str(self.ledger), self.copies, keep=keep)
        moment = made.path.stat().st_mtime + self.days_ahead * DAY
        os.utime(made.path, (moment, moment))
        if self.days_ahead:  # the name says the time of the same clock
            name = made.path.name.replace("-20", f"-{20 + (1 if self.days_ahead > 0 else -1)}")
            made = Backup(made.path.rename(made.path.with_name(name)), made.notices)
        return made

    def present(self) -> set[Path]:
        return set(self.copies.iterdir())


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


def units_in(copy: Path) -> int:
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM ioto_claims").fetchone()[0])


def test_the_newest_copies_stay(station: Station) -> None:
    made = []
    for _round in range(5):
        station.serve()
        made.append(station.back_up(keep=3).path)
    assert station.present() == set(made[-3:])
    assert [units_in(copy) for copy in made[-3:]] == [3, 4, 5]


@pytest.mark.parametrize("days_ahead", [4000, -4000])
def test_a_clock_that_was_wrong_takes_no_copy(station: Station, days_ahead: int) -> None:
    """Copies of a clock that was ahead do not drive out those that come after it was set right, nor the reverse."""
    station.days_ahead = days_ahead
    for _round in range(3):
        station.serve()
        station.back_up(keep=3)
    station.days_ahead = 0
    made = []
    for _round in range(3):
        station.serve()
        made.append(station.back_up(keep=3).path)
        assert made[-1].exists()
    assert station.present() == set(made)


def test_a_copy_just_made_stays_where_nothing_happened_since(station: Station) -> None:
    station.serve()
    station.days_ahead = 4000
    for _round in range(2):
        station.back_up(keep=2)
    station.days_ahead = 0
    for _round in range(2):
        assert station.back_up(keep=2).path.exists()
    assert len(station.present()) == 2


def test_another_ledgers_copies_stay(station: Station, tmp_path: Path) -> None:
    """Those from before a ledger said which one it is are known by their events."""
    other = Station(tmp_path, "ledger-2.db")
    other.serve()
    kept = [other.back_up().path for _round in range(3)]
    for copy in kept:
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute("ALTER TABLE ioto_ledger DROP COLUMN identity")
    for _round in range(3):
        station.serve()
        made = station.back_up(keep=1)
    assert station.present() == {made.path, *kept}
    assert "hold events which the ledger has not stay" in "".join(made.notices)


def test_a_ledger_that_says_which_one_it_is_leaves_others_without_a_word(station: Station, tmp_path: Path) -> None:
    """Also while they are empty, when no event tells them apart."""
    other = Station(tmp_path, "ledger-2.db")
    for which in (station, other):
        with Ledger(which.ledger):
            pass
    kept = other.back_up()
    station.back_up(keep=1)
    made = station.back_up(keep=1)
    assert station.present() == {kept.path, made.path}
    assert made.notices == []


def test_a_ledger_that_was_lost_and_begun_anew_takes_none_of_its_copies(station: Station) -> None:
    station.serve(3)
    lost = [station.back_up().path for _round in range(2)]
    station.ledger.unlink()
    for _round in range(4):
        station.serve()
        station.back_up(keep=1)
    assert set(lost) < station.present()
    assert len(station.present()) == 3


def test_copies_from_before_it_was_restored_stay_and_are_told(station: Station) -> None:
    station.serve()
    old = station.back_up().path
    station.serve()
    ahead = station.back_up().path
    shutil.copyfile(old, station.ledger)
    for _round in range(3):
        station.serve()
        made = station.back_up(keep=2)
    assert ahead in station.present()
    assert len(station.present()) == 3
    assert ahead.name in "".join(made.notices)


def test_what_cannot_be_read_and_what_is_somebodys_own_stays(station: Station) -> None:
    station.serve()
    damaged, own, in_use = (station.back_up().path for _round in range(3))
    damaged.write_bytes(b"torn")
    in_use.with_name(f"{in_use.name}-wal").touch()
    own = own.rename(own.with_name("ledger-before-the-move.db"))
    link = station.copies / "ledger-20200101T000000.000000Z.db"
    link.symlink_to(own)
    (station.copies / "notes.txt").write_text("mine")
    station.back_up(keep=1)
    made = station.back_up(keep=1)
    assert station.present() >= {damaged, own, in_use, link, station.copies / "notes.txt", made.path}
    assert len(station.present()) == 7
    (told,) = made.notices
    assert damaged.name in told
    assert in_use.name in told


def damage_schema(path: Path) -> None:
    """Have the schema hold what is no UTF-8: SQLite quotes it."""
    data = path.read_bytes()
    index, at = b"indexioto_events_atioto_events", b"_\xff\xc3"
    assert index in data
    path.write_bytes(data.replace(index, index.replace(b"_at", at)))


def test_a_damaged_schema_is_told_in_a_sentence_and_a_copy_with_one_stays(station: Station) -> None:
    station.serve()
    damaged = station.back_up().path
    damage_schema(damaged)
    made = station.back_up(keep=1)
    (notice,) = made.notices
    assert "cannot be read" in notice and damaged.name in notice and damaged.exists()
    damage_schema(station.ledger)
    with pytest.raises(LedgerError, match=r"could not be copied .* damaged"):
        station.back_up()


def test_a_ledger_that_another_process_has_for_itself_is_not_waited_for_without_end(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.serve()
    made = station.back_up().path
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT", 0.05)
    with closing(sqlite3.connect(made, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match=r"could not be copied .* had it for itself for more than"):
            back_up(str(made), station.copies / "of-the-copy", keep=3)
    assert back_up(str(made), station.copies / "of-the-copy", keep=3).path.is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_what_may_not_be_looked_at_is_one_sentence(station: Station, tmp_path: Path) -> None:
    station.serve()
    made = station.back_up().path
    script = """
import os, sys
from pathlib import Path
from plugins.plugin_utils.ledger.backup import back_up
from plugins.plugin_utils.ledger.records import LedgerError
from plugins.plugin_utils.ledger.restore import restore
mine, locked, copy = map(Path, sys.argv[1:])
os.setuid(65534)
for work in (
    lambda: back_up(str(copy), locked / "copies", keep=3),
    lambda: back_up(str(locked / "ledger.db"), mine, keep=3),
    lambda: restore(str(mine / "ledger.db"), locked / "copy.db", check=True),
    lambda: restore(str(locked / "ledger.db"), copy, check=True),
):
    try:
        work()
    except LedgerError as error:
        print(error)
"""
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        copy, locked, mine = folder / "copy.db", folder / "locked", folder / "mine"
        shutil.copy(made, copy)
        copy.chmod(0o644)
        locked.mkdir(mode=0o700)
        mine.mkdir(mode=0o700)
        os.chown(mine, 65534, 65534)
        command = (sys.executable, "-c", script, mine, locked, copy)
        done = subprocess.run(command, cwd=documents.ROOT, capture_output=True, text=True, check=True)
    finally:
        shutil.rmtree(folder)
    said = done.stdout.splitlines()
    assert len(said) == 4 and all("ermission denied" in line for line in said), done.stdout


@pytest.mark.parametrize("keep", [0, -1])
def test_no_copy_to_keep_is_refused(station: Station, keep: int) -> None:
    station.serve()
    with pytest.raises(LedgerError, match=rf"^{keep} copies cannot be kept; keep 1 or more\.$"):
        station.back_up(keep=keep)
    assert not station.copies.exists()


def test_backups_at_once_make_a_copy_each(station: Station) -> None:
    station.serve()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _number: station.back_up(keep=4).path, range(4)))
    assert station.present() == set(made)
    assert len(set(made)) == 4


def test_a_backup_killed_at_any_instant_leaves_nothing_that_the_next_one_does_not_remove(station: Station) -> None:
    station.serve(20_000)
    command = (*BACKUP, "--ledger", station.ledger, "--keep", "2", station.copies)
    chance = random.Random(14)
    for _round in range(12):
        with subprocess.Popen(command, cwd=documents.ROOT, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(chance.uniform(0.1, 0.8))
            except subprocess.TimeoutExpired:
                process.kill()
        assert all(units_in(copy) == 20_000 for copy in station.copies.glob("*.db"))
    done = subprocess.run(command, cwd=documents.ROOT, capture_output=True, text=True, check=True)
    copies = station.present()
    assert Path(done.stdout.strip()) in copies
    assert len(copies) <= 2
    assert all(re.fullmatch(r"ledger-\w+\.\w+\.db", copy.name) for copy in copies)


def test_the_guide_restores_a_ledger(service_with: ServiceMaker, tmp_path: Path) -> None:
    """What the guide has people type: copy, lose the ledger, restore it; the service goes on with what it knew."""
    folder = tmp_path / "ioto-service"
    folder.mkdir(mode=0o700)
    service = service_with(folder / "ledger.db")
    served = {f"SN-{number}": service.claim(f"SN-{number}") for number in range(20)}
    copied = subprocess.run(
        (*BACKUP, "--ledger", folder / "ledger.db", folder / "backup"),
        cwd=documents.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (copy,) = (folder / "backup").iterdir()
    assert copied.stdout == f"{copy}\n"
    service.claim("SN-after-the-copy")
    service.kill()
    for part in folder.glob("ledger.db-*"):  # what a disk may do: the ledger is damaged, its log gone
        part.unlink()
    (folder / "ledger.db").write_bytes(os.urandom(5000))

    stop, *lines, start = restoring(folder)
    assert stop.startswith("systemctl stop ioto-service.service ")
    assert start.startswith("systemctl start ioto-service.service ")
    subprocess.run(("sh", "-euc", "\n".join(lines)), check=True)
    service.start()

    assert {serial: service.claim(serial) for serial in served} == served
    assert (folder / "ledger.db").stat().st_mode & 0o777 == 0o600
    assert copy.exists()
    (before,) = folder.glob("before-restore-*")
    assert (before / "ledger.db").stat().st_size == 5000


def restoring(folder: Path) -> list[str]:
    """The lines of the guide, for the ledger in `folder` and whoever runs the tests."""
    (block,) = (
        block
        for block in documents.blocks("docs/docsite/rst/backup.rst")
        if "before-restore-" in block.text and "systemctl" in block.text
    )
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    text = block.text.replace("/var/lib/ioto-service", str(folder))
    return text.replace("-o ioto-service -g ioto-service", f"-o {user} -g {group}").strip().splitlines()
