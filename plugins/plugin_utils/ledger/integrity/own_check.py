# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database by itself: what SQLite and PostgreSQL can say of their own files, and whether our rules are in place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import CheckConstraint
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ...claim_ids import mask_within
from ..driver_errors import INSUFFICIENT_PRIVILEGE, sqlstate
from ..migrations.steps import SCHEMA_VERSION, VERSION_QUERY
from ..raw_rows import raw_select
from ..schema import create_tables, metadata
from ..sqlite_file import connect
from .findings import Findings, is_circumstance, reason_of
from .server_rules import check_rules

_MOST = 1000
_OUR_TABLES = tuple(table.name for table in metadata.sorted_tables)


def check_database(connection: Connection, findings: Findings) -> None:
    """Have the database look at itself, and compare its tables, indexes and guards with those of a new ledger."""
    sqlite = connection.dialect.name == "sqlite"
    for check in (_check_file, _check_schema) if sqlite else (_check_server, check_rules):
        check(connection, findings)
    versions = [row[0] for row in raw_select(connection, VERSION_QUERY)]
    if versions != [SCHEMA_VERSION]:
        findings.add(f"The table ioto_ledger does not say its version, {SCHEMA_VERSION}, once.")


def _check_file(connection: Connection, findings: Findings) -> None:
    try:
        for (line,) in raw_select(connection, f"PRAGMA integrity_check({_MOST})"):
            if line != "ok":
                findings.add(f"SQLite says of its file: {mask_within(' '.join(str(line).split()))}.")
    except DBAPIError as error:
        findings.add_unread("SQLite cannot check its file", error)


def _check_schema(connection: Connection, findings: Findings) -> None:
    with connect(None) as fresh:
        create_tables(fresh)
        expected = _sqlite_schema(fresh)
    found = _sqlite_schema(connection)
    for name, definition in expected.items():
        if name not in found:
            findings.add(f"{name} is missing from the database.")
        elif found[name] != definition:
            findings.add(f"{name} is not defined in the database as it was made.")
    for name in found.keys() - expected.keys():
        if name.startswith("The trigger "):
            findings.add(f"{mask_within(name)} stands on a table of the ledger, and is not one of its guards.")


def _sqlite_schema(connection: Connection) -> dict[str, object]:
    """Return the definition of each table, index and guard, by its kind and name."""
    definitions: dict[str, object] = {}
    for kind, name, table, sql in raw_select(connection, "SELECT type, name, tbl_name, sql FROM sqlite_schema"):
        # A trigger's table is there as whoever made it typed it.
        ours = str(table).lower() in _OUR_TABLES
        if ours and kind == "table":
            definitions[f"The table {name}"] = (*_columns(connection, name), *_checks(name, str(sql)))
        elif ours:
            definitions[f"The {kind} {name}"] = _plain(str(sql))
    return definitions


def _columns(connection: Connection, table: str) -> list[object]:
    # A column that came later may stand elsewhere.
    query = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(:of) ORDER BY name'
    return [tuple(row) for row in raw_select(connection, query, of=table)]


def _checks(table: str, sql: str) -> Iterator[object]:
    for constraint in metadata.tables[table].constraints if table in metadata.tables else ():
        if isinstance(constraint, CheckConstraint):
            yield _plain(f"CHECK ({constraint.sqltext})") in _plain(sql)


def _plain(sql: str) -> str:
    """Return SQL without what does not matter: quotes around names, and the blanks."""
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.replace('"', "").split()))


def _check_server(connection: Connection, findings: Findings) -> None:
    query = "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace "
    place = next((row[0] for row in raw_select(connection, f"{query} WHERE extname = 'amcheck'")), None)
    if place is None:
        findings.notices.append(
            "The server's own files were read whole, and not checked further: its extension amcheck is not there; "
            "CREATE EXTENSION amcheck, as its administrator."
        )
        return
    indexes = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = :of ::regclass"
    for table in _OUR_TABLES:
        rows = f"SELECT msg FROM {place}.verify_heapam(relation => :of ::regclass)"  # noqa: S608
        _ask_server(connection, findings, table, rows)
        for (index,) in list(raw_select(connection, indexes, of=table)):
            _ask_server(
                connection,
                findings,
                index,
                f"SELECT {place}.bt_index_check(index => :of ::regclass, heapallindexed => true)",
            )


def _ask_server(connection: Connection, findings: Findings, name: str, question: str) -> None:
    try:
        with connection.begin_nested():
            for (answer,) in raw_select(connection, question, of=name):
                if answer:
                    findings.add(f"PostgreSQL says of {name}: {mask_within(str(answer))}.")
    except DBAPIError as error:
        if sqlstate(error) == INSUFFICIENT_PRIVILEGE:
            findings.notices.append(f"This user may not have amcheck look at {name}; run the check as a superuser.")
        elif is_circumstance(error):  # such as somebody who ended a long question
            raise
        else:
            findings.add(f"PostgreSQL finds {name} damaged: {reason_of(error)}.")
