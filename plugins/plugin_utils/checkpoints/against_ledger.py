# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint against a ledger: whether it is that ledger, not older, and with the same history up to there.

That the seal of the checkpoint is in a ledger says that its history was that one. That the events are still those which
it seals, and that what came since was appended, says the check of the ledger (`ledger.integrity`), which recomputes all
seals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..display_text import local_time, printable
from ..ledger.database import Database
from ..ledger.ledger import Ledger, Place
from ..ledger.seals import DamagedSealError, last_seal
from .checkpoint import Checkpoint, read_checkpoint
from .errors import CheckpointError
from .in_ledger import as_signed, identity_of, last_origin_seal, origin_seal_of, seal_of
from .keys import public_key


class Disagreement(StrEnum):
    """How a ledger differs from a checkpoint."""

    OTHER_LEDGER = "other ledger"
    """The checkpoint is of another one."""
    OLDER = "older"
    """It ends before the checkpoint: a copy from before, or its end is lost."""
    DIFFERS = "differs"
    """Its history up to there is another."""


@dataclass(frozen=True, slots=True)
class LedgerFinding:
    """What does not agree, in a sentence that names the ledger."""

    kind: Disagreement
    sentence: str


def findings_against(ledger: Place, checkpoint: str | Path, key: str | Path) -> Iterator[LedgerFinding]:
    """Yield how the ledger at a place differs from a checkpoint; nothing where it agrees.

    `checkpoint` is its file, and `key` that of the public key of whoever signed it. Only the seals are compared: check
    the ledger as well. Raises `CheckpointError` where the file cannot be trusted or the ledger is not there, and
    `LedgerError` where that cannot be used.
    """
    signed = read_checkpoint(str(checkpoint), public_key(key))
    with Ledger(ledger, read_only=True) as opened:
        yield from disagreements(opened, signed)


def disagreements(ledger: Ledger, checkpoint: Checkpoint) -> Iterator[LedgerFinding]:
    """Yield how an open ledger differs from `checkpoint`. Raises `CheckpointError` where it is absent."""
    where = printable(ledger.location)
    if ledger.is_absent:
        raise CheckpointError(f"There is no ledger in {where}; give the one you mean, as ioto_ledger.")
    finding = _of_seals(ledger.database, checkpoint, where)
    if finding is not None:
        yield finding


def _of_seals(database: Database, checkpoint: Checkpoint, where: str) -> LedgerFinding | None:
    signed, made = checkpoint.seal, local_time(checkpoint.made_at)
    is_own = identity_of(database) == checkpoint.identity
    try:
        last = last_seal(database) if is_own else last_origin_seal(database, checkpoint.identity)
    except DamagedSealError as error:
        return LedgerFinding(
            Disagreement.DIFFERS,
            f"The ledger {where} cannot be held against the checkpoint of {made}, because its seals cannot be read. "
            f"{error}",
        )
    if last is None:
        return LedgerFinding(
            Disagreement.OTHER_LEDGER,
            f"The checkpoint of {made} is of another ledger than {where}, and of none that was merged into it; name "
            "the one that was signed, or its copy.",
        )
    if not is_own:
        where = f"{where}, as far as it was merged from the one that was signed,"
    if last.seq < signed.number:
        ends = f"ends with seal {last.seq}" if last.seq else "has no seal"
        return LedgerFinding(
            Disagreement.OLDER,
            f"The ledger {where} is older than the checkpoint of {made}: it {ends}, and seal {signed.number} was "
            "signed; it is a copy from before, or has lost its end, so find the one that went on.",
        )
    number, origin = signed.number, checkpoint.identity
    found = seal_of(database, number) if is_own else origin_seal_of(database, origin, number)
    if found is None or as_signed(found) != signed:
        has = "lacks seal" if found is None else "has another seal"
        return LedgerFinding(
            Disagreement.DIFFERS,
            f"The ledger {where} has another history than the checkpoint of {made}: it {has} {signed.number}, so its "
            "events were rewritten, or an older copy was restored and went on; find the one that was signed.",
        )
    return None
