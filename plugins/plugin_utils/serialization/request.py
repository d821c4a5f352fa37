# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for one unit, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import claim_ids
from ..json5.reader import JsonValue
from .sources.source import ClaimSource

DEFAULT_CONFIG_DIR = "/etc/ioto"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for one unit. `properties` are further members of device.json5; `check` changes nothing.

    A unit that comes back with another host key than the ledger keeps as its own is refused unless `accept_host_key`.
    """

    source: ClaimSource
    product: str | None = None
    serial: str | None = None
    properties: Mapping[str, JsonValue] = field(default_factory=dict)
    config_dir: str = DEFAULT_CONFIG_DIR
    force: bool = False
    replace_provisioned: bool = False
    check: bool = False
    accept_host_key: bool = False


@dataclass(frozen=True, slots=True)
class UnitOutcome:
    """What became of one unit; `before` and `after` are bytes of device.json5. IDs are whole: mask what you show."""

    changed: bool
    claim_id: str | None
    product: str
    serial: str
    source: str
    state: str | None
    path: str
    previous_claim_id: str | None = None
    before: bytes = b""
    after: bytes = b""
    note: str | None = None
    """What did not come about and does no harm: the next run makes up for it."""

    def shown(self, data: bytes) -> str:
        """Return a device.json5 as text for a screen, with the claim IDs in it masked."""
        text = data.decode("utf-8", "replace")
        for claim_id in filter(None, {self.claim_id, self.previous_claim_id}):
            text = text.replace(claim_id, claim_ids.mask(claim_id))
        return "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)
