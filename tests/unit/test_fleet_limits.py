# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine is told of how to run is refused where nothing could be run so."""

from __future__ import annotations

import pytest

pytest.importorskip("paramiko", reason="the fleet engine needs the Python package paramiko")

from ansible_collections.ioto.serialization.plugins.plugin_utils.fleet.engine import Engine, EngineError


@pytest.mark.parametrize("processes", [0, -1])
def test_devices_need_a_process(processes: int) -> None:
    with pytest.raises(EngineError, match="processes has to be 1 or more"):
        Engine(at_once=5, processes=processes)
