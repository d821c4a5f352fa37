# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint against a device with its label: whether the claim ID was that unit's, without a ledger."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from ..claim_ids import mask, parse, parse_product
from ..display_text import local_time, printable
from ..identity.mac_addresses import is_same_serial
from .checkpoint import PROVEN, Checkpoint, SignedUnit
from .errors import CheckpointError
from .id_hashes import IdHash


class DeviceDisagreesError(CheckpointError):
    """A claim ID that was not signed as that of the unit, or not as one that is proven and in use."""


def check_device(checkpoint: Checkpoint, claim_id: str, serial: str, product: str | None = None) -> str:
    """Return a sentence: the claim ID is that of the unit, and was read back from it. Raises `DeviceDisagreesError`.

    All three are taken as people type them; `product` is needed where units of several products have that serial.
    """
    claim_id = parse(claim_id)
    listed = _units_of(checkpoint, serial, None if product is None else parse_product(product))
    unit = _with_id(checkpoint, listed, claim_id)
    made, shown = local_time(checkpoint.made_at), f"unit {printable(listed[0].serial)} of product {listed[0].product}"
    if unit is None:
        raise DeviceDisagreesError(
            f"The claim ID {mask(claim_id)} is not the one that was signed on {made} for {shown}; read the ID off the "
            "device again, and do not take the unit for genuine while they differ."
        )
    if unit.state == "retired":
        raise DeviceDisagreesError(
            f"The claim ID {mask(claim_id)} of {shown} was out of use when it was signed on {made}, so a label with it "
            "is void; ask whoever signed for its successor."
        )
    if unit.in_doubt:
        raise DeviceDisagreesError(
            f"The claim ID {mask(claim_id)} of {shown} was in doubt when it was signed on {made}; ask whoever signed "
            "for a newer checkpoint."
        )
    if unit.state not in PROVEN or not unit.read_back:
        raise DeviceDisagreesError(
            f"The claim ID {mask(claim_id)} of {shown} was signed on {made} as {unit.state}, and nobody had read it "
            "back from the device; ask whoever signed for a newer checkpoint."
        )
    return f"The claim ID {mask(claim_id)} is that of {shown}, as signed on {made} (state {unit.state})."


def _units_of(checkpoint: Checkpoint, serial: str, product: str | None) -> list[SignedUnit]:
    if checkpoint.units is None:
        raise DeviceDisagreesError(
            "The checkpoint lists no units, so it says nothing of a device; ask for one that has."
        )
    serial = serial.strip()
    found = [
        unit for unit in checkpoint.units if is_same_serial(unit.serial, serial) and product in {None, unit.product}
    ]
    if not found:
        of = "" if product is None else f" of product {product}"
        raise DeviceDisagreesError(
            f"The checkpoint lists no unit {printable(serial)}{of}; correct the serial, or take the checkpoint of its "
            "batch."
        )
    if len(products := sorted({unit.product for unit in found})) > 1:
        shown = ", ".join(products[:_MOST_SHOWN])
        raise DeviceDisagreesError(
            f"The checkpoint lists units {printable(serial)} of {len(products)} products; give the product, one of "
            f"{shown}."
        )
    return found


_MOST_SHOWN = 5
_MOST_NOTATIONS = 16
"""Texts that name one unit; each takes a hash."""


def _with_id(checkpoint: Checkpoint, listed: Sequence[SignedUnit], claim_id: str) -> SignedUnit | None:
    """Return which of `listed` has that ID, one in use before one that is not."""
    id_hash = checkpoint.id_hash or IdHash.new()
    names = dict.fromkeys((unit.product, unit.serial) for unit in listed)
    if len(names) > _MOST_NOTATIONS:
        raise DeviceDisagreesError(
            f"The checkpoint lists one unit under {len(names)} names; ask whoever signed what it means."
        )
    hashes = {name: id_hash.of(claim_id, *name) for name in names}
    found = [unit for unit in listed if hmac.compare_digest(hashes[unit.product, unit.serial], unit.id_hash)]
    return min(found, key=lambda unit: unit.state == "retired", default=None)
