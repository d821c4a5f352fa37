# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the ledger and what the database itself refuses, on SQLite and PostgreSQL alike.

The rules that must hold for ever stand here, not in Python, so that a mistake of ours or a hand in the database
cannot break them: a claim ID exists once, a unit has one live claim, nothing is deleted, history is not rewritten.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TextClause,
    TypeDecorator,
    UniqueConstraint,
    create_mock_engine,
    event,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.types import TypeEngine

from .columns import ValueKind, columns_of
from .migrations.steps import SCHEMA_VERSION
from .records import Claim, Event, State

# Written out, never bound: an index with a condition serves only a query that states the same condition.
IS_LIVE = text("state <> 'retired'")
IS_RETIRED = text("state = 'retired'")
IS_CONFLICT = text("action = 'conflict'")
IS_RUN = text("action = 'run'")
IS_OF_A_RUN = text("run IS NOT NULL")
IS_SUCCESSOR = text("replaces IS NOT NULL")
IS_NO_BIRTH = text("action <> 'allocated'")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite has no time zones, so there it is stored without."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give SQLite the UTC clock, PostgreSQL the moment."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC, whatever the session's time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _partial_index(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    # What is said to PostgreSQL here would load all its drivers, for SQLite too: it is told when it makes the tables.
    return Index(name, *columns, unique=unique, sqlite_where=where, info={"where": where})


# SQLite numbers rows by itself only in a column that is declared INTEGER.
_RowNumber = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

version_table = Table(
    "ioto_ledger",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    # Drawn when the ledger is made; a copy has it too.
    Column("identity", Text, nullable=False),
    # Where the ledger is now, if it was moved: this one is only read then.
    Column("moved_to", Text),
    # The last event that got its number elsewhere: up to there, gaps and the order of the claims tell nothing.
    Column("foreign_until", BigInteger),
)

_TYPES: Mapping[ValueKind, TypeEngine[Any]] = {
    ValueKind.TEXT: Text(),
    ValueKind.NUMBER: BigInteger(),
    ValueKind.MOMENT: UtcDateTime(),
    ValueKind.WORD: Text(),
    ValueKind.OBJECT: Text(),
}


def declared_by(record: type) -> Iterator[Column[Any]]:
    """Yield the columns that the fields of `record` declare."""
    for column in columns_of(record):
        if column.is_row_number:
            yield Column(column.name, _RowNumber, primary_key=True)
        else:
            yield Column(column.name, _TYPES[column.kind], nullable=column.is_optional)


claims = Table(
    "ioto_claims",
    metadata,
    Column("seq", _RowNumber, primary_key=True),
    *declared_by(Claim),
    UniqueConstraint("claim_id"),
    CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in State)})", name="ioto_claims_state"),
    # The unit comes first, so that the same index answers for a serial number alone.
    _partial_index("ioto_claims_live", "unit", "product", unique=True, where=IS_LIVE),
    _partial_index("ioto_claims_retired", "unit", where=IS_RETIRED),
    _partial_index("ioto_claims_replaces", "replaces", where=IS_SUCCESSOR),
)

events = Table(
    "ioto_events",
    metadata,
    # No foreign key: a mismatch names a claim ID that the ledger may not know.
    *declared_by(Event),
    # Without the events that made a claim: IDs are random, so each entry here costs a page of the disk to itself.
    # Those events are found by their time, which is the claim's (`queries.select_events`).
    _partial_index("ioto_events_claim", "claim_id", where=IS_NO_BIRTH),
    Index("ioto_events_at", "at"),
    Index("ioto_events_unit", "unit"),
    _partial_index("ioto_events_conflict", "id", where=IS_CONFLICT),
    _partial_index("ioto_events_run", "id", where=IS_RUN),
    _partial_index("ioto_events_of_run", "run", where=IS_OF_A_RUN),
)

# A hash over the events `first_event` to `last_event`, how many they are, and the seal before.
seals = Table(
    "ioto_seals",
    metadata,
    Column("seq", _RowNumber, primary_key=True),
    Column("first_event", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("hash", Text, nullable=False),
)

# How many claims there are of each kind: the sum over the slots, which are there so that writers do not wait for
# each other.
counts = Table(
    "ioto_counts",
    metadata,
    Column("product", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("reserved", Integer, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

# The conflicts that nothing has settled: `event` is the conflict's, and what it is about may be unknown in part.
open_conflicts = Table(
    "ioto_open_conflicts",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    Column("claim_id", Text),
    Column("product", Text),
    Column("unit", Text),
    Index("ioto_open_conflicts_unit", "product", "unit"),
    Index("ioto_open_conflicts_claim", "claim_id", "product", "unit"),
)

# The boards that live claims are on, each by its names (`identity.board_names`).
boards = Table(
    "ioto_boards",
    metadata,
    Column("name", Text, primary_key=True),
    Column("claim_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# The ledgers that were merged into this one; a merge of what was itself merged brings their origins along.
origins = Table(
    "ioto_origins",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
)

# Which event is which of the origin: its events `number` and following, so many, are `event` and following here.
origin_events = Table(
    "ioto_origin_events",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("event", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
)

# The seals of an origin, over its events as they were numbered there.
origin_seals = Table(
    "ioto_origin_seals",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("first_event", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("hash", Text, nullable=False),
)

GUARDS = {
    # name: (table, what happens, on which rows, what is wrong)
    "ioto_events_fixed": ("ioto_events", "UPDATE", None, "an event is never changed"),
    "ioto_events_kept": ("ioto_events", "DELETE", None, "an event is never deleted"),
    "ioto_seals_fixed": ("ioto_seals", "UPDATE", None, "a seal is never changed"),
    "ioto_seals_kept": ("ioto_seals", "DELETE", None, "a seal is never deleted"),
    "ioto_origins_fixed": ("ioto_origins", "UPDATE", None, "an origin is never changed"),
    "ioto_origins_kept": ("ioto_origins", "DELETE", None, "an origin is never deleted"),
    "ioto_origin_events_fixed": ("ioto_origin_events", "UPDATE", None, "what came from an origin is never changed"),
    "ioto_origin_events_kept": ("ioto_origin_events", "DELETE", None, "what came from an origin is never deleted"),
    "ioto_origin_seals_fixed": ("ioto_origin_seals", "UPDATE", None, "a seal of an origin is never changed"),
    "ioto_origin_seals_kept": ("ioto_origin_seals", "DELETE", None, "a seal of an origin is never deleted"),
    "ioto_claims_kept": ("ioto_claims", "DELETE", None, "a claim is never deleted"),
    "ioto_claims_fixed": (
        "ioto_claims",
        "UPDATE",
        "OLD.state = 'retired' OR OLD.claim_id <> NEW.claim_id",
        "a retired claim and a claim ID are never changed",
    ),
}


def table_of(record: type) -> Table:
    """Return the table that holds `record`s, which are claims or events."""
    return {Claim: claims, Event: events}[record]


def create_tables(connection: Connection) -> None:
    """Create everything in the caller's transaction, the version last."""
    if connection.dialect.name == "postgresql":
        _tell_postgresql()
        metadata.create_all(connection, checkfirst=False)
    else:
        for statement in _statements_for_sqlite():
            connection.exec_driver_sql(statement)
    connection.execute(version_table.insert().values(version=SCHEMA_VERSION, identity=secrets.token_urlsafe(12)))


@cache
def _statements_for_sqlite() -> tuple[str, ...]:
    # A process may make several ledgers, such as one in memory that stands for an absent one: most of the work is this.
    statements: list[str] = []
    dialect = create_mock_engine("sqlite://", lambda *_arguments, **_options: None).dialect

    def note(statement: ExecutableDDLElement, *_arguments: Any, **_options: Any) -> None:
        statements.append(str(statement.compile(dialect=dialect)))

    metadata.create_all(create_mock_engine("sqlite://", note), checkfirst=False)
    return tuple(statements)


def _tell_postgresql() -> None:
    for table in metadata.tables.values():
        for index in table.indexes:
            index.dialect_options["postgresql"]["where"] = index.info.get("where")


def _guard_sqlite(name: str, table: str, verb: str, rows: str | None, message: str) -> str:
    condition = f" WHEN {rows}" if rows else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW{condition} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _guard_postgresql(name: str, table: str, verb: str, rows: str | None, message: str) -> tuple[str, ...]:
    condition = f" WHEN ({rows})" if rows else ""
    trigger = f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW{condition} EXECUTE FUNCTION {name}()"
    function = (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    if verb != "DELETE":
        return function, trigger
    # TRUNCATE fires no DELETE trigger.
    truncate = f"CREATE TRIGGER {name}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    return function, trigger, truncate


def _attach_guards() -> None:
    for name, (table, verb, rows, message) in GUARDS.items():
        statements = {
            "sqlite": (_guard_sqlite(name, table, verb, rows, message),),
            "postgresql": _guard_postgresql(name, table, verb, rows, message),
        }
        for dialect, sqls in statements.items():
            for sql in sqls:
                ddl = DDL(sql)  # type: ignore[no-untyped-call]
                event.listen(metadata.tables[table], "after_create", ddl.execute_if(dialect=dialect))


_attach_guards()
