# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What identifies a unit, and what looks as if it did."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.device.device import Interface, Observation
from ansible_collections.ioto.serialization.plugins.plugin_utils.device.unit_identity import (
    UnitIdentity,
    UnitIdentityError,
    identify,
)


def seen(serial: str | None = None, *interfaces: Interface) -> Observation:
    return Observation("present", {}, serial=serial, interfaces=interfaces)


ETH0 = Interface("eth0", "00:11:22:33:44:55", False)
WLAN0 = Interface("wlan0", "00:aa:bb:cc:dd:ee", False)


def test_the_serial_of_the_inventory_comes_first_and_the_board_is_remembered() -> None:
    assert identify(" SN-1 ", seen("board-7", ETH0), where="bench") == UnitIdentity(
        "SN-1", {"serial": "board-7", "mac": "00:11:22:33:44:55"}
    )


def test_the_device_tree_serial_comes_before_the_mac() -> None:
    assert identify(None, seen("board-7", ETH0), where="bench").serial == "board-7"
    assert identify(None, seen(None, ETH0), where="bench").serial == "00:11:22:33:44:55"


def test_a_wired_interface_comes_before_a_wireless_one_in_whatever_order_they_are_seen() -> None:
    assert identify(None, seen(None, WLAN0, ETH0), where="bench").serial == ETH0.mac
    assert identify(None, seen(None, WLAN0), where="bench").serial == WLAN0.mac


@pytest.mark.parametrize("serial", ["0000000000000000", "ffffffff", "0", "00-00-00", ""])
def test_a_serial_that_nobody_set_identifies_no_unit(serial: str) -> None:
    assert identify(None, seen(serial, ETH0), where="bench").serial == ETH0.mac


@pytest.mark.parametrize(
    "interface",
    [
        Interface("eth0", "02:11:22:33:44:55", False),  # locally administered: another one after each start
        Interface("eth0", "01:00:5e:00:00:01", False),  # multicast
        Interface("eth0", "00:00:00:00:00:00", False),
        Interface("eth0", "not a mac", False),
        Interface("br0", "00:11:22:33:44:55", True),
        Interface("lo", "00:11:22:33:44:55", False),
    ],
)
def test_an_address_that_does_not_stay_with_the_unit_identifies_none(interface: Interface) -> None:
    with pytest.raises(UnitIdentityError, match=r"bench.*ioto_serial"):
        identify(None, seen(None, interface), where="bench")


@pytest.mark.parametrize("serial", ["", "   ", "a\nb", "x" * 256, "\x1b[31m"])
def test_a_serial_that_is_none_is_refused(serial: str) -> None:
    with pytest.raises(UnitIdentityError, match="correct it"):
        identify(serial, seen(), where="bench")


def test_another_board_under_the_same_serial_is_seen_by_its_strongest_mark() -> None:
    unit = UnitIdentity("SN-1", {"serial": "board-7", "mac": "00:11:22:33:44:55"})

    assert unit.contradicts({"serial": "board-8"}) == "serial"
    assert unit.contradicts({"serial": "board-7", "mac": "another network card"}) is None
    assert unit.contradicts({"mac": "00:11:22:33:44:66"}) == "mac"
    assert unit.contradicts({}) is None
