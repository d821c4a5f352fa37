# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of one run that are one unit are not done, whichever came first and whatever told of it."""

from __future__ import annotations

from typing import Any

from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.results import sum_up
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.summary import Fate, summarize
from ansible_collections.ioto.serialization.plugins.plugin_utils.batch.twins import without_twins

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"
MAC = "00:1b:21:3a:40:01"


def done(unit: str, *, changed: bool = True, **hardware: object) -> dict[str, Any]:
    return {"changed": changed, "product": PRODUCT, "serial": unit, "hardware": hardware}


def failed(**outcome: object) -> dict[str, Any]:
    return {"failed": True, "msg": "It failed.", **outcome}


def twins(**outcomes: dict[str, Any]) -> dict[str, str]:
    judged = without_twins(outcomes)
    return {host: str(judged[host]["msg"]) for host in outcomes if judged[host] != outcomes[host]}


def test_hosts_that_are_as_different_as_they_should_be_stay_as_they_are() -> None:
    alike = failed(), failed(), {"unreachable": True}, {"skipped": True}, {}
    assert (
        twins(
            a=done("1", mac=MAC), b=done("2", mac=f"{MAC[:-1]}2"), c=done("3"), **dict(zip("defgh", alike, strict=True))
        )
        == {}
    )


def test_one_serial_or_one_address_makes_twins_and_each_names_the_others() -> None:
    for outcomes in (
        {"a": done("1"), "b": done("1", changed=False)},
        {"a": done("1", mac=MAC), "b": done("2", mac=MAC)},
        {"a": done("1", serial="board"), "b": done("2", serial="board")},
        {"a": done("1", mac=MAC), "b": done("2", mac="00:1b:21:3a:40:00", macs=["00:1b:21:3a:40:00", MAC])},
        {"a": done("1", mac=MAC), "b": failed(hardware={"mac": MAC})},
        {"a": done("1"), "b": failed(twin="a")},
    ):
        found = twins(**outcomes, c=done("9"))
        assert set(found) == {"a", "b"}
        assert "It and b say" in found["a"] and "It and a say" in found["b"]


def test_a_serial_counts_among_the_boards_of_its_product_as_the_ledger_has_it() -> None:
    other = {**done("2", serial="1234", mac=f"{MAC[:-1]}2"), "product": "01G8YJKKRNTHW213TRZYX3YH0N"}
    assert twins(a=done("1", serial="1234", mac=MAC), b=other) == {}


def test_the_remedy_is_one_for_what_they_have_in_common() -> None:
    unit = twins(a=done("1"), b=done("1"))["a"]
    board = twins(a=done("1", mac=MAC), b=done("2", mac=MAC))["a"]
    both = twins(a=done(MAC, mac=MAC), b=done(MAC, mac=MAC))["a"]

    assert "ioto_serial" in unit and "ioto_shared_hardware" not in unit
    assert "ioto_serial" not in board and "ioto_shared_hardware" in board
    assert "ioto_serial" in both and "ioto_shared_hardware" in both


def test_three_of_a_kind_name_each_other() -> None:
    found = twins(a=done("1"), b=failed(twin="a"), c=failed(twin="a"), d=done("2"))
    assert "It and b, c say" in found["a"] and set(found) == {"a", "b", "c"}


def test_a_twin_that_was_done_is_not_said_to_be_in_the_summary() -> None:
    hosts = {
        host: {"ioto_mode": "manual", "ioto_outcome": outcome}
        for host, outcome in {"a": done("1"), "b": failed(twin="a"), "c": {**done("2"), "rewritten": True}}.items()
    }

    summary = summarize(hosts, check=False)

    assert summary.lines[0] == "3 devices: 1 done (1 re-written), 0 already done, 2 failed, 0 unreachable."
    assert summary.fates == {"a": Fate.FAILED, "b": Fate.FAILED, "c": Fate.DONE}
    assert set(summary.not_done) == {"a", "b"}


def test_a_twin_that_was_done_is_not_said_to_be_by_the_task_for_all_hosts() -> None:
    result = sum_up([{"host": "a", **done("1")}, {"host": "b", **failed(twin="a")}], "device")

    assert result["msg"].startswith("2 devices: 0 changed, 0 already done, 2 failed")
    assert result["failed"] and all(one["failed"] for one in result["results"])
