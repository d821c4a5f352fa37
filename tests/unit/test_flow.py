# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine makes of a host's variables."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import ArgumentError, complete
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.check_options import check_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.flow import flow_options
from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.options import FLEET_ARGUMENTS


def test_a_word_that_says_neither_yes_nor_no_is_refused_by_name() -> None:
    variables = {"ioto_volatile": "maybe"}
    with pytest.raises(ArgumentError, match="volatile"):
        complete(flow_options(variables) or {}, FLEET_ARGUMENTS)
    (problem,) = check_options({"dev1": variables}, complete)
    assert "ioto_volatile" in str(problem)
