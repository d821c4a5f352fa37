# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every board may have identifies none, whatever the notation."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.marks import (
    PLACEHOLDERS,
    IdentifyingMarks,
)

MARKS = IdentifyingMarks()


@pytest.mark.parametrize(
    "serial",
    [
        *PLACEHOLDERS,
        *("", "   ", "-", "0", "00", "0000-0000", "ffffffff", "XXXX-XXXX", "11111111", "?????", "xxx"),
        *("0123456789ABCDEF", "0123456789", "123456789", "1234567890", "9876543210", "01234567890123456789AB"[:20]),
        *("fedcba9876543210", "ABCDEFGH", "01:23:45:67:89:AB"),
        *("TO BE FILLED BY O.E.M.", "default_string", "N.A.", "system  serial number", "Unknown", "NONE"),
        *("System manufacturer", "System Product Name", "Base Board Asset Tag", "chassis_version", "SKU"),
        *("SN0000000000", "SN-0000", "ABC-00000000", "SNXXXXXXXX", "PCB-FFFF", "SN-11111111", "A0000000", "rev-999999"),
        *("0x00000000", "0x0", "0x", "0xFFFFFFFF", "0xdeadbeef", "0x12345678"),
        *("SSN12345678901234567", "BSN-12345678", "MB-1234567890", "S/N: unknown", "Serial: none", "serial no. N/A"),
        *("00:00:00:00:00:00", "0-0-0-0-0-0", "FF-FF-FF-FF-FF-FF", "ffff.ffff.ffff", "01:00:5e:00:00:01"),
        *("00:11:22:33:44:55", "00-11-22-33-44-55", "10:20:30:40:50:60", "00:90:4c:11:22:33", "000C43762058"),
        *("00:1b:21:12:34:56", "0001.0203.0405", "AABBCCDDEEFF", "00:12:34:56:78:9a", "00:e0:4c:81:96:c1"),
        *("01005E000001", "33:33:00:00:00:01", "02:00:00:00:00:00", "0000.0000.0001", "2:0:0:0:0:0"),
    ],
)
def test_a_placeholder_identifies_nothing(serial: str) -> None:
    assert not MARKS.has_serial(serial)


@pytest.mark.parametrize(
    "serial",
    [
        "SN-1",
        "1",
        "7",
        "11",
        "123",
        "12345",
        "123457",
        "00000001",
        "10000000d1e7",
        "SN-123456",
        "A0A0A0A0",
        "seRiAl-7",
        "É",
        *("SN-0001", "SN-1111", "A0000", "SN-000001", "SN-1234567", "0x1", "0x10000001", "SN-X", "BOX-1", "system-7"),
        *("112233445566", "201126000001", "21-11-27-14-05-59", "2026-1127-0001", "202611-270001", "a1b2c3d4e5f6"),
        *("00:1B:21:AA:00:01", "001b.21aa.0001", "unit 0000 of 7"),
    ],
)
def test_a_serial_that_merely_looks_plain_identifies_its_unit(serial: str) -> None:
    assert MARKS.has_serial(serial)


@pytest.mark.parametrize(
    "mac", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01", "12:34:56:78:9a:bc"]
)
def test_an_address_of_everybody_or_of_a_group_identifies_nothing(mac: str) -> None:
    assert not MARKS.has_mac(mac)


@pytest.mark.parametrize(
    "mac",
    [
        *("02:00:00:00:00:00", "00:00:00:00:00:01", "00:00:00:00:00:ff", "02:00:00:00:00:05", "00:e0:4c:00:00:00"),
        *("00:1b:21:ff:ff:ff", "5a:5a:5a:5a:5a:5a", "00:01:02:03:04:05", "aa:bb:cc:dd:ee:ff", "00:de:ad:be:ef:01"),
        *("de:ad:be:ef:00:07", "00:ca:fe:ba:be:00"),
    ],
)
def test_an_address_that_nobody_programmed_identifies_nothing(mac: str) -> None:
    assert not MARKS.has_mac(mac)
    assert not MARKS.has_serial(mac.replace(":", "-").upper())


def test_a_maker_s_first_and_later_addresses_are_devices_own() -> None:
    assert all(map(MARKS.has_mac, ("00:1b:21:00:00:01", "00:1b:21:aa:00:01", "00:00:0c:07:ac:01", "02:00:5e:10:00:01")))


def test_more_can_be_named_that_identify_nothing_in_any_notation() -> None:
    marks = IdentifyingMarks.without(["8:0:27:0:1:93", "Eval Board", ""])

    assert not marks.has_mac("08:00:27:00:01:93") and not marks.has_serial("evalboard")
    assert marks.has_mac("08:00:27:00:01:94") and marks.has_serial("evalboard2")
    assert MARKS.has_mac("08:00:27:00:01:93")
