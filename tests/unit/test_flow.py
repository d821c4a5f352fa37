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


def test_a_word_that_says_neither_yes_nor_no_lets_no_changed_host_key_in_and_is_refused_by_name() -> None:
    variables = {"ioto_accept_host_key": "maybe"}
    with pytest.raises(ArgumentError, match="accept_host_key"):
        complete(flow_options(variables) or {}, FLEET_ARGUMENTS)
    (problem,) = check_options({"dev1": variables}, complete)
    assert "ioto_accept_host_key" in str(problem)
