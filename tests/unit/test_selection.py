# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run was to be about is told by name where Ansible leaves it out; what it can make sense of is let pass."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.selection import check_limit, check_sources
from ansible_collections.ioto.serialization.plugins.plugin_utils.production_order.bare_orders import refuse_bare_orders


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert [problem.hosts for problem in check_sources([str(tmp_path), "10.0.0.1,", missing])] == [(missing,)]


def test_a_source_whose_name_is_too_long_for_any_file_is_not_there() -> None:
    assert [problem.hosts for problem in check_sources(["i" * 300])] == [("i" * 300,)]
    refuse_bare_orders(["i" * 300, f"{'i' * 300}.csv"], enabled=[], ignored_ends=[])


def test_where_nobody_gives_an_inventory_none_is_missing() -> None:
    assert check_sources([]) == check_sources(["/etc/ansible/hosts"]) == []


def test_a_name_that_nobody_has_is_told() -> None:
    told = check_limit(["SN-1", "!SN-2", "&lnie1", "SN-3"], ["SN-1", "SN-2", "line1"])
    assert [problem.hosts for problem in told] == [("lnie1",), ("SN-3",)]
    assert "did you mean line1?" in str(told[0])


def test_patterns_are_let_pass() -> None:
    assert check_limit(["SN-*", "~SN-[0-9]+", "@again.retry", "line1[0:3]", "!SN-?", "all"], ["all"]) == []
