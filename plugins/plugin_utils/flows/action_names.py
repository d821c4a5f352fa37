# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of a run are called, for those who follow one from outside: callbacks, the progress, a line."""

from __future__ import annotations

COLLECTION = "ioto.serialization."
"""What stands before each in a full name."""
PREFLIGHT = "preflight"
SERIALIZE = "serialize"
SERIALIZE_FLEET = "serialize_fleet"
FIRMWARE_IMAGE = "firmware_image"
FIRMWARE_BATCH = "firmware_batch"
LABEL = "label"
LABEL_HOSTS = "label_hosts"
VERIFY = "verify"
REPORT = "report"
CHECKPOINT = "checkpoint"
SUMMARY = "summary"
FAIL = "fail"
"""By which our playbooks fail at their end who is not done."""


def full_name(name: str) -> str:
    """Return the name of an action of ours with that of the collection."""
    return f"{COLLECTION}{name}"


def short_name(name: str) -> str:
    """Return the name of an action of ours, without that of the collection; empty of another's."""
    return name.removeprefix(COLLECTION) if name.startswith(COLLECTION) else ""
