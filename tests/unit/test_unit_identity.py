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
from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.marks import IdentifyingMarks


def seen(serial: str | None = None, *interfaces: Interface) -> Observation:
    return Observation("present", {}, serial=serial, interfaces=interfaces)


ETH0 = Interface("eth0", "00:1b:21:33:44:55", False)
WLAN0 = Interface("wlan0", "00:1b:21:cc:dd:ee", False)


def test_the_serial_of_the_inventory_comes_first_and_the_board_is_remembered() -> None:
    assert identify(" SN-1 ", seen("board-7", ETH0), where="bench") == UnitIdentity(
        "SN-1", {"serial": "board-7", "mac": "00:1b:21:33:44:55"}, given=True
    )


def test_the_device_tree_serial_comes_before_the_mac() -> None:
    assert identify(None, seen("board-7", ETH0), where="bench").serial == "board-7"
    assert identify(None, seen(None, ETH0), where="bench").serial == "00:1b:21:33:44:55"


def test_a_wired_interface_comes_before_a_wireless_one_in_whatever_order_they_are_seen() -> None:
    assert identify(None, seen(None, WLAN0, ETH0), where="bench").serial == ETH0.mac
    assert identify(None, seen(None, WLAN0), where="bench").serial == WLAN0.mac


@pytest.mark.parametrize("serial", ["0000000000000000", "ffffffff", "0", "00-00-00", "", "0123456789ABCDEF"])
def test_a_serial_that_nobody_set_identifies_no_unit(serial: str) -> None:
    assert identify(None, seen(serial, ETH0), where="bench").serial == ETH0.mac


@pytest.mark.parametrize("serial", ["0x" * 100_000 + "z", "a" + "x" * 100_000 + "0000"])
def test_a_serial_without_end_is_judged_by_what_of_it_can_be_a_name(serial: str) -> None:
    # To its end, the one would need as many calls within calls, and the other the square of its length.
    assert identify(None, seen(serial, ETH0), where="bench").hardware == {"mac": ETH0.mac}
    assert identify(None, seen(f"board-7 {serial}"), where="bench").serial == f"board-7 {serial}"[:255]


@pytest.mark.parametrize(
    "interface",
    [
        Interface("eth0", "02:11:22:33:44:55", False),  # locally administered: another one after each start
        Interface("eth0", "01:00:5e:00:00:01", False),  # multicast
        Interface("eth0", "00:00:00:00:00:00", False),
        Interface("eth0", "not a mac", False),
        Interface("br0", "00:1b:21:33:44:55", True),
        Interface("lo", "00:1b:21:33:44:55", False),
    ],
)
def test_an_address_that_does_not_stay_with_the_unit_identifies_none(interface: Interface) -> None:
    with pytest.raises(UnitIdentityError, match=r"bench.*ioto_serial"):
        identify(None, seen(None, interface), where="bench")


@pytest.mark.parametrize("serial", ["", "   ", "a\nb", "x" * 256, "\x1b[31m"])
def test_a_serial_that_is_none_is_refused(serial: str) -> None:
    with pytest.raises(UnitIdentityError, match="correct it"):
        identify(serial, seen(), where="bench")


def test_every_address_of_its_own_is_a_mark_of_the_unit_and_that_of_an_adapter_is_none() -> None:
    adapter = Interface("eth1", "00:e0:4c:68:00:01", False, usb=True)
    passing = Interface("eth2", "00:e0:4c:68:00:02", False, passing=True)

    unit = identify(None, seen("board-7", WLAN0, adapter, ETH0, passing), where="bench")

    assert unit.hardware == {"serial": "board-7", "mac": ETH0.mac, "macs": [ETH0.mac, WLAN0.mac]}
    assert unit.members == {"serial": "board-7", "mac": ETH0.mac}


def test_what_a_jig_says_in_place_of_its_units_identifies_none() -> None:
    jig = IdentifyingMarks.without(["001b.2133.4455", "Board-7"])

    assert identify(None, seen("board-7", ETH0, WLAN0), where="bench", marks=jig).hardware == {"mac": WLAN0.mac}
    with pytest.raises(UnitIdentityError, match="identifies no unit"):
        identify("BOARD-7", seen(), where="bench", marks=jig)


def test_a_unit_that_somebody_or_its_serial_names_is_more_than_its_address() -> None:
    assert identify(None, seen(None, ETH0), where="bench").is_a_mac
    assert not identify(None, seen("board-7", ETH0), where="bench").is_a_mac
    assert not identify("SN-1", seen(None, ETH0), where="bench").is_a_mac
