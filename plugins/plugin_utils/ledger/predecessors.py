# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which claim ID a unit has given up: the next claim that the unit gets says that it replaces that one.

A swapped board, a scrapped unit that was not scrap after all, and an ID that was replaced all come to this: the unit
has a claim that is retired, no other has come in its place yet, and then one does.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..identity.mac_addresses import normal_serial
from .records import Claim


class Predecessors:
    """The IDs that units of a change set have given up, each by product and unit, and that nothing replaces yet."""

    def __init__(self) -> None:
        """Begin with none."""
        self._given_up: dict[tuple[str, str], str] = {}

    def read(self, claims: Iterable[Claim]) -> None:
        """Take in `claims` that were given up, the newest last."""
        for claim in claims:
            self.note(claim.product, claim.unit, claim)

    def note(self, product: str, unit: str | None, gone: Claim) -> None:
        """Note that the next claim of `unit` comes instead of `gone`."""
        if unit is not None:
            self._given_up[product, normal_serial(unit)] = gone.claim_id

    def take(self, product: str, unit: str) -> str | None:
        """Return what a claim that `unit` gets now replaces."""
        return self._given_up.pop((product, normal_serial(unit)), None) if self._given_up else None
