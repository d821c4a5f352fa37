# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schema 2: what the ledger needs for decades, in one migration.

An event says in which run it was, who stood at the line, and why, and has a key that is the same wherever the event
is moved to. What grew with the ledger is counted as it changes: the claims by state, the conflicts that are open.
Seals get their table. The ledger has an identity, by which its copies are known.

The key of an old event and the identity follow from what is there: two copies that are migrated apart agree. A process
of the older version knows no keys, so from the commit on its events are refused.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sqlalchemy.engine import Connection

from .grants import Grant, share

_KEY_LENGTH = 32
_IDENTITY_LENGTH = 16

_EVENT = ("id", "at", "action", "claim_id", "product", "unit", "actor", "host", "detail")

# SQLite adds no column that is never NULL, and the guards let nobody fill it in later: the tables are made anew.
_BLOBS = ", ".join(f"CAST({name} AS BLOB)" for name in _EVENT)
_EVENTS_ON_SQLITE = (
    "DROP TRIGGER ioto_events_fixed",
    "DROP TRIGGER ioto_events_kept",
    "ALTER TABLE ioto_events RENAME TO ioto_events_1",
    """CREATE TABLE ioto_events (
        id INTEGER NOT NULL, at DATETIME NOT NULL, action TEXT NOT NULL, claim_id TEXT, product TEXT, unit TEXT,
        actor TEXT NOT NULL, host TEXT, detail TEXT, run TEXT, operator TEXT, reason TEXT, key TEXT NOT NULL,
        PRIMARY KEY (id)
    )""",
    # As bytes: a text with a flipped bit is kept as it is, for the check to name.
    f"INSERT INTO ioto_events ({', '.join(_EVENT)}, key) "  # noqa: S608
    f"SELECT {', '.join(_EVENT)}, ioto_event_key({_BLOBS}) FROM ioto_events_1 ORDER BY id",
    "DROP TABLE ioto_events_1",
    "CREATE INDEX ioto_events_claim ON ioto_events (claim_id) WHERE action <> 'allocated'",
    "CREATE INDEX ioto_events_at ON ioto_events (at)",
    "CREATE INDEX ioto_events_unit ON ioto_events (unit)",
    "CREATE INDEX ioto_events_conflict ON ioto_events (id) WHERE action = 'conflict'",
    """CREATE TRIGGER ioto_events_fixed BEFORE UPDATE ON ioto_events FOR EACH ROW
    BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END""",
    """CREATE TRIGGER ioto_events_kept BEFORE DELETE ON ioto_events FOR EACH ROW
    BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END""",
)
_LEDGER_ON_SQLITE = (
    "ALTER TABLE ioto_ledger RENAME TO ioto_ledger_1",
    "CREATE TABLE ioto_ledger (version INTEGER NOT NULL, identity TEXT NOT NULL, PRIMARY KEY (version))",
    "INSERT INTO ioto_ledger SELECT version, '{identity}' FROM ioto_ledger_1",
    "DROP TABLE ioto_ledger_1",
)
_SEALS_ON_SQLITE = (
    """CREATE TABLE ioto_seals (
        seq INTEGER NOT NULL, first_event BIGINT NOT NULL, last_event BIGINT NOT NULL, events INTEGER NOT NULL,
        at DATETIME NOT NULL, hash TEXT NOT NULL,
        PRIMARY KEY (seq)
    )""",
    """CREATE TRIGGER ioto_seals_fixed BEFORE UPDATE ON ioto_seals FOR EACH ROW
    BEGIN SELECT RAISE(ABORT, 'a seal is never changed'); END""",
    """CREATE TRIGGER ioto_seals_kept BEFORE DELETE ON ioto_seals FOR EACH ROW
    BEGIN SELECT RAISE(ABORT, 'a seal is never deleted'); END""",
)

# PostgreSQL computes the keys while it makes the new column's table, for which no guard fires.
_PARTS = (
    "id::text",
    "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    *_EVENT[2:],
)
_CONTENT = " || ".join(f"coalesce(octet_length(convert_to({part}, 'UTF8')) || ':' || {part}, '-')" for part in _PARTS)
_EVENTS_ON_POSTGRESQL = (
    "ALTER TABLE ioto_events "
    "ADD COLUMN run TEXT, ADD COLUMN operator TEXT, ADD COLUMN reason TEXT, ADD COLUMN key TEXT",
    "ALTER TABLE ioto_events ALTER COLUMN key TYPE TEXT "
    f"USING substr(encode(sha256(convert_to({_CONTENT}, 'UTF8')), 'hex'), 1, {_KEY_LENGTH}), "
    "ALTER COLUMN key SET NOT NULL",
)
_LEDGER_ON_POSTGRESQL = (
    "ALTER TABLE ioto_ledger ADD COLUMN identity TEXT",
    "UPDATE ioto_ledger SET identity = '{identity}'",
    "ALTER TABLE ioto_ledger ALTER COLUMN identity SET NOT NULL",
)
_SEALS_ON_POSTGRESQL = (
    """CREATE TABLE ioto_seals (
        seq BIGSERIAL NOT NULL, first_event BIGINT NOT NULL, last_event BIGINT NOT NULL, events INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL, hash TEXT NOT NULL,
        PRIMARY KEY (seq)
    )""",
    """CREATE FUNCTION ioto_seals_fixed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a seal is never changed'; END $$""",
    """CREATE TRIGGER ioto_seals_fixed BEFORE UPDATE ON ioto_seals FOR EACH ROW
    EXECUTE FUNCTION ioto_seals_fixed()""",
    """CREATE FUNCTION ioto_seals_kept() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a seal is never deleted'; END $$""",
    """CREATE TRIGGER ioto_seals_kept BEFORE DELETE ON ioto_seals FOR EACH ROW
    EXECUTE FUNCTION ioto_seals_kept()""",
    """CREATE TRIGGER ioto_seals_kept_whole BEFORE TRUNCATE ON ioto_seals FOR EACH STATEMENT
    EXECUTE FUNCTION ioto_seals_kept()""",
)

_ON_BOTH = (
    "CREATE INDEX ioto_events_run ON ioto_events (id) WHERE action = 'run'",
    "CREATE INDEX ioto_events_of_run ON ioto_events (run) WHERE run IS NOT NULL",
    "CREATE INDEX ioto_claims_retired ON ioto_claims (unit) WHERE state = 'retired'",
    """CREATE TABLE ioto_counts (
        product TEXT NOT NULL, state TEXT NOT NULL, reserved INTEGER NOT NULL, slot INTEGER NOT NULL,
        number BIGINT NOT NULL,
        PRIMARY KEY (product, state, reserved, slot)
    )""",
    """INSERT INTO ioto_counts (product, state, reserved, slot, number)
    SELECT product, state, reserved, 0, count(*) FROM (
        SELECT product, state, CASE WHEN unit IS NULL AND state <> 'retired' THEN 1 ELSE 0 END AS reserved
        FROM ioto_claims
    ) AS kinds GROUP BY product, state, reserved""",
    """CREATE TABLE ioto_open_conflicts (
        event BIGINT NOT NULL, claim_id TEXT, product TEXT, unit TEXT,
        PRIMARY KEY (event)
    )""",
    """INSERT INTO ioto_open_conflicts (event, claim_id, product, unit)
    SELECT id, claim_id, product, unit FROM ioto_events AS asked WHERE action = 'conflict' AND NOT EXISTS (
        SELECT 1 FROM ioto_events AS later
        WHERE later.id > asked.id AND later.unit = asked.unit AND later.product = asked.product
        AND later.action IN ('allocated', 'bound', 'rebound', 'imported', 'verified', 'resolved')
    )""",
    "CREATE INDEX ioto_open_conflicts_unit ON ioto_open_conflicts (product, unit)",
    "CREATE INDEX ioto_open_conflicts_claim ON ioto_open_conflicts (claim_id, product, unit)",
)
_SHARES = (
    # Who may write events writes these tables as well, and who may read events reads them.
    Grant("ioto_seals", "SELECT", of="SELECT"),
    Grant("ioto_seals", "INSERT", of="INSERT"),
    Grant("ioto_counts", "SELECT", of="SELECT"),
    Grant("ioto_counts", "INSERT, UPDATE", of="INSERT"),
    Grant("ioto_open_conflicts", "SELECT", of="SELECT"),
    Grant("ioto_open_conflicts", "INSERT, DELETE", of="INSERT"),
    Grant("ioto_seals_seq_seq", "USAGE", of="INSERT", kind="SEQUENCE"),
)


def migrate(connection: Connection) -> None:
    """Bring a ledger of schema 1 to 2 in the caller's transaction."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        driver: Any = connection.connection.driver_connection
        driver.create_function("ioto_event_key", len(_EVENT), _event_key, deterministic=True)
    _run(connection, *(_EVENTS_ON_SQLITE if is_sqlite else _EVENTS_ON_POSTGRESQL))
    identity = _identity(connection)
    for statement in _LEDGER_ON_SQLITE if is_sqlite else _LEDGER_ON_POSTGRESQL:
        _run(connection, statement.format(identity=identity))
    _run(connection, *(_SEALS_ON_SQLITE if is_sqlite else _SEALS_ON_POSTGRESQL), *_ON_BOTH)
    if not is_sqlite:
        share(connection, "ioto_events", _SHARES)


def _run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def _event_key(*content: bytes | None) -> str:
    """Return what `_EVENTS_ON_POSTGRESQL` computes."""
    parts = [b"-" if part is None else b"%d:%b" % (len(part), part) for part in content]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:_KEY_LENGTH]


def _identity(connection: Connection) -> str:
    first = connection.exec_driver_sql("SELECT key FROM ioto_events ORDER BY id LIMIT 1").scalar()
    if first is None:  # nothing that two copies could agree on, nor anything to disagree about
        return secrets.token_hex(_IDENTITY_LENGTH // 2)
    return hashlib.sha256(f"the ledger that begins with {first}".encode()).hexdigest()[:_IDENTITY_LENGTH]
