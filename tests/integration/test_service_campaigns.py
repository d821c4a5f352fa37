# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaigns of the service, short and with a fixed seed; `make campaign-service` runs them at length."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.campaign.service import CAMPAIGNS, Load

SEED = 17
# Sizes that take less than forty seconds of two cores together; of the failovers, one of each kind.
SIZES = {"kills": (1000, 2), "instances": (1000, 4), "failover": (800, 4)}


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_what_the_service_answered_is_never_lost(name: str, tmp_path: Path) -> None:
    units, ends = SIZES[name]
    load = Load(units, ends, 32, Random(f"{SEED}/{name}"), tmp_path, answer_seconds=2)

    CAMPAIGNS[name].run(load)

    print(load)
    assert load.counts["units"] == units
    assert load.violations == []
