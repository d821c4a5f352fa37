# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit tells on the way, and what it refuses to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..batch.results import some_of
from ..claim_ids import mask
from .sources import AuditError


def refuse_two_ledgers(ledgers: Mapping[str, object]) -> None:
    """Raise `AuditError` where hosts, by name, have different ledgers: an audit is of one."""
    by_ledger: dict[str | None, list[str]] = {}
    for host, ledger in ledgers.items():
        # What is not a text is refused where it is used; here it counts as a ledger of its own.
        by_ledger.setdefault(None if ledger is None else str(ledger), []).append(host)
    if len(by_ledger) > 1:
        first, second, *_unused = by_ledger.values()
        raise AuditError(
            f"The hosts have {len(by_ledger)} ledgers (ioto_ledger): {some_of(first)} have one, and {some_of(second)} "
            "another; audit the hosts of one with --limit, and name the other ledgers in ioto_audit_ledgers."
        )


def shown_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a device answered as it may be shown: its claim ID masked."""
    claim_id = answer.get("claim_id")
    return {**answer, "claim_id": mask(str(claim_id))} if claim_id is not None else dict(answer)
