# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which number a label has, where its layout shows that: one more each time that a unit's labels become void."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..ledger.ledger import Ledger
from ..ledger.records import Claim
from ..ledger.rework.void_labels import label_numbers

if TYPE_CHECKING:
    from ..labels.layout import LabelLayout

_NUMBER = "{number}"


def numbers_on(layout: LabelLayout, ledger: Ledger, claims: Iterable[Claim]) -> Mapping[str, int]:
    """Return the numbers of the labels of `claims`, by claim ID; none where `layout` does not show them."""
    shows_it = any(_NUMBER in getattr(element, "template", "") for element in layout.elements)
    return label_numbers(ledger, claims) if shows_it else {}
