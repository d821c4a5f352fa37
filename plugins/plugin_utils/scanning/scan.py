# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a label's QR code says: the claim ID alone, or the text that the layout's template makes with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ..claim_ids import MAX_UNIT_LENGTH, InvalidClaimIdError, InvalidProductError, parse, parse_product
from ..errors import FailureKind, IotoError

DEFAULT_TEMPLATE = "{claim_id}"
MAX_SCAN_LENGTH = 1000
"""Characters of a scan; no label of ours has so many."""
_FIELD = re.compile(r"\{([^{}]*)\}")
_VALUE = rf"([^/?#&=;,|\s]{{1,{MAX_UNIT_LENGTH}}})"


SCAN_REFUSED: Mapping[str, object] = {"scan_refused": True}
"""What a task's result says where the label does not fit, and another scan may."""


class ScanError(IotoError):
    """Something was scanned that says no claim ID. The message does not repeat it, since it may hold one."""

    kind = FailureKind.LABEL

    facts: Mapping[str, object] = SCAN_REFUSED


class NothingScannedError(ScanError):
    """Nobody scanned anything."""

    facts: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Scan:
    """What a label says: its claim ID; its product, serial and number where it names them."""

    claim_id: str = field(repr=False)
    product: str | None = None
    serial: str | None = None
    number: str | None = None


def read_scan(text: str, templates: Iterable[str] = (DEFAULT_TEMPLATE,)) -> Scan:
    """Return what the scanned or typed `text` says. Raises `ScanError`.

    `templates` are those of the layout's QR code, such as `https://example.com/?id={claim_id}`; the bare ID is taken
    whatever they are. Lower case, and the spaces and hyphens of somebody who types in groups, are folded.
    """
    text = text.strip()
    if not text:
        raise NothingScannedError("Nothing was scanned; scan the QR code of the unit's label, or type its claim ID.")
    if len(text) > MAX_SCAN_LENGTH:
        raise ScanError(
            f"What was scanned has {len(text)} characters, and no label of ours has so many; scan it again."
        )
    for template in templates:
        if scan := _by_template(text, template):
            return scan
    try:
        return Scan(parse(text))
    except InvalidClaimIdError as error:
        raise ScanError(
            f"What was scanned is neither a claim ID nor a text of the labels' QR code ({error}) Scan the QR code of "
            "the unit's label; where its layout has a template of its own, say so (ioto_label_qr or ioto_label_layout)."
        ) from None


def _by_template(text: str, template: str) -> Scan | None:
    names = _FIELD.findall(template)
    if "claim_id" not in names:
        return None
    # Texts and fields in turn; a scanner may change the case of all it types.
    pattern = "".join(_VALUE if number % 2 else re.escape(part) for number, part in enumerate(_FIELD.split(template)))
    match = re.fullmatch(pattern, text, re.IGNORECASE)
    if match is None:
        return None
    values: dict[str, str] = {}
    for name, value in zip(names, match.groups(), strict=True):
        if values.setdefault(name, unquote(value)) != unquote(value):
            return None
    try:
        return Scan(
            parse(values["claim_id"]),
            parse_product(values["product"]) if "product" in values else None,
            values.get("serial"),
            values.get("number"),
        )
    except (InvalidClaimIdError, InvalidProductError):
        return None
