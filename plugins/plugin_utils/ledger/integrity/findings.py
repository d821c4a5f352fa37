# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found, as sentences: with table and row, never with a value, which may be a claim ID."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from ..driver_errors import INSUFFICIENT_PRIVILEGE, sqlstate

MOST_SENTENCES = 1000
"""Findings that are told; more are counted."""

_SQLITE_CIRCUMSTANCES = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT),
    }
)
# Connection, resources, locks, and what an operator did, a class of SQLSTATE each; and a right that the reader lacks.
_POSTGRESQL_CIRCUMSTANCES = ("08", "53", "55", "57", INSUFFICIENT_PRIVILEGE)
_ABORTED_TRANSACTION = "25P02"
"""What PostgreSQL answers to every question after one that failed."""


class Findings:
    """What is wrong (`sentences`), how often (`number`), and what could not be looked at (`notices`)."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.notices: list[str] = []
        self.number = 0

    def add(self, sentence: str) -> None:
        """Remember a sentence, unless there are very many already."""
        self.number += 1
        if len(self.sentences) < MOST_SENTENCES:
            self.sentences.append(sentence)

    def add_row(self, table: str, number: object, problem: str) -> None:
        """Remember what is wrong with a row."""
        self.add(f"Row {number} of {table}: {problem}.")

    def add_unread(self, what: str, error: DBAPIError) -> None:
        """Remember that the database failed to give what was to be looked at; raise what is no damage."""
        if is_circumstance(error):
            raise error
        if sqlstate(error) != _ABORTED_TRANSACTION:  # which follows from what was told before
            self.add(f"{what}: {reason_of(error)}.")


def is_circumstance(error: DBAPIError) -> bool:
    """Say whether an error tells of the moment, such as a full disk or a server that stops, and not of the ledger."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_CIRCUMSTANCES
    return (sqlstate(error) or "08").startswith(_POSTGRESQL_CIRCUMSTANCES)


def reason_of(error: DBAPIError) -> str:
    """Return why the database failed, without a value that it may quote."""
    kind = getattr(error.orig, "sqlite_errorname", None) or sqlstate(error)
    return f"the database reports {kind or 'that its answer cannot be read'}"
