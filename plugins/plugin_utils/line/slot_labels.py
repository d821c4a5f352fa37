# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the labels of a slot's boards are read by: the same that the playbooks read a scan by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..claim_ids import DEFAULT_LENGTH, MAX_LENGTH, MIN_LENGTH
from ..display_text import quoted
from ..errors import IotoError
from ..labels.layout import names as layout_names
from ..labels.qr_templates import qr_templates
from ..private_files import typed_path
from ..scanning.scan import DEFAULT_TEMPLATE
from .errors import LineError
from .settings import LineSettings

_LEDGER, _QR, _LAYOUT, _LENGTH = "ioto_ledger", "ioto_label_qr", "ioto_label_layout", "ioto_claim_id_length"

_MOST_DIGITS = 10


class SlotLabels(NamedTuple):
    """What a scan of a label is understood by."""

    ledger: str = ""
    """Path or URL of the ledger that the boards go into; empty for the default one."""
    templates: tuple[str, ...] = (DEFAULT_TEMPLATE,)
    """Of the QR codes of the labels."""
    claim_id_length: int = DEFAULT_LENGTH
    """Characters of the IDs on the labels."""


def slot_labels(where: str, variables: Mapping[str, Any], settings: LineSettings) -> SlotLabels:
    """Return what the runs' variables say of labels. Raises `LineError`; `where` begins its sentence."""
    if not settings.scanner:
        return SlotLabels()
    said = {name: variables.get(name) for name in (_LEDGER, _QR, _LAYOUT)}
    for name, value in said.items():
        if value is not None and (not isinstance(value, str) or "{{" in value):
            raise LineError(f"{where} has {name} {quoted(value)}, and scans are read by it; write it as it is.")
    layout = said[_LAYOUT]
    if layout and layout not in layout_names():
        layout = str(settings.folder / typed_path(layout))  # the runs' own folder
    try:
        templates = qr_templates(said[_QR], layout)
    except IotoError as error:
        raise LineError(f"{where} has labels that cannot be read by a scan: {error}") from None
    length = variables.get(_LENGTH, DEFAULT_LENGTH)
    # Python makes no number of some thousand digits.
    is_number = not isinstance(length, bool) and str(length).isdecimal() and len(str(length)) < _MOST_DIGITS
    if not is_number or not MIN_LENGTH <= int(length) <= MAX_LENGTH:
        raise LineError(f"{where} has {_LENGTH} {quoted(length)}; write a number from {MIN_LENGTH} to {MAX_LENGTH}.")
    ledger = said[_LEDGER] or ""
    if ledger and "://" not in ledger:  # a file, which the runs look for from their own folder
        ledger = str(settings.folder / typed_path(ledger))
    return SlotLabels(ledger, templates, int(length))
