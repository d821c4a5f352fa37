# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every board may have identifies none, in whatever notation it is written."""

from __future__ import annotations

import pytest

from ansible_collections.ioto.serialization.plugins.plugin_utils.identity.marks import (
    PLACEHOLDERS,
    IdentifyingMarks,
    normal_mac,
)

MARKS = IdentifyingMarks()


@pytest.mark.parametrize(
    "text",
    ["00:1b:21:3a:40:0f", "00:1B:21:3A:40:0F", "00-1b-21-3A-40-0f", "001b.213a.400f", "001B213A400F", " 001b213a400f "],
)
def test_a_mac_has_one_form_whatever_its_notation(text: str) -> None:
    assert normal_mac(text) == "00:1b:21:3a:40:0f"


@pytest.mark.parametrize(
    "text", ["", "SN-1", "00:1b:21:3a:40", "00:1b-21:3a-40:0f", "00:1b:21:3a:40:0g", "001b213a400f1"]
)
def test_what_is_no_mac_has_none(text: str) -> None:
    assert normal_mac(text) is None


@pytest.mark.parametrize(
    "serial",
    [
        *PLACEHOLDERS,
        *("", "   ", "-", "0", "00", "0000-0000", "ffffffff", "XXXX-XXXX", "11111111", "?????", "xxx"),
        *("0123456789ABCDEF", "0123456789", "123456789", "1234567890", "9876543210", "01234567890123456789AB"[:20]),
        *("fedcba9876543210", "ABCDEFGH", "01:23:45:67:89:AB"),
        *("TO BE FILLED BY O.E.M.", "default_string", "N.A.", "system  serial number", "Unknown", "NONE"),
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
    ],
)
def test_a_serial_that_merely_looks_plain_identifies_its_unit(serial: str) -> None:
    assert MARKS.has_serial(serial)


@pytest.mark.parametrize(
    "mac", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01", "12:34:56:78:9a:bc"]
)
def test_an_address_of_everybody_or_of_a_group_identifies_nothing(mac: str) -> None:
    assert not MARKS.has_mac(mac)


def test_more_can_be_named_that_identify_nothing_in_any_notation() -> None:
    marks = IdentifyingMarks.without(["08-00-27-00-01-93", "Eval Board", ""])

    assert not marks.has_mac("08:00:27:00:01:93") and not marks.has_serial("evalboard")
    assert marks.has_mac("08:00:27:00:01:94") and marks.has_serial("evalboard2")
    assert MARKS.has_mac("08:00:27:00:01:93")
