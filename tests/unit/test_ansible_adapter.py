# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the adapter to Ansible does by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.action import with_switches
from ansible_collections.ioto.serialization.plugins.plugin_utils.ansible_adapter.batch_action import _uninterrupted


@pytest.fixture
def come() -> Iterator[list[int]]:
    """The signals that were handled."""
    come: list[int] = []
    numbers = signal.SIGINT, signal.SIGTERM
    before = {number: signal.signal(number, lambda number, _frame: come.append(number)) for number in numbers}
    yield come
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_nothing_is_locked_and_then_comes_through(come: list[int], number: int) -> None:
    with _uninterrupted():
        os.kill(os.getpid(), number)
        assert come == []
    assert come == [number]

    os.kill(os.getpid(), number)
    assert come == [number, number]


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        *((yes, True) for yes in (True, "yes", "On", "TRUE", "1", "y", "t", 1, 1.0)),
        *((no, False) for no in (False, "no", "Off", "false", "0", "n", "f", 0)),
    ],
)
def test_a_word_that_ansible_takes_for_yes_or_no_is_a_bool_for_the_core(value: object, truth: bool) -> None:
    hosts = with_switches({"a": {"ioto_force": value, "ioto_serial": "1"}, "b": {}}, ["ioto_force"])
    assert hosts == {"a": {"ioto_force": truth, "ioto_serial": "1"}, "b": {}}
    assert isinstance(hosts["a"]["ioto_force"], bool)


@pytest.mark.parametrize("value", ["maybe", "", None, [], {}, 2])
def test_what_says_neither_yes_nor_no_is_left_for_a_check_to_refuse(value: object) -> None:
    assert with_switches({"a": {"ioto_force": value}}, ["ioto_force"]) == {"a": {"ioto_force": value}}
