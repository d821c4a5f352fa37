# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ID on a label that was printed beforehand, and scanned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ...errors import FailureKind
from ...json5.reader import JsonValue
from ...scanning.scan import SCAN_REFUSED, Scan, read_scan
from .source import ClaimSource, SourceError


class OtherProductsLabelError(SourceError):
    """A label that names another product than the unit's."""

    kind = FailureKind.LABEL

    facts: Mapping[str, object] = SCAN_REFUSED


@dataclass(frozen=True, slots=True)
class Scanned(ClaimSource):
    """The ID of a pre-printed label, which the ledger has reserved; the label is the unit's own from then on."""

    name: ClassVar[str] = "given"
    option: ClassVar[str | None] = "scan"
    is_preprinted: ClassVar[bool] = True

    scan: Scan

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Scanned:
        """Return the source of `scan`, read by the templates of the QR code that are in `qr`. Raises `ScanError`."""
        return cls(read_scan(options["scan"], options["qr"]))

    @property
    def wanted_id(self) -> str:
        """The ID of the label."""
        return self.scan.claim_id

    @property
    def label(self) -> str:
        """The label is there already."""
        return "its pre-printed label was scanned"

    def check_product(self, product: str) -> None:
        """Raise `OtherProductsLabelError` where the label says another product."""
        if self.scan.product not in {None, product}:
            raise OtherProductsLabelError(
                f"The label that was scanned is for product {self.scan.product}, and the unit is of {product}: "
                "take a label of its own product."
            )

    def claim_id(self, body: Mapping[str, JsonValue]) -> str:
        """Return the ID."""
        return self.scan.claim_id
