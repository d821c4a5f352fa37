# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The production orders of a service are read again whatever changed of a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.service import allow_list
from ansible_collections.ioto.serialization.plugins.plugin_utils.service.allow_list import AllowList

PRODUCT = "01G8YJKKRNTHW213TRZYX3YH0M"


def write(file: Path, serial: str) -> None:
    file.write_text(f"serial,product\n{serial},{PRODUCT}\n", encoding="utf-8")
    os.utime(file, (1_700_000_000, 1_700_000_000))  # as whoever copies a file with its time


@pytest.mark.parametrize("how", ["written", "replaced"])
def test_an_order_of_the_same_size_and_time_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(allow_list, "LOOK_SECONDS", 0)
    order = tmp_path / "order.csv"
    write(order, "SN-1")
    units = AllowList([], [str(order)])
    assert units.objection(PRODUCT, "SN-1") is None
    if how == "written":
        write(order, "SN-2")
    else:
        write(tmp_path / "other", "SN-2")
        (tmp_path / "other").replace(order)
    assert units.objection(PRODUCT, "SN-2") is None
    assert units.objection(PRODUCT, "SN-1") is not None
