# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a checkpoint says, as it is signed: the ledger's last seal, and the record of a batch."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..claim_ids import MAX_UNIT_LENGTH, InvalidProductError, parse_product
from .envelope import MOST_BYTES, verified_payload
from .errors import CheckpointError
from .id_hashes import IdHash
from .input_files import parse_json, read_file

VERSION = 1
MOST_UNITS = 50_000
STATES = ("allocated", "written", "verified", "labelled", "retired")
PROVEN = ("verified", "labelled")
"""The states of a unit whose ID was read back from its device, unless `SignedUnit.read_back` says otherwise."""

_MOST_PARTS = 1_000_000
_MOST_TEXT = 255
_DIGEST = 64
_MOST_NUMBER = 2**63
_YEARS = range(MINYEAR + 1, MAXYEAR)


@dataclass(frozen=True, slots=True)
class SignedSeal:
    """The last seal of a ledger: its number, its hash in hex, the last event that it covers, when it was made."""

    number: int
    hash: str
    last_event: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SignedUnit:
    """A claim of a unit, as it was. `in_doubt`: it counted for less than its `state` says, as `Claim.doubt` tells.

    `read_back`: whether the ledger saw its ID read back; of a claim that came from a file, its `state` alone says so.
    """

    product: str
    serial: str
    state: str
    changed_at: datetime
    id_hash: bytes
    in_doubt: bool = False
    read_back: bool = True


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger with this `identity` and so many claims, as it was at a moment; and a batch of its units.

    `run` is the number of the run that the batch is, None where it is all units; `began_at` and `ended_at` are when its
    first and its last event came, as far as there are some. `units` is None where only the ledger was signed; `id_hash`
    says how their IDs are hashed.
    """

    made_at: datetime
    identity: str
    claims: int
    seal: SignedSeal
    run: str | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    id_hash: IdHash | None = None
    units: Sequence[SignedUnit] | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        """How many units of the batch are in which state."""
        found = Counter(unit.state for unit in self.units or ())
        return {state: found[state] for state in STATES if found[state]}

    def encoded(self) -> bytes:
        """Return it as it is signed, with units where it has both them and their `id_hash`."""
        return json.dumps(_as_json(self), separators=(",", ":")).encode()


def read_checkpoint(path: str, key: Ed25519PublicKey) -> Checkpoint:
    """Return the checkpoint in the file at `path`, which `key` has signed. Raises `CheckpointError`."""
    return decoded(verified_payload(read_file(path, "a checkpoint", MOST_BYTES), key))


def decoded(payload: bytes) -> Checkpoint:
    """Return the checkpoint that was signed as `payload`. Raises `CheckpointError`: whoever signs may err or lie."""
    try:
        found = parse_json(payload, _MOST_PARTS)
        if found.get("version") != VERSION:
            raise ValueError(f"it has another version than {VERSION}")
        return _of_json(found)
    except ValueError as error:
        raise CheckpointError(
            f"The checkpoint is signed, and says what this program cannot read: {error}; ask whoever signed it, or use "
            "a newer version of ioto.serialization."
        ) from None


def _as_json(checkpoint: Checkpoint) -> dict[str, Any]:
    seal, id_hash = checkpoint.seal, checkpoint.id_hash
    said: dict[str, Any] = {
        "version": VERSION,
        "made_at": _written(checkpoint.made_at),
        "ledger": {"identity": checkpoint.identity, "claims": checkpoint.claims},
        "seal": {
            "number": seal.number,
            "hash": seal.hash,
            "last_event": seal.last_event,
            "at": _written(seal.at),
        },
        "batch": {
            "run": checkpoint.run,
            "began_at": _written(checkpoint.began_at),
            "ended_at": _written(checkpoint.ended_at),
        },
    }
    if checkpoint.units is None or id_hash is None:
        return said
    said["batch"]["counts"] = checkpoint.counts
    said["id_hash"] = {
        "algorithm": "scrypt",
        "n": id_hash.n,
        "r": id_hash.r,
        "p": id_hash.p,
        "length": id_hash.length,
        "salt": base64.b64encode(id_hash.salt).decode(),
    }
    said["units"] = [
        {
            "product": unit.product,
            "serial": unit.serial,
            "state": unit.state,
            **({"in_doubt": True} if unit.in_doubt else {}),
            **({} if unit.read_back else {"read_back": False}),
            "changed_at": _written(unit.changed_at),
            "id_hash": base64.b64encode(unit.id_hash).decode(),
        }
        for unit in checkpoint.units
    ]
    return said


def _of_json(found: dict[str, Any]) -> Checkpoint:
    ledger, seal, batch = (_object(found, name) for name in ("ledger", "seal", "batch"))
    units, id_hash = found.get("units"), None
    if units is not None:
        if not isinstance(units, list) or len(units) > MOST_UNITS:
            raise ValueError(f"its units are not a list of up to {MOST_UNITS}")
        id_hash = _id_hash(_object(found, "id_hash"))
    return Checkpoint(
        made_at=_moment(found, "made_at"),
        identity=_text(ledger, "identity"),
        claims=_number(ledger, "claims"),
        seal=SignedSeal(
            _number(seal, "number"), _text(seal, "hash", _DIGEST), _number(seal, "last_event"), _moment(seal, "at")
        ),
        run=None if batch.get("run") is None else _text(batch, "run"),
        began_at=None if batch.get("began_at") is None else _moment(batch, "began_at"),
        ended_at=None if batch.get("ended_at") is None else _moment(batch, "ended_at"),
        id_hash=id_hash,
        units=None if units is None else [_unit(unit) for unit in units],
    )


def _id_hash(found: dict[str, Any]) -> IdHash:
    if found.get("algorithm") != "scrypt":
        raise ValueError("its IDs are hashed by something else than scrypt")
    numbers = (_number(found, name) for name in ("n", "r", "p", "length"))
    return IdHash(_bytes(found, "salt"), *numbers)


def _unit(found: object) -> SignedUnit:
    if not isinstance(found, dict):
        raise ValueError("a unit of it is not an object")
    state = found.get("state")
    if state not in STATES:
        raise ValueError("a unit of it has an unknown state")
    try:
        product = parse_product(_text(found, "product"))
    except InvalidProductError:
        raise ValueError("a unit of it has no product ID") from None
    return SignedUnit(
        product,
        _text(found, "serial", MAX_UNIT_LENGTH),
        str(state),
        _moment(found, "changed_at"),
        _bytes(found, "id_hash"),
        in_doubt=found.get("in_doubt", False) is not False,
        read_back=found.get("read_back", True) is True,
    )


def _object(container: dict[str, Any], name: str) -> dict[str, Any]:
    value = container.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"its {name} is missing, or no object")
    return value


def _text(container: dict[str, Any], name: str, most: int = _MOST_TEXT) -> str:
    value = container.get(name)
    # Half characters, which no terminal and no file takes, cannot be printed either.
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        raise ValueError(f"its {name} is missing, or no text of up to {most} characters that can be printed")
    return value


def _number(container: dict[str, Any], name: str) -> int:
    value = container.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MOST_NUMBER:
        raise ValueError(f"its {name} is missing, or no whole number")
    return value


def _moment(container: dict[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(container, name)).astimezone(UTC)
        # At the ends of the calendar, it could not be shown by the clock of every machine.
        if moment.year in _YEARS:
            return moment
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"its {name} is missing, or no time")


def _bytes(container: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(container, name), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"its {name} is missing, or not base64") from None


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
