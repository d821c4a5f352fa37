# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a body says: of which product the unit is, and what names it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from .. import claim_ids
from ..display_text import quoted
from ..errors import IotoError
from ..identity.facts import MAC
from ..identity.mac_addresses import normal_mac
from ..identity.marks import ANY_MARKS, IdentifyingMarks
from ..json5.document import Json5Document
from ..ledger.records import State, parse_unit
from .errors import RefusedError

_MAX_NUMBER = 10**24
_CONFIRMED = {State.WRITTEN.value: State.WRITTEN, State.VERIFIED.value: State.VERIFIED}

Body = Mapping[str, object]


class RepetitiveBody(dict[str, object]):
    """An object some of whose keys stand in it more than once, with different values: `contradictory`.

    An agent blends each in its turn when it loads its file, and takes the first when it looks up one of the file's
    keys; readers of JSON take the last. So nobody can tell what is meant.
    """

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.contradictory = frozenset(key for key, value in pairs if value != self[key])


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else RepetitiveBody(pairs)


_decoder = json.JSONDecoder(object_pairs_hook=_object)

_product = lru_cache(maxsize=256)(claim_ids.parse_product)
"""A line makes few products at a time."""


class Named(NamedTuple):
    """A unit of a product. `unit` is None where the body names none; `hardware` is what it says of its device."""

    product: str
    unit: str | None
    hardware: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A controller says that the unit has this ID, and how far it is."""

    product: str
    unit: str
    claim_id: str = field(repr=False)
    state: State
    hardware: Mapping[str, object] | None = None


def parse_json(data: bytes) -> Body | None:
    """Return the object of a strict JSON body, or None where it has to be read as JSON5."""
    try:
        # JSON's own look for UTF-16, and for spaces, takes as long as the rest.
        text = data.decode().strip(" \t\r\n")
        body, end = _decoder.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if end != len(text):
        return None
    if not isinstance(body, dict):
        raise _malformed("The body is not an object; send device.json5.")
    return body


def parse_json5(data: bytes) -> Body:
    """Return the object of a JSON5 body. Raises `RefusedError`. Slow (0.06 s for 16 kB): see `json5_bodies`."""
    try:
        members = Json5Document.parse(data, name="The body").members
    except IotoError as error:
        raise _malformed(str(error)) from None
    if members is None:
        raise _malformed("The body is not an object; send device.json5.")
    return _object(members)


@dataclass(frozen=True, slots=True)
class UnitNames:
    """What names a unit: the first of the `properties` of device.json5 that identifies one, as `marks` say."""

    properties: Sequence[str]
    marks: IdentifyingMarks = ANY_MARKS

    def of(self, body: Body) -> Named:
        """Return of which unit `body` speaks. Raises `RefusedError`, also where all that it says identifies none."""
        self._check_keys(body)
        product = body.get("product")
        if not isinstance(product, str):
            raise RefusedError(422, "product", "The body says no product; put it into device.json5.")
        mac = self._mac(body.get(MAC))
        hardware = {MAC: mac} if mac is not None and self.marks.has_mac(mac) else None
        placeholders = []
        try:
            product = _product(product[:64])
            for name in self.properties:
                text = mac if name == MAC and mac is not None else _name(name, body.get(name))
                if text is None:
                    continue
                if hardware is not None if text is mac else self.marks.has_serial(text):
                    return Named(product, parse_unit(text), hardware)
                placeholders.append(f"{name} {quoted(str(body[name])[:64])}")
        except IotoError as error:
            raise RefusedError(422, "serial", str(error)) from None
        if placeholders:
            what = " and the ".join(placeholders)
            raise RefusedError(
                422,
                "placeholder",
                f"The {what} identifies no unit, since every board may have it; put the unit's own into device.json5.",
            )
        return Named(product, None)

    def _mac(self, said: object) -> str | None:
        """Return the MAC address that `said` is, in its normal form; None where it says none, as `unknown` does."""
        mac = normal_mac(said) if isinstance(said, str) else None
        if mac is None and said is not None and (not isinstance(said, str) or self.marks.has_serial(said)):
            raise RefusedError(
                422,
                "mac",
                f"The mac {quoted(str(said)[:64])} is not a MAC address, which has six pairs of the digits 0 to 9 and "
                "A to F; correct it in device.json5, or leave it out.",
            )
        return mac

    def _check_keys(self, body: Body) -> None:
        """Refuse a body that says two things of what names its unit."""
        if not isinstance(body, RepetitiveBody):
            return
        for key in dict.fromkeys(("product", *self.properties, MAC, "id", "state")):
            if key in body.contradictory:
                raise RefusedError(
                    422,
                    "repeated",
                    f"The body has {key} more than once, with different values, so nobody can tell which unit it is; "
                    "leave one of them in device.json5.",
                )

    def nameless(self) -> RefusedError:
        """Return the refusal of a body without a name."""
        names = " nor ".join(self.properties)
        return RefusedError(
            422, "nameless", f"The body names no unit: it has no {names}; put one into device.json5 first."
        )


def confirmation(body: Body, names: UnitNames) -> Confirmation:
    """Return what `body` confirms. Raises `RefusedError`."""
    unit = names.of(body)
    if unit.unit is None:
        raise names.nameless()
    claim_id, state = body.get("id"), body.get("state", State.VERIFIED.value)
    if not claim_ids.is_valid(claim_id):
        raise RefusedError(422, "id", "The body has no valid claim ID as its id; send the one that was written.")
    if not isinstance(state, str) or state not in _CONFIRMED:
        raise RefusedError(422, "state", "The state is written or verified; correct it.")
    return Confirmation(unit.product, unit.unit, str(claim_id), _CONFIRMED[state], unit.hardware)


def _name(key: str, value: object) -> str | None:
    """Return `value` as the text that names a unit; None without one."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER:
        return str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise RefusedError(422, "serial", f"The {key} is not text; write it in quotes.")
    return value.strip() or None


def _malformed(sentence: str) -> RefusedError:
    return RefusedError(400, "body", sentence)
