# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the QR codes of labels say. Nothing here needs the libraries that labels need."""

from __future__ import annotations

from ..scanning.scan import DEFAULT_TEMPLATE
from .fields import check_template


def qr_templates(qr: str | None, layout: str | None) -> tuple[str, ...]:
    """Return the templates of the QR codes of labels: `qr`, else those of `layout`, else the bare claim ID.

    Raises `IotoError`.
    """
    if qr is not None or layout is None:
        return (DEFAULT_TEMPLATE if qr is None else check_template(qr, "qr"),)
    from . import layout as layouts  # noqa: PLC0415 - most runs know no layout, and each would load what draws one

    found = [item.template for item in layouts.load(layout).elements if isinstance(item, layouts.Qr)]
    return tuple(found) or (DEFAULT_TEMPLATE,)
