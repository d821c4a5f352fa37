# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a checkpoint of a ledger: seal it, record a batch, sign both, write the envelope."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..display_text import printable, quoted
from ..ledger.ledger import Ledger
from ..ledger.queries import each, select_claims
from ..ledger.read_back import was_read_back
from ..ledger.records import Claim, State
from ..ledger.seals import last_seal, seal_events
from ..private_files import make_private_folder, user_folder, write_private
from .checkpoint import MOST_UNITS, PROVEN, Checkpoint, SignedUnit, decoded
from .envelope import sign, verified_payload
from .errors import CheckpointError
from .id_hashes import IdHash
from .in_ledger import as_signed, events_after, identity_of, period_of

_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_MOMENT = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """What to sign beside the last seal: the units of a `run`, or of the whole ledger; with `units` false none."""

    run: str | None = None
    units: bool = True


def default_folder() -> Path:
    """Return where checkpoints are written unless said otherwise."""
    return user_folder() / "checkpoints"


def file_of(batch: SignedBatch, made_at: datetime) -> str:
    """Return the name of a checkpoint's file. That of a run has the run's number, so a later one replaces it.

    Raises `CheckpointError` where that cannot be the number of a run.
    """
    if batch.run is not None and not _RUN.fullmatch(batch.run):
        raise CheckpointError(f"{quoted(batch.run)} is not the number of a run; give the one that the summary says.")
    return f"checkpoint-{batch.run or made_at.astimezone(UTC).strftime(_MOMENT)}.json"


def claims_of(ledger: Ledger, batch: SignedBatch) -> list[Claim]:
    """Return the claims that belong to units of `batch`.

    Raises `CheckpointError` where they are too many, or the ledger does not know the run.
    """
    if not batch.units:
        return []
    claims = list(islice(ledger.claims(run=batch.run, reserved=False), MOST_UNITS + 1))
    where = printable(ledger.location)
    if len(claims) > MOST_UNITS:
        raise CheckpointError(
            f"The ledger {where} has more than {MOST_UNITS} units, which one checkpoint lists at most; name a run "
            "(ioto_ledger_run), or sign no units (ioto_checkpoint_units=false)."
        )
    if not claims and batch.run is not None and None in period_of(ledger.database, batch.run):
        raise CheckpointError(f"The ledger {where} knows no run {batch.run}; give the number that the summary says.")
    return claims


def make_checkpoint(ledger: Ledger, batch: SignedBatch, claims: Sequence[Claim]) -> tuple[Checkpoint, int]:
    """Return the checkpoint of a ledger that is open to be written, and how many events its seal does not cover yet.

    It takes a twentieth of a second for each of the `claims` on one core, see `IdHash`. Raises `CheckpointError` where
    the ledger has no seal, and `LedgerError`.
    """
    database = ledger.database
    seal_events(database)
    seal = last_seal(database)
    if not seal.seq:
        raise CheckpointError(
            f"The ledger {printable(ledger.location)} has no seal: nothing happened in it, or others are writing "
            "without a pause; try again."
        )
    signed = as_signed(seal)
    if signed is None:
        raise CheckpointError(
            f"The last seal of the ledger {printable(ledger.location)} is damaged; check the ledger "
            "(ioto_ledger_job=check) before you sign it."
        )
    began_at, ended_at = period_of(database, batch.run) if batch.run is not None else (None, None)
    unsealed = events_after(database, seal.last_event)
    id_hash = IdHash.new() if batch.units else None
    unread = _never_read_back(ledger, batch) if batch.units else frozenset()
    checkpoint = Checkpoint(
        made_at=datetime.now(UTC),
        identity=identity_of(database),
        claims=ledger.summary().total,
        seal=signed,
        run=batch.run,
        began_at=began_at,
        ended_at=ended_at,
        id_hash=id_hash,
    )
    # Last, when nothing is asked of the database any more: it may take minutes.
    return replace(checkpoint, units=None if id_hash is None else _signed(claims, id_hash, unread)), unsealed


def write_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey, path: Path) -> None:
    """Sign `checkpoint` with `key`, and write it to `path`, readable by its owner alone. Raises `CheckpointError`."""
    data = sign(checkpoint.encoded(), key)
    # Nobody shall be handed a file that cannot be read back.
    decoded(verified_payload(data, key.public_key()))
    try:
        make_private_folder(path.parent)
        write_private(path, data)
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint cannot be written to {printable(str(path))} ({error.strerror}); give another folder "
            "(ioto_checkpoint_dest)."
        ) from None


def _never_read_back(ledger: Ledger, batch: SignedBatch) -> frozenset[str]:
    """Return the IDs of `batch` whose state says that they were read back, and no event does."""
    states = [State(state) for state in PROVEN]
    query = select_claims({"run": batch.run, "reserved": False, "states": states}, newest_first=False)
    query = query.where(~was_read_back())
    return frozenset(
        claim.claim_id for claim in each(ledger.database, Claim, query, newest_first=False, limit=MOST_UNITS)
    )


def _signed(claims: Sequence[Claim], id_hash: IdHash, unread: Container[str]) -> list[SignedUnit]:
    hashes = id_hash.of_many((claim.claim_id, claim.product, claim.unit or "") for claim in claims)
    return [
        SignedUnit(
            claim.product,
            claim.unit or "",
            claim.state.value,
            claim.updated_at,
            hashed,
            in_doubt=claim.doubt is not None,
            read_back=claim.claim_id not in unread,
        )
        for claim, hashed in zip(claims, hashes, strict=True)
    ]
