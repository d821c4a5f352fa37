# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a decision looks at: what the probe saw, what was asked, and what the ledger says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..claim_ids import DEFAULT_LENGTH
from ..device.agent_settings import Override
from ..device.state import DeviceState
from ..device.unit_identity import UnitIdentity
from ..ledger.records import Claim
from ..scanning.keyboard_layout import exchanged
from .replacing import NOTHING, Replacing


@dataclass(frozen=True, slots=True)
class Seen:
    """What the device holds, each None where it does not. IDs as they stand there, valid or not.

    `identity` is what its hardware says, and the connection of its host key.
    """

    claim_id: str | None = None
    product: str | None = None
    provisioned: bool = False
    provisioned_id: str | None = None
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """What the agent takes in place of the `id` and the `product` in device.json5."""
    identity: UnitIdentity | None = None
    id_place: str | None = None
    """What holds `claim_id`, where that is not the device.json5: a key in a file."""

    @classmethod
    def of(cls, state: DeviceState, unit: UnitIdentity) -> Seen:
        """Return what `state` shows of a device that is `unit`."""
        return cls(
            claim_id=state.claim_id,
            id_place=state.id_place,
            product=state.product,
            provisioned=state.provisioned,
            provisioned_id=state.provisioned_id,
            overrides=state.overrides,
            identity=unit,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person wants for the unit. `claim_id` is one that the operator gives, or that was `scanned`."""

    product: str
    unit: str
    claim_id: str | None = None
    replacing: Replacing = NOTHING
    scanned: bool = False
    """The ID is on a label that was printed beforehand, so the ledger has to know it."""
    by_agent: bool = False
    """The agent makes the ID, which it does only without one."""
    length: int = DEFAULT_LENGTH
    """Characters of an ID that is given, and that the ledger does not know."""
    rewrite: bool = False
    """A unit that was verified may be done again though nothing but a MAC address identifies it."""

    @property
    def exchanged_id(self) -> str | None:
        """The ID that was scanned with Y and Z exchanged, where that is another one."""
        return exchanged(self.claim_id) if self.scanned else None


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says: the unit's live claim, and the claims with the ID that the device has, with the one that
    was given, and with the one that is to be replaced.
    """

    live: Claim | None = None
    holder: Claim | None = None
    given_holder: Claim | None = None
    replaced_holder: Claim | None = None
    exchanged_holder: Claim | None = None
    """The claim with the ID that was scanned, Y and Z exchanged."""
