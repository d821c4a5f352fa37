# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may happen to a claim or a unit, in one list; the page of `ledger_info` documents each."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """The `action` of an event. An old ledger may hold others, and keeps them."""

    ALLOCATED = "allocated"
    RESERVED = "reserved"
    """A new ID waits for its unit."""
    BOUND = "bound"
    """A reserved ID got its unit."""
    REBOUND = "rebound"
    IMPORTED = "imported"
    WRITTEN = "written"
    VERIFIED = "verified"
    LABELLED = "labelled"
    RETIRED = "retired"
    UNSETTLED = "unsettled"
    """A device that was verified is written again: until it is settled, that counts no more."""
    SETTLED = "settled"
    """It was read back again."""
    CONFLICT = "conflict"
    """Somebody asked for an ID that could not be had."""
    TWINS = "twins"
    """Two devices of one run said that they are the claim's unit; the detail is the host of the second."""
    RESOLVED = "resolved"
    HARDWARE = "hardware"
    """A unit's board says another serial or MAC address than before, and that was accepted."""
    HOST_KEY = "host key"
    """A device has another SSH host key than before, and that was accepted."""
    PRODUCT = "product"
    """A device said another product than it gets, and that was accepted."""
    CHECKED = "checked"
    """Label, device and ledger agreed."""
    MISMATCH = "mismatch"
    PREPRINTED = "preprinted"
    """A label was made before its unit."""
    PRINT_STARTED = "print-started"
    PRINT_FAILED = "print-failed"
    PRINT_UNSURE = "print-unsure"
    REPRINT = "reprint"
    NOT_LABELLED = "not-labelled"
    """The unit has its identity and got no label."""
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    RUN_HOSTS = "run-hosts"
    """Some of the hosts of a run, when it begins; when it ends, some of those that are done. The detail is JSON."""
    RUN = "run"
    """The end of a run; the detail is JSON: `started`, and how many devices had which fate."""
