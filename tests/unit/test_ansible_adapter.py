# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the adapter to Ansible does by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

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
