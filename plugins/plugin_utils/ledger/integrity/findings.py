# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found, as sentences: with table and row, never with a value, which may be a claim ID."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

MOST_SENTENCES = 1000
"""Findings that are told; more are counted."""


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
        """Remember that the database failed to give what was to be looked at."""
        self.add(f"{what}: {reason_of(error)}.")


def reason_of(error: DBAPIError) -> str:
    """Return why the database failed, without a value that it may quote."""
    kind = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    return f"the database reports {kind or 'that its answer cannot be read'}"
