# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger says against itself: seals that do not hold, and units that were left half done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..claim_ids import mask
from ..display_text import local_time, printable, quoted
from ..ledger.event_kinds import EventKind
from ..ledger.integrity.check import IntegrityReport
from ..ledger.ledger import Ledger
from ..ledger.queries import each, select_claims
from ..ledger.read_back import was_read_back
from ..ledger.records import Claim, State
from ..ledger.schema import claims
from .findings import Finding, FindingKind, Origin

if TYPE_CHECKING:
    from ..checkpoints.checkpoint import Checkpoint


def damage(report: IntegrityReport, name: str, origin: Origin) -> Iterator[Finding]:
    """Yield what the check of a whole ledger found in the one called `name`."""
    for sentence in report.findings:
        what = sentence.rstrip(".")
        yield Finding(FindingKind.SEAL, origin, name, what[:1].lower() + what[1:])


def checkpoint_findings(ledger: Ledger, name: str, checkpoints: Sequence[tuple[str, Checkpoint]]) -> Iterator[Finding]:
    """Yield where the ledger called `name` holds less than one of its signed checkpoints says, or something else."""
    if not checkpoints:
        return
    # Not at the top: nothing else needs the library.
    from ..checkpoints.against_ledger import disagreements  # noqa: PLC0415

    for path, signed in checkpoints:
        for found in disagreements(ledger, signed):
            what = f"held against {printable(path)}: {found.sentence}".rstrip(".")
            yield Finding(FindingKind.CHECKPOINT, Origin.LEDGER, name, what)


def half_done(ledger: Ledger, name: str, hours: float) -> Iterator[Finding]:
    """Yield the units of the ledger called `name` that were left half done, and those that are in doubt."""
    before = datetime.now(UTC) - timedelta(hours=hours)
    yield from _unverified(ledger, name, before)
    yield from _unsettled(ledger, name, before)
    yield from _never_read_back(ledger, name)
    query = select_claims({}, newest_first=False).where(claims.c.twin.is_not(None))
    for claim in each(ledger.database, Claim, query, newest_first=False, limit=None):
        if claim.is_live:
            twin = printable(claim.twin or "")
            what = f"{printable(claim.host or 'a device')} and {twin} both said that they are unit {quoted(claim.unit)}"
            yield _of(claim, FindingKind.IN_DOUBT, name, what)


def _unverified(ledger: Ledger, name: str, before: datetime) -> Iterator[Finding]:
    for claim in ledger.claims(states=[State.WRITTEN]):
        # Not when the claim changed last: each run that fails again tells something of its device.
        written = ledger.events(claim_id=claim.claim_id, kinds=[EventKind.WRITTEN], newest_first=True, limit=1)
        since = next((event.at for event in written), claim.updated_at)
        if since < before:
            what = f"unit {quoted(claim.unit)} was written at {local_time(since)} and not verified since"
            yield _of(claim, FindingKind.UNVERIFIED, name, what)


def _unsettled(ledger: Ledger, name: str, before: datetime) -> Iterator[Finding]:
    query = select_claims({"states": [State.VERIFIED, State.LABELLED]}, newest_first=False)
    query = query.where(claims.c.unsettled_at < before)
    for claim in each(ledger.database, Claim, query, newest_first=False, limit=None):
        at = local_time(claim.unsettled_at or claim.updated_at)
        what = f"unit {quoted(claim.unit)} was written again at {at} and not verified since"
        yield _of(claim, FindingKind.UNVERIFIED, name, what)


def _never_read_back(ledger: Ledger, name: str) -> Iterator[Finding]:
    query = select_claims({"states": [State.LABELLED]}, newest_first=False).where(~was_read_back())
    for claim in each(ledger.database, Claim, query, newest_first=False, limit=None):
        what = f"unit {quoted(claim.unit)} has its label, and nobody has read {mask(claim.claim_id)} back from it"
        yield _of(claim, FindingKind.LABELLED_UNVERIFIED, name, what)


def _of(claim: Claim, kind: FindingKind, name: str, what: str) -> Finding:
    return Finding(kind, Origin.LEDGER, name, what, claim.claim_id, product=claim.product, serial=claim.unit)
