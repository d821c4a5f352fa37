# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ID that we make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ... import claim_ids
from ...json5.reader import JsonValue
from .source import ClaimSource, SourceError


@dataclass(frozen=True, slots=True)
class Generated(ClaimSource):
    """An ID that the ledger draws from the system's CSPRNG, so that it is unique as well as random."""

    name: ClassVar[str] = "generated"

    length: int = claim_ids.DEFAULT_LENGTH

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Generated:
        """Return the source of IDs of `length` characters."""
        try:
            return cls(claim_ids.check_length(options["length"]))
        except claim_ids.InvalidClaimIdError as error:
            raise SourceError(f"{error} (ioto_claim_id_length)") from None

    def claim_id(self, body: Mapping[str, JsonValue]) -> None:
        """Return None: the ledger draws."""
