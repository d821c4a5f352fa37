# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for one unit, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .. import claim_ids
from ..device.device import DEVICE_FILE
from ..device.state import DeviceState
from ..device.unit_identity import UnitIdentity
from ..errors import FailureKind, IotoError
from ..identity.marks import ANY_MARKS, IdentifyingMarks
from ..json5.reader import JsonValue
from .replacing import NOTHING, NOTHING_REPLACED, Replaced, Replacing
from .situation import Asked
from .sources.source import ClaimSource

DEFAULT_CONFIG_DIR = "/etc/ioto"


class SerializationError(IotoError):
    """A unit that did not get its identity; its device.json5 is as it was, or whole."""

    kind = FailureKind.BOARD


class OtherDeviceError(SerializationError):
    """A device that is not the one it says to be. `facts` are what a result says of it beside the sentence."""

    kind = FailureKind.CONFLICT

    def __init__(self, message: str, facts: Mapping[str, object]) -> None:
        super().__init__(message)
        self.facts = facts


class GivenIdError(OtherDeviceError):
    """An ID that was given, such as by the label that was scanned, and that is not for this device."""

    kind = FailureKind.LABEL


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for one unit. `properties` are further members of device.json5; `check` changes nothing.

    What a unit is already is kept, and what contradicts it refused, unless `replacing` names it. One whose storage
    forgets is refused unless `volatile`; one of which nothing says that the file is on the storage is not
    verified unless `unsynced`.
    """

    source: ClaimSource
    product: str | None = None
    serial: str | None = None
    properties: Mapping[str, JsonValue] = field(default_factory=dict)
    config_dir: str = DEFAULT_CONFIG_DIR
    replacing: Replacing = NOTHING
    check: bool = False
    restart: Sequence[str] = ()
    """The command that starts a running agent again; empty: the device's own init script or systemd unit."""
    volatile: bool = False
    unsynced: bool = False
    rewrite: bool = False
    """Do a unit again that was verified and whose device is blank, though nothing but a MAC address identifies it."""
    length: int = claim_ids.DEFAULT_LENGTH
    """Characters of an ID that the operator gives, and that the ledger does not know."""
    marks: IdentifyingMarks = ANY_MARKS
    """What identifies a device."""

    def ask_for(self, state: DeviceState, unit: UnitIdentity) -> Asked:
        """Return what is asked for the `unit` whose device was seen in `state`. Raises `IotoError`."""
        product = self.product if self.product is not None else state.product
        if product is None:
            raise SerializationError(
                f"Nothing says of which product {state.name} is: its {DEVICE_FILE} does not, so give it (ioto_product)."
            )
        asked = Asked(
            product=claim_ids.parse_product(product),
            unit=unit.serial,
            claim_id=self.source.wanted_id,
            replacing=self.replacing,
            scanned=self.source.is_preprinted,
            by_agent=self.source.on_device,
            length=self.length,
            rewrite=self.rewrite,
        )
        self.source.check_product(asked.product)
        return asked


@dataclass(frozen=True, slots=True)
class UnitOutcome:
    """What became of one unit; `before` and `after` are bytes of device.json5. IDs are whole: mask what you show."""

    changed: bool
    claim_id: str | None
    product: str
    serial: str
    source: str
    state: str | None
    path: str
    previous_claim_id: str | None = None
    replaced: Replaced = NOTHING_REPLACED
    """What gave way, or would in check mode."""
    before: bytes = b""
    after: bytes = b""
    readable_by_others: bool = False
    """The device.json5 was so on the device, and its mode was kept."""
    note: str | None = None
    """What did not come about and does no harm: the next run makes up for it."""
    adopted: bool = False
    """The device had its ID, and the ledger did not know it."""
    notices: Sequence[str] = ()
    """What was unusual, a sentence each."""
    hardware: Mapping[str, object] = field(default_factory=dict)
    """What identifies its device: `serial`, `mac`, `macs`."""
    rewritten: bool = False
    """It was verified before, and its device had lost that."""

    def shown(self, data: bytes) -> str:
        """Return a device.json5 as text for a screen, with the claim IDs in it masked."""
        text = data.decode("utf-8", "replace")
        for claim_id in filter(None, {self.claim_id, self.previous_claim_id, self.replaced.claim_id}):
            text = text.replace(claim_id, claim_ids.mask(claim_id))
        return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)
