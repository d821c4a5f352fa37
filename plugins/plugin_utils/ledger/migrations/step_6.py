# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schema 6: a ledger may be moved, and several merged into one.

One that was moved says where to, and is only read from then on: a forgotten controller that still writes to it is
refused. One that was merged knows its origins: their identity, which event is which of theirs, and their seals.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from .grants import Grant, share

_LEDGER = (
    "ALTER TABLE ioto_ledger ADD COLUMN moved_to TEXT",
    "ALTER TABLE ioto_ledger ADD COLUMN foreign_until BIGINT",
)
_TABLES = (
    """CREATE TABLE ioto_origins (
        identity TEXT NOT NULL, name TEXT NOT NULL, at {moment} NOT NULL, actor TEXT NOT NULL,
        PRIMARY KEY (identity)
    )""",
    """CREATE TABLE ioto_origin_events (
        origin TEXT NOT NULL, number BIGINT NOT NULL, event BIGINT NOT NULL, events BIGINT NOT NULL,
        PRIMARY KEY (origin, number)
    )""",
    """CREATE TABLE ioto_origin_seals (
        origin TEXT NOT NULL, seq BIGINT NOT NULL, first_event BIGINT NOT NULL, last_event BIGINT NOT NULL,
        events BIGINT NOT NULL, at {moment} NOT NULL, hash TEXT NOT NULL,
        PRIMARY KEY (origin, seq)
    )""",
)
_GUARDED = {
    "ioto_origins": "an origin is never",
    "ioto_origin_events": "what came from an origin is never",
    "ioto_origin_seals": "a seal of an origin is never",
}
_VERBS = (("fixed", "UPDATE", "changed"), ("kept", "DELETE", "deleted"))
_GUARD_ON_SQLITE = """CREATE TRIGGER {table}_{end} BEFORE {verb} ON {table} FOR EACH ROW
    BEGIN SELECT RAISE(ABORT, '{message}'); END"""
_GUARD_ON_POSTGRESQL = (
    """CREATE FUNCTION {table}_{end}() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{message}'; END $$""",
    "CREATE TRIGGER {table}_{end} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_{end}()",
)
_TRUNCATE = (
    "CREATE TRIGGER {table}_{end}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_{end}()"
)
_SHARES = tuple(
    # Who may write events writes these tables as well, and who may read events reads them.
    Grant(table, right, of=right)
    for table in _GUARDED
    for right in ("SELECT", "INSERT")
)


def migrate(connection: Connection) -> None:
    """Bring a ledger of schema 5 to 6 in the caller's transaction."""
    is_sqlite = connection.dialect.name == "sqlite"
    moment = "DATETIME" if is_sqlite else "TIMESTAMP WITH TIME ZONE"
    for statement in (*_LEDGER, *(table.format(moment=moment) for table in _TABLES)):
        connection.exec_driver_sql(statement)
    for table, begin in _GUARDED.items():
        for end, verb, what in _VERBS:
            truncate = () if is_sqlite or verb != "DELETE" else (_TRUNCATE,)
            for statement in ((_GUARD_ON_SQLITE,) if is_sqlite else _GUARD_ON_POSTGRESQL) + truncate:
                filled = statement.format(table=table, end=end, verb=verb, message=f"{begin} {what}")
                connection.exec_driver_sql(filled)
    if not is_sqlite:
        share(connection, "ioto_events", _SHARES)
