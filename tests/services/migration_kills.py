# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill a migration at any instant, again and again: the ledger is the old one or the new one, whole."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.command import migrate_ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.migrations.steps import SCHEMA_VERSION
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import LedgerError
from tests.services.postgresql import PostgresqlServer
from tests.support.old_ledger import execute, lay_down, rows, schema_of

CLAIM = "seq, claim_id, product, unit, state, source, created_at, updated_at, host, reason"
EVENT = "id, at, action, claim_id, product, unit, actor, host, detail"
_ACTOR = EVENT.split(", ").index("actor")
_MIGRATION = "migration to schema 3"
_MORE = {
    1: (
        "INSERT INTO ioto_events (at, action, claim_id, product, unit, actor, host, detail) "
        "SELECT e.at, e.action, e.claim_id, e.product, e.unit, e.actor, e.host, e.detail "
        "FROM ioto_events AS e, ({}) AS n"
    ),
    2: (
        "INSERT INTO ioto_claims (claim_id, product, unit, state, source, created_at, updated_at, host, details) "
        "SELECT c.claim_id || '-' || n.i, c.product, c.unit || '-' || n.i, c.state, c.source, c.created_at, "
        "c.updated_at, c.host, c.details FROM ioto_claims AS c, ({}) AS n WHERE c.unit IS NOT NULL"
    ),
}
"""What there is many times: what takes long to migrate from that schema."""
_NUMBERS = {
    False: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n",
    True: "SELECT generate_series(1, {}) AS i",
}
_fork = multiprocessing.get_context("fork")


def lay_down_more(location: str, times: int, schema: int) -> None:
    """Lay down an old ledger which holds so much that its migration takes a while."""
    lay_down(location, schema)
    execute(location, _MORE[schema].format(_NUMBERS[location.startswith("postgresql")].format(times)))


def kill_on_sqlite(folder: Path, kills: int, *, times: int, schema: int = 1) -> Counter[str]:
    """Kill the migration of a file of that schema so often, and count what it was afterwards."""
    template = folder / f"template-{schema}.db"
    lay_down_more(str(template), times, schema)
    with closing(sqlite3.connect(template)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    places = (folder / f"ledger-{schema}-{number}" / "ledger.db" for number in count())
    place = next(places)

    def renew() -> str:
        # Another folder: a process that has swept one, and those forked from it, look for no litter there again.
        nonlocal place
        shutil.rmtree(place.parent, ignore_errors=True)
        place = next(places)
        place.parent.mkdir()
        shutil.copy(template, place)
        return str(place)

    found = _kill(renew, kills, _kill_client, str(folder / f"fresh-{schema}.db"), schema)
    # Of what was killed, the next one left nothing: only whole copies, and the ledger.
    litter = {path.name for path in place.parent.iterdir()} - {place.name, f"{place.name}-wal", f"{place.name}-shm"}
    assert all(f".schema-{schema}." in name for name in litter), litter
    for copy in place.parent.glob(f"*.schema-{schema}.*"):
        for table in ("ioto_claims", "ioto_events"):
            assert rows(str(copy), table) == rows(str(template), table)
        assert copy.stat().st_mode & 0o777 == 0o600
    return found


def kill_on_postgresql(
    server: PostgresqlServer, kills: int, *, times: int, of_server: bool = False, schema: int = 1
) -> Counter[str]:
    """Kill who migrates, or the server, so often, and count what the ledger of that schema was afterwards."""

    def renew() -> str:
        place = server.new_url()
        lay_down_more(place, times, schema)
        return place

    def kill_server(_client: int) -> None:
        server.kill()
        server.start()

    return _kill(renew, kills, kill_server if of_server else _kill_client, server.new_url(), schema)


def _kill(renew: Callable[[], str], kills: int, kill: Callable[[int], None], fresh: str, schema: int) -> Counter[str]:
    Ledger(fresh).close()
    place = renew()
    before, schemas = _content(place), {schema: schema_of(place), SCHEMA_VERSION: schema_of(fresh)}
    began = time.monotonic()
    first = _fork.Process(target=_migrate, args=(place,), daemon=True)  # as those that are killed
    first.start()
    first.join()
    seconds = time.monotonic() - began
    contents = {schema: before, SCHEMA_VERSION: _content(place)}
    assert contents[SCHEMA_VERSION][:2] == before[:2]
    found: Counter[str] = Counter()
    place = renew()
    for delay in _delays(seconds, kills):
        client = _fork.Process(target=_migrate, args=(place,), daemon=True)
        client.start()
        client.join(delay)  # at any instant
        if client.exitcode is not None:
            found["done before the kill"] += 1
        kill(client.pid or 0)
        client.join(60)
        ((version, *_identity),) = rows(place, "ioto_ledger")
        found["old" if version == schema else "new"] += 1
        assert schema_of(place) == schemas[version]
        assert _content(place) == contents[version]
        if version == SCHEMA_VERSION:
            place = renew()
    migrate_ledger(place)
    assert schema_of(place) == schemas[SCHEMA_VERSION]
    assert _content(place) == contents[SCHEMA_VERSION]
    return found


def _migrate(place: str) -> None:
    try:
        migrate_ledger(place)
    except LedgerError:  # the server was killed
        os._exit(3)


def _kill_client(client: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(client, signal.SIGKILL)


def _delays(seconds: float, kills: int) -> Iterator[float]:
    return (random.uniform(0, 1.2 * seconds) for _n in range(kills))


class _Content(NamedTuple):
    claims: list[tuple[object, ...]]
    events: list[tuple[object, ...]]
    added: list[tuple[object, ...]]
    """Events of the migration, without their numbers: PostgreSQL gives none twice, also to who was killed."""
    details: list[tuple[object, ...]]
    """With what was among them, where the ledger has columns for it."""


def _content(place: str) -> _Content:
    ((version, *_identity),) = rows(place, "ioto_ledger")
    moved = ", run, twin, unsettled_at" if version == SCHEMA_VERSION else ""
    return _Content(
        rows(place, "ioto_claims", CLAIM),
        [event for event in rows(place, "ioto_events", EVENT) if event[_ACTOR] != _MIGRATION],
        [event[1:] for event in rows(place, "ioto_events", EVENT) if event[_ACTOR] == _MIGRATION],
        rows(place, "ioto_claims", f"seq, details{moved}"),
    )
