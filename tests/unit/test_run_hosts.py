# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in a run is read back whole, however many there are: the ledger cuts long texts."""

from __future__ import annotations

import json
from itertools import pairwise

from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.run_hosts import (
    describe_host,
    events_of_hosts,
    hosts_of_run,
    packed,
)
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.ledger import Ledger
from ansible_collections.ioto.serialization.plugins.plugin_utils.ledger.records import Context
from tests.support.ledgers import PRODUCT

RUN = "20261127T143210-7QK4XW"


def test_the_hosts_of_a_large_run_are_all_read_back() -> None:
    names = [f"pump-{number}-ü" for number in range(1000)]
    with Ledger.in_memory() as ledger:
        hosts = [describe_host(name, "manual", (PRODUCT, f"SN-{name}")) for name in names]
        ledger.record_many(list(events_of_hosts(hosts, Context("ann@line-1", run=RUN))))
        assert [entry["host"] for entry in hosts_of_run(ledger, RUN)] == names


def test_lists_are_as_long_as_they_may_be_and_no_longer() -> None:
    entries = [{"host": "x" * length} for length in (10, 40, 5, 5, 5, 200, 1)]
    lists = list(packed(entries, most=80))
    assert [entry for text in lists for entry in json.loads(text)] == entries
    assert [len(text) <= 80 for text in lists] == [True, True, False, True]
    assert all(len(one) + len(other) > 80 for one, other in pairwise(lists))
