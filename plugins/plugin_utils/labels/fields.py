# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on a label, and the templates of a layout that name it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote

from ..display_text import quoted
from .errors import LayoutError

_FIELD = re.compile(r"\{([^{}]*)\}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LINK = re.compile(rf"{_URL.pattern}//", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fields:
    """The texts of one label. What is empty is left out, with every element of the layout that names it.

    `claim_id`, `product` and `serial` are those of the ledger's verified claim; `logo` is the path of an image.
    `number` is that of the label: one more than how often the unit's labels became void while it kept its claim ID.
    """

    claim_id: str = field(repr=False)
    product: str
    serial: str = ""
    brand: str = ""
    product_name: str = ""
    logo: str = ""
    number: str = "1"


NAMES = tuple(Fields.__dataclass_fields__)


def check_template(template: str, where: str) -> str:
    """Return `template` where it names fields of a label alone. Raises `LayoutError`."""
    strangers = [name for name in _FIELD.findall(template) if name not in NAMES]
    if strangers or "{" in _FIELD.sub("", template) or "}" in _FIELD.sub("", template):
        raise LayoutError(
            f"{where}: the template {quoted(template)} may name only {', '.join(f'{{{n}}}' for n in NAMES)}."
        )
    return template


def fill(template: str, fields: Fields, *, is_qr: bool = False) -> str:
    """Return `template` with its fields filled in; empty where one of them is. In a URL they are escaped.

    What a QR code says (`is_qr`) may be a URL of any scheme. A text for people is one with `://` alone: the colon of
    `Model: {product_name}` makes none.
    """
    values = {name: getattr(fields, name) for name in _FIELD.findall(template)}
    if not all(values.values()):
        return ""
    is_url = (_URL if is_qr else _LINK).match(template) is not None
    return _FIELD.sub(lambda name: quote(values[name[1]], safe="") if is_url else values[name[1]], template)
