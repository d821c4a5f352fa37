# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which claim somebody means who names it by its ID, or by the unit that has it or had it last."""

from __future__ import annotations

from ..claim_ids import mask, parse, parse_product
from ..display_text import printable, quoted
from ..errors import IotoError
from ..identity.mac_addresses import is_same_serial
from .ledger import Ledger
from .records import Claim


class NamingError(IotoError):
    """Names by which there is no one claim."""


def named_claim(ledger: Ledger, *, claim_id: str | None, serial: str | None, product: str | None) -> Claim:
    """Return the claim with that ID, else the one that the unit has or had last. Raises `IotoError`."""
    product = None if product is None else parse_product(product)
    if claim_id is not None:
        claim = ledger.find(parse(claim_id))
        if claim is not None and (
            product not in {None, claim.product} or (serial and not is_same_serial(claim.unit, serial))
        ):
            raise NamingError(
                f"The claim {claim.masked} belongs to {_whose(claim)}, and another unit is named beside it; see which "
                "one is meant."
            )
    elif serial is not None:
        claims = list(ledger.claims(product=product, unit=serial, newest_first=True))
        if len(products := sorted({claim.product for claim in claims})) > 1:
            raise NamingError(
                f"Units of {len(products)} products have the serial {printable(serial)}; give product, one of "
                f"{', '.join(products)}."
            )
        claim = next((claim for claim in claims if claim.is_live), next(iter(claims), None))
    else:
        raise NamingError("Nothing says which claim is meant; give claim_id, or serial.")
    if claim is None:
        raise NamingError(_unknown(ledger, claim_id, serial, product))
    return claim


def _unknown(ledger: Ledger, claim_id: str | None, serial: str | None, product: str | None) -> str:
    where = f"The ledger {printable(ledger.location)} has no claim"
    if claim_id is not None or serial is None:
        return f"{where} with the ID {mask(parse(claim_id or ''))}; see what it has with ioto_ledger_job=find."
    for event in ledger.events(unit=serial, product=product, newest_first=True):
        now = ledger.find(event.claim_id) if event.claim_id else None
        if now is not None and now.unit is not None and not is_same_serial(now.unit, serial):
            return (
                f"{where} of unit {quoted(serial)} any more: its claim ID {now.masked} is that of unit "
                f"{quoted(now.unit)} now; name that one, or see the chain (ioto_ledger_job=chain)."
            )
    return f"{where} of unit {quoted(serial)}; see what it has with ioto_ledger_job=find."


def _whose(claim: Claim) -> str:
    of = "no unit yet" if claim.unit is None else f"unit {printable(claim.unit)}"
    return f"{of} of product {claim.product}"
