# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit may find, in one list, and one thing that it found."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ..claim_ids import mask


class Origin(StrEnum):
    """What was looked at."""

    DEVICE = "device"
    IMAGE = "image"
    SCAN = "scan"
    OTHER_LEDGER = "other ledger"
    LEDGER = "ledger"
    CHECKPOINT = "checkpoint"


class FindingKind(StrEnum):
    """What does not agree. The value is its name in the tables; `heading` is for people."""

    SEAL = "seal"
    """The ledger's seals, rows or claims are not what they were."""
    CHECKPOINT = "checkpoint"
    """The ledger holds less than a signed checkpoint of it says, or something else."""
    TWO_SITES = "two-sites"
    """Two ledgers have one ID for two units, or one unit has two IDs."""
    TWO_DEVICES = "two-devices"
    """One ID is on two devices, in two images or on the labels of two units."""
    RETIRED = "retired"
    """A device, image, label or other ledger still has an ID that is out of use, or a label is void."""
    ANOTHER_ID = "another-id"
    """The ledger has another ID for the unit than its device, image or label has."""
    ANOTHER_UNIT = "another-unit"
    """A device or label has an ID that the ledger has for another unit, product or for none."""
    UNKNOWN = "unknown"
    """No ledger that was looked at knows the ID, or the device."""
    UNVERIFIED = "unverified"
    """A unit was written and, for longer than it may, not verified."""
    LABELLED_UNVERIFIED = "labelled-unverified"
    """A unit has its label, and its ID was never read back from its device."""
    IN_DOUBT = "in-doubt"
    """Two devices said that they are the unit, and nobody has settled it."""
    NOT_READ = "not-read"
    """A device, image or scan could not be read, so nothing is known of it."""

    @property
    def heading(self) -> str:
        """What it is called on the page and the screen."""
        return _HEADINGS[self]


_HEADINGS: Mapping[FindingKind, str] = {
    FindingKind.SEAL: "a seal or row that does not hold",
    FindingKind.CHECKPOINT: "at odds with a checkpoint",
    FindingKind.TWO_SITES: "issued by two sites",
    FindingKind.TWO_DEVICES: "an ID on two devices",
    FindingKind.RETIRED: "a retired ID or void label",
    FindingKind.ANOTHER_ID: "an entry with another ID",
    FindingKind.ANOTHER_UNIT: "an ID of another unit",
    FindingKind.UNKNOWN: "unknown to the ledger",
    FindingKind.UNVERIFIED: "written and not verified",
    FindingKind.LABELLED_UNVERIFIED: "labelled and never verified",
    FindingKind.IN_DOUBT: "two devices said to be one unit",
    FindingKind.NOT_READ: "could not be read",
}
_REMEDIES: Mapping[FindingKind, str] = {
    FindingKind.SEAL: "keep the ledger as it is, and compare it with its newest backup",
    FindingKind.CHECKPOINT: "keep both as they are",
    FindingKind.TWO_SITES: "see which device has it, and retire it for the other unit",
    FindingKind.TWO_DEVICES: "see which of them is the unit, and give the other an ID of its own (ioto_replace_id)",
    FindingKind.RETIRED: "take it off the unit, and destroy the label",
    FindingKind.ANOTHER_ID: "see which one is right, then write or label the unit again",
    FindingKind.ANOTHER_UNIT: "see which unit it is, then write or label it again, or move the ID to it "
    "(ioto_ledger_job=rebind)",
    FindingKind.UNKNOWN: "find out where it came from: name the ledger that has it (ioto_audit_ledgers), or adopt it "
    "with ioto.serialization.provision",
    FindingKind.UNVERIFIED: "run ioto.serialization.provision for the unit again",
    FindingKind.LABELLED_UNVERIFIED: "check the unit with ioto.serialization.verify",
    FindingKind.IN_DOUBT: "find out which of them is, and settle it (ioto_ledger_job=resolve)",
    FindingKind.NOT_READ: "correct that, and run the audit again",
}
_REMEDIES_OF: Mapping[tuple[FindingKind, Origin], str] = {
    (FindingKind.TWO_DEVICES, Origin.IMAGE): "make the image of each unit anew with ioto.serialization.firmware",
    (FindingKind.TWO_DEVICES, Origin.SCAN): "see whose label it is, destroy the other, and print that unit's own",
    (FindingKind.RETIRED, Origin.OTHER_LEDGER): "see which ledger is right, and retire it in the other as well",
    (FindingKind.UNKNOWN, Origin.IMAGE): "remove it from the folder, or name the ledger that has it "
    "(ioto_audit_ledgers)",
    (FindingKind.UNKNOWN, Origin.SCAN): "find out where the label came from, and destroy it, or name the ledger that "
    "has it (ioto_audit_ledgers)",
}


class Finding(NamedTuple):
    """Something that does not agree.

    `where` says where it was found: a host, the file of an image, the line of a file, or a ledger. `what` is a clause
    that says what is wrong, with no claim ID whole in it. `claim_id` is the one that was found there, `known_id` the
    one that the ledger has instead, both whole.
    """

    kind: FindingKind
    origin: Origin
    where: str
    what: str
    claim_id: str | None = None
    known_id: str | None = None
    product: str | None = None
    serial: str | None = None

    def __repr__(self) -> str:
        """Leave out what must be in no log."""
        return f"Finding({self.kind.value!r}, {self.where!r}, serial={self.serial!r})"

    @property
    def sentence(self) -> str:
        """What is wrong, where, and what to do next."""
        return f"{self.where}: {self.what}; {self.remedy}."

    @property
    def remedy(self) -> str:
        """What to do, as the end of a sentence."""
        return _REMEDIES_OF.get((self.kind, self.origin), _REMEDIES[self.kind])


def shown_id(claim_id: str | None, *, reveal: bool) -> str | None:
    """Return a claim ID as a file may have it; what stands on a device is masked whatever it is."""
    return claim_id if claim_id is None or reveal else mask(claim_id)
