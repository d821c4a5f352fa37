# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants to be replaced, by its value: once it is replaced, it is not there to be replaced again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from ..claim_ids import InvalidClaimIdError, is_valid, mask, parse
from ..display_text import meant_by
from ..ledger.records import Claim


@dataclass(frozen=True, slots=True)
class Replacing:
    """The product, the claim ID and the board that are to give way, each as it is now; and why."""

    product: str | None = None
    claim_id: str | None = field(default=None, repr=False)
    """As it was typed."""
    board: str | None = None
    """One of the facts that the ledger has of it."""
    reason: str | None = None

    @property
    def folded_id(self) -> str | None:
        """The claim ID in its canonical form, where it is one."""
        with suppress(InvalidClaimIdError):
            return parse(self.claim_id or "")
        return None

    def takes_product(self, product: str) -> bool:
        """Whether a device that says `product` may get another."""
        return self.product is not None and self.product.strip().upper() == product.upper()

    def takes_id(self, claim_id: str | None) -> bool:
        """Whether `claim_id`, or what stands in its place on a device, is to be replaced."""
        if claim_id is None or self.claim_id is None:
            return False
        return claim_id in {self.claim_id, self.folded_id}


@dataclass(frozen=True, slots=True)
class Replaced:
    """What gives way to something else, each None where it stays."""

    claim_id: str | None = field(default=None, repr=False)
    """What the device has as its ID."""
    retired_id: str | None = field(default=None, repr=False)
    """The ID that no unit has any more, so that a label with it is void."""
    product: str | None = None
    board: str | None = None
    former_product: str | None = None
    """The product under which the ledger has `retired_id` for this very unit."""

    def __bool__(self) -> bool:
        """Whether it is anything."""
        return self != NOTHING_REPLACED


NOTHING = Replacing()
NOTHING_REPLACED = Replaced()


def succession(claim: Claim, before: Claim | None, replaced: Replaced) -> list[str]:
    """Return a notice where a unit that had no live claim `before` got one instead of a retired one."""
    if before is not None or claim.replaces is None or replaced:
        return []
    return [f"Its claim ID takes the place of {mask(claim.replaces)}, which is retired; a label with that one is void."]


def product_is_meant(product: str) -> str:
    """Return how to say that a device with `product` is to get another."""
    return meant_by("ioto_accept_product", product)


def id_is_meant(claim_id: str) -> str:
    """Return how to say that `claim_id`, or what stands in its place, is to be replaced; never whole."""
    if not is_valid(claim_id):
        return f"{meant_by('ioto_replace_id', 'ID')}, where ID is what stands there now"
    return (
        f"{meant_by('ioto_replace_id', 'ID')}, where ID is {mask(claim_id)} whole (see its label, its device.json5, "
        "or ledger_info with reveal)"
    )
