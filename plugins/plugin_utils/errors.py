# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors that the core raises.

Every message is one sentence for the person at the line: what is wrong, where, and what to do next.
The boundary (an action, the service) catches `IotoError` alone; anything else is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar


class FailureKind(StrEnum):
    """What a failure is about: who shows it to an operator says by it what to do, and reads no sentence for that."""

    BOARD = "board"
    """Something on the device cannot be read or written, or is broken."""
    STORAGE = "storage"
    """The device would not keep its ID."""
    IDENTITY = "identity"
    """Nothing says which unit it is."""
    CHANGED = "changed"
    """It is another device than before, or its file is another."""
    CONFLICT = "conflict"
    """It is not what is recorded of it, or what was asked for."""
    TWIN = "twin"
    """Another device says that it is the same unit."""
    LABEL = "label"
    """The label that was scanned is not for this unit, or none."""
    MISMATCH = "mismatch"
    """Label, device and ledger differ."""
    UNREACHABLE = "unreachable"
    """It does not answer, or lets nobody in."""
    SOURCE = "source"
    """Who hands IDs out gave none."""
    RECORDS = "records"
    """The ledger cannot be used."""
    SETTINGS = "settings"
    """What was set cannot be used, for any unit."""
    DEFECT = "defect"
    """A program of this collection is at fault."""
    OTHER = "other"
    """Nothing is known of it but its sentence."""


class IotoError(Exception):
    """Something that the person who runs us can act on; `str(error)` is the sentence to show."""

    kind: ClassVar[FailureKind] = FailureKind.SETTINGS
    """What it is about; mostly something that somebody typed."""
    facts: Mapping[str, object] = {}
    """What a task's result says beside the sentence."""

    @property
    def told(self) -> dict[str, object]:
        """What the result of a task that failed by it says: sentence, kind, and facts."""
        return {**self.facts, "failure": self.kind.value, "msg": str(self)}
