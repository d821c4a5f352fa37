# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that name what is to be replaced."""

from __future__ import annotations

from dataclasses import replace

from ..option import AGENT_FACTORY, AUTO, FACTORY, FIRMWARE, MANUAL, Option

_CONTROLLERS = (MANUAL, FACTORY, FIRMWARE)
_AGENTS = (AUTO, AGENT_FACTORY)
_DEVICES = (MANUAL, FACTORY, *_AGENTS)
_UNITS = (*_DEVICES, FIRMWARE)
_IDENTITY = ("serialize", "firmware_image")

REPLACING = ("accept_product", "replace_id", "accept_board")
"""The options that name what is to be replaced."""

_REPLACE_ID = Option(
    "replace_id",
    "The claim ID that the unit gives up for another, whole; also of a device that was claimed. It is retired.",
    modules=_IDENTITY,
    flows=_CONTROLLERS,
    is_deliberate=True,
)

OPTIONS = (
    Option(
        "accept_product",
        "The product that the device says, where it is to get another one.",
        modules=_IDENTITY,
        flows=_UNITS,
        is_deliberate=True,
    ),
    _REPLACE_ID,
    replace(
        _REPLACE_ID,
        says="Refused, since an agent makes or asks for an ID only if it has none yet; have the controller write it.",
        modules=(),
        flows=_AGENTS,
    ),
    Option(
        "accept_board",
        "The serial, MAC address or SSH host key of the unit's old board or key, as the ledger has it.",
        modules=("serialize",),
        flows=_DEVICES,
        is_deliberate=True,
    ),
    Option(
        "may_replace",
        "Have the variables of O(replace_id) and its like count, as in the roles; they are refused otherwise.",
        False,
        modules=("serialize",),
    ),
    Option(
        "reason",
        "Why something is replaced, for the ledger. Whatever is replaced needs it.",
        modules=_IDENTITY,
        flows=_UNITS,
    ),
)
