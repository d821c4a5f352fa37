# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flows that a host can take, as the variables of an inventory say them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    """A flow, as `ioto_mode` names it; `none` leaves a host alone."""

    MANUAL = "manual"
    AUTO = "auto"
    FACTORY = "factory"
    FIRMWARE = "firmware"
    NONE = "none"


def is_for_fleet(variables: Mapping[str, Any]) -> bool:
    """Whether the fleet engine does the host with these `VARIABLES`."""
    return variables.get("ioto_engine") == "fleet" and variables.get("ioto_mode") not in (Mode.FIRMWARE, Mode.NONE)
