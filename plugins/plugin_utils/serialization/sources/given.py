# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's own ID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ... import claim_ids
from ...json5.reader import JsonValue
from .source import ClaimSource


@dataclass(frozen=True, slots=True)
class Given(ClaimSource):
    """The ID that the operator gives, as it was typed."""

    name: ClassVar[str] = "given"
    option: ClassVar[str | None] = "claim_id"

    value: str

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Given:
        """Return the source of `claim_id`."""
        return cls(options["claim_id"])

    @property
    def wanted_id(self) -> str:
        """The ID, folded."""
        return claim_ids.parse(self.value)

    def claim_id(self, body: Mapping[str, JsonValue]) -> str:
        """Return the ID."""
        return self.wanted_id
