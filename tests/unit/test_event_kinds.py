# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in the history of a ledger is documented, all of it and nothing else."""

from __future__ import annotations

import re

import yaml

from ansible_collections.ioto.serialization.plugins.modules import ledger_info
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.event_kinds import EventKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import State


def test_the_page_of_ledger_info_names_every_kind_of_event_and_no_other() -> None:
    description = " ".join(yaml.safe_load(ledger_info.RETURN)["events"]["description"])
    assert set(re.findall(r"C\(([^)]+)\)", description)) - {"action"} == set(EventKind)


def test_every_state_of_a_claim_is_the_kind_of_the_event_that_led_to_it() -> None:
    assert {state.value for state in State} <= set(EventKind)
