# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MAC address is one in all notations, and a serial that is counted in hex digits stays what it is."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.mac_addresses import (
    is_same_serial,
    normal_mac,
    normal_serial,
    notations,
)

MAC = "00:1b:21:aa:00:01"
NOTATIONS = (
    *(MAC, MAC.upper(), "0:1b:21:aa:0:1", "0:1B:21:AA:0:1", "00-1b-21-aa-00-01", "00-1B-21-AA-00-01", "0-1b-21-aa-0-1"),
    *("001b.21aa.0001", "001B.21AA.0001", "001b21aa0001", "001B21AA0001", "001b21-aa0001", "001B21:AA0001"),
    *("001b21.aa0001", "001b-21aa-0001", "001b:21aa:0001"),
)


@pytest.mark.parametrize("text", [*NOTATIONS, f" {MAC.upper()}\t"])
def test_a_mac_has_one_form_whatever_its_notation(text: str) -> None:
    assert normal_mac(text) == normal_serial(text) == MAC
    assert is_same_serial(text, MAC)


@pytest.mark.parametrize(
    "text",
    ["", "SN-1", "00:1b:21:3a:40", "00:1b-21:3a-40:0f", "00:1b:21:3a:40:0g", "001b213a400f1", "0.1.2.3.4.5", "1::2::3"],
)
def test_what_is_no_mac_has_none(text: str) -> None:
    assert normal_mac(text) is None
    assert normal_serial(text) == text


@pytest.mark.parametrize(
    "serial",
    [
        *("112233445566", "001122334455", "202611270001"),  # digits alone, as they are counted
        *("202611-270001", "2026-1127-0001", "26-11-27-1-5-9", "27-11-26-14-05-59", "2126.1127.0001"),
        *("A1B2C3D4E5F6", "a1b2c3d4e5f6"),  # it would be an address of a group
    ],
)
def test_a_serial_that_only_looks_like_one_stays_as_it_is(serial: str) -> None:
    assert normal_serial(serial) == serial
    assert notations(serial) == (serial,)


def test_a_ledger_is_asked_for_every_notation_of_a_mac() -> None:
    assert set(NOTATIONS) <= set(notations(MAC))
    assert notations(MAC)[0] == MAC
    assert "001122334455" not in notations("00:11:22:33:44:55")


def test_no_name_is_of_no_unit() -> None:
    assert not is_same_serial(None, None)
    assert not is_same_serial(None, MAC)
