# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check of a batch comes to: every problem in one message, or what the plays after it have to know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.problem import Problem, by_sentence
from ansible_collections.ioto.serialization.plugins.plugin_utils.errors import FailureKind
from ansible_collections.ioto.serialization.plugins.plugin_utils.modes import Mode
from ansible_collections.ioto.serialization.plugins.plugin_utils.preflight.result import (
    conclude,
    of_modes,
    without_value,
)

HOSTS: dict[str, dict[str, Any]] = {
    "m": {"ioto_mode": "manual"},
    "f": {"ioto_mode": "auto", "ioto_engine": "fleet"},
    "left": {"ioto_mode": "none"},
    "lost": {},
}
STARTED = datetime(2026, 11, 27, 11, 5, tzinfo=UTC)


def concluded(
    hosts: dict[str, dict[str, Any]], problems: list[Problem], report: dict[str, Any] | None = None
) -> dict[str, Any]:
    return conclude(hosts, problems, labelled=["m"], report=report, started=STARTED)


def test_all_modes_keep_the_host_that_has_none_so_that_it_is_told() -> None:
    assert list(of_modes(HOSTS, list(Mode))) == ["m", "f", "left", "lost"]
    assert list(of_modes(HOSTS, [*reversed(Mode)])) == ["m", "f", "left", "lost"]


def test_chosen_modes_leave_out_the_others() -> None:
    assert list(of_modes(HOSTS, ["manual", "none"])) == ["m", "left"]


def test_every_problem_is_a_line_and_the_count_is_on_top() -> None:
    problems = [*without_value({"a": ["x has no value.", "y has no value."]}), *by_sentence({"it is odd.": ["b", "c"]})]
    assert concluded(HOSTS, problems) == {
        "failed": True,
        "failure": "settings",
        "msg": "The batch has 3 problems, and no device was touched:\n"
        "- a: x has no value.\n- a: y has no value.\n- b, c: it is odd.",
    }
    assert concluded(HOSTS, problems[:1])["msg"].startswith("The batch has 1 problem, and ")


def test_a_batch_that_only_its_ledger_refuses_says_so_to_the_page() -> None:
    silent = Problem(("m", "f"), "The ledger x did not answer.", FailureKind.RECORDS)
    assert concluded(HOSTS, [silent, silent])["failure"] == "records"
    assert concluded(HOSTS, [silent, *by_sentence({"it is odd.": ["b"]})])["failure"] == "settings"


def test_a_sound_batch_names_the_hosts_of_each_play_and_when_it_began() -> None:
    hosts = {host: HOSTS[host] for host in ("m", "f", "left")}
    result = concluded(hosts, [])
    assert not result["changed"] and result["devices"] == 3 and result["started"] == "2026-11-27T11:05:00+00:00"
    assert {name: found for name, found in result["plays"].items() if found != ["!all"]} == {
        "manual": ["m"],
        "fleet": ["f"],
        "none": ["left"],
        "label": ["m"],
        "batch": ["m", "f", "left"],
    }


def test_a_run_with_a_report_has_a_play_for_it_and_one_without_a_checkpoint_has_none() -> None:
    plays = concluded({"m": HOSTS["m"]}, [], report={"dest": "report.html"})["plays"]
    assert plays["report"] == ["m"] and plays["checkpoint"] == ["!all"]


@pytest.mark.parametrize("hosts", [{}, {"left": {"ioto_mode": "none"}}])
def test_a_batch_with_nobody_to_do_is_no_success(hosts: dict[str, dict[str, Any]]) -> None:
    result = concluded(hosts, [])
    assert result["failed"] and result["msg"].startswith("There is nothing to do: ") and "plays" not in result
