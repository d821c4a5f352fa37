# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet engine makes of a host's variables."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.flows.flow import FlowError, plan_flow


def test_a_word_that_says_neither_yes_nor_no_lets_no_changed_host_key_in_and_is_refused_by_name() -> None:
    with pytest.raises(FlowError, match="ioto_accept_host_key says neither yes nor no"):
        plan_flow({"ioto_accept_host_key": "maybe"}, {}, check=False)
