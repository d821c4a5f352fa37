# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hand scanner of a station: what it reads goes to `scans`, and what that means to the station."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from ..errors import IotoError
from ..scanning.hand_scanner.hand_scanner import ScannedLine, ScannerLost, ScannerNews, ScannerReady, read_scanner
from ..scanning.hand_scanner.scanner_address import parse_scanner_address
from .scans import ScanAnswer, ScanOutcome, Scans, ScanSettings
from .settings import LineSettings, ScanOrder
from .slots import JigSlot


class ScanDesk:
    """Reads the scanner that the settings name."""

    def __init__(self, settings: LineSettings, slots: Sequence[JigSlot]) -> None:
        """Raise `IotoError` where the scanner is nowhere."""
        self._address = parse_scanner_address(settings.scanner)
        self.order = ScanOrder(settings.scan_order)
        self.scans = Scans(_scan_settings(settings, slots, self.order))

    @property
    def comes_first(self) -> bool:
        """Whether a board waits for a label that says what it is to be."""
        return self.order is ScanOrder.SCAN_THEN_PLUG

    @staticmethod
    def now() -> float:
        """Return the time by which labels expire."""
        return asyncio.get_running_loop().time()

    async def follow(self, answered: Callable[[ScanAnswer], None]) -> None:
        """Hand each answer on, for ever, also where the scanner comes and goes, or sends what is no scan."""
        async with aclosing(read_scanner(self._address)) as news:
            following = asyncio.ensure_future(anext(news))
            try:
                while True:
                    deadline = self.scans.deadline
                    wait = None if deadline is None else max(0.0, deadline - self.now())
                    await asyncio.wait({following}, timeout=wait)
                    for expired in self.scans.expire(self.now()):
                        answered(expired)
                    if following.done():
                        answered(self._answer(following.result()))
                        following = asyncio.ensure_future(anext(news))
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    def _answer(self, news: ScannerNews) -> ScanAnswer:
        if isinstance(news, ScannedLine):
            return self.scans.scanned(news.text, self.now())
        if isinstance(news, ScannerReady):
            return ScanAnswer(ScanOutcome.READY, "The scanner is ready.")
        if isinstance(news, ScannerLost):
            return ScanAnswer(ScanOutcome.REFUSED, news.sentence)
        return self.scans.spoilt(news.sentence, self.now())


def _scan_settings(settings: LineSettings, slots: Sequence[JigSlot], order: ScanOrder) -> ScanSettings:
    return ScanSettings(
        [slot.name for slot in slots],
        order,
        # A label is read before anybody knows the slot that it is for.
        templates=[*dict.fromkeys(template for slot in slots for template in slot.labels.templates)],
        claim_id_lengths={slot.name: slot.labels.claim_id_length for slot in slots},
        slot_prefix=settings.slot_prefix,
        badge_prefix=settings.badge_prefix,
        seconds=settings.scan_seconds,
    )


def whole_id(location: str, serial: str, ending: str) -> str | None:
    """Return the claim ID that ends with `ending`, of the unit with this `serial`, from the ledger at `location`.

    None where it has no such claim, or more than one. Raises `IotoError` where the ledger cannot be read.
    """
    # Here, since only a line that verifies labels needs a database.
    from ..ledger.ledger import Ledger  # noqa: PLC0415

    with Ledger(location or None, read_only=True) as ledger:
        if ledger.is_absent:
            raise IotoError(f"There is no ledger in {ledger.location}; correct ioto_ledger.")
        found = [claim for claim in ledger.claims(unit=serial) if claim.claim_id.endswith(ending) and claim.is_live]
    return found[0].claim_id if len(found) == 1 else None
