# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup takes the place of a ledger: nothing that was there is lost, and what is no sound backup changes nothing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.backup import back_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import DamagedLedgerError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import (
    Context,
    LedgerError,
    ReserveRequest,
    State,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.restore import restore
from ansible_collections.ioto.serialization.plugins.plugin_utils.private_files import TypedPathError
from tests.support.ansible import ROOT

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"
CONTEXT = Context("tester@bench")
KILLS = 20

# A process that is killed while it has the ledger open, so that the newest events are in its log alone.
RESERVE_AND_DIE = """
import os, signal, sys
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context, ReserveRequest
ledger = Ledger(sys.argv[1])
ledger.reserve(ReserveRequest(sys.argv[2], 1, context=Context("killed")))
os.kill(os.getpid(), signal.SIGKILL)
"""


def reserve(path: Path) -> str:
    with Ledger(path) as ledger:
        return ledger.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))[0].claim_id


def held(path: Path) -> dict[str, State]:
    with Ledger(path, read_only=True) as ledger:
        assert not ledger.is_absent
        return {claim.claim_id: claim.state for claim in ledger.claims()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def backup(path: Path, tmp_path: Path) -> Path:
    """A backup of a ledger with one claim, from which the ledger has gone on since."""
    first = reserve(path)
    made = back_up(str(path), tmp_path / "backup", keep=3).path
    with Ledger(path) as ledger:
        ledger.retire(first, reason="scrapped", context=CONTEXT)
    reserve(path)
    return made


def test_the_ledger_is_what_the_backup_was_and_the_old_one_is_kept_whole(path: Path, backup: Path) -> None:
    before = held(path)
    assert restore(str(path), backup, check=True).lacking == 2
    assert held(path) == before

    done = restore(str(path), backup, check=False)

    assert held(path) == held(backup)
    assert done.lacking == 2  # the claim that was made since, and the one that was retired
    assert done.kept is not None
    assert held(done.kept) == before
    assert path.stat().st_mode & 0o777 == 0o600
    reserve(path)
    assert len(held(path)) == 2


def test_what_only_the_log_of_a_killed_process_has_is_kept_and_is_never_played_into_the_backup(
    path: Path, backup: Path
) -> None:
    died = subprocess.run(
        [sys.executable, "-c", RESERVE_AND_DIE, path, PRODUCT],
        env={"PYTHONPATH": str(ROOT / "playbooks/collections")},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert path.with_name("ledger.db-wal").stat().st_size

    done = restore(str(path), backup, check=False)

    assert held(path) == held(backup)
    assert done.kept is not None
    assert len(held(done.kept)) == 3
    reserve(path)


def test_a_ledger_that_is_gone_or_damaged_is_replaced(path: Path, backup: Path) -> None:
    for damage in (lambda: path.write_bytes(b"no ledger"), path.unlink):
        damage()
        done = restore(str(path), backup, check=False)
        assert held(path) == held(backup)
        assert done.lacking is None
        assert (done.kept is not None and done.kept.read_bytes() == b"no ledger") or damage == path.unlink


def test_who_has_the_old_ledger_open_records_nothing_more(path: Path, backup: Path) -> None:
    with Ledger(path) as open_before:
        open_before.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
        restore(str(path), backup, check=False)
        with pytest.raises(LedgerError, match="nothing was recorded"):
            open_before.reserve(ReserveRequest(PRODUCT, 1, context=CONTEXT))
    assert held(path) == held(backup)
    reserve(path)


def test_a_restore_that_is_killed_at_any_instant_leaves_one_of_the_two_whole(path: Path, backup: Path) -> None:
    restored = held(backup)
    began = time.monotonic()
    restore(str(path), backup, check=False)
    seconds = time.monotonic() - began
    for number in range(KILLS):
        reserve(path)
        before = held(path)
        process = get_context("fork").Process(target=restore, args=(str(path), backup), kwargs={"check": False})
        process.start()
        process.join(seconds * number / KILLS)
        process.kill()
        process.join()
        assert held(path) in (before, restored)
    # As a new process: this one looked for what others left before any of them was killed.
    process = get_context("spawn").Process(target=restore, args=(str(path), backup), kwargs={"check": False})
    process.start()
    process.join()
    assert held(path) == restored
    assert [file.name for file in path.parent.glob(".ioto-draft-*")] == []


def test_a_backup_in_which_something_is_found_changes_nothing(path: Path, backup: Path) -> None:
    before = held(path)
    with sqlite3.connect(backup) as database:
        database.execute("DROP TRIGGER IF EXISTS ioto_claims_kept")
        database.execute("UPDATE ioto_claims SET state = 'retired'")
    with pytest.raises(DamagedLedgerError):
        restore(str(path), backup, check=False)
    assert held(path) == before


@pytest.mark.parametrize(
    ("ledger", "source", "sentence"),
    [
        ("{path}", "nowhere.db", "There is no backup"),
        ("{path}", "{path}", "is the ledger itself"),
        ("postgresql://db.example/claims", "{backup}", "pg_restore"),
    ],
)
def test_what_cannot_be_restored_is_one_sentence(
    path: Path, backup: Path, ledger: str, source: str, sentence: str
) -> None:
    before = held(path)
    place, file = (text.format(path=path, backup=backup) for text in (ledger, source))
    with pytest.raises(IotoError, match=sentence):
        restore(place, Path(file), check=False)
    assert held(path) == before


def test_a_backup_below_the_home_of_nobody_is_refused_with_a_sentence(path: Path) -> None:
    with pytest.raises(TypedPathError, match=r"begins with a user whom nobody knows here; correct it\.$"):
        restore(str(path), Path("~nosuch/copy.db"), check=True)
