# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single bits flipped in the file of a ledger: each is found by the check, or changes nothing that it is there to see.

`IOTO_FLIPPED_BITS=300 pytest tests/integration/test_ledger_flipped_bits.py -s` flips more, and prints what became of
each.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import IotoError
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.integrity.check import check_integrity
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import AllocationRequest
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.seals import seal_events
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.tasks import query_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.option_table import options_of
from tests.support.ledgers import CONTEXT, PRODUCT, fill

SEED = 20261127
FLIPS = int(os.environ.get("IOTO_FLIPPED_BITS", "60"))
NOT_COVERED = {
    *("ioto_claims.host", "ioto_claims.details", "ioto_claims.updated_at"),
    # of a claim that was imported
    *("ioto_claims.source", "ioto_claims.created_at"),
    "ioto_ledger.identity",
}
"""What the guide says that the check cannot see."""

QUESTION = {name: option.default for name, option in options_of("ledger_info").items()}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a ledger in which all events are sealed."""
    path = tmp_path_factory.mktemp("sound") / "ledger.db"
    with Ledger(path) as ledger:
        fill(ledger, 300)
        seal_events(ledger.database)
        report = check_integrity(ledger.database)
        assert (report.findings, report.unsealed) == ([], 0)
    return path.read_bytes()


def test_a_flipped_bit_is_found_or_without_meaning(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    chance = random.Random(SEED)
    before = content(path, sound)
    outcomes: Counter[str] = Counter()
    wrong = []
    for number in range(FLIPS):
        at, bit = chance.randrange(len(sound)), chance.randrange(8)
        damaged = bytearray(sound)
        damaged[at] ^= 1 << bit
        outcome = verdict(path, bytes(damaged), before)
        outcomes[outcome.split(":")[0]] += 1
        if outcome.startswith(("silent", "traceback")):
            wrong.append(f"flip {number}, byte {at}, bit {bit}: {outcome}")
    print("", f"{FLIPS} flipped bits in {len(sound)} bytes: {dict(outcomes)}", *wrong, sep="\n")
    assert wrong == []


def verdict(path: Path, damaged: bytes, before: dict[str, list[Any]] | None) -> str:
    """Return what became of a damaged ledger, with the check, a look and an allocation, each for itself."""
    use: Callable[..., object] = findings
    try:
        found = findings(write(path, damaged))
        for use in (look, allocate_old, allocate_new):
            attempt(use, write(path, damaged))
    except Exception as error:  # anything but a sentence is what must not be
        return f"traceback: {use.__name__}: {type(error).__name__}: {error}"
    if found:
        return f"found: {found[0]}"
    after = content(path, damaged)
    if after == before:
        return "without meaning"
    changed = differing_columns(before, after)
    return f"{'not covered' if changed <= NOT_COVERED else 'silent'}: {', '.join(sorted(changed))}"


def write(path: Path, data: bytes) -> Path:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(data)
    return path


def findings(path: Path) -> list[str]:
    try:
        with Ledger(path, read_only=True) as ledger:
            return check_integrity(ledger.database).findings
    except IotoError as error:
        return [str(error)]


def attempt(use: Callable[[Ledger], object], path: Path) -> None:
    try:
        with Ledger(path) as ledger:
            use(ledger)
    except IotoError:
        pass


def look(ledger: Ledger) -> None:
    query_ledger(ledger, {**QUESTION, "limit": 1000, "history": True}, check=False)


def allocate_old(ledger: Ledger) -> None:
    ledger.allocate(AllocationRequest(PRODUCT, "SN-000017", "generated", CONTEXT))


def allocate_new(ledger: Ledger) -> None:
    ledger.allocate(AllocationRequest(PRODUCT, "SN-NEW", "generated", CONTEXT))


def content(path: Path, data: bytes) -> dict[str, list[Any]] | None:
    """Return everything that the file says, by table; None where it cannot be read whole."""
    write(path, data)
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
            return {name: list(rows(connection, name)) for name in ("sqlite_schema", *tables(connection))}
    except sqlite3.Error:
        return None


def tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]


def rows(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, object]]:
    cursor = connection.execute(f"SELECT rowid, * FROM {table} NOT INDEXED ORDER BY rowid")
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield {name: (type(value).__name__, value) for name, value in zip(names, row, strict=True)}


def differing_columns(before: dict[str, list[Any]] | None, after: dict[str, list[Any]] | None) -> set[str]:
    if before is None or after is None:
        return {"everything"}
    changed = set()
    for table in before.keys() | after.keys():
        was, now = before.get(table, []), after.get(table, [])
        if len(was) != len(now):
            changed.add(f"{table} as a whole")
        for old, new in zip(was, now, strict=False):
            changed |= {f"{table}.{name}" for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return changed
