# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that PostgreSQL keeps for us, as its catalogue has them, against those that `schema` declares.

Nothing is made to compare with: whoever runs the check may have the right to read alone, or be on a standby.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.engine import Connection

from ...claim_ids import mask_within
from ..raw_rows import RawRow, raw_select
from ..schema import GUARDS, metadata
from .findings import Findings

_TABLE = "SELECT relkind::text, relpersistence::text, relrowsecurity FROM pg_class WHERE oid = to_regclass(:of)"
_COLUMNS = (
    "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
    "WHERE attrelid = to_regclass(:of) AND attnum > 0 AND NOT attisdropped"
)
_CONSTRAINTS = (
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = to_regclass(:of) AND convalidated AND contype IN ('p', 'u', 'c')"
)
_INDEXES = (
    "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid "
    "WHERE indrelid = to_regclass(:of) AND indisvalid AND indisready AND indislive"
)
_TRIGGERS = (
    "SELECT tgname, pg_get_triggerdef(pg_trigger.oid), tgenabled IN ('O', 'A'), prosrc, lanname "
    "FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_language ON pg_language.oid = prolang "
    "WHERE tgrelid = to_regclass(:of) AND NOT tgisinternal"
)
_RULES = "SELECT rulename FROM pg_rewrite WHERE ev_class = to_regclass(:of)"
_SOUND = ("r", "p", False)
"""An ordinary table, which survives a crash, and whose rows all may see who may see one."""


def check_rules(connection: Connection, findings: Findings) -> None:
    """Compare columns, constraints, indexes and guards with those of a new ledger."""
    for table in metadata.sorted_tables:
        for sentence in _table_problems(connection, table):
            findings.add(sentence)


def _table_problems(connection: Connection, table: Table) -> Iterator[str]:
    def ask(query: str) -> list[RawRow]:
        return list(raw_select(connection, query, of=table.name))

    if not (kinds := ask(_TABLE)):
        yield f"The table {table.name} is missing from the database."
        return
    if [tuple(kind) for kind in kinds] != [_SOUND]:
        yield f"The table {table.name} is not defined in the database as it was made."
    columns = {name: (kind, not_null) for name, kind, not_null in ask(_COLUMNS)}
    for column in table.columns:
        expected = str(column.type.compile(connection.dialect)).lower(), not column.nullable
        if columns.get(column.name) != expected:
            yield f"The column {column.name} of {table.name} is missing, or not defined as it was made."
    yield from _missing_constraints(table, {_plain(text) for (text,) in ask(_CONSTRAINTS)})
    indexes = {name: _plain(text) for name, text in ask(_INDEXES)}
    for index in table.indexes:
        if indexes.get(str(index.name)) != _index(index):
            yield f"The index {index.name} is missing from the database, not valid, or not defined as it was made."
    yield from _trigger_problems(table, {row[0]: row[1:] for row in ask(_TRIGGERS)})
    for (name,) in ask(_RULES):
        yield f"The rule {mask_within(name)} stands on the table {table.name}, which has none."


def _missing_constraints(table: Table, found: Collection[str]) -> Iterator[str]:
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            # As PostgreSQL writes it down.
            text = re.sub(r" IN (\(.*\))", r" = ANY (ARRAY[\1])", str(constraint.sqltext))
            what, definition = f"check {constraint.name}", f"CHECK {text}"
        elif isinstance(constraint, (PrimaryKeyConstraint, UniqueConstraint)):
            kind = "PRIMARY KEY" if isinstance(constraint, PrimaryKeyConstraint) else "UNIQUE"
            names = ", ".join(column.name for column in constraint.columns)
            what, definition = f"{kind} ({names})", f"{kind} ({names})"
        else:
            continue
        if _plain(definition) not in found:
            yield f"The table {table.name} lacks its {what}."


def _index(index: Index) -> str:
    unique = "UNIQUE " if index.unique else ""
    names = ", ".join(column.name for column in index.columns)
    where = index.info.get("where")
    condition = "" if where is None else f" WHERE {where}"
    return _plain(f"CREATE {unique}INDEX {index.name} ON {index.table} USING btree ({names}){condition}")


def _trigger_problems(table: Table, found: dict[str, RawRow]) -> Iterator[str]:
    expected = dict(_guards(table))
    for name, (definition, body) in expected.items():
        if name not in found or not found[name][1]:
            yield f"The trigger {name} is missing from the database, or disabled."
        elif _plain(found[name][0]) != definition or (_plain(found[name][2]), found[name][3]) != (body, "plpgsql"):
            yield f"The trigger {name} is not defined in the database as it was made, or its function is not."
    for name in found.keys() - expected.keys():
        yield f"The trigger {mask_within(name)} stands on the table {table.name}, and is not one of its guards."


def _guards(table: Table) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name of each guard, and what defines it: the trigger, and the body of its function."""
    for name, (of, verb, rows, message) in GUARDS.items():
        if of != table.name:
            continue
        body = _plain(f"BEGIN RAISE EXCEPTION '{message}'; END")
        whens = {name: (verb, "ROW"), **({f"{name}_whole": ("TRUNCATE", "STATEMENT")} if verb == "DELETE" else {})}
        for trigger, (when, each) in whens.items():
            condition = f" WHEN ({rows})" if rows else ""
            text = f"CREATE TRIGGER {trigger} BEFORE {when} ON {of} FOR EACH {each}{condition} EXECUTE FUNCTION {name}"
            yield trigger, (_plain(text), body)


def _plain(sql: str) -> str:
    """Return SQL without what PostgreSQL adds to it: a schema, casts to text, brackets, blanks, other capitals."""
    sql = re.sub(r'(?:[\w$]+|"(?:[^"]|"")*")\.(?=ioto_)', "", sql.replace("::text", ""))
    return " ".join(re.sub(r'[()"]', " ", sql).lower().split()).replace(" ,", ",").replace("[ ", "[").replace(" ]", "]")
