# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scanner that types for another keyboard than the computer has: Y and Z change places, and the ID is still one."""

from __future__ import annotations

from collections.abc import Container

EXCHANGED = str.maketrans("YZyz", "ZYzy")
TEST_TEXT = "YZ yz 0123456789 -_/:?=&"
"""What the test code in the guide to labels says."""
HINT = (
    "the ledger knows it with Y and Z exchanged, so the scanner types for another keyboard layout than this computer "
    "has: set one of them as the guide to labels says, and scan again"
)


def exchanged(claim_id: str | None) -> str | None:
    """Return `claim_id` with Y and Z exchanged; None where it has neither."""
    other = claim_id.translate(EXCHANGED) if claim_id else None
    return None if other == claim_id else other


def is_exchanged(claim_id: str, known: Container[str]) -> bool:
    """Say whether `claim_id` is not among the IDs that are `known`, and would be with Y and Z exchanged."""
    other = exchanged(claim_id)
    return claim_id not in known and other is not None and other in known
