# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger as an older revision made it: see `make.py` in `tests/integration/ledger_1` and `ledger_2`."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests.services.postgresql import binaries

_FOLDER = Path(__file__).parents[1] / "integration"


def lay_down(location: str, schema: int = 1) -> None:
    """Have a ledger of that schema at `location`, the path of a file or a URL of PostgreSQL."""
    if location.startswith("postgresql"):
        _lay_down_on_postgresql(location, schema)
        return
    connection = sqlite3.connect(location)
    connection.executescript(_text(schema, "sqlite.sql"))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    Path(location).chmod(0o600)


def rows(location: str, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Return the rows of a table as the database has them, in the order of their first column."""
    query = f"SELECT {columns} FROM {table} ORDER BY 1"
    if location.startswith("postgresql"):
        import psycopg  # noqa: PLC0415  # the driver is an extra; without it these tests skip

        with psycopg.connect(location) as connection:
            return connection.execute(query).fetchall()
    opened = sqlite3.connect(f"file:{location}?mode=rw", uri=True)
    try:
        return opened.execute(query).fetchall()
    finally:
        opened.close()


def schema_of(location: str) -> list[str]:
    """Return everything that the database says of its tables, columns, checks, indexes, triggers and functions."""
    if not location.startswith("postgresql"):
        return sorted(_in_order(re.sub(r'[\s"]', "", sql)) for (sql,) in rows(location, "sqlite_master", "sql") if sql)
    url, schema = make_url(location), _schema(location)
    dump = [binaries() / "pg_dump", "--schema-only", "--schema", schema, "-h", url.query["host"], "-U", url.username]
    done = subprocess.run([*dump, url.database], check=True, capture_output=True, text=True)
    return [line.replace(schema, "SCHEMA") for line in done.stdout.splitlines() if not line.startswith("\\")]


def _in_order(sql: str) -> str:
    """Return the definition of a table with its columns and constraints by name: SQLAlchemy writes them as it likes."""
    head, bracket, body = sql.partition("(")
    if not head.startswith("CREATETABLE"):
        return sql
    parts = re.findall(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+", body.removesuffix(")"))
    return head + bracket + ",".join(sorted(parts)) + ")"


def execute(location: str, statement: str) -> None:
    """Do what a hand in the database does."""
    if location.startswith("postgresql"):
        import psycopg  # noqa: PLC0415  # as above

        with psycopg.connect(location) as connection:
            connection.execute(statement)
        return
    opened = sqlite3.connect(location)
    with opened:
        opened.execute(statement)
    opened.close()


def _lay_down_on_postgresql(url: str, schema: int) -> None:
    import psycopg  # noqa: PLC0415  # as above

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_text(schema, "postgresql.sql").replace("public.", f"{_schema(url)}."))


def _schema(url: str) -> str:
    return str(make_url(url).query["options"]).removeprefix("-csearch_path=")


def _text(schema: int, name: str) -> str:
    return (_FOLDER / f"ledger_{schema}" / name).read_bytes().decode()
