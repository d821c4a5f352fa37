# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source of claim IDs is to the transaction: what it needs before, what it gives, and what it does afterwards.

A source states what is its own; where it states nothing, what stands here holds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ... import claim_ids
from ...device.device import Device
from ...device.state import DeviceState
from ...device.unit_identity import UnitIdentity
from ...errors import FailureKind, IotoError
from ...json5.reader import JsonValue


class SourceError(IotoError):
    """A source that gave no claim ID, or that cannot give one to this unit."""

    kind = FailureKind.SOURCE


class ClaimSource(ABC):
    """Where the ID of a unit comes from. `Options` are those of the module `serialize`, complete."""

    name: ClassVar[str]
    """What the option `source` calls it, and what the ledger records."""
    option: ClassVar[str | None] = None
    """The option whose value it gives: it is chosen where that is set, and cannot do without."""
    on_device: ClassVar[bool] = False
    """Whether the ID comes into being on the device, and the controller waits for it: only without one."""
    costs_elsewhere: ClassVar[bool] = False
    """Whether to ask for an ID leaves one somewhere else, so that nobody is asked who will get none."""
    is_preprinted: ClassVar[bool] = False
    """Whether the ID stands on a label already, so that the ledger has to have reserved it."""
    name_of_found: ClassVar[str] = "adopted"
    """What the ledger records where the device has an ID that it does not know."""

    @classmethod
    @abstractmethod
    def from_options(cls, options: Mapping[str, Any]) -> ClaimSource:
        """Return the source that `options` describe. Raises `IotoError`."""

    # --- what it needs before ---

    @property
    def wanted_id(self) -> str | None:
        """The ID, in its canonical form, where it is known before anybody is asked. Raises `IotoError`."""
        return None

    @property
    def seconds(self) -> int:
        """For how long a script may rightly say nothing, since it waits on the device."""
        return 0

    def check_product(self, product: str) -> None:  # noqa: B027 -- most have for any product
        """Raise `SourceError` where it has no ID for a unit of `product`."""

    def members_for(self, unit: UnitIdentity) -> Mapping[str, JsonValue]:
        """Return what has to stand in the unit's device.json5 besides its identity."""
        return {}

    # --- what it gives ---

    @property
    def length(self) -> int:
        """Characters of an ID that the ledger draws, where `claim_id` returns None."""
        return claim_ids.DEFAULT_LENGTH

    @property
    def written(self) -> ClaimSource:
        """The source of the ID that the controller writes."""
        return self

    @abstractmethod
    def claim_id(self, body: Mapping[str, JsonValue]) -> str | None:
        """Return the ID for the unit that `body` describes, or None: the ledger draws one. Raises `IotoError`."""

    def await_id(self, device: Device, config_dir: str, old: bytes | None, restart: Sequence[str]) -> DeviceState:
        """Have the ID made on the device, and return the first state that shows it. Asked where it is `on_device`.

        `old` are the bytes of device.json5 (None: there is no file), `restart` is the request's. A state without an ID:
        `written` gives one. Raises `IotoError` where none came.
        """
        raise NotImplementedError

    # --- what it does afterwards ---

    @property
    def label(self) -> str | None:
        """Why the unit's label counts as made, where it does."""
        return None

    @property
    def confirmed_at(self) -> str | None:
        """Where it is to be told once that the unit has its ID, verified; None: nobody is told."""
        return None

    def confirm(self, body: Mapping[str, JsonValue]) -> str | None:
        """Tell that the unit of `body` has the `id` in it. Return why that could not be said, as a sentence, or None.

        Raises `SourceError` where that is not so there: the unit is not verified then.
        """
        return None
