# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service's applications share."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

from .access import AccessControl
from .metrics import Metrics
from .refusals import Refusals
from .settings import ServiceSettings
from .station_feed import StationFeed


@dataclass(frozen=True, slots=True)
class Components:
    """The parts of one service. `slow` runs what must not hold up the event loop."""

    settings: ServiceSettings
    access: AccessControl
    feed: StationFeed
    refusals: Refusals
    metrics: Metrics
    slow: Executor
