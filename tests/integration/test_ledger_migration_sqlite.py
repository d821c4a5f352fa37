# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger in a file is migrated when it is opened to be written: what is kept, and what is told."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations import on_sqlite
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.command import migrate_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.steps import SCHEMA_VERSION
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    Context,
    LedgerError,
    NewEvent,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.cli import main as service
from tests.services.migration_kills import kill_on_sqlite
from tests.support.ansible import ROOT, provision
from tests.support.old_ledger import lay_down, rows, schema_of

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
CONTEXT = Context("ann@line-1")
COLLECTIONS = str(ROOT / "playbooks/collections")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    place = tmp_path / "ledger.db"
    lay_down(str(place))
    return place


def copies(old: Path) -> list[Path]:
    return sorted(old.parent.glob("ledger.schema-1.*.db"))


def test_a_copy_of_the_old_ledger_is_kept_for_its_owner_alone(old: Path) -> None:
    before = schema_of(str(old)), rows(str(old), "ioto_claims"), rows(str(old), "ioto_events")
    umask = os.umask(0)
    try:
        Ledger(old).close()
    finally:
        os.umask(umask)
    (copy,) = copies(old)
    assert (schema_of(str(copy)), rows(str(copy), "ioto_claims"), rows(str(copy), "ioto_events")) == before
    assert stat.S_IMODE(copy.stat().st_mode) == stat.S_IMODE(old.stat().st_mode) == 0o600
    assert sorted(path.name for path in old.parent.iterdir()) == sorted([copy.name, old.name])
    # It can be used as it stands, and is none that the service's backups would ever remove.
    assert not list(old.parent.glob("ledger-*.db"))


def test_a_copy_is_never_written_over(old: Path, tmp_path: Path) -> None:
    Ledger(old).close()
    (first,) = copies(old)
    kept = first.read_bytes()
    old.write_bytes(kept)
    Ledger(old).close()
    assert len(copies(old)) == 2
    assert first.read_bytes() == kept


def test_opening_tells_that_it_migrated_and_where_the_copy_is(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    Ledger(old).close()
    (copy,) = copies(old)
    assert caplog.messages == [
        f"The ledger {old} was brought from schema 1 to schema {SCHEMA_VERSION}; as it was, it is kept in {copy}."
    ]
    Ledger(old).close()
    assert len(caplog.messages) == 1


def test_who_only_reads_changes_nothing(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = old.read_bytes()
    with Ledger(old, read_only=True) as ledger:
        assert ledger.summary().total == 38
        assert len(list(ledger.events())) == 90
        assert len(ledger.conflicts()) == 5
        with pytest.raises(LedgerError, match="open for reading only"):
            ledger.record(NewEvent(EventKind.CHECKED, CONTEXT))
    assert old.read_bytes() == before
    assert [path.name for path in old.parent.iterdir()] == ["ledger.db"]
    assert caplog.messages == []


def test_check_mode_says_what_would_be_done(old: Path) -> None:
    before = old.read_bytes()
    outcome = migrate_ledger(str(old), check=True)
    assert outcome.migration == (1, SCHEMA_VERSION, None)
    assert old.read_bytes() == before


def test_what_another_process_wrote_just_before_is_in_the_copy_and_in_the_ledger(old: Path) -> None:
    other = sqlite3.connect(old)
    other.execute("INSERT INTO ioto_events (at, action, actor) VALUES ('2026-11-27 08:00:00.000000', 'checked', 'ann')")
    other.commit()  # it is in the -wal alone
    Ledger(old).close()
    other.close()
    (copy,) = copies(old)
    assert len(rows(str(copy), "ioto_events")) == len(rows(str(old), "ioto_events")) == 91


def test_an_older_process_that_holds_it_cannot_write_events_any_more(old: Path) -> None:
    """As the code of schema 1 writes them: whole, or not at all."""
    older = sqlite3.connect(old, isolation_level=None)
    older.execute("SELECT version FROM ioto_ledger").fetchall()
    Ledger(old).close()
    older.execute("BEGIN IMMEDIATE")
    older.execute("UPDATE ioto_claims SET host = 'x' WHERE seq = 1")
    with pytest.raises(sqlite3.IntegrityError, match=r"NOT NULL constraint failed: ioto_events\.key"):
        older.execute(
            "INSERT OR ROLLBACK INTO ioto_events (at, action, actor) VALUES ('2026-11-27 08:00:00', 'checked', 'ann')"
        )
    assert not older.in_transaction
    older.close()
    assert rows(str(old), "ioto_claims", "seq, host")[0] == (1, "bench-1")


@as_root
@pytest.mark.parametrize("room", [70, 100, 170])
def test_a_full_disk_leaves_the_old_ledger(old: Path, tmp_path: Path, room: int) -> None:
    """Where the copy does not fit, and where it does and the new tables do not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = (old.stat().st_size + 4096) // 1024
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size + room}k", "tmpfs", disk], check=True)
    try:
        place = disk / "ledger.db"
        place.write_bytes(old.read_bytes())
        before = schema_of(str(place)), rows(str(place), "ioto_events")
        with pytest.raises(LedgerError, match=r"stays as it is, because the disk is full: .*free some space and run"):
            Ledger(place)
        assert [path.name for path in disk.iterdir()] == ["ledger.db"]
        assert (schema_of(str(place)), rows(str(place), "ioto_events")) == before
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        Ledger(place).close()
        assert rows(str(place), "ioto_ledger", "version") == [(SCHEMA_VERSION,)]
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@as_root
def test_a_disk_that_is_read_only_is_one_sentence(old: Path) -> None:
    subprocess.run(["mount", "--bind", "-o", "ro", old.parent, old.parent], check=True)
    try:
        with pytest.raises(LedgerError, match=r"permission|mounted read-only"):
            Ledger(old)
    finally:
        subprocess.run(["umount", "--lazy", old.parent], check=True)
    assert rows(str(old), "ioto_ledger", "version") == [(1,)]


def test_who_waits_for_a_migration_that_does_not_end_is_told(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_sqlite, "PATIENCE", 0)
    with on_sqlite._alone(old), pytest.raises(LedgerError, match="is being migrated by another process"):
        Ledger(old)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_what_a_killed_process_left_is_gone_after_the_next(old: Path) -> None:
    if (child := os.fork()) == 0:
        # After the copy, and before the commit.
        on_sqlite.take_steps = lambda *_arguments: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
        Ledger(old)
    os.waitpid(child, 0)
    assert any(entry.name.startswith(".ioto-draft-") for entry in old.parent.iterdir())
    Ledger(old).close()
    assert sorted(old.parent.iterdir()) == sorted([old, *copies(old)])


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("schema", [1, 2])
def test_killed_at_any_instant_it_is_the_old_one_or_the_new_one(tmp_path: Path, schema: int) -> None:
    found = kill_on_sqlite(tmp_path, 12, times=20, schema=schema)
    assert found["old"] + found["new"] == 12


def test_the_service_has_a_command_for_it(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert service(["migrate", "--ledger", str(old)]) == 0
    assert f"The ledger {old} was brought from schema 1 to schema {SCHEMA_VERSION}" in capsys.readouterr().out
    assert service(["migrate", "--ledger", str(old)]) == 0
    assert "has today's schema" in capsys.readouterr().out
    assert service(["migrate", "--ledger", f"{old}x"]) == 1


@pytest.mark.ansible
def test_a_task_that_opens_it_warns_once(old: Path, home: Path, tmp_path: Path) -> None:
    reserve = f"ioto.serialization.ledger_entry: {{action: resolve, claim_id: JT08FFQXWQ, reason: x, ledger: {old}}}"
    playbook = tmp_path / "twice.yml"
    playbook.write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks: [{{{reserve}}}, {{{reserve}}}]\n")
    run = provision(home, playbook=playbook, ANSIBLE_COLLECTIONS_PATH=COLLECTIONS)
    assert run.status == 0, run.output
    assert (
        " ".join(run.output.split()).count(
            f"was brought from schema 1 to schema {SCHEMA_VERSION}; as it was, it is kept in"
        )
        == 1
    )
