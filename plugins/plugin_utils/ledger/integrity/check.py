# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a whole ledger, from the first event on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ...display_text import counted
from ..database import Database
from ..ledger import Ledger
from ..raw_rows import as_stored
from ..records import LedgerError
from .findings import Findings
from .history import History, check_history
from .origins import check_origins
from .own_check import check_database
from .replay import check_claims
from .tallies import check_tallies

Found = TypeVar("Found")


class DamagedLedgerError(LedgerError):
    """A ledger that is not what it was, or does not agree with itself; `findings` say where."""

    def __init__(self, location: str, findings: list[str]) -> None:
        self.findings = findings
        lines = "\n".join(findings)
        number = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
        super().__init__(
            f"The ledger {location} is damaged, with {number}; keep it as it is, and restore the newest of its backups "
            f"in which nothing is found:\n{lines}"
        )


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What a check looked at, and found. `unsealed` events are not covered by a seal yet."""

    events: int
    claims: int
    seals: int
    unsealed: int
    findings: list[str]
    """Sentences; where there are very many, the last one says how many more."""
    notices: list[str]
    """What could not be looked at."""
    seconds: float

    def __str__(self) -> str:
        tail = f", {self.unsealed} of them not sealed yet" if self.unsealed else ""
        claims, events, seals = (
            counted(self.claims, "claim"),
            counted(self.events, "event"),
            counted(self.seals, "seal"),
        )
        return f"{claims}, {events}{tail}, {seals}"


def checked(ledger: Ledger) -> IntegrityReport:
    """Return what a check of the whole ledger looked at. Raises `DamagedLedgerError` where it finds something."""
    return require_sound(ledger.database, ledger.location)


def require_sound(database: Database, name: str) -> IntegrityReport:
    """Return the same of an open database, called `name` where it is damaged. Raises `DamagedLedgerError`."""
    report = check_integrity(database)
    if report.findings:
        raise DamagedLedgerError(name, report.findings)
    return report


def check_integrity(database: Database) -> IntegrityReport:
    """Recompute the seals, replay the events against the claims, parse every row, and have the database check itself.

    It sees the ledger as it is at one moment, and holds nobody up. Raises `LedgerError` where there is nothing to
    look at because the database cannot be used.
    """
    began = time.monotonic()
    findings = Findings()
    with snapshot(database) as connection:
        _attempt(findings, "The database cannot be checked", check_database, connection)
        history = _attempt(findings, "The events cannot be checked", check_history, connection) or History()
        _attempt(findings, "The seals of the ledgers that were merged cannot be checked", check_origins, connection)
        number = _attempt(findings, "The claims cannot be compared with the events", check_claims, connection) or 0
        _attempt(findings, "The counts cannot be compared with the claims", check_tallies, connection)
    sentences = findings.sentences
    if findings.number > len(sentences):
        sentences.append(f"There are {findings.number - len(sentences)} more findings of these kinds.")
    return IntegrityReport(
        events=history.events,
        claims=number,
        seals=history.seals,
        unsealed=history.unsealed,
        findings=sentences,
        notices=findings.notices,
        seconds=time.monotonic() - began,
    )


def _attempt(
    findings: Findings, what: str, check: Callable[[Connection, Findings], Found], connection: Connection
) -> Found | None:
    found = None
    # PostgreSQL answers nothing any more after a question that failed, but from a savepoint on.
    savepoint = connection.begin_nested() if connection.dialect.name == "postgresql" else None
    try:
        found = check(connection, findings)
    except DBAPIError as error:
        findings.add_unread(what, error)
    except (ArithmeticError, TypeError, ValueError):
        # A value of another kind, or bytes of a damaged schema that SQLite quotes and its driver cannot read.
        findings.add(f"{what}: the database gives what cannot be read.")
    if savepoint is not None:
        savepoint.rollback()
    return found


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Lend a connection that sees one moment of the database, for reading alone."""
    with database.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            with as_stored(connection):
                yield connection
            return
        # What it sorts may be larger than the memory; SQLite removes the name of such a file at once.
        (before,) = connection.exec_driver_sql("PRAGMA temp_store").one()
        connection.exec_driver_sql("PRAGMA temp_store=FILE")
        connection.exec_driver_sql("BEGIN")
        try:
            with as_stored(connection):
                yield connection
        finally:
            connection.rollback()
            connection.exec_driver_sql(f"PRAGMA temp_store={int(before)}")
