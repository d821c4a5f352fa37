# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Very many claims brought into the ledger by one transaction, of which only a part is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from ..errors import IotoError
from .change_set import ChangeSet
from .operations import take_over_all
from .records import Claim, Context

Answers = list[str | IotoError]


class PartsRefusedError(IotoError):
    """Claims of which some cannot be had; `answers` has one for each."""

    def __init__(self, answers: Answers) -> None:
        super().__init__("Some of the claims cannot be brought in.")
        self.answers = answers


def take_over_parts(connection: Connection, parts: Iterable[Sequence[Claim]], context: Context) -> Answers:
    """Bring in the claims of `parts`. Raises `PartsRefusedError`, which undoes the transaction, where some cannot."""
    answers: Answers = []
    for part in parts:
        changes = _change_set(connection, part, lock=True)
        answers += take_over_all(changes, part, context)
        changes.save()
    if any(isinstance(answer, IotoError) for answer in answers):
        raise PartsRefusedError(answers)
    return answers


def look_at_parts(connection: Connection, parts: Iterable[Sequence[Claim]], context: Context) -> Answers:
    """Return what `take_over_parts` would answer, and change nothing."""
    answers: Answers = []
    retired: set[str] = set()
    for part in parts:
        changes = _change_set(connection, part, lock=False)
        changes.assume_retired(retired)
        found = take_over_all(changes, part, context)
        retired |= {
            claim.claim_id
            for claim, answer in zip(part, found, strict=True)
            if answer == "changed" and not claim.is_live
        }
        answers += found
    return answers


def _change_set(connection: Connection, part: Sequence[Claim], *, lock: bool) -> ChangeSet:
    units = [claim.unit for claim in part if claim.unit is not None]
    return ChangeSet(connection, units=units, ids=[claim.claim_id for claim in part], lock=lock)
